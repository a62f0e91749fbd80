"""Overrides are checked by the params' own types and run in a checkout; the workspace stays as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flows import dvc, experiment
from flows.experiment import ExperimentError
from import_graph import ROOT

PIPELINE = """
stages:
  copy:
    cmd: python samples.py
    deps: [samples.py]
    params: [evaluate.resamples]
    outs: [samples.txt]
"""
CODE = """
import pathlib, yaml
samples = yaml.safe_load(pathlib.Path("params.yaml").read_text())["evaluate"]["resamples"]
pathlib.Path("samples.txt").write_text(str(samples))
"""


def run(project: Path, *command: str) -> str:
    return subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout.strip()


def git(project: Path, *arguments: str) -> str:
    return run(project, "git", "-c", "user.name=me", "-c", "user.email=me@localhost", *arguments)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The params and regions of this project with a pipeline of one stage that has run."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "annotations", tmp_path / "annotations")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    run(tmp_path, sys.executable, "-m", "dvc", "init", "--quiet")
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "samples.py").write_text(CODE)
    (tmp_path / ".gitignore").write_text("/samples.txt\n")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "start")
    dvc.reproduce(root=tmp_path)
    return tmp_path


def test_an_experiment_runs_beside_the_workspace_and_can_be_taken_over(project: Path) -> None:
    before = (project / "params.yaml").read_bytes()
    (project / "note.txt").write_text("not committed yet")
    with experiment.checkout(project, {"evaluate.resamples": 321}) as copy:
        assert (copy / "note.txt").exists()
        assert [entry.stage for entry in dvc.look(root=copy).stale.values()] == ["copy"]
        dvc.reproduce(root=copy)
        assert (copy / "samples.txt").read_text() == "321"
        experiment.keep(project, copy, "more-samples")
    assert not copy.exists()
    assert (project / "params.yaml").read_bytes() == before
    assert (project / "samples.txt").read_text() == "2000"
    assert "more-samples" in run(project, sys.executable, "-m", "dvc", "exp", "list", "--name-only")
    (project / "note.txt").unlink()
    run(project, sys.executable, "-m", "dvc", "exp", "apply", "more-samples")
    assert (project / "samples.txt").read_text() == "321"
    assert b"# bootstrap resamples" in (project / "params.yaml").read_bytes()


def test_the_copy_of_a_killed_experiment_is_removed_by_the_next_and_that_of_a_living_one_is_not(project: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from flows import experiment\n"
        "with experiment.checkout(Path(sys.argv[1]), {}) as copy: print(copy, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(project)]
    kinds = {"cwd": ROOT, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **kinds) as killed, subprocess.Popen(command, **kinds) as living:
        assert killed.stdout and living.stdout
        left, held = (Path(process.stdout.readline().strip()) for process in (killed, living) if process.stdout)
        killed.kill()
        killed.wait()
        assert left.exists()
        with experiment.checkout(project, {}):
            assert not left.exists() and (held / "params.yaml").exists()
        living.communicate("")
    assert not held.exists()


def test_what_was_computed_is_not_computed_again(project: Path) -> None:
    with experiment.checkout(project, {}) as copy:
        assert dvc.look(root=copy).stale == {}
        assert (copy / "samples.txt").read_text() == "2000"


def test_weights_that_git_ignores_are_there_and_stay_out_of_what_is_kept(project: Path) -> None:
    (project / "hub").mkdir()
    (project / "hub/model.safetensors").write_bytes(b"weights")
    (project / ".gitignore").write_text("/samples.txt\n/hub/\n")
    with experiment.checkout(project, {"pins.atlas_encoder.folder": "hub", "evaluate.resamples": 321}) as copy:
        assert (copy / "hub/model.safetensors").read_bytes() == b"weights"
        dvc.reproduce(root=copy)
        commit = experiment.keep(project, copy, "other-weights")
    assert "hub" not in git(project, "ls-tree", "--name-only", commit).split()
    assert (project / "hub/model.safetensors").exists()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("evaluate.level", 7, r"evaluate\.level.*less than 1.*7"),
        ("evaluate.resample", 300, r"evaluate\.resample: unknown key"),
        ("evalaute.resamples", 300, r"params\.yaml has no evalaute"),
        ("evaluate.resamples.many", 300, r"params\.yaml has no evaluate\.resamples"),
        ("regions", ["jp", "atlantis"], "atlantis"),
    ],
)
def test_an_override_that_does_not_fit_is_refused_before_any_work(
    project: Path, key: str, value: object, message: str
) -> None:
    with pytest.raises(ExperimentError, match=message), experiment.checkout(project, {key: value}):
        pytest.fail("the checkout was made")
    assert yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))["evaluate"]["resamples"] == 2000
    assert not list((project / ".dvc/tmp").glob("experiment-*"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("judges.mine", {"use": "os:system"}, r"judges\.mine\.use': use can be changed in params\.yaml alone"),
        ("judges.mine.use", "os:system", "use can be"),
        ("caption.openai.key_variable", "AWS_SECRET_ACCESS_KEY", "key_variable can be"),
        ("caption.openai", {"base_url": "http://example.org"}, "base_url can be"),
        ("collect.sources", [{"kind": "google_cse", "url": "http://example.org"}], "url can be"),
        ("models.atlas.command", ["sh", "-c", "true"], "command can be"),
        ("collect.sources", [{"kind": "folder", "path": "/etc"}], "'/etc' is outside"),
        ("pins.atlas_encoder.folder", "../other", "'../other' is outside"),
        ("pins.atlas_encoder.folder", "~/weights", "is outside"),
        ("pins.atlas_encoder.folder", "out/weights", "is outside"),
        ("prompts.sets.a.file", "data/../../a.txt", "is outside"),
    ],
)
def test_a_run_cannot_choose_code_keys_servers_or_what_lies_outside(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    (tmp_path / "out").symlink_to(tmp_path.parent)
    with pytest.raises(ExperimentError, match=message):
        experiment.refuse_unsafe(tmp_path, {key: value})


def test_a_run_can_choose_numbers_names_and_paths_inside(tmp_path: Path) -> None:
    experiment.refuse_unsafe(
        tmp_path,
        {
            "evaluate.resamples": 300,
            "regions": ["jp", "nl"],
            "judges.atlas_vit": {"kind": "atlas", "pin": "atlas_vit"},
            "generate": {"seeds": [0, 1], "negative_prompt": "blurred/low quality. " * 60},
            "pins.atlas_encoder.folder": "weights/newer",
            "evaluate.level": None,
        },
    )


def test_without_a_commit_there_is_nothing_to_start_from(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(ExperimentError, match="no commit"), experiment.checkout(tmp_path, {}):
        pytest.fail("the checkout was made")
