"""What the documents name is there: files, functions, commands with their options, modules, params. Nothing is run."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from culturebench import cli
from culturebench.checks import problems, section_models
from documents import (
    DOCUMENTS,
    LANGUAGES,
    blocks,
    commands,
    headings,
    inline,
    links,
    resolve,
    text_of,
)
from import_graph import ROOT

WORDS = 1000
#: What a run or a reader makes.
MADE = (".venv", ".prefect", ".dvc/tmp", "build", "data", "models", "my-pictures", "release", "reports/drift",
        "reports/metrics", "reports/neurons")  # fmt: skip
MADE_FILES = ("reports/index.html",)
APP = typer.main.get_command(cli.app)
PARAMS: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
SECTIONS = {model.section: model for model in section_models()}
#: Commands of `sh` blocks, which need a server, a bucket or other machines -> the test that gives them what they need.
SWITCHING = "tests/switching/test_switching.py"
GIVEN_ELSEWHERE = {
    "culturebench model list": SWITCHING,
    "culturebench model add sdxl --commit 0123456789abcdef0123456789abcdef01234567": SWITCHING,
    "culturebench pins fetch sdxl": "tests/test_hub.py",
    "make repro": "tests/pipeline/test_documents.py",
    "dvc remote add --default team s3://bucket/artifacts": "tests/pipeline/test_two_machines.py",
    "dvc remote modify team verify true": "tests/pipeline/test_two_machines.py",
    "dvc push": "tests/pipeline/test_two_machines.py",
    "bash benchmarks/gpu.sh sdxl": "tests/benchmarks/test_gpu.py",
    "ray start --head --port 6379": "tests/engine/test_cluster.py",
    "ray start --address 10.0.0.1:6379": "tests/engine/test_cluster.py",
}


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").split()) <= WORDS


def test_every_block_says_what_it_is() -> None:
    assert {block.language for block in blocks()} <= set(LANGUAGES)


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    linked = {resolve("README.md", link).relative_to(ROOT).as_posix() for link in links("README.md")}
    assert linked >= set(DOCUMENTS) - {"README.md"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    for link in links(document):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = resolve(document, path) if path else ROOT / document
        assert target.exists(), link
        assert not anchor or anchor in headings(target.relative_to(ROOT).as_posix()), link


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_and_function_that_is_named_exists(document: str) -> None:
    for word in inline(document):
        path, _, name = word.partition(":")
        if "/" not in path or not re.fullmatch(r"[\w./-]+", path) or path.startswith(MADE) or path in MADE_FILES:
            continue
        if path.startswith("reproduce/"):
            continue  # a deployment
        assert (ROOT / path).exists(), word
        if name:
            assert name in _defined(ROOT / path), word


def _defined(path: Path) -> set[str]:
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def _said(document: str) -> Iterator[list[str]]:
    """Every command, in blocks and in backticks, as words."""
    for command in (*commands("bash", "sh", document=document), *inline(document)):
        if re.match(r"(culturebench|python -m|\.venv/bin/python -m) ?\w", command):
            yield shlex.split(command)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_exists_and_has_the_options_that_are_named(document: str) -> None:
    for words in _said(document):
        if words[0] != "culturebench":
            module = words[words.index("-m") + 1]
            assert importlib.util.find_spec(module), " ".join(words)
        elif len(words) > 1:
            _check_command(words)


def _check_command(words: list[str]) -> None:
    command: Any = APP
    rest = words[1:]
    while (below := getattr(command, "commands", None)) and rest:
        assert rest[0] in below, f"{' '.join(words)}: there are {', '.join(below)}"
        command, rest = below[rest[0]], rest[1:]
    known: set[str] = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known, " ".join(words)


def test_commands_that_no_document_runs_are_given_by_another_test() -> None:
    assert set(commands("sh")) == set(GIVEN_ELSEWHERE)
    assert all((ROOT / test).exists() for test in GIVEN_ELSEWHERE.values())


# ── params ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: f"{block.document}: {block.section}")
def test_the_params_of_every_example_are_valid(block: Any, tmp_path: Path) -> None:
    asked: dict[str, Any] = yaml.safe_load(block.text)
    shutil.copytree(ROOT / "annotations", tmp_path / "annotations")
    merged = _merged(PARAMS, asked)
    assert merged != PARAMS
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(merged, allow_unicode=True), encoding="utf-8")
    assert problems(tmp_path) == []


def _merged(ours: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings key by key, anything else replaced; an entry of another kind takes the old one's place."""
    result = dict(ours)
    for key, value in asked.items():
        before = result.get(key)
        alike = isinstance(value, dict) and isinstance(before, dict) and before.get("kind") == value.get("kind")
        result[key] = _merged(before, value) if alike else value
    return result


def test_an_example_with_an_unknown_key_would_be_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "annotations", tmp_path / "annotations")
    merged = _merged(PARAMS, {"screen": {"relevanse": None}})
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(merged, allow_unicode=True), encoding="utf-8")
    assert "relevanse" in " ".join(problems(tmp_path))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_key_of_params_that_is_named_exists(document: str) -> None:
    for word in inline(document):
        section, *keys = word.partition(":")[0].split(".")
        if keys and section in SECTIONS and re.fullmatch(r"[a-z_.*0-9]+", word.partition(":")[0]):
            schema = SECTIONS[section].model_json_schema()
            assert any(_has(schema, schema, keys)), word


def _has(schema: dict[str, Any], part: dict[str, Any], keys: list[str]) -> Iterator[bool]:
    """Whether the JSON schema knows the keys; `*` is any name of a mapping."""
    if "$ref" in part:
        yield from _has(schema, schema["$defs"][part["$ref"].rpartition("/")[2]], keys)
        return
    for other in (*part.get("anyOf", ()), *part.get("oneOf", ()), *part.get("allOf", ())):
        yield from _has(schema, other, keys)
    if not keys:
        yield True
        return
    properties = part.get("properties", {})
    if keys[0] in properties:
        yield from _has(schema, properties[keys[0]], keys[1:])
    elif isinstance(more := part.get("additionalProperties"), dict):
        yield from _has(schema, more, keys[1:])


def test_the_method_tells_of_every_condition() -> None:
    section = text_of("docs/method.md").partition("\n## Conditions\n")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([a-z_]+)`", section))
    assert told == {name for names in PARAMS["conditions"].values() for name in names}


# ── what stands beside the code ─────────────────────────────────────────────────────────────────────────────────


def test_the_licences_are_named_alike_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert set(project["license"].split(" AND ")) == set(citation["license"])
    assert project["version"] == str(citation["version"])
    assert all((ROOT / name).is_file() for name in project["license-files"])
    assert "Version 2.0, January 2004" in text_of("LICENSE") and "END OF TERMS AND CONDITIONS" in text_of("LICENSE")


def test_what_the_notice_puts_under_another_licence_is_there() -> None:
    for path in re.findall(r"(?:culturebench|annotations|examples)/[\w./]+\w", text_of("NOTICE")):
        assert (ROOT / path).exists(), path
