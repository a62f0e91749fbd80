"""One record more, and a condition is generated, judged, compared, controlled and shown, by real stages."""

from __future__ import annotations

from typing import Any

import pytest

from culturebench.artifacts import pictures
from workspace import Params, Workspace, set_conditions

pytestmark = pytest.mark.slow

RECORD = """    Condition(
        name="amplified_en",
        label="Amplified English",
        explained="the English noun, the region's culture neurons scaled up",
        caption="noun_en",
        reference="noun_en",
        edit=AMPLIFY,
        controls=(RANDOM,),
        subject="Amplifying the neurons, in English",
    ),
"""


def without_other_chapters(params: Params) -> None:
    """No chapter that takes no condition, one judge, and of the conditions those to which the new one is compared."""
    params |= {"audits": {}, "questions": {}, "study": {}}
    params["judges"].pop("atlas_vit")
    edited = ("amplified", "amplified_en", "random_amplified_en")
    set_conditions(params, pinned=("noun", "noun_en", "cultural"), edited=edited, enhanced=())
    params["sites"] = []


def test_a_condition_is_added_by_its_record_alone(workspace: Workspace) -> None:
    last = '    Condition(\n        name="masked"'
    workspace.edit("culturebench/conditions/catalogue.py", lambda text: text.replace(last, RECORD + last))
    workspace.edit_params(without_other_chapters)
    workspace.repro()

    def images(condition: str) -> list[bytes]:
        path = workspace.root / pictures.TEST_PATH.format(model="atlas", condition=condition)
        return [row["image"] for row in pictures.TABLE.load(path)]

    plain, edited, control = (images(name) for name in ("noun_en", "amplified_en", "random_amplified_en"))
    strength = workspace.load_json("models/strength/atlas.json")["amplify"]["strength"]
    assert len(plain) == len(edited) == len(control)
    assert (edited != plain) == (control != plain) == (strength > 0)
    rows: list[dict[str, Any]] = workspace.load_json("reports/metrics/evaluation.json")
    compared = {row["against"] for row in rows if row["condition"] == "amplified_en"}
    assert compared == {"", "noun_en", "random_amplified_en"}
    page = (workspace.root / "reports/index.html").read_text(encoding="utf-8")
    assert page.count("Amplified English") > 3
    assert "Amplifying the neurons, in English" in page
    assert "Random amplified English" in page
