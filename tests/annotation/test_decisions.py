"""Decisions become verdicts; a wrong line is named."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from culturebench.annotation.consensus import majority
from culturebench.annotation.decisions import Decision, read_decisions
from culturebench.annotation.lines import AnnotationError
from culturebench.annotation.removed import read_removed
from culturebench.atlas.annotators import ERROR_RATES, decide, main, true_reason
from culturebench.atlas.collection import findings

ID = "a" * 64
GOOD = {"picture_id": ID, "annotator": "ann", "verdict": "keep", "subdivision": "seigaiha"}


def decision(verdict: str, reason: str = "", subdivision: str = "", annotator: str = "x") -> Decision:
    return Decision(picture_id=ID, annotator=annotator, verdict=verdict, reason=reason, subdivision=subdivision)


KEEP, REJECT = decision("keep", subdivision="delft"), decision("reject", "wrong_culture")


@pytest.mark.parametrize(
    ("decisions", "kept", "reason", "agreement"),
    [
        ([KEEP, KEEP, REJECT], True, "", 2 / 3),
        ([KEEP, REJECT, REJECT], False, "wrong_culture", 2 / 3),
        ([KEEP, REJECT], False, "undecided", 0.5),
        ([KEEP], False, "undecided", 1.0),
        ([], False, "undecided", 0.0),
        ([KEEP, KEEP], True, "", 1.0),
    ],
)
def test_the_majority_decides_and_a_tie_does_not(decisions, kept: bool, reason: str, agreement: float):
    verdict = majority(decisions, min_decisions=2)
    assert (verdict.kept, verdict.reason, verdict.agreement) == (kept, reason, pytest.approx(agreement))
    assert verdict.decisions == len(decisions)


def test_subdivision_and_reason_are_those_of_the_majority_s_majority():
    votes = [decision("keep", subdivision=name) for name in ("gzhel", "delft", "delft")] + [REJECT]
    assert majority(votes, 2).subdivision == "delft"
    assert majority([decision("reject", r) for r in ("privacy", "low_quality", "privacy")], 2).reason == "privacy"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "JSON"),
        ("\u00ff", "JSON"),
        (json.dumps(GOOD | {"picture_id": "x"}), "picture_id"),
        (json.dumps(GOOD | {"verdict": "maybe"}), "verdict"),
        (json.dumps(GOOD | {"e_mail": "a@b.example"}), "e_mail"),
        (json.dumps(GOOD | {"subdivision": "delft"}), "unknown subdivision 'delft'"),
        (json.dumps(GOOD | {"verdict": "reject"}), "does not go with"),
        (json.dumps(GOOD | {"confidence": 9}), "confidence"),
        (json.dumps(GOOD), "line 1 already"),
        ("[" * 50_000, "JSON"),
    ],
)
def test_a_wrong_decision_is_named_by_file_and_line(tmp_path: Path, line: str, says: str):
    path = tmp_path / "jp.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n\n" + line.encode("latin-1") + b"\n")
    with pytest.raises(AnnotationError, match=r"jp\.jsonl:3") as caught:
        read_decisions(path, ["seigaiha", "asanoha"])
    assert says in str(caught.value)


def test_no_file_and_an_empty_file_mean_no_decisions(tmp_path: Path):
    (tmp_path / "empty.jsonl").touch()
    assert read_decisions(tmp_path / "none.jsonl", []) == read_decisions(tmp_path / "empty.jsonl", []) == {}
    assert read_removed(tmp_path / "none.jsonl") == {}


def test_a_takedown_needs_a_hash_and_a_reason(tmp_path: Path):
    path = tmp_path / "removed.jsonl"
    path.write_text(json.dumps({"sha256": ID, "reason": "asked by the author"}) + "\n")
    assert read_removed(path) == {ID: "asked by the author"}
    path.write_text('{"sha256": "short", "reason": "x"}\n')
    with pytest.raises(AnnotationError, match=r"removed\.jsonl:1"):
        read_removed(path)


def test_scripted_annotators_err_at_the_rate_they_name():
    shares = dict.fromkeys(["near_duplicate", "blurred", "badly_licensed", "truncated", "too_small"], 0.02)
    every = findings("jp", 1300, shares | {"mislabelled": 0.3, "plain": 0.2})
    rows = [(finding, decide(finding)) for finding in every]
    for number, rate in enumerate(ERROR_RATES):
        wrong = sum((three[number]["reason"] == "") != (true_reason(finding) == "") for finding, three in rows)
        deviation = math.sqrt(len(rows) * rate * (1 - rate))
        assert abs(wrong - rate * len(rows)) < 4 * deviation
        assert f"error rate {rate}" in rows[0][1][number]["annotator"]


def test_the_committed_decisions_are_those_of_the_scripted_annotators(tmp_path: Path, monkeypatch):
    root = Path(__file__).resolve().parents[2]
    main(["--params", str(root / "params.yaml"), "--folder", str(tmp_path / "decisions"), "--regions", "jp", "vn"])
    for name in ("decisions/jp.jsonl", "decisions/vn.jsonl", "gold/jp.jsonl", "gold/vn.jsonl"):
        written = (tmp_path / name).read_bytes()
        assert written == (root / "annotations" / name).read_bytes()
        assert written.splitlines() == sorted(written.splitlines(), key=lambda line: json.loads(line)["picture_id"])
