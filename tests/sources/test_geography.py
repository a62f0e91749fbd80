"""Searches that are narrowed to a region's countries and language."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from commons_like import CommonsLike, File
from culturebench.params.collect import CommonsSource, GoogleSource, OpenverseSource
from culturebench.sources.base import SourceError
from culturebench.sources.geography import google_fields, with_country
from culturebench.sources.queries import Query
from search_like import GoogleLike, OpenverseLike


@pytest.fixture(scope="module")
def plain(files: list[File]) -> list[File]:
    return [file for file in files if not file.manner]


def params_of(server: Any, path: str) -> list[dict[str, str]]:
    """What each request to `path` asked."""
    asked = [urlsplit(one) for one in server.asked]
    return [{name: values[0] for name, values in parse_qs(one.query).items()} for one in asked if one.path == path]


def test_google_is_asked_for_the_countries_and_the_language_of_each_keyword(
    plain: list[File], sources: Any, words: list[Query], capsys: pytest.CaptureFixture[str]
) -> None:
    with GoogleLike(plain) as server, sources(server) as web:
        source = GoogleSource(kind="google_cse", url=f"{server.url}/customsearch/v1", engine="cx", per_query=10,
                              constraints=["gl", "cr", "lr"])  # fmt: skip
        assert list(web.open(source).find("vn"))
        asked = params_of(server, "/customsearch/v1")
    assert {(one["gl"], one["cr"]) for one in asked} == {("vn", "countryVN")}
    languages = {query.text: query.language for query in words}
    assert {(languages[one["q"]], one.get("lr")) for one in asked} == {("en", "lang_en"), ("vi", None)}
    assert "`lr` has no vi" in capsys.readouterr().err  # cse.list has none for Vietnamese


@pytest.mark.parametrize(
    ("constraints", "iso", "language", "fields"),
    [
        ([], ["JP"], "ja", {}),
        (["lr"], ["CN"], "zh", {"lr": "lang_zh-CN|lang_zh-TW"}),
        (["gl", "cr"], ["EG", "MA"], "ar", {"cr": "countryEG|countryMA"}),
        (["gl", "cr", "lr"], ["JP"], "ja", {"gl": "jp", "cr": "countryJP", "lr": "lang_ja"}),
    ],
)
def test_the_fields_are_those_of_the_region(constraints: Any, iso: Any, language: str, fields: Any) -> None:
    assert google_fields(constraints, iso, Query("x", language)) == fields


def test_without_constraints_nothing_of_them_is_asked(plain: list[File], sources: Any) -> None:
    with GoogleLike(plain) as server, sources(server) as web:
        source = GoogleSource(kind="google_cse", url=f"{server.url}/customsearch/v1", engine="cx", per_query=10)
        assert list(web.open(source).find("vn"))
        assert not any({"gl", "cr", "lr"} & one.keys() for one in params_of(server, "/customsearch/v1"))


def test_commons_gives_the_files_whose_statements_name_the_country_and_walks_no_category(
    plain: list[File], sources: Any
) -> None:
    with CommonsLike(plain, faults=False) as server, sources(server) as web:
        own = {
            file.title: {"P17=Q881"} if place % 4 else {"P495=Q881"} for place, file in enumerate(plain) if place % 2
        }
        server.statements = own | {file.title: {"P17=Q17"} for file in plain[::2]}
        source = CommonsSource(kind="commons", url=server.api, sparql=server.sparql, constraints=["country"])
        found = {f"File:{one.file_name}" for one in web.open(source).find("vn")}
        assert found == set(own)
        searched = [one["gsrsearch"] for one in params_of(server, "/w/api.php") if "gsrsearch" in one]
        assert searched and all("haswbstatement:P17=Q881|P495=Q881 filetype:bitmap" in words for words in searched)
        assert len(params_of(server, "/sparql")) == 1  # the same for every keyword, and kept


def test_commons_gives_the_files_with_a_caption_in_the_keywords_language(
    plain: list[File], sources: Any, words: list[Query]
) -> None:
    languages = {query.text: query.language for query in words}
    with CommonsLike(plain, faults=False) as server, sources(server) as web:
        server.captions = {file.title: {"vi"} for file in plain[::3]}
        source = CommonsSource(kind="commons", url=server.api, constraints=["language"])
        found = {f"File:{one.file_name}" for one in web.open(source).find("vn")}
    wanted = {file.title for file in plain[::3] if any(languages[text] == "vi" for text in file.words)}
    assert found == wanted and len(wanted) < len(plain[::3])


def test_a_region_without_a_country_that_wikidata_knows_is_told_so(plain: list[File], sources: Any) -> None:
    with CommonsLike(plain, faults=False) as server, sources(server) as web:
        server.countries = {}
        source = CommonsSource(kind="commons", url=server.api, sparql=server.sparql, constraints=["country"])
        with pytest.raises(SourceError, match="no country of VN; correct `iso`"):
            list(web.open(source).find("vn"))


def test_openverse_is_asked_for_a_countrys_name_in_the_keywords_language(
    plain: list[File], sources: Any, words: list[Query]
) -> None:
    with OpenverseLike(plain) as server, sources(server) as web:
        source = OpenverseSource(kind="openverse", url=f"{server.url}/v1/images/", constraints=["country"])
        list(web.open(source).find("vn"))
        asked = {one["q"] for one in params_of(server, "/v1/images/")}
    names = {"vi": "Việt Nam", "en": "Vietnam"}
    assert asked == {f'{query.text} "{names[query.language]}"' for query in words}
    assert with_country(["EG", "MA"], Query("plate", "en")) == 'plate ("Egypt" | "Morocco")'
    assert with_country(["XX"], Query("plate", "en")) == "plate"


def test_a_constraint_that_a_service_does_not_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="'country'"):
        OpenverseSource.model_validate({"kind": "openverse", "constraints": ["language"]})
    with pytest.raises(ValidationError, match="'gl', 'cr' or 'lr'"):
        GoogleSource.model_validate({"kind": "google_cse", "engine": "cx", "constraints": ["hl"]})
