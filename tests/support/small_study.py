"""A small study: three regions, pictures of one colour each, and real ones with a known answer."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from culturebench.artifacts import study_tasks
from culturebench.params.study import StudyPlan
from culturebench.png import to_png
from culturebench.study.plan import Material, Planned, plan_tasks
from import_graph import ROOT

REGIONS = ("jp", "nl", "ua")
CONDITIONS = ("noun", "masked", "cultural")


def plan_of(**changed: Any) -> StudyPlan:
    """Three conditions in one group, two people a block."""
    values = {
        "model": "atlas", "conditions": CONDITIONS, "prompts_per_region": {"scc": 4, "mcc": 1, "csr": 2},
        "seeds": [0, 1], "groups": 1, "people": 2, "gold": 2, "repeats": 2, "max_gold_wrong": 1, "min_seconds": 1,
        "salt": "a", "resamples": 200, "level": 0.95, "seed": 0, "scripted": None,
    }  # fmt: skip
    return StudyPlan.model_validate({**values, **changed})


def picture(*parts: object) -> bytes:
    """Of a colour of its own."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return to_png(Image.new("RGB", (24, 16), tuple(digest[:3])))


def material_of(plan: StudyPlan, prompts: int = 8, real: int = 6) -> Material:
    """So many prompts and real pictures of each region."""
    names = {code: [hashlib.sha256(f"{code}{i}".encode()).hexdigest() for i in range(prompts)] for code in REGIONS}
    return Material(
        REGIONS,
        names,
        {
            (condition, prompt, seed): picture(condition, prompt, seed)
            for condition in plan.conditions
            for each in names.values()
            for prompt in each
            for seed in plan.seeds
        },
        {code: {f"real-{code}-{i}": picture("real", code, i) for i in range(real)} for code in REGIONS},
        (24, 16),
    )


def write_study(root: Path, **changed: Any) -> Planned:
    """Params, forms, regions and the plan of the small study under `root`, without a single answer."""
    plan = plan_of(**changed)
    planned = plan_tasks(plan, material_of(plan))
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params |= {"regions": list(REGIONS), "study": plan.model_dump(mode="json")}
    root.mkdir(parents=True)
    (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    for folder in ("regions", "labeling"):
        shutil.copytree(ROOT / "annotations" / folder, root / "annotations" / folder)
    study_tasks.TABLE.save(root / study_tasks.PATH, planned.tasks)
    shown = ({"picture": name, "image": image} for name, image in planned.pictures.items())
    study_tasks.SHOWN.save(root / study_tasks.SHOWN_PATH, shown)
    return planned
