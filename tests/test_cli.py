"""The command line: what a person sees, and what is refused before any work."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from culturebench import cli
from culturebench.checks import problems
from culturebench.cli import _clone
from culturebench.cli._shared import say
from culturebench.doctor import KEYS, LABEL_STUDIO, diagnose
from culturebench.errors import CultureBenchError
from culturebench.regions.overview import overview

ROOT = Path(__file__).parents[1]


def call(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, list(arguments))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Params and region files of this project, in a folder that is the current one."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "annotations/regions", tmp_path / "annotations/regions")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(project: Path, edit: Any) -> None:
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(params)
    path.write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")


def test_the_projects_own_params_and_regions_are_in_order() -> None:
    assert problems(ROOT) == []


HOSTILE = "\x1b]0;owned\x07[bold red]all is well[/] \x1b[2J\u202e"


def test_nothing_that_a_file_says_steers_the_terminal(project: Path) -> None:
    path = project / "annotations/regions/jp.yaml"
    region = yaml.safe_load(path.read_text(encoding="utf-8"))
    region["country"], region["notes"] = f"Japan {HOSTILE}", HOSTILE
    path.write_text(yaml.safe_dump(region, allow_unicode=True), encoding="utf-8")
    for command in (("region", "show", "jp"), ("region", "list"), ("region", "check", "jp"), ("validate",)):
        result = call(*command)
        said = result.stdout + result.stderr
        assert not set("\x1b\x07\u202e") & set(said), command
        assert "[bold red]" in said or "all is well" not in said, command
    assert "Japan" in call("region", "show", "jp").stdout


def test_no_command_prints_what_it_was_told_but_through_the_two_functions_that_make_it_plain() -> None:
    files = sorted((ROOT / "culturebench/cli").glob("*.py"))
    assert [file.name for file in files if "typer.echo" in file.read_text(encoding="utf-8")] == ["_shared.py"]


def test_a_plan_shows_a_models_name_as_text(project: Path) -> None:
    name = "atlas[bold red]s[/]"
    change(project, lambda params: params["models"].update({name: params["models"].pop("atlas")}))
    assert call("plan", "--model", name).stdout.startswith(f"{name} on one")


def test_what_a_command_says_of_a_file_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"It is still in {HOSTILE}, which is yours to delete.")
    assert not set("\x1b\x07\u202e") & set(capsys.readouterr().out)


def test_an_error_says_what_it_was_told_without_its_escapes() -> None:
    assert str(CultureBenchError(f"the server says {HOSTILE}\nand more")) == (
        "the server says \\x1b]0;owned\\x07[bold red]all is well[/] \\x1b[2J\\u202e\nand more"
    )


def test_the_doctor_shows_no_key_of_the_stores_url_and_no_markup(tmp_path: Path) -> None:
    found = list(diagnose(tmp_path, {LABEL_STUDIO: "http://me:s3cret@127.0.0.1:x1/"}, "s3://AKIA:s3cret@bucket/a"))
    assert not [line for line in found if "s3cret" in line.detail + line.advice]
    assert "s3://***@bucket/a" in {line.detail for line in found}
    store = tmp_path / "[red]store"
    store.mkdir()
    store.chmod(0o755)
    (said,) = (line.detail for line in diagnose(tmp_path, {}, str(store)) if line.subject == "cached results")
    assert f"chmod 700 {store}" in said


def test_an_unknown_section_is_refused_with_the_names_of_the_known_ones(project: Path) -> None:
    change(project, lambda params: params.update(scren={"a": 1}))
    result = call("validate")
    assert result.exit_code == 1
    assert "`scren` is not known" in result.stderr
    assert "screen" in result.stderr


def test_a_wrong_value_is_named_with_its_key_and_what_is_allowed(project: Path) -> None:
    change(project, lambda params: params["evaluate"].update(level=7))
    (found,) = problems(project)
    assert "evaluate.level" in found
    assert "7" in found
    assert "less than 1" in found


def test_all_mistakes_are_told_at_once(project: Path) -> None:
    change(project, lambda params: (params["evaluate"].update(level=7), params.update(typo=1)))
    assert len(problems(project)) == 2


def test_a_model_that_names_no_encoder_is_refused_with_the_encoders_there_are(project: Path) -> None:
    change(project, lambda params: params["models"]["atlas"].update(towers=["clip"]))
    (found,) = problems(project)
    assert "models.atlas.towers: 'clip' is not in `encoders`; there are: atlas" in found


def test_a_source_for_a_region_that_does_not_exist_is_refused(project: Path) -> None:
    change(project, lambda params: params["collect"]["sources"][0].update(regions=["jp", "atlantis"]))
    (found,) = problems(project)
    assert "collect.sources.0.regions: 'atlantis' is no region; there are: arab" in found


def test_a_licence_that_no_picture_can_have_is_refused_with_how_it_is_written(project: Path) -> None:
    licences = ["unknown", "CC-BY-SA-3.0-IGO", "GPL-2.0-only", "CC BY 4.0", "PDM-1.0", "GPL-3.0", "CC-BY-9.9", "mine"]
    change(project, lambda params: params["screen"].update(licences=licences))
    found = problems(project)
    assert [line.split(" (")[0] for line in found] == [
        "params.yaml: screen.licences.3: 'CC BY 4.0' is never written so; write CC-BY-4.0",
        "params.yaml: screen.licences.4: 'PDM-1.0' is never written so; write CC-PDM-1.0",
        "params.yaml: screen.licences.5: 'GPL-3.0' is never written so; write GPL-3.0-only",
        "params.yaml: screen.licences.6: 'CC-BY-9.9' is no SPDX id",
        "params.yaml: screen.licences.7: 'mine' is no SPDX id",
    ]


def test_a_source_on_the_web_is_refused_without_somebody_to_write_to(project: Path) -> None:
    change(project, lambda params: params["collect"]["sources"].append({"kind": "commons"}))
    (found,) = problems(project)
    assert "commons" in found and "web.contact" in found


def test_a_judge_of_an_unknown_kind_is_refused_with_the_kinds_there_are(project: Path) -> None:
    change(project, lambda params: params["judges"]["atlas_vit"].update(kind="oracle"))
    (found,) = problems(project)
    assert "judges.atlas_vit" in found and "'atlas', 'openai'" in found


def test_a_judge_behind_an_endpoint_needs_no_pin(project: Path) -> None:
    change(project, lambda params: params["judges"].update(served={"kind": "openai"} | params["caption"]["openai"]))
    assert problems(project) == []


def test_a_region_without_a_file_is_refused_with_the_codes_there_are(project: Path) -> None:
    change(project, lambda params: params["regions"].append("atlantis"))
    (found,) = problems(project)
    assert "atlantis" in found
    assert "jp" in found


def test_a_missing_params_file_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = problems(tmp_path)
    assert "run from the project's root" in found


def test_regions_are_listed_in_the_order_of_the_params_and_spare_ones_after_them(project: Path) -> None:
    codes = [region.code for region in overview(project)]
    active = [region.code for region in overview(project) if region.active]
    assert active == yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))["regions"]
    assert codes == [*active, "br", "in", "mx", "vn"]
    assert all(len(region.subdivisions) >= 2 for region in overview(project))
    assert "seigaiha" in call("region", "list").stdout


def test_the_report_is_missing_before_the_first_run_and_the_command_says_what_to_do(project: Path) -> None:
    result = call("report")
    assert result.exit_code == 1
    assert "make repro" in str(result.exception)


def test_the_reports_path_is_printed_alone_on_its_line(project: Path) -> None:
    (project / "reports").mkdir()
    (project / "reports/index.html").write_text("<p>done</p>")
    assert call("report").stdout == f"The report is at {project.resolve() / 'reports/index.html'}\n"


def test_the_doctor_never_shows_a_keys_value() -> None:
    secrets = {name: f"secret-of-{name}" for name in KEYS} | {LABEL_STUDIO: "not-a-url"}
    findings = list(diagnose(ROOT, secrets, "/nowhere/to/be/found"))
    text = "\n".join(f"{finding.subject} {finding.detail} {finding.advice}" for finding in findings)
    assert "secret-of" not in text
    assert all(finding.ok for finding in findings if finding.subject in KEYS)


def test_the_doctor_says_what_to_do_about_everything_that_is_missing(tmp_path: Path) -> None:
    findings = list(diagnose(tmp_path, {}, str(tmp_path / "store")))
    assert {"packages", "DVC", "atlas weights"} <= {finding.subject for finding in findings if not finding.ok}
    assert all(finding.advice for finding in findings if not finding.ok)


def test_label_studio_that_does_not_answer_is_no_crash() -> None:
    (found,) = [f for f in diagnose(ROOT, {LABEL_STUDIO: "http://127.0.0.1:1"}, "s3://x/y") if "Studio" in f.subject]
    assert not found.ok
    assert "no answer" in found.detail


def commands(found: Any, *names: str) -> dict[str, Any]:
    """Every command below `found` by its full name, the groups too."""
    below = getattr(found, "commands", {})
    return {" ".join(names): found} | {
        n: c for key, one in below.items() for n, c in commands(one, *names, key).items()
    }


COMMANDS = commands(typer.main.get_command(cli.app))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_what_it_is_given(name: str) -> None:
    assert "Usage" in call(*name.split(), "--help").stdout
    assert COMMANDS[name].help
    assert not [one.name for one in COMMANDS[name].params if not getattr(one, "help", None)]


@pytest.mark.parametrize("name", [name for name, one in COMMANDS.items() if not hasattr(one, "commands")])
def test_every_command_but_one_says_that_it_works_in_a_clone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "pins convert":  # of any file
        return
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        _clone.CloneError, match=f"{name}` works in the root of a clone .*there is no params.yaml or dvc.yaml in"
    ):
        COMMANDS[name].invoke(COMMANDS[name].make_context(name, [], resilient_parsing=True))


def test_status_gives_a_row_to_all_stages_of_a_kind_that_wait_for_the_same(project: Path) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], cwd=project, check=True)
    stages = {
        "draw": {"matrix": {"what": ["bowl", "fan", "robe", "vase"]}, "cmd": "true", "outs": ["${item.what}"]},
        "join": {"cmd": "true", "deps": ["bowl"], "outs": ["all"]},
    }
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    lines = [" ".join(line.split()) for line in call("status").stdout.splitlines()]
    assert lines[1:] == [
        "draw@bowl, fan, robe … and 1 more will run has not run yet",
        "join will run has not run yet",
        "5 of 5 stages. `make repro` brings them up to date.",
    ]
