"""What DVC is inside is compared with what this project knows before anything of it is replaced."""

from __future__ import annotations

from typing import Any

import dvc.output
import dvc.stage.run
import pytest

from flows import _index, _inside, _repro

REPLACED = {**_index.REPLACED, **_repro.REPLACED}


def test_this_version_of_dvc_is_the_known_one() -> None:
    assert _inside.difference(REPLACED) == ""


@pytest.mark.parametrize("name", ["dvc.stage.run:_run", "dvc.output:Output.exists", "dvc.rwlock:rwlock"])
def test_what_is_gone_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(name.replace(":", "."))
    assert f"({name})" in _inside.difference(REPLACED)


def test_a_module_that_is_gone_is_named() -> None:
    assert "(dvc.nowhere:run)" in _inside.difference({**REPLACED, "dvc.nowhere:run": "()"})


def test_other_parameters_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(executable: Any, cmd: Any, shell: Any, **kwargs: Any) -> None: ...

    monkeypatch.setattr(dvc.stage.run, "_run", run)
    monkeypatch.setattr(dvc.output.Output, "exists", lambda self, name: True)
    said = _inside.difference(REPLACED)
    assert "dvc.stage.run:_run" in said and "dvc.output:Output.exists" in said
