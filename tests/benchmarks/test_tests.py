"""`python -m benchmarks.tests` says what each slow test took and guards."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.tests import slow_tests
from import_graph import ROOT

ONE = '''import pytest

def test_quick():
    pass

@pytest.mark.slow
@pytest.mark.xdist_group("pots")
@pytest.mark.parametrize("word", ["a@b", "c"])
def test_a_pot_is_round(word):
    pass

@pytest.mark.slow
@pytest.mark.xdist_group("pots")
def test_a_pan_is_flat():
    """As everybody knows.

    And more.
    """
'''
ALL = """import pytest

pytestmark = [pytest.mark.slow]

def test_a_lid_fits():
    pass
"""


def run(root: Path, *arguments: str) -> str:
    """A command of Python's in the project; what it prints."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_slow_tests_are_listed_with_their_seconds_and_claims_and_no_others(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_bytes((ROOT / "tests/conftest.py").read_bytes())
    (tests / "test_one.py").write_text(ONE)
    (tests / "test_all.py").write_text(ALL)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    assert {test.seconds for test in slow_tests(tmp_path)} == {None}
    run(tmp_path, "pytest", "-q", "-n", "1", "--dist", "loadgroup", "tests/test_one.py")
    found = {test.guards: test for test in slow_tests(tmp_path)}
    assert found.keys() == {"a pot is round", "a pan is flat: As everybody knows.", "a lid fits"}
    pot = found["a pot is round"]
    assert (pot.place, pot.variants) == ("tests/test_one.py::test_a_pot_is_round", 2)
    assert pot.seconds is not None and found["a lid fits"].seconds is None
    run(tmp_path, "pytest", "-q", "tests/test_all.py")  # what the others took is kept
    assert all(test.seconds is not None for test in slow_tests(tmp_path))


def test_the_list_ends_with_the_sum_and_begins_with_the_dearest(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_one.py").write_text(ONE)
    kept = tmp_path / ".pytest_cache/v/culturebench/seconds"
    kept.parent.mkdir(parents=True)
    named = "tests/test_one.py::test_a_pot_is_round"
    kept.write_text(f'{{"{named}[a@b]": 1.5, "{named}[c]": 1, "tests/test_one.py::test_a_pan_is_flat": 0.25}}')
    _, pot, pan, whole = run(ROOT, "benchmarks.tests", "--project", str(tmp_path)).splitlines()
    assert re.fullmatch(r" +2\.5  test_one\.py: a pot is round \(2 variants\)", pot)
    assert pan.split(maxsplit=1)[0] in ("0.2", "0.3") and pan.endswith("a pan is flat: As everybody knows.")
    assert whole.split(maxsplit=1)[0] in ("2.7", "2.8") and "2 of 2 slow tests" in whole
