"""Which pictures a study can show: generated under every one of its conditions, and real ones that experts kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from culturebench.images.decode import decode
from culturebench.study.draws import StudyError
from culturebench.study.plan import Material

if TYPE_CHECKING:
    from culturebench.artifacts.annotated import AnnotatedRow
    from culturebench.artifacts.pictures import PictureRow
    from culturebench.artifacts.splits import SplitRow
    from culturebench.params.study import StudyPlan

#: Experts who decided on a real picture before its region counts as known.
EXPERTS = 2


def material(
    plan: StudyPlan,
    regions: Sequence[str],
    made: Mapping[str, Iterable[PictureRow]],
    test: Iterable[SplitRow],
    verdicts: Iterable[AnnotatedRow],
) -> Material:
    """`made` are each condition's pictures; a prompt counts that has one with every seed under all conditions."""
    generated: dict[tuple[str, str, int], bytes] = {}
    region: dict[str, str] = {}
    for name, rows in made.items():
        for row in rows:
            if row["seed"] in plan.seeds:
                generated[name, row["prompt_id"], row["seed"]] = row["image"]
                region[row["prompt_id"]] = row["region"]
    whole = [
        prompt
        for prompt in sorted(region)
        if all((name, prompt, seed) in generated for name in plan.conditions for seed in plan.seeds)
    ]
    if not whole:
        raise StudyError(
            f"params.yaml: study: no prompt has a picture under every one of {', '.join(plan.conditions)} with the "
            f"seeds {', '.join(map(str, plan.seeds))}; of controls generate.control_seeds are made"
        )
    known = {row["picture_id"] for row in verdicts if row["decisions"] >= EXPERTS and not row["provisional"]}
    real: dict[str, dict[str, bytes]] = {code: {} for code in regions}
    for row in test:
        if row["picture_id"] in known and row["picture_id"] not in region:
            real[row["region"]][row["picture_id"]] = row["image"]
    prompts = {code: [prompt for prompt in whole if region[prompt] == code] for code in regions}
    first = generated[plan.conditions[0], whole[0], plan.seeds[0]]
    return Material(list(regions), prompts, generated, real, decode(first).size)
