"""A probe that is stopped midway has kept its batches: the next one computes only the others, to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from culturebench.artifacts import layer_check, layer_probe
from culturebench.probing.attention import AttentionReader
from culturebench.probing.causal import LayerCheck
from method_project import write_method_project, write_params
from stages import check_layers, probe_layers

ROOT = Path(__file__).parents[2]
KILLED = """
import os, signal
import culturebench.stage
from culturebench.probing.attention import AttentionReader
from stages import probe_layers

culturebench.stage.THREADS = 1
do, done = AttentionReader.__call__, []

def until_the_fifth(self, prompts):
    if len(done) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(prompts)
    return do(self, prompts)

AttentionReader.__call__ = until_the_fifth
probe_layers.STAGE.execute(encoder="tiny")
"""
CASES = [
    pytest.param(probe_layers, AttentionReader, layer_probe.PATH, 15, id="probe_layers"),  # 72 and 48 prompts by 8
    pytest.param(check_layers, LayerCheck, layer_check.PATH, 2, id="check_layers"),  # 10 pairs by 8
]


class Stopped(Exception):
    """Raised in the middle of a pass."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CULTUREBENCH_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("culturebench.stage.THREADS", 1)  # tests run side by side
    write_method_project(tmp_path)
    return tmp_path


def counted(monkeypatch: pytest.MonkeyPatch, reader: Any, stop_at: int | None = None) -> list[int]:
    """The sizes of the batches that `reader` computes from now on; the one of that number stops it."""
    sizes: list[int] = []
    compute: Callable[[Any, Any], Any] = reader.__call__

    def call(self: Any, items: Any) -> Any:
        if len(sizes) == stop_at:
            raise Stopped
        sizes.append(len(items))
        return compute(self, items)

    monkeypatch.setattr(reader, "__call__", call)
    return sizes


@pytest.mark.parametrize(("stage", "reader", "path", "batches"), CASES)
def test_a_stopped_probe_computes_only_the_batches_that_it_has_not_done(
    project: Path, monkeypatch: pytest.MonkeyPatch, stage: Any, reader: Any, path: str, batches: int
) -> None:
    done = batches - 1
    with monkeypatch.context() as stopping:
        counted(stopping, reader, stop_at=done)
        with pytest.raises(Stopped):
            stage.STAGE.execute(encoder="tiny")
    with monkeypatch.context() as going_on:
        rest = counted(going_on, reader)
        stage.STAGE.execute(encoder="tiny")
    assert len(rest) == batches - done
    continued = (project / path.format(encoder="tiny")).read_bytes()

    monkeypatch.setenv("CULTUREBENCH_STORE", str(project / "another store"))
    whole = counted(monkeypatch, reader)
    stage.STAGE.execute(encoder="tiny")
    assert len(whole) == batches
    assert (project / path.format(encoder="tiny")).read_bytes() == continued


def test_other_settings_of_a_probe_are_never_answered_with_what_was_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe_layers.STAGE.execute(encoder="tiny")
    sizes = counted(monkeypatch, AttentionReader)
    probe_layers.STAGE.execute(encoder="tiny")
    assert sizes == []
    write_params({"probe_layers": {"attention_unit": "raw"}})
    probe_layers.STAGE.execute(encoder="tiny")
    assert len(sizes) == 15


@pytest.mark.slow
def test_a_probe_whose_process_is_killed_goes_on_behind_its_last_batch(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=project, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    sizes = counted(monkeypatch, AttentionReader)
    probe_layers.STAGE.execute(encoder="tiny")
    assert len(sizes) == 15 - 4
