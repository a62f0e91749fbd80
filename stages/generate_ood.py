"""Generate pictures of captions from outside of the benchmark: noun, amplified or enhanced."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from culturebench.artifacts import binding, enhancer, ood, pictures, pins, strength, towers
from culturebench.errors import CultureBenchError
from culturebench.interventions.bound import load_culture
from culturebench.interventions.trained import enhanced
from culturebench.params import choose
from culturebench.params.engine import Engine
from culturebench.params.generate import Generate
from culturebench.params.models import Model, Models
from culturebench.params.sampler import Sampler
from culturebench.stage import Stage, store_url
from culturebench.store import Store
from culturebench.text_to_image.prompts import make_pictures
from culturebench.text_to_image.sampling import Intervention
from culturebench.text_to_image.systems import edited_tower, open_sampler

Intervene = Callable[[str, int], Intervention | None]


def run(
    params: SimpleNamespace,
    inputs: dict[str, Path],
    outputs: dict[str, Path],
    *,
    prompts: str,
    model: str,
    condition: str,
) -> None:
    """Generate one condition's pictures of all captions of a set, with the seeds of the test prompts."""
    if condition not in pictures.OOD_CONDITIONS:
        made = ", ".join(pictures.OOD_CONDITIONS)
        raise CultureBenchError(f"generate_ood makes {made}, not {condition!r}; correct its matrix in dvc.yaml")
    chosen = choose(params.models, model)
    how: Sampler = params.sampler
    amount, intervene = _edit(inputs, chosen, condition)
    made = make_pictures(
        open_sampler(chosen, inputs["towers"], inputs["system"], how.steps, Store(store_url()), params.engine),
        [_prompt(row) for row in ood.TABLE.load(inputs["captions"])],
        "noun",
        params.generate.seeds,
        how.batch_size,
        condition=condition,
        strength=amount,
        intervene=intervene,
    )
    if condition == "enhanced":  # it knows no draws
        made = [{**row, "draw": 0} for row in made]
    pictures.TABLE.save(outputs["pictures"], made)


def _edit(inputs: Mapping[str, Path], model: Model, condition: str) -> tuple[float, Intervene]:
    """Strength and intervention of one condition."""
    if condition == "amplified":
        amount = float(strength.load(inputs["strength"])["amplify"]["strength"])
        culture = load_culture(inputs["bound"], edited_tower(model))
        return amount, lambda region, draw: culture.intervention("amplified", amount, region, draw)
    trained = enhanced(inputs["enhancers"] / "culture") if condition == "enhanced" else None
    return 0.0, lambda region, draw: trained


def _prompt(row: Mapping[str, Any]) -> dict[str, Any]:
    """A caption in the shape of a row of the test split."""
    return {
        "picture_id": row["prompt_id"],
        "region": row["region"],
        "subdivision": "",
        "metadata": json.dumps({"name": row["name"], "domain": row["domain"]}, sort_keys=True, ensure_ascii=False),
        "noun": {"text": row["prompt"], "language": row["language"]},
    }


STAGE = Stage(
    name="generate_ood",
    run=run,
    identities=("prompts", "model", "condition"),
    sections=(Engine, Generate, Models, Sampler),
    inputs={
        "system": pins.SYSTEM,
        "towers": towers.PATH,
        "bound": binding.PATH,
        "strength": strength.PATH,
        "enhancers": enhancer.DIRECTORY + "/{model}",
        "captions": ood.PATH,
    },
    outputs={"pictures": pictures.OOD_PATH},
)

if __name__ == "__main__":
    STAGE.main()
