"""What a planned study can see: more with more people and larger differences, and little where there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from culturebench import cli
from culturebench.study.power import ASSUMED, designs, gain_of, minutes, power
from culturebench.study.simulate import Design, truth_of
from import_graph import ROOT
from small_study import plan_of


def test_a_plan_comes_to_as_many_prompts_and_people_as_it_deals() -> None:
    plan = plan_of(groups=2, people=5)
    assert designs(plan, 3) == {
        "scc": Design(12, 30, 6, 3), "mcc": Design(2, 30, 1, 3, at_once=True), "csr": Design(6, 30, 3, 3),
    }  # fmt: skip
    assert minutes(plan, 3) == pytest.approx(((6 + 4) * 15 + (1 + 4) * 30 + (3 + 4) * 15) / 60)


@pytest.mark.parametrize("kind", ASSUMED)
@pytest.mark.parametrize("difference", [0.05, 0.2])
def test_a_gain_is_the_one_that_makes_the_difference(kind: str, difference: float) -> None:
    planted = ASSUMED[kind]
    changed = type(planted)(**{**vars(planted), "gain": gain_of(planted, difference)})
    assert truth_of(changed) == pytest.approx(difference, abs=1e-4)


def test_a_study_sees_large_differences_more_often_than_small_ones_and_seldom_what_is_not_there() -> None:
    plan = plan_of(prompts_per_region={"scc": 10, "mcc": 0, "csr": 10}, people=6)
    for seen in power(plan, 3, 60):
        assert seen.shares[0.0] <= 0.1 and seen.shares[0.05] < seen.shares[0.2] and seen.shares[0.2] > 0.4


def test_the_command_says_what_the_plan_of_params_can_see(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    found = CliRunner().invoke(cli.app, ["study", "power", "--runs", "20", "--people", "2"])
    assert found.exit_code == 0, found.output
    assert "20 points" in found.stdout and "5 blocks of 2" in " ".join(found.stdout.split())
    (tmp_path / "params.yaml").write_text("study: {}\nregions: [jp, nl]\n")
    monkeypatch.chdir(tmp_path)
    assert "`study` plans none" in str(CliRunner().invoke(cli.app, ["study", "power"]).exception)
