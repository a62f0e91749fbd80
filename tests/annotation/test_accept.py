"""An expert keeps all pictures of a region at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from culturebench.annotation.accept import DECISIONS, accept
from culturebench.annotation.decisions import read_decisions
from culturebench.artifacts import duplicates
from culturebench.errors import CultureBenchError

NAMES = [letter * 64 for letter in "abcd"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four unique pictures and a duplicate; ben rejected the second, ann kept the third."""
    path = tmp_path / duplicates.PATH.format(region="nl")
    path.parent.mkdir(parents=True)
    row = {"region": "nl", "phash": "0" * 16, "group": NAMES[0], "status": "kept", "reason": "", "keeper": NAMES[0]}
    copy = {**row, "picture_id": "e" * 64, "status": "dropped", "reason": "duplicate"}
    duplicates.TABLE.save(path, [copy, *({**row, "picture_id": name} for name in NAMES)])
    decisions = tmp_path / DECISIONS.format(region="nl")
    decisions.parent.mkdir(parents=True)
    said = [
        {"picture_id": NAMES[1], "annotator": "ben", "verdict": "reject", "reason": "privacy"},
        {"picture_id": NAMES[2], "annotator": "ann", "verdict": "keep", "subdivision": "delft"},
    ]
    decisions.write_text("".join(json.dumps(line) + "\n" for line in said))
    return tmp_path


def test_what_waits_is_kept_in_the_expert_s_name_and_what_was_said_stays(root: Path) -> None:
    assert accept(root, "nl", " ann ") == 2
    found = read_decisions(root / DECISIONS.format(region="nl"), ["delft"])
    said = {name: [(one.annotator, one.verdict, one.subdivision) for one in found[name]] for name in found}
    assert said == {
        NAMES[0]: [("ann", "keep", "")],
        NAMES[1]: [("ben", "reject", "")],
        NAMES[2]: [("ann", "keep", "delft")],
        NAMES[3]: [("ann", "keep", "")],
    }
    before = (root / DECISIONS.format(region="nl")).read_bytes()
    assert accept(root, "nl", "ann") == 0 and (root / DECISIONS.format(region="nl")).read_bytes() == before
    assert accept(root, "nl", "cem") == 3


def test_a_decision_has_a_name_and_comes_after_deduplicate(root: Path) -> None:
    with pytest.raises(CultureBenchError, match="needs the name"):
        accept(root, "nl", " ")
    with pytest.raises(CultureBenchError, match="dvc repro deduplicate"):
        accept(root, "jp", "ann")
