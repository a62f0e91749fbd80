"""A person reads what moved, what that is held against, and what to type."""

from __future__ import annotations

from culturebench.probing.drift import Change, RegionDrift
from culturebench.revisions import Revision
from flows.drift_report import Compared, report

REVISION = Revision("encoder", "folder", "weights/one", "weights/two")


def test_the_report_says_what_moved_and_how_to_accept_it() -> None:
    regions = [RegionDrift("jp", 0.2, 0.4), RegionDrift("nl", 0.9, 0.4), RegionDrift("ua", None, None)]
    compared = Compared({"tower": (3, 4)}, {"tower": regions}, [Change("sdxl", "noun", 0.5, 0.4, -0.15, -0.05)])
    assert (compared.layers_moved, compared.regions_moved) == (["tower"], ["jp"])
    text = report(REVISION, compared)
    assert "The culture layer moved from 3 to 4." in text
    assert "| jp | 0.20 | 0.40 | below the floor |" in text
    assert "| nl | 0.90 | 0.40 |  |" in text
    assert "| ua | not comparable | not comparable |  |" in text
    assert "| sdxl | noun | 0.500 | 0.400 | -0.100 [-0.150, -0.050] |" in text
    assert text.rstrip().endswith("`culturebench pins accept encoder` takes the revision over.")


def test_the_report_of_a_revision_without_evaluation_says_so() -> None:
    text = report(REVISION, Compared({"tower": (3, 3)}, {"tower": []}, []))
    assert "The culture layer is 3, as before." in text
    assert "Not evaluated" in text
