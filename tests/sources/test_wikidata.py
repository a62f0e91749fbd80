"""Wikidata, as a server on this machine speaks for it: pages, titles in any writing, and classes that take too long."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from commons_like import CommonsLike, File, wikis_title
from culturebench.params.collect import WikidataSource
from culturebench.sources.base import SourceError


def by_name(found: list[Any]) -> dict[str, Any]:
    return {one.file_name: one for one in found}


def test_wikidata_is_asked_page_by_page_and_names_item_and_class(files: list[File], sources: Any) -> None:
    plain = [file for file in files if not file.manner]
    classes = {"instruments": ["Q34379"], "clothing": ["Q11460"]}
    with CommonsLike(plain) as server, sources(server) as web:
        source = WikidataSource(
            kind="wikidata", url=server.sparql, commons_url=server.api, classes=classes, per_query=100, page=40
        )
        found = by_name(list(web.open(source).find("vn")))
        asked = [path for path in server.asked if path.startswith("/sparql")]
    assert len(found) == min(100, len(plain))
    assert any("OFFSET+80" in path for path in asked) and all("%22VN%22" in path for path in asked)
    for file in plain[:100]:
        one = found[file.title.removeprefix("File:")]
        assert hashlib.sha256(one.data or b"").hexdigest() == file.sha256
        assert (one.about.category, one.about.found_in) == ("instruments", f"Q{100 + file.finding.index}")


#: A first letter that Python's upper() makes two or another script's, a name in decomposed letters, and a small one.
NAMES = ("ქართული ჯვარი.jpg", "ßcharf.jpg", "Bát Tràng.jpg", "ǆ.jpg", "kleines bild.jpg", "A_b.jpg")


def test_a_title_is_found_whatever_its_first_letter_and_unicode_form(files: list[File], sources: Any) -> None:
    plain = [file for file in files if not file.manner]
    asked = [unicodedata.normalize("NFD", name) if "Tràng" in name else name for name in NAMES]
    named = [replace(file, title=wikis_title(f"File:{name}")) for file, name in zip(plain, NAMES, strict=False)]
    with CommonsLike(named) as server, sources(server) as web:
        items = [
            {"item": {"value": f"http://www.wikidata.org/entity/Q{number}"},
             "image": {"value": f"http://commons.wikimedia.org/wiki/Special:FilePath/{quote(name)}"}}
            for number, name in enumerate(asked)
        ]  # fmt: skip
        server._bindings = lambda params: {"results": {"bindings": items}}  # type: ignore[method-assign]
        source = WikidataSource(
            kind="wikidata", url=server.sparql, commons_url=server.api, classes={"a": ["Q1"]}, per_query=6, page=40
        )
        found = list(web.open(source).find("vn"))
    assert {one.data: one.about.found_in for one in found} == {file.data: f"Q{n}" for n, file in enumerate(named)}


def test_many_long_titles_go_in_addresses_that_servers_take(files: list[File], sources: Any) -> None:
    plain = [file for file in files if not file.manner][:60]
    named = [replace(file, title=f"File:{'ქ' * 70} {n}.jpg") for n, file in enumerate(plain)]
    with CommonsLike(named) as server, sources(server) as web:
        source = WikidataSource(
            kind="wikidata", url=server.sparql, commons_url=server.api, classes={"a": ["Q1"]}, per_query=60, page=60
        )
        assert sum(one.data is not None for one in web.open(source).find("vn")) == 60
        assert max(len(path) for path in server.asked) < 8_000


@pytest.mark.parametrize("status", [200, 500, 504])
def test_a_class_that_wikidata_has_no_time_for_is_told_and_the_others_go_on(
    status: int, files: list[File], sources: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = [file for file in files if not file.manner][:20]
    with CommonsLike(plain, faults=False) as server:
        server.slow = {"wd:Q34379 ": status}
        source = WikidataSource(
            kind="wikidata", url=server.sparql, commons_url=server.api, per_query=40,
            classes={"instruments": ["Q34379"], "clothing": ["Q11460"]},
        )  # fmt: skip
        with sources(server, tries=1) as web:
            found = list(web.open(source).find("vn"))
            web.seal()
        assert len(found) == 20 and {one.about.category for one in found} == {"clothing"}
        assert "wikidata: Q34379 of VN: 127.0.0.1: " in capsys.readouterr().err
        asked = len(server.asked)
        server.slow = {}
        with sources(server) as web:
            assert list(web.open(source).find("vn")) == found and len(server.asked) == asked
    with CommonsLike(plain, faults=False) as server, sources(server, label="second", tries=1) as web:
        server.slow = {"wd:": status}
        with pytest.raises(SourceError, match="run the stage again"):
            list(web.open(source.model_copy(update={"url": server.sparql})).find("vn"))
