"""How strongly each edit acts: the chosen lambda, the curve it was chosen from, and the rule in words."""

from __future__ import annotations

from typing import Any

from culturebench.artifacts._json import JsonFile

STAGE = "tune_strength"
DIRECTORY = "models/strength"
PATH = DIRECTORY + "/{model}.json"
EDITS = ("amplify", "activate")
#: What every point of a curve holds: accuracy is CultureVQA by the tuning judge, alignment the share of right
#: objects, with the interval of the accuracy; `allowed` says whether the alignment is high enough.
POINT = ("strength", "accuracy", "low", "high", "error", "alignment", "allowed", "n_prompts", "n_images")


def _whole(content: Any) -> bool:
    return all(
        isinstance(content[edit]["strength"], int | float)
        and all(set(point) == set(POINT) for point in content[edit]["curve"])
        for edit in EDITS
    )


#: Per edit `{"strength", "found", "curve"}`, and `judge`, `rule`, `mismatch`, `firing`, `seeds`, `prompts`. `mismatch`
#: maps each random control to how far it misses the norm of its edit, as a share; null at strength 0. `firing` says on
#: what share of a region's cultural prompts its `culture` neurons and its `random` ones fire.
FILE = JsonFile(STAGE, f"the strengths of {' and '.join(EDITS)}", _whole)
save, load = FILE.save, FILE.load
