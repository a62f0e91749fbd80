"""Wikimedia Commons and Wikipedia, as a server on this machine speaks for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from commons_like import CommonsLike, File
from culturebench.params.collect import CommonsSource, WikipediaSource
from culturebench.sources.base import Found, SourceError
from culturebench.sources.licences import UNKNOWN, normalise
from culturebench.sources.queries import Query
from loopback import Server


def commons(server: CommonsLike, **changes: Any) -> CommonsSource:
    return CommonsSource(kind="commons", url=server.api, **changes)


def by_name(found: list[Found]) -> dict[str, Found]:
    names = Counter(one.file_name for one in found)
    assert max(names.values()) == 1
    return {one.file_name: one for one in found}


def test_every_file_ends_as_a_row_with_the_reason_that_its_server_gave(files: list[File], sources: Any) -> None:
    with CommonsLike(files) as server, sources(server) as web:
        found = by_name(list(web.open(commons(server)).find("vn")))
        assert {name: one.error for name, one in found.items()} == server.expected()
        for file in files:
            one = found[file.title.removeprefix("File:")]
            assert one.data == (None if one.error else file.data)
            assert (one.picture_id is None) == (one.data is not None)


def test_a_row_says_where_a_picture_is_from_and_whose_it_is(
    files: list[File], sources: Any, words: list[Query]
) -> None:
    with CommonsLike(files) as server, sources(server) as web:
        found = by_name(list(web.open(commons(server)).find("vn")))
        texts = {query.text for query in words}
        for file in files:
            one = found[file.title.removeprefix("File:")]
            assert one.author == f"Painter & sons {file.finding.index % 40}"
            assert one.page_url.startswith(f"{server.url}/wiki/File")
            category = one.about.found_in
            assert one.query in (texts & set(file.words) if not category else texts)
            assert category in ("", file.category.removeprefix("Category:"))
            assert one.about.query_language in ("vi", "en")
            short, url = file.licence
            known = normalise(short) if normalise(short) != UNKNOWN else normalise(url)
            assert normalise(one.licence_text) == known


def test_paging_gives_each_file_once_and_no_more_than_asked_for(files: list[File], sources: Any) -> None:
    plain = [file for file in files if not file.manner]
    with CommonsLike(plain) as server, sources(server) as web:
        everything = [one.file_name for one in web.open(commons(server, per_query=6, categories=0)).find("vn")]
        searched = [asked for asked in server.asked if "generator=search" in asked]
        assert len(set(everything)) == len(everything) > 20
        assert any("iicontinue" in asked for asked in searched)  # properties of one batch in two replies
        assert all("maxlag=5" in asked for asked in server.asked if "/api.php" in asked)
    lone = [replace(file, words=("Ha Long Bay",)) for file in plain]
    with CommonsLike(lone) as server, sources(server) as web:
        all_of_one = list(web.open(commons(server, per_query=70, categories=0)).find("vn"))
        assert len(all_of_one) == 70
        assert any("gsroffset=50" in asked for asked in server.asked)


def test_categories_are_walked_as_deep_as_asked_for_and_a_circle_ends(files: list[File], sources: Any) -> None:
    few = [replace(file, words=("Ha Long Bay",)) for file in files if not file.manner][:30]
    with CommonsLike(few) as server, sources(server) as web:
        shallow = list(web.open(commons(server, categories=1, depth=0, per_query=1)).find("vn"))
        deep = list(web.open(commons(server, categories=50, depth=5, per_query=1000)).find("vn"))
        assert len(shallow) < len(deep) == len(few)


def test_an_error_of_the_wiki_ends_with_one_sentence_and_nothing_kept_is_asked_again(
    files: list[File], sources: Any
) -> None:
    broken: list[bool] = []
    with CommonsLike(files[:20], faults=False) as server:
        genuine = server._query

        def answer(params: Any) -> dict[str, Any]:
            if broken and params.get("gsrsearch", "").startswith("Ha Long Bay"):
                return {"error": {"code": "internal_api_error", "info": "<b>Boom</b>"}}
            return genuine(params)

        server._query = answer  # type: ignore[method-assign]
        broken.append(True)
        with (
            sources(server) as web,
            pytest.raises(SourceError, match=r"127\.0\.0\.1: the wiki says: Boom.*run the stage"),
        ):
            list(web.open(commons(server)).find("vn"))
        asked = set(server.asked)
        broken.clear()
        with sources(server) as web:
            assert len(list(web.open(commons(server)).find("vn"))) == 20
        again = [path for path, times in Counter(server.asked).items() if times > 1 and path in asked]
        assert all("Ha+Long+Bay" in path for path in again) and again


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b'{"query":{"pages":{"1":{}}}}', b'{"query":{"pages":[{"pageid":1}]}}', b"\xff\xfe", b"null"],
)
def test_a_reply_of_another_shape_is_refused(body: bytes, sources: Any) -> None:
    with Server(lambda _, request: request.send(body)) as server, sources(server) as web:
        source = CommonsSource(kind="commons", url=f"{server.url}/w/api.php")
        with pytest.raises(SourceError, match="not the JSON that was expected"):
            list(web.open(source).find("vn"))


def test_an_api_that_has_moved_is_not_followed(sources: Any) -> None:
    with Server(lambda _, request: request.redirect("http://127.0.0.1:9/")) as server, sources(server) as web:
        moved = web.open(CommonsSource(kind="commons", url=f"{server.url}/w/api.php"))
        with pytest.raises(SourceError, match="has moved"):
            list(moved.find("vn"))


def test_the_same_label_gives_the_same_without_the_web_and_a_new_one_asks_again(
    files: list[File], sources: Any
) -> None:
    with CommonsLike(files) as server:
        with sources(server, workers=1) as web:
            first = list(web.open(commons(server)).find("vn"))
            web.seal()
        asked = len(server.asked)
        with sources(server, label="second") as web:
            assert list(web.open(commons(server)).find("vn")) == first
        assert len(server.asked) > asked
    # The server is gone now.
    with sources(server, workers=7) as web:
        assert list(web.open(commons(server)).find("vn")) == first
    with sources(server, label="third") as web, pytest.raises(SourceError):
        list(web.open(commons(server)).find("vn"))


def test_without_a_seal_what_may_pass_is_tried_again_and_nothing_else(files: list[File], sources: Any) -> None:
    with CommonsLike(files) as server:
        for _ in range(2):
            with sources(server) as web:
                list(web.open(commons(server)).find("vn"))
        served = [path for path in server.asked if path.startswith("/files/")]
        cut = {f"File:{one}" for one, error in server.expected().items() if error == "cut_off"}
        once = {file.title for file in files if not file.manner}
    times = Counter(served)
    for path, count in times.items():
        title = next(title for title in server.files if path.endswith(_quoted(title)))
        if title in once:
            assert count == 1
        if title in cut:
            assert count == 2 * 3


def _quoted(title: str) -> str:
    return quote(title.removeprefix("File:"))


def test_what_was_taken_down_is_a_row_without_bytes_and_leaves_the_store(
    files: list[File], sources: Any, tmp_path: Path
) -> None:
    gone = next(file for file in files if not file.manner)
    with CommonsLike(files) as server, sources(server, removed={gone.sha256: "asked by its author"}) as web:
        found = by_name(list(web.open(commons(server)).find("vn")))
    one = found[gone.title.removeprefix("File:")]
    assert (one.data, one.error, one.picture_id) == (None, "removed", gone.sha256)
    assert not any(gone.data in path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())


def test_bytes_that_were_lost_or_damaged_are_fetched_again(files: list[File], sources: Any, tmp_path: Path) -> None:
    plain = [file for file in files if not file.manner][:10]
    with CommonsLike(plain) as server:
        with sources(server) as web:
            first = list(web.open(commons(server)).find("vn"))
        lost = next(
            path for path in (tmp_path / "store").rglob("*") if path.is_file() and plain[0].data in path.read_bytes()
        )
        lost.write_bytes(b"damaged")
        with sources(server) as web:
            assert list(web.open(commons(server)).find("vn")) == first


#: What file pages say of their authors, and what a reader sees.
AUTHORS = {
    "<bdi>Unknown author<span style='display: none;'>Unknown author</span></bdi>": "Unknown author",
    "Painter X<br />Photo Y": "Painter X, Photo Y",
    "<ul><li>Painter X</li>\n<li>Photo <b>Y</b></li></ul>": "Painter X, Photo Y",
    "<div>Painter X,</div><div hidden><p>1850<br>x</div><div>Photo Y</div>": "Painter X, Photo Y",
    "<table><tr><td>Artist</td><td><a href='x'>X</a> &amp; sons</td></tr></table>": "Artist, X & sons",
    "<span style='VISIBILITY:hidden'>date<br>QS:P571</span>X<script>x</script>": "X",
}


def test_an_author_is_what_a_reader_sees_and_a_null_in_one_page_spoils_no_other(
    files: list[File], sources: Any
) -> None:
    plain = [file for file in files if not file.manner][:20]
    odd: list[Any] = [
        {"Artist": None}, {"Artist": {"value": None}},
        {"LicenseShortName": {"value": True}, "Artist": {"value": ["x"]}}, {"Credit": None, "Artist": None},
    ]  # fmt: skip
    said = [{"Artist": {"value": html}} for html in AUTHORS]
    with CommonsLike(plain) as server, sources(server) as web:
        server.metadata = {file.title: fields for file, fields in zip(plain, odd + said, strict=False)}
        found = by_name(list(web.open(commons(server)).find("vn")))
    authors = [found[file.title.removeprefix("File:")].author for file in plain]
    assert len(found) == 20 and all(one.data for one in found.values())
    assert authors[:4] == ["Own work", "Own work", "Own work", ""]
    assert authors[4 : 4 + len(AUTHORS)] == list(AUTHORS.values())


def test_wikipedia_gives_the_page_images_of_articles_in_the_words_own_language(files: list[File], sources: Any) -> None:
    plain = [file for file in files if not file.manner]
    with CommonsLike(plain) as server, sources(server) as web:
        source = WikipediaSource(kind="wikipedia", url=f"{server.url}/{{language}}/w/api.php")
        found = list(web.open(source).find("vn"))
        asked = [path for path in server.asked if "gsrsearch" in path]
    assert len(found) > 10
    assert all(one.data and "/wiki/Article_" in one.about.found_in for one in found)
    assert {path.split("/")[1] for path in asked} == {"vi", "en"}
    assert all(path.startswith("/en/") == ("Ha+Long" in path) for path in asked if "long" in path.lower())
