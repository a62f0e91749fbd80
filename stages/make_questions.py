"""Make questions about pictures, for detection and for the test, without a common picture."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

from culturebench.artifacts import pins, questions as artifact
from culturebench.params import choose
from culturebench.params.questions import Questions
from culturebench.params.regions import Regions
from culturebench.pins import pin_path, verified_folder
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    questions: Questions
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths, *, questions: str) -> None:
    """Draw the atlas's questions, or read published ones."""
    how = choose(params.questions, questions)
    folder = verified_folder(pin_path(inputs["pins"], how.pin))
    if how.kind == "atlas":
        from culturebench.questions.atlas import drawn

        made = drawn(how, folder, list(params.regions))
    else:
        from culturebench.questions.cvqa import published

        made = published(how, folder)
    for part, rows in made.questions.items():
        artifact.TABLE.save(outputs[part] / artifact.QUESTIONS, rows)
        artifact.PICTURES.save(outputs[part] / artifact.PICTURES_FILE, made.picture_rows(part))
    artifact.DROPPED_TABLE.save(outputs["dropped"], made.dropped)
    reasons = ", ".join(f"{why} {n}" for why, n in sorted(Counter(row["reason"] for row in made.dropped).items()))
    print(f"detect {len(made.questions['detect'])}, test {len(made.questions['test'])} questions; "
          f"left out: {reasons or 'none'}", file=sys.stderr)  # fmt: skip


STAGE = Stage(
    name="make_questions",
    run=run,
    identities=("questions",),
    params=Params,
    inputs={"pins": pins.DIRECTORY},
    outputs={
        "detect": artifact.DETECT,
        "test": artifact.TEST,
        "dropped": artifact.DROPPED,
    },
)

if __name__ == "__main__":
    STAGE.main()
