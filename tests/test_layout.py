"""The lines of the house: who may import whom, and that dvc.yaml says what the code does."""

from __future__ import annotations

import ast
import importlib
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, get_type_hints

import pytest
import yaml
from dvc.dependency import ParamsDependency
from dvc.repo import Repo

from culturebench.artifacts import code
from culturebench.artifacts._folders import FOLDERS
from culturebench.checks import section_models
from culturebench.code.sources import NO_CODE
from culturebench.params import RegionPart
from culturebench.regions.model import Region
from culturebench.stage import Stage
from flows import digests
from import_graph import ROOT, SOURCES, closure, file_of, foreign_imports, imports, python_files, tree

DATA_STAGES = ("collect", "unfiled", "screen", "deduplicate", "annotate", "caption", "ground", "split")
#: What each split is for: who may read it.
READERS = {
    "data/detect": {"probe_layers", "probe_attention", "train_sae", "select_neurons", "describe_neurons"},
    "data/train": {
        "check_layers",
        "train_sae",
        "compare_selectors",
        "describe_neurons",
        "tune_strength",
        "train_enhancer",
        "train_adapter",
    },
    "data/test": {
        "load_prompts",
        "judge_reliability",
        "measure",
        "audit_judge",
        "plan_study",
        "generate_adapted",
        "compare_adapters",
    },
}
#: Sections that map names: a stage may depend on the entry that it uses alone.
REGISTRIES = {"adapters", "encoders", "models", "judges", "pins", "prompts", "questions", "audits"}
#: They ask a judge as the stage judge does, and get rows of the same kind without storing them.
BORROWERS = {
    ("audit_judge", "culturebench/artifacts/answers.py"),
    ("audit_judge", "culturebench/artifacts/silenced.py"),  # the word for all layers
    *(
        (name, "culturebench/artifacts/answers.py")
        for name in ("compare_adapters", "compare_selectors", "describe_neurons", "tune_strength")
    ),
    *((name, "culturebench/artifacts/pictures.py") for name in ("compare_adapters", "generate_adapted")),
    ("load_prompts", "culturebench/artifacts/splits.py"),  # the test split, by the path that params name
}
#: They hash and copy files; no library has a say in the bytes that they write.
COPIERS = {"code", "pin_model", "bind_pins", "bind_encoder", "bind_judge", "bind_features"}
#: Folders of which a stage may depend on the part that params name.
NAMED_IN_PARAMS = ("models/pins/", "models/judges/")
#: DVC, its cache and outs, and the lock that flows and commands share: none knows of Prefect.
COMMANDS_USE = {
    *("flows/__init__.py", "flows/dvc.py", "flows/outcomes.py", "flows/reference.py", "flows/whole.py"),
    "flows/workspace.py",
}
#: What marks a folder and is read by others' tools.
MARKERS = {"culturebench/py.typed"}
#: Names in params.yaml (`use`), and in a table of the package itself.
NAMED_ELSEWHERE = {"culturebench/images/custom_model.py", "culturebench/__init__.py"}
#: What reads params alone.
INDIFFERENT = {"yaml", "pydantic", "platformdirs"}

STAGE_NAMES = [Path(name).stem for name in python_files("stages") if not Path(name).name.startswith("_")]


# ── who may import whom ─────────────────────────────────────────────────────────────────────────────────────────


def ours(file: str) -> set[str]:
    return {name for name in imports(file) if name.startswith("culturebench/")}


@pytest.mark.parametrize("package", ["params", "artifacts"])
def test_params_and_artifacts_import_nothing_else_of_ours(package: str) -> None:
    allowed = (f"culturebench/{package}/", "culturebench/errors.py", "culturebench/__init__.py")
    for file in python_files(f"culturebench/{package}"):
        strangers = {name for name in imports(file) if not name.startswith(allowed)}
        assert not strangers, f"{file} imports {strangers}"


def test_the_library_imports_no_stage_and_no_flow() -> None:
    for file in python_files("culturebench"):
        outside = {name for name in imports(file) if not name.startswith("culturebench/")}
        allowed = COMMANDS_USE if file.startswith("culturebench/cli/") else set()
        assert not outside - allowed, f"{file} imports {outside - allowed}"


def test_stages_never_import_stages() -> None:
    for name in STAGE_NAMES:
        others = {file for file in closure(f"stages/{name}.py") if file.startswith("stages/")}
        assert others <= {f"stages/{name}.py", "stages/__init__.py"}


def test_flows_know_stages_by_name_only_and_import_no_torch() -> None:
    for file in python_files("flows"):
        reached = closure(file)
        assert not {name for name in reached if name.startswith("stages/")}, file
        assert "torch" not in foreign_imports(reached), file


def test_no_data_stage_imports_torch() -> None:
    for name in DATA_STAGES:
        heavy = foreign_imports(closure(f"stages/{name}.py")) & {"torch", "transformers", "diffusers"}
        assert not heavy, f"stages/{name}.py imports {heavy}"


def test_the_packages_of_the_library_have_no_cycles() -> None:
    graph: dict[str, set[str]] = {}
    for file in python_files("culturebench"):
        parts = file.split("/")
        own = parts[1] if len(parts) > 2 else parts[1].removesuffix(".py")
        others = {name.split("/")[1].removesuffix(".py") for name in ours(file)} - {own, "__init__"}
        graph.setdefault(own, set()).update(others)
    assert not (found := _cycle(graph)), " -> ".join(found)


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()

    def visit(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        done.add(node)
        return next((found for other in sorted(graph.get(node, ())) if (found := visit(other, [*way, node]))), [])

    return next((found for node in sorted(graph) if (found := visit(node, []))), [])


def test_the_environment_is_read_in_two_places_only() -> None:
    places = ("culturebench/cli/", "culturebench/stage.py")
    readers = {file for file in python_files("culturebench") if _reads_environment(file)}
    assert not {file for file in readers if not file.startswith(places)}


def _reads_environment(file: str) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and ast.unparse(node.value) == "os"
        for node in ast.walk(tree(file))
    )


# ── dvc.yaml says what the code does ────────────────────────────────────────────────────────────────────────────


#: What is off by default, so that there is a stage of every kind.
EMPTIED = ("models", "judges", "audits", "questions")
SWITCHED_ON = {"prompts": {"test": {"file": "data/test"}, "outside": {"file": "examples/ood/captions.csv"}}}


@cache
def resolved() -> dict[str, Any]:
    """Every stage of dvc.yaml by its full name, with matrix and params filled in by DVC itself."""
    return _resolved(document())


def _resolved(params: dict[str, Any]) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        copy = Path(folder, ROOT.name)
        copy.mkdir()
        shutil.copy(ROOT / "dvc.yaml", copy)
        (copy / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
        Repo.init(os.fspath(copy), no_scm=True).close()
        with Repo(os.fspath(copy)) as repo:
            stages: list[Any] = list(repo.index.stages)
            return {stage.name: stage for stage in stages}


@cache
def declaration(name: str) -> Stage:
    return importlib.import_module(f"stages.{name}").STAGE


def of_stage(name: str) -> list[Any]:
    return [stage for full, stage in resolved().items() if full.split("@")[0] == name]


def identity(stage: Any) -> dict[str, str]:
    python, module_flag, module, *rest = shlex.split(stage.cmd)
    assert (python, module_flag) == ("python", "-m")
    assert module == f"stages.{stage.name.split('@')[0]}"
    return {flag.removeprefix("--"): value for flag, value in zip(rest[::2], rest[1::2], strict=True)}


def paths(items: list[Any]) -> set[str]:
    return {Path(os.path.relpath(item.fs_path, item.repo.root_dir)).as_posix() for item in items}


def dependencies(stage: Any) -> set[str]:
    return paths([dep for dep in stage.deps if not isinstance(dep, ParamsDependency)])


def parameters(stage: Any) -> dict[str, set[str]]:
    found: list[Any] = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
    return {Path(os.path.relpath(dep.fs_path, dep.repo.root_dir)).as_posix(): set(dep.params) for dep in found}


def is_code(path: str) -> bool:
    return path.startswith(("stages/", "culturebench/")) and "/weights/" not in f"{path}/"


def test_every_stage_module_is_a_stage_of_dvc_yaml_and_the_other_way_round() -> None:
    assert {name.split("@")[0] for name in resolved()} == set(STAGE_NAMES)
    assert all(declaration(name).name == name for name in STAGE_NAMES)


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_stage_is_given_the_identities_that_it_asks_for(name: str) -> None:
    assert all(set(identity(stage)) == set(declaration(name).identities) for stage in of_stage(name))


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_stage_depends_on_its_own_code_and_lists_no_file_of_it(name: str) -> None:
    for stage in of_stage(name):
        assert parameters(stage).get(code.PATH, set()) == {name} - {code.STAGE}, stage.name
        assert not {path for path in dependencies(stage) if is_code(path)}, stage.name


def test_the_committed_digests_are_those_of_the_code() -> None:
    assert code.load(ROOT / code.PATH) == digests.current(ROOT), "run `python -m stages.code` and commit code.json"


def test_the_pipeline_fits_on_a_few_screens() -> None:
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) <= 600


def test_every_file_beside_the_code_is_named_by_code_that_reads_it() -> None:
    listed = (path.relative_to(ROOT) for path in (ROOT / "culturebench").rglob("*") if path.is_file())
    beside = {
        path.as_posix() for path in listed if path.suffix not in (".py", ".pyc") and not {*NO_CODE} & {*path.parts}
    }
    read = {name for file in python_files("culturebench") for name in SOURCES.data_files(file)}
    assert beside - MARKERS == read


def test_whoever_imports_by_name_has_the_name_or_its_package_in_its_text() -> None:
    for file in python_files("culturebench"):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
                text = ast.unparse(node.args[0]).lstrip("f")[1:]
                assert text.startswith("culturebench.") or file in NAMED_ELSEWHERE, f"{file}: {ast.unparse(node)}"


def test_a_package_that_imports_when_asked_does_nothing_else_when_it_is_imported() -> None:
    """Its text is no code of those who import its modules."""
    for file in filter(lambda file: SOURCES.module(file).is_lazy, python_files("culturebench")):
        acts = [part for part in tree(file).body if not isinstance(part, (ast.Import, ast.ImportFrom, ast.FunctionDef))]
        assert {ast.unparse(part).split()[0] for part in acts[1:]} <= {"if", "__all__"}, (
            file
        )  # the first: its docstring


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_stage_depends_on_the_lock_file_when_a_library_can_change_its_bytes(name: str) -> None:
    libraries = foreign_imports(closure(f"stages/{name}.py")) - sys.stdlib_module_names - INDIFFERENT
    if libraries and name not in COPIERS:
        assert all("requirements.lock" in dependencies(stage) for stage in of_stage(name)), libraries


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_stage_depends_on_exactly_the_files_that_it_reads(name: str) -> None:
    for stage in of_stage(name):
        values = identity(stage)
        read = {path.format(**values) for path in declaration(name).inputs.values()}
        found = {path for path in dependencies(stage) if not is_code(path)} - {"requirements.lock"}
        # A folder of pins or judges stands for what of it this stage's entry in params.yaml names.
        narrower = {path: path.rpartition("/")[0] for path in found if path.startswith(NAMED_IN_PARAMS)}
        missing = read - found - set(narrower.values())
        excess = found - read - {path for path in narrower if narrower[path] in read} - _pinned(stage, values)
        assert not missing, f"{stage.name} reads {missing}; add them to its deps"
        assert not excess, f"{stage.name} does not read {excess}; remove them from its deps, or read them"


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_stage_that_reads_some_pins_depends_on_those_that_its_params_name(name: str) -> None:
    for stage in of_stage(name):
        found = {Path(path).stem for path in dependencies(stage) if path.startswith("models/pins/")}
        entries = {*identity(stage).values(), *_named_in_params(name)}
        used = {document()[section][entry]["pin"] for section, entry in _entries(stage) if entry in entries}
        used |= entries & document()["pins"].keys()
        used |= {clip[key] for clip in document()["relevance"] for key in ("pin", "text") if name == "relevance"}
        assert not found or found == used, stage.name


def _entries(stage: Any) -> Iterator[tuple[str, str]]:
    for key in parameters(stage).get("params.yaml", set()):
        section, _, entry = key.partition(".")
        if entry and section in ("encoders", "questions", "audits"):
            yield section, entry


def _pinned(stage: Any, values: dict[str, str]) -> set[str]:
    """The folder of weights of a pin, or the file of captions: it is named in params.yaml, not in the code."""
    if "pin" in values:
        return {document()["pins"][values["pin"]]["folder"]}
    return {source["file"] for name, source in document()["prompts"].items() if values == {"prompts": name}}


@cache
def document() -> dict[str, Any]:
    return {**yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")), **SWITCHED_ON}


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_stage_has_exactly_the_outs_that_it_writes(name: str) -> None:
    for stage in of_stage(name):
        written = {path.format(**identity(stage)) for path in declaration(name).outputs.values()}
        assert paths(stage.outs) == written, stage.name


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_stage_calls_sections_by_their_names_and_takes_region_files_as_the_whole_is_checked(name: str) -> None:
    read = get_type_hints(declaration(name).params)
    region = read.pop("region", RegionPart)
    assert [section.section for section in read.values()] == list(read)
    whole, part = ({key: field.annotation for key, field in model.model_fields.items()} for model in (Region, region))
    assert {key: whole[key] for key in part} == part


@pytest.mark.parametrize("name", [name for name in STAGE_NAMES if name != code.STAGE])
def test_a_stage_depends_on_exactly_the_params_that_it_reads(name: str) -> None:
    sections = {section.section for section in declaration(name).sections if decides_bytes(section)}
    for stage in of_stage(name):
        found = parameters(stage)
        entries = {*identity(stage).values(), *_named_in_params(name)}
        del found[code.PATH]
        keys = {_widened(key, entries) for key in found.pop("params.yaml", set())}
        assert keys == sections, stage.name
        region = identity(stage).get("region")
        wanted = {f"annotations/regions/{region}.yaml": set(declaration(name).region_keys)}
        assert found == (wanted if declaration(name).region_keys else {}), stage.name


def decides_bytes(section: type[Any]) -> bool:
    return getattr(section, "decides_bytes", True)


def test_another_encoder_is_news_to_those_that_bind_and_to_the_report_alone() -> None:
    readers = {stage.split("@")[0] for stage, found in resolved().items() if reads(found, "encoders")}
    assert readers == {"bind_pins", "bind_measures", "report"}


@pytest.mark.parametrize("folder", ["data/probe", "models/sae", "models/neurons", "models/selected"])
def test_a_folder_of_all_encoders_is_read_by_the_one_that_binds_and_the_report_alone(folder: str) -> None:
    readers = {name.split("@")[0] for name, stage in resolved().items() if folder in dependencies(stage)}
    assert readers - {"report"} == {"bind_encoder"}


def reads(stage: Any, section: str) -> bool:
    return section in parameters(stage).get("params.yaml", set())


def test_where_the_work_is_done_makes_no_stage_stale() -> None:
    indifferent = {section.section for section in section_models() if not decides_bytes(section)}
    assert "engine" in indifferent
    named = {key.partition(".")[0] for stage in resolved().values() for key in parameters(stage).get("params.yaml", ())}
    assert not named & indifferent


def _widened(key: str, entries: set[str]) -> str:
    """`models.atlas` counts as `models` for the stage of the model atlas, and for one whose section names it."""
    section, _, entry = key.partition(".")
    return section if section in REGISTRIES and entry in entries else key


def _named_in_params(name: str) -> set[str]:
    section = document().get(name, {})
    return {value for value in section.values() if isinstance(value, str)} if isinstance(section, dict) else set()


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_stage_sees_no_params_section_that_it_does_not_read(name: str) -> None:
    own = {file_of(section.__module__) for section in declaration(name).sections}
    for file in _named_modules(name, "culturebench/params/"):
        assert file in own, f"stages/{name}.py reaches {file} by {_way(f'stages/{name}.py', file)}"


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_stage_sees_no_artifact_that_it_neither_reads_nor_writes(name: str) -> None:
    touched = {*declaration(name).inputs.values(), *declaration(name).outputs.values()}
    for file in _named_modules(name, "culturebench/artifacts/"):
        module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
        used = any(_overlap(path, other) for path in _paths_of(module) for other in touched)
        assert used or (name, file) in BORROWERS, (
            f"stages/{name}.py reaches {file} by {_way(f'stages/{name}.py', file)}"
        )


def _named_modules(name: str, package: str) -> Iterator[str]:
    reached = closure(f"stages/{name}.py")
    return (file for file in sorted(reached) if file.startswith(package) and not Path(file).name.startswith("_"))


def _paths_of(module: ModuleType) -> Iterator[str]:
    for value in vars(module).values():
        if isinstance(value, str) and ("/" in value or Path(value).suffix):
            yield value
        elif isinstance(value, dict):
            yield from (item for item in value.values() if isinstance(item, str) and "/" in item)


def _overlap(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def _way(start: str, goal: str) -> str:
    """How `start` comes to reach `goal`."""
    ways = [[start]]
    seen = {start}
    for way in ways:
        if way[-1] == goal:
            return " -> ".join(way)
        new = sorted(SOURCES.imports(way[-1]) - seen)
        seen.update(new)
        ways += [[*way, name] for name in new]
    return "no way"


@pytest.mark.parametrize("split", READERS)
def test_a_split_is_read_only_by_those_it_is_for(split: str) -> None:
    readers = {name.split("@")[0] for name, stage in resolved().items() if split in dependencies(stage)}
    assert readers <= READERS[split]


def test_where_params_name_no_model_judge_or_clip_every_folder_that_a_stage_needs_is_there_all_the_same() -> None:
    stages = list(_resolved({**document(), **{key: {} for key in EMPTIED}, "relevance": []}).values())
    made = {path for stage in stages for path in paths(stage.outs)}
    needed = {path for stage in stages for path in dependencies(stage)}
    of_stages = ("data/", "models/", "reports/")
    missing = {path for path in needed if path.startswith(of_stages) and not _filled(path, made)}
    assert missing == {folder for folders in FOLDERS.values() for folder in folders}


def _filled(path: str, made: set[str]) -> bool:
    """Whether some stage writes this path, what it lies in, or something below it."""
    return any(_overlap(path, out) for out in made)
