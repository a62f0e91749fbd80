"""The library on its own: what its wheel holds, and that it works with what the wheel requires and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

import culturebench
import found_neurons
import light_environment
import sd15
from culturebench.interventions import pipelines
from import_graph import ROOT, SOURCES, python_files
from light_environment import closure, locked, required

#: What people use without the pipeline.
PACKAGES = ("params", "artifacts", "text_to_image", "probing", "interventions", "measures", "judging", "evaluation")
#: Imported by `open_judge` alone, when params name a judge behind an endpoint.
OF_THE_PIPELINE = {"culturebench.judging.openai"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return light_environment.build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return light_environment.make(tmp_path_factory.mktemp("light") / "venv", wheel)


def ran(python: Path, code: str, folder: Path) -> str:
    """What the code prints, run in `folder`."""
    return _ran([str(python), "-c", textwrap.dedent(code)], folder)


def _ran(command: list[str], folder: Path) -> str:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def called(python: Path, folder: Path, *arguments: str) -> Any:
    code = "import sys; sys.argv[0] = 'culturebench'; from culturebench.cli import main; main()"
    return subprocess.run(
        [str(python), "-c", code, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


# ── the front ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_front_gives_the_functions_of_pipelines_and_nothing_else() -> None:
    for name in ("load_neurons", "amplify", "activate", "mask", "enhance"):
        assert getattr(culturebench, name) is getattr(pipelines, name)
        assert name in dir(culturebench)
    assert culturebench.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="no attribute 'surprise'"):
        _ = culturebench.surprise  # pyright: ignore[reportAttributeAccessIssue]


def test_the_front_imports_torch_when_a_function_is_asked_for_and_not_before() -> None:
    code = """
    import sys
    from culturebench import __version__, __all__
    assert not {"torch", "numpy", "pydantic", "culturebench.interventions"} & sys.modules.keys()
    from culturebench import amplify
    assert "torch" in sys.modules
    """
    ran(Path(sys.executable), code, ROOT)


def test_no_module_of_ours_asks_the_front_for_a_name() -> None:
    """So nobody who imports a module of the package reaches torch through it."""
    others = [file for file in python_files("culturebench") if file != "culturebench/__init__.py"]
    assert "culturebench/__init__.py" not in SOURCES.closure(*others)
    reached = SOURCES.closure(*python_files("culturebench/params"), "culturebench/checks.py")
    assert "culturebench/interventions/pipelines.py" not in reached


# ── what is installed ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("extra", ["", "pipeline", "explore"])
def test_the_lock_holds_a_version_of_everything_that_is_required(extra: str) -> None:
    versions = locked()
    for one in required(extra):
        assert one.specifier.contains(versions[light_environment.canonicalize_name(one.name)], prereleases=True), one


def test_the_light_library_brings_no_part_of_the_pipeline() -> None:
    light = closure(required())
    pipeline = {light_environment.canonicalize_name(one.name) for one in required("pipeline")}
    shared = {"requests", "urllib3", "jinja2", "packaging"}  # of diffusers, torch and transformers
    assert not (pipeline - shared) & light.keys()
    assert len(light) < 80 < len(closure([*required(), *required("pipeline")]))


# ── the wheel ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_the_wheel_holds_the_library_alone_and_all_of_it(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith("/")}
    library = {name for name in held if name.startswith("culturebench/")}
    assert all(name.startswith("culturebench-") and ".dist-info/" in name for name in held - library)
    listed = subprocess.run(["git", "ls-files", "culturebench"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert library == set(listed.stdout.split())
    assert "culturebench/py.typed" in library
    assert wheel.stat().st_size < 40e6  # most of it are the weights of the atlas


# ── an environment with the wheel and its requirements alone ────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.xdist_group("light")
def test_nothing_of_the_pipeline_can_be_imported_there(python: Path, tmp_path: Path) -> None:
    code = """
    from importlib.util import find_spec
    names = ("dvc", "prefect", "openai", "label_studio_sdk", "scipy", "psutil", "ruamel", "flows", "stages")
    print(*(name for name in names if find_spec(name)))
    """
    assert ran(python, code, tmp_path).strip() == ""


@pytest.mark.slow
@pytest.mark.xdist_group("light")
@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_that_people_use_can_be_imported(package: str, python: Path, tmp_path: Path) -> None:
    names = [name for name in _modules(package) if name not in OF_THE_PIPELINE]
    ran(python, f"from importlib import import_module\nfor name in {names}: import_module(name)", tmp_path)


def _modules(package: str) -> Iterator[str]:
    for file in python_files(f"culturebench/{package}"):
        yield file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.mark.slow
@pytest.mark.xdist_group("light")
def test_what_needs_the_pipeline_says_which_command_installs_it(python: Path, tmp_path: Path) -> None:
    code = """
    from pathlib import Path
    import numpy as np
    from culturebench.errors import CultureBenchError
    from culturebench.probing.drift import overlap
    try:
        overlap(np.ones((2, 3)), np.ones((2, 3)))
    except CultureBenchError as error:
        print(error)
    """
    assert (
        ran(python, code, tmp_path)
        == "the package scipy is not installed; run `pip install 'culturebench[pipeline]'`\n"
    )


@pytest.mark.slow
@pytest.mark.xdist_group("light")
def test_the_page_says_which_command_installs_what_it_needs(python: Path, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("models: {}\n")
    without = called(python, tmp_path, "explore")
    assert (without.returncode, without.stderr) == (
        1,
        "culturebench: the package gradio is not installed; run `pip install 'culturebench[explore]'`\n",
    )


@pytest.mark.slow
@pytest.mark.xdist_group("light")
def test_a_pack_is_made_in_a_clone_and_edits_a_pipeline_elsewhere(python: Path, tmp_path: Path) -> None:
    weights = sd15.write(tmp_path / "weights")
    clone, away = tmp_path / "clone", tmp_path / "away"
    clone.mkdir()
    away.mkdir()
    found_neurons.write(clone, weights)
    made = called(python, clone, "neurons", "export", "sd", str(away / "pack"), "--licence", "CC0-1.0")
    assert made.returncode == 0, made.stderr
    code = """
    import numpy as np
    import torch
    from diffusers import DiffusionPipeline
    from culturebench import activate, amplify, load_neurons, mask

    neurons = load_neurons("pack")
    pipe = DiffusionPipeline.from_pretrained("../weights", use_safetensors=True)
    pipe.set_progress_bar_config(disable=True)

    def picture():
        noise = torch.Generator().manual_seed(0)
        how = {"height": 32, "width": 32, "num_inference_steps": 1, "output_type": "np", "generator": noise}
        return pipe("お椀", **how).images

    plain = picture()
    for edit in (amplify(pipe, neurons, strength=7), activate(pipe, neurons, "nl", 3), mask(pipe, neurons, "jp")):
        with edit:
            assert not np.array_equal(picture(), plain)
        assert np.array_equal(picture(), plain)

    with torch.no_grad():
        next(pipe.text_encoder.encoder.layers[0].parameters()).add_(0.01)
    try:
        with mask(pipe, neurons, "jp"):
            pass
    except Exception as error:
        print(type(error).__name__, error)
    """
    assert ran(python, code, away).startswith("PipelineError the neurons are of the encoder clip (3 layers, 32 wide; ")


@pytest.mark.slow
@pytest.mark.xdist_group("light")
def test_the_command_explains_itself_there_and_pipeline_commands_are_one_sentence(python: Path, tmp_path: Path) -> None:
    assert "neurons" in called(python, tmp_path, "--help").stdout
    outside = called(python, tmp_path, "repro")
    assert outside.returncode == 1
    assert outside.stderr == (
        "culturebench: `culturebench repro` works in the root of a clone of the project; "
        f"there is no params.yaml or dvc.yaml in {tmp_path}\n"
    )
    (tmp_path / "clone/flows").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / "clone" / name).write_text("{}\n")
    assert f"change into {tmp_path / 'clone'}\n" in called(python, tmp_path / "clone/flows", "repro").stderr
    for command in (["repro"], ["status"], ["annotate", "status", "--region", "jp"]):
        without = called(python, tmp_path / "clone", *command)
        assert without.returncode == 1
        name = " ".join(command).partition(" --")[0]
        assert without.stderr.startswith(f"culturebench: `culturebench {name}` needs packages that are not installed (")
        assert without.stderr.endswith("run `pip install 'culturebench[pipeline]'`\n")
        assert without.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.xdist_group("light")
def test_help_imports_nothing_heavy(python: Path, tmp_path: Path) -> None:
    code = """
    import json, sys
    from typer.testing import CliRunner
    from culturebench import cli
    CliRunner().invoke(cli.app, ["--help"])
    print(json.dumps(sorted(name for name in sys.modules if "." not in name)))
    """
    loaded = set(json.loads(ran(python, code, tmp_path)))
    assert not {"torch", "numpy", "transformers", "diffusers", "pyarrow", "pydantic", "psutil"} & loaded
