"""Judge and measure one adapter's pictures beside those without it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from culturebench.artifacts import adapted, adapter_results, annotated, labels, pins, splits
from culturebench.artifacts.answers import UNRECOGNIZABLE
from culturebench.evaluation.adapters import (
    Found,
    Group,
    add_measured,
    category_rows,
    groups_of,
    result_rows,
    score_judged,
    shown_by_category,
)
from culturebench.interventions.adapters.overlap import refuse_overlap
from culturebench.judging.asking import ask, open_judge
from culturebench.measures.opening import measure_all
from culturebench.measures.statistics import Bootstrap
from culturebench.measures.task import ENGLISH, Task
from culturebench.params import choose
from culturebench.params.adapters import ALL_REGIONS, Adapters
from culturebench.params.engine import Engine
from culturebench.params.evaluate import Evaluate
from culturebench.params.judge import Judge
from culturebench.params.judges import Judges
from culturebench.params.measure import Measure
from culturebench.params.regions import Regions
from culturebench.params.train_adapter import TrainAdapter
from culturebench.stage import Paths, Stage, secret, store_url
from culturebench.store import Store

if TYPE_CHECKING:
    from culturebench.artifacts.measured import MeasuredRow
    from culturebench.artifacts.pictures import PictureRow


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    adapters: Adapters
    engine: Engine
    evaluate: Evaluate
    judge: Judge
    judges: Judges
    measure: Measure
    regions: Regions
    train_adapter: TrainAdapter


def run(params: Params, inputs: Paths, outputs: Paths, *, model: str, adapter: str) -> None:
    """Every judge and every measure on every set of prompts; concepts that training and CSS share are refused."""
    css = params.measure.cultural_similarity
    refuse_overlap(params.train_adapter.concepts, css.concepts if css else ())
    one = choose(params.adapters, adapter)
    groups = groups_of(adapted.TABLE.load(inputs["pictures"]))
    region = "" if one.region == ALL_REGIONS else one.region
    found = _judged(params, inputs, groups, region)
    _measure(params, inputs, groups, found)
    regions = {row["prompt_id"]: row["region"] for some in groups.values() for row in some}
    categories = annotated.categories(inputs["annotated"], list(params.regions))
    bootstrap = Bootstrap(params.evaluate.resamples, params.evaluate.seed, params.evaluate.level)
    adapter_results.save(
        outputs["results"],
        {
            **{"kind": one.kind, "region": one.region, "caption": one.caption, "concepts": one.concepts},
            **{"projection": one.projection, "preserve": one.preserve},
            "sizes": adapted.load_sizes(inputs["sizes"]),
            "rows": result_rows(found, regions, bootstrap),
            "by_category": category_rows(found, {name: categories.get(name, "") for name in regions}, bootstrap),
            "shown": shown_by_category(groups, categories),
        },  # type: ignore[typeddict-item]
    )


def _judged(params: Params, inputs: Paths, groups: dict[Group, list[PictureRow]], region: str) -> dict[Group, Found]:
    """All pictures in one go, so that a judge is loaded once."""
    store, every = Store(store_url()), [row for some in groups.values() for row in some]
    said = {
        name: iter(
            ask(
                open_judge(judge, inputs["judges"] / name, params.engine, store, secret),
                every,
                list(params.regions),
                params.judge.seed,
            )
        )
        for name, judge in params.judges.root.items()
    }
    return {
        group: Found(
            score_judged(
                {name: list(islice(answers, len(some))) for name, answers in said.items()}, some, region, UNRECOGNIZABLE
            )
        )
        for group, some in groups.items()
    }


def _measure(params: Params, inputs: Paths, groups: dict[Group, list[PictureRow]], found: dict[Group, Found]) -> None:
    """As above: for the measures the prompts of each group are called apart."""
    numbers = params.measure
    captions = dict.fromkeys((numbers.caption, ENGLISH[numbers.caption], "cultural_en"))
    test = splits.TABLE.load_all(inputs["test"], params.regions, ("picture_id", "region", *captions, "image"))
    rows = {row["picture_id"]: row for row in test}
    apart: list[PictureRow] = []
    places: dict[str, tuple[Group, str]] = {}
    for group, some in groups.items():
        for row in some:
            name = f"{group[0]} {group[1]:g} {row['prompt_id']}"
            places[name] = group, row["prompt_id"]
            apart.append({**row, "prompt_id": name})
    known = labels.load(inputs["measures"] / Path(labels.MEASURES_PATH).name) if numbers.cultural_similarity else {}
    references = {**rows, **{name: rows[prompt] for name, (_, prompt) in places.items()}}
    by_group: dict[Group, list[MeasuredRow]] = {}
    for row in measure_all(Task(numbers, inputs["measures"], known, apart, references)):
        group, prompt = places[row["prompt_id"]]
        by_group.setdefault(group, []).append({**row, "prompt_id": prompt})
    for group, some in by_group.items():
        add_measured(found[group], some)


STAGE = Stage(
    name="compare_adapters",
    run=run,
    identities=("model", "adapter"),
    params=Params,
    inputs={
        "pictures": adapted.PATH,
        "sizes": adapted.SIZES,
        "annotated": annotated.DIRECTORY,
        "judges": pins.JUDGES,
        "measures": pins.MEASURES,
        "test": splits.TEST,
    },
    outputs={"results": adapter_results.PATH},
)

if __name__ == "__main__":
    STAGE.main()
