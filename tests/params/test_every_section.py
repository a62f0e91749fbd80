"""What holds for every section of params.yaml: unknown keys and wrong kinds are refused, and nothing changes it."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, RootModel, ValidationError

from culturebench.checks import section_models
from culturebench.params import ParamsError, load_section
from culturebench.params._base import GONE, RENAMED
from culturebench.params._by_encoder import EncoderSection
from import_graph import ROOT

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
MODELS = {model.section: model for model in section_models()}
KEYED = [name for name, model in MODELS.items() if not issubclass(model, RootModel)]
#: Of sections that map names: the entries are what has keys.
ENTRIES = [name for name in ("audits", "encoders", "judges", "models", "pins", "questions") if DOCUMENT[name]]


@pytest.mark.parametrize("name", KEYED)
def test_an_unknown_key_is_named_with_its_section(name: str) -> None:
    with pytest.raises(ParamsError, match=rf"params\.yaml: {name}\.no_such_key: unknown key"):
        load_section(MODELS[name], {name: {**DOCUMENT[name], "no_such_key": 1}})


@pytest.mark.parametrize("name", ENTRIES)
def test_an_unknown_key_of_an_entry_is_named_with_it(name: str) -> None:
    entry, values = next(iter(DOCUMENT[name].items()))
    with pytest.raises(ParamsError, match=rf"{name}\.{entry}\.(\w+\.)?no_such_key: unknown key"):
        load_section(MODELS[name], {name: {entry: {**values, "no_such_key": 1}}})


@pytest.mark.parametrize("name", KEYED)
def test_a_value_of_another_kind_is_named_with_what_was_given(name: str) -> None:
    key = next(iter(DOCUMENT[name]))
    with pytest.raises(ParamsError, match=rf"{name}\.{key}\b.*nonsense") as caught:
        load_section(MODELS[name], {name: {**DOCUMENT[name], key: {"nonsense": ["nonsense"]}}})
    assert "params.yaml" in str(caught.value)


@pytest.mark.parametrize("name", MODELS)
def test_a_missing_section_is_named(name: str) -> None:
    with pytest.raises(ParamsError, match=f"the section `{name}` is missing"):
        load_section(MODELS[name], {})


@pytest.mark.parametrize("name", KEYED)
def test_a_section_cannot_be_changed(name: str) -> None:
    found: BaseModel = load_section(MODELS[name], DOCUMENT)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(found, next(iter(DOCUMENT[name])), None)


def document_of(old: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The section of an old key, the document with `*` filled in, and in it the mapping where the key belongs."""
    section, *way, _ = old.split(".")
    document = deepcopy(DOCUMENT)
    if section == "judges":
        document["judges"] = {"*": {**DOCUMENT["caption"]["openai"], "kind": "openai"}}
    place = document[section]
    for part in way:
        place = place[part]
    return section, document, place


@pytest.mark.parametrize("old", RENAMED)
def test_a_key_under_its_old_name_is_refused_with_the_new_one(old: str) -> None:
    section, document, place = document_of(old)
    name, new = old.rpartition(".")[2], RENAMED[old]
    place[name] = place.pop(new)
    with pytest.raises(ParamsError) as caught:
        load_section(MODELS[section], document)
    said = str(caught.value)
    assert said.startswith("params.yaml: ") and said.endswith(f".{name} is called {new} now; rename it")
    assert ";" not in said.removesuffix("; rename it"), "nothing else is wrong, the new key above all is not missing"


@pytest.mark.parametrize("old", [key for key in RENAMED if issubclass(MODELS[key.split(".")[0]], EncoderSection)])
def test_an_encoders_key_under_its_old_name_is_refused_with_the_new_one(old: str) -> None:
    section, _, name = old.partition(".")
    document = deepcopy(DOCUMENT)
    document[section].setdefault("encoders", {})["atlas"] = {name: document[section][RENAMED[old]]}
    with pytest.raises(ParamsError) as caught:
        load_section(MODELS[section], document)
    assert str(caught.value) == f"params.yaml: {section}.encoders.atlas.{name} is called {RENAMED[old]} now; rename it"


@pytest.mark.parametrize(
    ("section", "own", "said"),
    [
        ("train_sae", {"seeds": [0]}, r"seeds: two seeds or more are needed: .* \(got \[0\]\)"),
        ("train_sae", {"k": 0}, r"k: Input should be greater than or equal to 1 \(got 0\)"),
        ("select_neurons", {"lape": {"top": 2}}, r"lape\.top: .* \(got 2\); .*lape\.filter: Field required; .*"),
        ("train_sae", {"no_such_key": 1}, "no_such_key: unknown key; remove it"),
    ],
)
def test_an_encoders_own_value_is_refused_by_its_key_and_the_reason_alone(
    section: str, own: dict[str, Any], said: str
) -> None:
    values = {**DOCUMENT[section], "encoders": {"mine": own}}
    with pytest.raises(ParamsError) as caught:
        load_section(MODELS[section], {section: values})
    assert re.fullmatch(rf"params\.yaml: {section}\.encoders\.mine\.{said}", str(caught.value))


def test_a_reason_that_speaks_of_several_keys_does_not_list_the_whole_section() -> None:
    right, wrong = {**DOCUMENT["select_neurons"], "encoders": {}}, {"min_k": 9, "max_k": 3}
    for place, values in (("", {**right, **wrong}), (".encoders.mine", {**right, "encoders": {"mine": wrong}})):
        with pytest.raises(ParamsError) as caught:
            load_section(MODELS["select_neurons"], {"select_neurons": values})
        assert re.fullmatch(rf"params\.yaml: select_neurons{place}: .*min_k.*", str(caught.value))
        assert "beta" not in str(caught.value)


@pytest.mark.parametrize("old", GONE)
def test_a_key_that_decides_nothing_any_more_is_refused_with_what_does(old: str) -> None:
    section, name = old.split(".")
    for prefix in ("", "encoders.atlas."):
        document = deepcopy(DOCUMENT)
        place = document[section]["encoders"]["atlas"] if prefix else document[section]
        place[name] = "zero"
        with pytest.raises(ParamsError) as caught:
            load_section(MODELS[section], document)
        assert str(caught.value) == f"params.yaml: {section}.{prefix}{name} {GONE[old]}"
