"""Whether an operation without a deterministic kernel ends a stage: the runtime of what it runs decides."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from culturebench import stage
from culturebench.params.encoders import Encoders
from culturebench.params.measure import Measure
from culturebench.params.models import Model, Models
from culturebench.stage import Stage, fix_threads

CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
#: torch has no deterministic kernel of it for places that may repeat, on any device.
NAMED = r"put_ does not have a deterministic implementation"


def put() -> Any:
    return torch.zeros(4).put_(torch.tensor([2, 2]), torch.ones(2))


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    mode, threads = torch.get_deterministic_debug_mode(), torch.get_num_threads()
    monkeypatch.delenv(CUBLAS, raising=False)
    monkeypatch.setattr(stage, "_mode", "error")
    yield
    torch.set_deterministic_debug_mode(mode)
    torch.set_num_threads(threads)


def test_by_default_an_operation_without_a_deterministic_kernel_is_an_error() -> None:
    fix_threads()
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ[CUBLAS] == ":4096:8"
    with pytest.raises(RuntimeError, match=NAMED):
        put()


def test_with_warn_it_runs_and_is_named_while_others_stay_deterministic() -> None:
    fix_threads("warn")
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ[CUBLAS] == ":4096:8"
    with pytest.warns(UserWarning, match=NAMED):
        assert put().tolist() == [0, 0, 1, 0]


def test_with_off_nothing_is_asked_of_torch() -> None:
    fix_threads("off")
    assert not torch.are_deterministic_algorithms_enabled()
    assert CUBLAS not in os.environ
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        put()


@dataclass(frozen=True)
class _Params:
    models: Models
    measure: Measure


@pytest.mark.parametrize(
    ("own", "others", "measures", "wanted"),
    [
        ("error", "off", "error", "error"),
        ("warn", "error", "error", "warn"),
        ("error", "error", "warn", "warn"),
        ("off", "error", "warn", "off"),
    ],
)
def test_a_stage_takes_the_loosest_of_what_it_runs_and_none_of_other_models(
    own: str, others: str, measures: str, wanted: str
) -> None:
    entries = {"own": own, "other": others}
    models = {
        name: {"adapter": "atlas", "towers": ["x"], "pin": "x", "runtime": {"deterministic": mode}}
        for name, mode in entries.items()
    }
    measure = Measure.model_validate({"alignment": None, "caption": "cultural", "runtime": {"deterministic": measures}})
    params = _Params(Models.model_validate(models), measure)
    assert Stage("any", _Params, lambda *_: None)._deterministic(params, model="own") == wanted


def test_a_stage_that_ends_by_it_names_the_operation_and_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @dataclass(frozen=True)
    class Nothing:
        pass

    def run(_params: Nothing, _inputs: Mapping[str, Path], _outputs: Mapping[str, Path]) -> None:
        put()

    one = Stage("any", Nothing, run)
    monkeypatch.setattr(Stage, "load_params", lambda *_, **__: Nothing())
    with pytest.raises(
        SystemExit, match=r"any: put_ has no deterministic kernel here; set `runtime\.deterministic: warn`"
    ):
        one.main([])


def test_what_was_computed_before_keeps_its_keys_and_what_is_looser_has_its_own() -> None:
    def dumped(mode: str) -> Any:
        return Model.model_validate(
            {"adapter": "atlas", "towers": ["x"], "pin": "x", "runtime": {"deterministic": mode}}
        ).model_dump(mode="json")["runtime"]

    assert "deterministic" not in dumped("error")
    assert dumped("warn") == {**dumped("error"), "deterministic": "warn"}
    entry = {"adapter": "atlas", "pin": "x", "runtime": {"deterministic": "off"}}
    assert Encoders.model_validate({"x": entry}).root["x"].reading["runtime"]["deterministic"] == "off"
