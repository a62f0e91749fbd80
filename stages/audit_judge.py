"""Ask a vision-language model CultureVQA, with its culture neurons at work and silenced."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from culturebench.annotation.choices import read_choices
from culturebench.artifacts import audited, labels, pictures, pins, silenced, splits, vlm_neurons
from culturebench.conditions import condition as record_of
from culturebench.evaluation.names import TEST
from culturebench.images.decode import decode
from culturebench.judging.asking import Shown
from culturebench.judging.audit import audited as figures, audited_rows, options_of, people_on_flips, sets_by_region
from culturebench.measures.statistics import Bootstrap
from culturebench.params import choose
from culturebench.params.audit_judge import AuditJudge
from culturebench.params.audits import Audits
from culturebench.params.conditions import Conditions
from culturebench.params.judge_reliability import JudgeReliability
from culturebench.params.models import Models
from culturebench.params.regions import Regions
from culturebench.pins import fingerprint, pin_path, verified_folder
from culturebench.png import from_png, to_png
from culturebench.probing.vlm_selection import sets_of
from culturebench.reliability.questions import choices_of, scripted_answers, select
from culturebench.stage import Paths, Stage, store_url
from culturebench.store import Store
from culturebench.vlm.asking import Asking
from culturebench.vlm.model import Vlm
from culturebench.vlm.wording import Wording

REAL_COLUMNS = ("picture_id", "region", "scene", "image")
COLUMNS = ("prompt_id", "region", "condition", "seed", "image")
PEOPLE = "annotations/answers.jsonl"


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    audits: Audits
    audit_judge: AuditJudge
    conditions: Conditions
    judge_reliability: JudgeReliability
    models: Models
    regions: Regions


def run(params: Params, inputs: Paths, outputs: Paths, *, audit: str) -> None:
    """Real test pictures with the questions that people get, and the pictures of every condition that is no control."""
    how, numbers, regions = choose(params.audits, audit), params.audit_judge, list(params.regions)
    if not how.judges:
        audited.TABLE.save(outputs["answers"], [])
        nothing: audited.Summary = {"selector": numbers.selector, "rows": [], "people": None}
        return audited.SUMMARY_FILE.save(outputs["summary"], nothing)
    neurons = vlm_neurons.TABLE.load(inputs["neurons"])
    sets = sets_by_region(sets_of(neurons, None, silenced.WHOLE), numbers.selector, regions)
    named = [labels.load(inputs["labels"] / f"{code}.json") for code in regions]
    wording = Wording({code: name for one in named for code, name in one.items()})
    chosen = params.judge_reliability
    rows = select(splits.TABLE.load_all(inputs["test"], regions, REAL_COLUMNS), regions, chosen.pictures_per_region)
    options = [choices_of(row, regions, chosen.choices, chosen.seed) for row in rows]
    real = [_real(row) for row in rows]
    made = list(_made(params, inputs["pictures"]))
    pin = pin_path(inputs["pins"], how.pin)
    images: dict[str, bytes] = {}
    asking = Asking(
        how.model_copy(update={"scoring": "generate"}),
        fingerprint(pin),
        Store(store_url()),
        cache(lambda: Vlm(verified_folder(pin), how.runtime, how.max_pixels)),
        lambda name: from_png(images[name]),
    )
    found: list[audited.AuditedRow] = []
    for model, shown, asked in [("", real, options), *made]:
        images.clear()
        images.update(by_hash(shown))
        found += audited_rows(asking, wording, model, shown, asked, sets)
    audited.TABLE.save(outputs["answers"], found)
    given = read_choices(inputs["people"])
    given += [choice for row, shown in zip(rows, options, strict=True) for choice in scripted_answers(row, shown)]
    shown_as = {row["picture_id"]: shown for row, shown in zip(rows, options, strict=True)}
    bootstrap = Bootstrap(numbers.resamples, numbers.seed, numbers.level)
    audited.SUMMARY_FILE.save(
        outputs["summary"],
        {
            "selector": numbers.selector,
            "rows": figures(found, bootstrap),
            "people": people_on_flips(found, given, shown_as),
        },
    )


def _real(row: splits.SplitRow) -> Shown:
    return {
        "prompt_id": row["picture_id"],
        "region": row["region"],
        "condition": audited.REAL,
        "seed": 0,
        "image": to_png(decode(row["image"])),
    }


def _made(params: Params, folder: Path) -> Iterator[tuple[str, list[Shown], list[list[str]]]]:
    """Each model's pictures by condition, with their options."""
    regions, numbers = list(params.regions), params.audit_judge
    for model in params.models.root:
        for name in (name for name in params.conditions.all if record_of(name).control is None):
            rows: list[Shown] = [*pictures.TABLE.load(folder / model / name / f"{TEST}.parquet", COLUMNS)]
            seeds = sorted({row["seed"] for row in rows})[: numbers.seeds]
            kept = [row for row in rows if row["seed"] in seeds]
            yield model, kept, [options_of(row, regions, numbers.seed) for row in kept]


def by_hash(rows: Sequence[Shown]) -> dict[str, bytes]:
    """Pictures by the sha256 of their bytes."""
    return {hashlib.sha256(row["image"]).hexdigest(): row["image"] for row in rows}


STAGE = Stage(
    name="audit_judge",
    run=run,
    identities=("audit",),
    params=Params,
    inputs={
        "pins": pins.DIRECTORY,
        "neurons": vlm_neurons.PATH,
        "labels": labels.DIRECTORY,
        "test": splits.TEST,
        "pictures": pictures.DIRECTORY,
        "people": PEOPLE,
    },
    outputs={"answers": audited.PATH, "summary": audited.SUMMARY},
)

if __name__ == "__main__":
    STAGE.main()
