"""Openverse, Google's Programmable Search and lists of URLs, as servers on this machine speak for them."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from commons_like import File
from culturebench.params.collect import Collect, GoogleSource, OpenverseSource, UrlsSource
from culturebench.sources.base import SourceError
from culturebench.sources.licences import UNKNOWN, normalise
from culturebench.sources.queries import Asked, Query, queries
from loopback import Server
from search_like import KEY, OPENVERSE_LICENCES, GoogleLike, OpenverseLike
from web_rules import RULES


@pytest.fixture(scope="module")
def plain(files: list[File]) -> list[File]:
    return [file for file in files if not file.manner]


def openverse(server: OpenverseLike, **changes: Any) -> OpenverseSource:
    return OpenverseSource(kind="openverse", url=f"{server.url}/v1/images/", **changes)


def google(server: GoogleLike, **changes: Any) -> GoogleSource:
    return GoogleSource(kind="google_cse", url=f"{server.url}/customsearch/v1", engine="cx", **changes)


@pytest.mark.parametrize("token", [KEY, None])
def test_openverse_gives_every_picture_with_its_licence_with_and_without_a_token(
    token: str | None, plain: list[File], sources: Any, words: list[Query]
) -> None:
    with OpenverseLike(plain) as server, sources(server, secrets={"OPENVERSE_ACCESS_TOKEN": token}) as web:
        found = {one.file_url: one for one in web.open(openverse(server)).find("vn")}
        assert len(found) == len(plain)
        for file in plain:
            one = found[f"{server.url}/files/{quote(file.title.removeprefix('File:'))}"]
            code, version = OPENVERSE_LICENCES[file.finding.index % len(OPENVERSE_LICENCES)]
            assert one.data == file.data
            wanted = {"cc0": "CC0-1.0", "pdm": "CC-PDM-1.0"}.get(code, f"CC-{code.upper()}-{version}")
            assert normalise(one.licence_text) == wanted
            assert one.page_url == f"{server.url}/photos/{file.finding.index}"
        sent = [headers.get("Authorization") for path, headers in server.headers_of.items() if "/v1/" in path]
        assert set(sent) == {token and f"Bearer {token}"}


def test_openverse_is_asked_page_by_page_until_enough(plain: list[File], sources: Any) -> None:
    alone = [File(**{**vars(file), "words": ("Ha Long Bay",)}) for file in plain]
    with OpenverseLike(alone) as server, sources(server) as web:
        assert len(list(web.open(openverse(server, per_query=50)).find("vn"))) == 50
        pages = [path for path in server.asked if "Ha+Long+Bay" in path]
        assert len(pages) == 3 and pages == sorted(pages)


@pytest.mark.parametrize(("token", "given"), [(None, 240), (KEY, 300)])
def test_openverse_is_asked_for_no_more_than_it_gives(
    token: str | None, given: int, plain: list[File], sources: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [
        replace(plain[n % len(plain)], title=f"File:{n}.jpg", words=("Ha Long Bay",) if n < 300 else ("x",))
        for n in range(310)
    ]
    with OpenverseLike(many) as server, sources(server, secrets={"OPENVERSE_ACCESS_TOKEN": token}) as web:
        found = list(web.open(openverse(server, per_query=300)).find("vn"))
    assert len(found) == given and not any(one.error for one in found)
    told = "openverse gives 240 pictures of a query, not 300; with a token in OPENVERSE_ACCESS_TOKEN more"
    assert (told in capsys.readouterr().err) == (token is None)


def test_google_is_asked_by_tens_up_to_a_hundred(plain: list[File], sources: Any) -> None:
    alone = [File(**{**vars(file), "words": ("Ha Long Bay",)}) for file in plain]
    with GoogleLike(alone) as server, sources(server) as web:
        found = list(web.open(google(server, per_query=100, rights="cc_publicdomain")).find("vn"))
        assert len(found) == 100
        assert all(normalise(one.licence_text) == UNKNOWN and "/page/" in one.page_url for one in found)
        asked = [path for path in server.asked if "Ha+Long+Bay" in path]
        assert len(asked) == 10 and all("rights=cc_publicdomain" in path and "cx=cx" in path for path in asked)


def test_what_a_service_leaves_out_or_says_as_nonsense_spoils_no_other_picture(plain: list[File], sources: Any) -> None:
    odd: list[dict[str, Any]] = [{"link": "http://[::1"}, {"link": None}, {"title": "x"}, {"link": "x", "image": None}]
    with GoogleLike(plain) as server, sources(server) as web:
        genuine = server._item
        server._item = lambda file: odd[file.finding.index] if file.finding.index < 4 else genuine(file)  # type: ignore[method-assign]
        found = {one.file_url: one.error for one in web.open(google(server)).find("vn")}
    assert found.pop("http://[::1") == "bad_url" and found.pop("x") == "scheme"
    assert len(found) > 50 and not any(found.values())
    with OpenverseLike(plain) as server, sources(server) as web:
        whole = server._result
        silent = dict.fromkeys(
            ("id", "title", "foreign_landing_url", "creator", "license", "license_version", "source")
        )
        server._result = lambda file: whole(file) | (silent if file.finding.index % 2 else {})  # type: ignore[method-assign]
        rows = list(web.open(openverse(server)).find("vn"))
    assert len(rows) == len(plain) and all(one.data for one in rows)


def test_a_key_is_in_no_url_no_log_no_error_and_nothing_that_is_kept(
    plain: list[File], sources: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with GoogleLike(plain, quota=3) as server, sources(server) as web:
        with pytest.raises(SourceError, match="answered 429") as failed:
            list(web.open(google(server)).find("vn"))
        assert len(server.headers_of) == 4
        assert not any(KEY in path for path in server.asked)
        assert len(caplog.records) > 3
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) == 3 and not any(KEY.encode() in content for content in kept)
    chain = [failed.value, failed.value.__cause__, failed.value.__context__]
    assert KEY not in caplog.text and not any(KEY in repr(error) + str(error) for error in chain)


def test_after_a_used_up_quota_the_next_day_goes_on_where_it_stopped(plain: list[File], sources: Any) -> None:
    with GoogleLike(plain, quota=5) as server:
        with sources(server) as web, pytest.raises(SourceError):
            list(web.open(google(server)).find("vn"))
        server.quota = 1000
        with sources(server) as web:
            found = list(web.open(google(server)).find("vn"))
        assert {one.data for one in found} == {file.data for file in plain}
        assert all(server.asked.count(path) == 1 for path in server.asked[:5])


def test_without_its_key_google_is_refused_before_anything_is_asked(plain: list[File], sources: Any) -> None:
    with GoogleLike(plain) as server, sources(server, secrets={}) as web:
        with pytest.raises(SourceError, match="GOOGLE_API_KEY"):
            web.open(google(server))
        assert server.asked == []


def test_a_wrong_key_is_said_to_be_refused(plain: list[File], sources: Any) -> None:
    with GoogleLike(plain) as server, sources(server, secrets={"GOOGLE_API_KEY": "wrong"}) as web:
        with pytest.raises(SourceError, match="answered 400"):
            list(web.open(google(server)).find("vn"))
        assert len(server.asked) == 1


def test_a_manifest_of_urls_gives_its_region_with_licence_and_captions(
    plain: list[File], sources: Any, tmp_path: Path
) -> None:
    with Server(
        lambda path, request: request.send(plain[0].data) if ".jpg" in path else request.send(b"", 404)
    ) as server:
        lines = [
            {"file": f"{server.url}/a%20b.jpg", "region": "vn", "licence": "CC BY 4.0", "noun": "cái bát"},
            {"file": f"{server.url}/c.jpg", "region": "vn", "source_url": "https://example.org/c", "author": "Ann"},
            {"file": f"{server.url}/d.jpg", "region": "jp"},
            {"file": "http://[::1", "region": "vn"},
            {"file": "file:///etc/passwd", "region": "vn"},
        ]
        manifest = tmp_path / "list.jsonl"
        manifest.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
        source = UrlsSource(kind="urls", path=str(manifest), licence="CC0", author="Bob")
        with sources(server) as web:
            found = {one.file_url: one for one in web.open(source).find("vn")}
    assert len(found) == 4
    first, second = found[lines[0]["file"]], found[lines[1]["file"]]
    assert (first.file_name, first.licence_text, first.author) == ("a b.jpg", "CC BY 4.0", "Bob")
    assert (second.page_url, second.licence_text, second.author) == ("https://example.org/c", "CC0", "Ann")
    assert first.data == plain[0].data and first.about.captions["noun"]["text"] == "cái bát"
    assert [found[line["file"]].error for line in lines[3:]] == ["bad_url", "scheme"]


def test_a_line_without_a_region_is_named(sources: Any, tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text("file\nhttp://a.example/x.jpg\n")
    with sources() as web, pytest.raises(SourceError, match=r"list\.csv:2: `region` is empty"):
        list(web.open(UrlsSource(kind="urls", path=str(manifest))).find("vn"))


def test_nobody_asks_the_web_without_saying_who_they_are() -> None:
    settings = {"snapshot": "x", "min_ok": 0, "sources": [{"kind": "commons"}]}
    with pytest.raises(ValidationError, match=r"need `web\.contact`"):
        Collect.model_validate({**settings, "web": {**RULES, "contact": None}})
    for contact in ("nobody", "a b@c", "x\r\ny@z"):
        with pytest.raises(ValidationError, match="contact"):
            Collect.model_validate({**settings, "web": {**RULES, "contact": contact}})
    assert Collect.model_validate({**settings, "web": RULES}).web.contact == "tests@example.org"


def test_every_keyword_is_asked_once_and_stands_for_all_that_it_belongs_to() -> None:
    named = {"name": "Bát Tràng", "local_name": "Bát Tràng"}
    content = {
        "iso": ["VN"],
        "language": "vi",
        "keywords": {"crafts": {"local": ["gốm"], "en": ["pottery"]}, "food": {"local": ["phở", "gốm"], "en": ["phở"]}},
        "subdivisions": {"bat_trang": {**named, "keywords": {"local": ["gốm"], "en": ["blue glaze"]}}},
    }
    assert queries(Asked.model_validate(content)) == [
        Query("gốm", "vi", "crafts", "bat_trang"),
        Query("pottery", "en", "crafts"),
        Query("phở", "vi", "food"),
        Query("phở", "en", "food"),
        Query("blue glaze", "en", "", "bat_trang"),
    ]
