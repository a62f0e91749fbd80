"""A selector is one record; one that is not whole, or that nobody knows, is refused before any work begins."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
import yaml

from culturebench.checks import problems
from culturebench.probing.selectors import (
    CONTROL,
    SELECTORS,
    SelectorError,
    registry,
    selector,
    selectors,
    usable,
)
from import_graph import ROOT

RECORDS = tuple(SELECTORS.values())


@pytest.mark.parametrize("key", ["name", "label", "by", "source"])
@pytest.mark.parametrize("value", ["", "  "])
def test_a_record_with_a_hole_is_refused_with_the_field_to_fill(key: str, value: str) -> None:
    with pytest.raises(SelectorError, match=f"`{key}` is empty"):
        replace(SELECTORS["mad"], **{key: value})


def test_a_record_without_its_function_is_refused() -> None:
    nothing: Any = None
    with pytest.raises(SelectorError, match="selector 'mad': `pick` is None, no function"):
        replace(SELECTORS["mad"], pick=nothing)


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(SelectorError, match="two selectors are called 'lape'"):
        registry((*RECORDS, replace(SELECTORS["lape"], label="Another")))


def test_two_controls_are_refused_and_none_is_too() -> None:
    with pytest.raises(SelectorError, match="not 2: mad, random"):
        registry([replace(one, control=one.name in ("mad", "random")) for one in RECORDS])
    with pytest.raises(SelectorError, match="not 0"):
        registry([one for one in RECORDS if not one.control])


def test_the_control_looks_at_one_region_as_what_it_controls_may() -> None:
    assert CONTROL == "random"
    assert usable(1) == ["wfs", "random"]
    assert usable(2) == list(SELECTORS)


def test_no_names_mean_all_and_an_unknown_one_is_refused_with_what_each_ranks_by() -> None:
    assert selectors(None) == list(SELECTORS)
    assert selectors(["cas", "wfs"]) == ["cas", "wfs"]
    with pytest.raises(SelectorError) as caught:
        selector("wsf", "select_neurons.selector")
    first, *lines = str(caught.value).splitlines()
    assert first == "select_neurons.selector: 'wsf' is no selector; there are:"
    assert lines == [f"  {one.name}: {one.label}, {one.by} ({one.source})" for one in RECORDS]


def test_the_records_are_read_without_torch() -> None:
    code = "import sys, culturebench.probing.selectors as s; assert s.SELECTORS and 'torch' not in sys.modules"
    assert run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("select_neurons.selector", {"select_neurons": {"selector": "wsf"}}),
        ("select_neurons.encoders.atlas.selector", {"select_neurons": {"encoders": {"atlas": {"selector": "wsf"}}}}),
        ("compare_selectors.selectors.1", {"compare_selectors": {"selectors": ["wfs", "wsf"]}}),
    ],
)
def test_validate_names_the_key_of_a_selector_that_does_not_exist(
    tmp_path: Path, key: str, changes: dict[str, dict[str, Any]]
) -> None:
    shutil.copytree(ROOT / "annotations/regions", tmp_path / "annotations/regions")
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for section, values in changes.items():
        document[section] |= values
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    (found,) = problems(tmp_path)
    assert found.startswith(f"params.yaml: {key}: 'wsf' is no selector; there are:\n  wfs: WFS, how often")
