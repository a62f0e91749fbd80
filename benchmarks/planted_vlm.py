"""What the selectors find of the neurons planted in the atlas's vision-language model, over noise in its gates.

    python -m benchmarks.planted_vlm --results FOLDER

Every case is kept in FOLDER and a stopped run goes on; the table is docs/vlm.md's. Noise is added to the weights of all
gates, as a share of their standard deviation in the layer: neurons then fire for what they should not. The last rows
are the null: the same model trained on the questions alone, with nothing planted, and with so much noise that it is off
its ceiling, where silencing can cost and gain something.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
import yaml

from benchmarks._markdown import markdown_table
from culturebench.artifacts.silenced import WHOLE
from culturebench.atlas.training.vlm.train import train_vlm
from culturebench.evaluation.silenced import summary
from culturebench.measures.statistics import Bootstrap
from culturebench.params._runtime import Runtime
from culturebench.params.audits import Audit
from culturebench.params.probe_vlm import ProbeVlm
from culturebench.params.questions import AtlasQuestions
from culturebench.probing.selectors import CONTROL, LapeRule
from culturebench.probing.vlm_selection import Numbers, select, sets_of
from culturebench.probing.vlm_silencing import silenced_rows
from culturebench.questions.atlas import drawn
from culturebench.store import Store
from culturebench.vlm.asking import Asking, image
from culturebench.vlm.model import Vlm
from culturebench.vlm.neurons import Site
from culturebench.vlm.probing import probed

WEIGHTS = Path("culturebench/atlas/weights/vlm")
HOW = Audit(pin="atlas_vlm", questions="atlas", scoring="generate", batch=180, max_new_tokens=2)
EFFECTS = ("own", "other", "selective", "neutral")
NOISE = (0.0, 0.4, 0.8, 1.6)
SELECTORS = ("cas", "mad", "lap", "random")
LAPE = LapeRule(top=0.01, filter=0.95, bar=0.95)
TRUTH = "planted.json"
NULL, NULL_STEPS, NULL_NOISE = "none planted", 300, 4.8
COUNT = 8  # a region's six neurons that act through a positive gate, and its two decoys


def measure(
    weights: Path, regions: Sequence[str], *, noise: float = 0.0, site: Site = "gate", count: int = COUNT,
    selectors: Sequence[str] = SELECTORS, pictures: tuple[int, int] = (8, 4), silence: bool = True, draws: int = 2,
) -> dict[str, Any]:  # fmt: skip
    """Recall and precision of each selector, and what silencing does; `pictures`: detect and test, a region."""
    made = drawn(AtlasQuestions(kind="atlas", pin="", detect=pictures[0], test=pictures[1]), weights, regions)
    vlm = Vlm(weights, Runtime())
    disturb(vlm, noise)
    numbers = ProbeVlm(site=site, positions="last", threshold=0, mean="positive", language="native")
    firing = probed(vlm, made.questions["detect"], made.pictures["detect"], HOW, numbers)
    rows = select(firing, selectors, Numbers(count, LAPE, draws, selectors[0], 0))
    found: dict[str, Any] = {"found": {name: _found(rows, name, weights, regions) for name in selectors}}
    if not silence:
        return found
    with tempfile.TemporaryDirectory() as store:
        seen = made.pictures["test"]
        asking = Asking(HOW, "shipped", Store(store), lambda: vlm, lambda name: image(seen, name))
        answers = silenced_rows(asking, made.questions["test"], sets_of(rows, None, WHOLE), ["english"], selectors[0])
    about = {"questions": "atlas", "scoring": "generate", "shown": selectors[0], "control": CONTROL}
    return {**found, **summary(made.questions["test"], answers, rows, Bootstrap(2000, 0, 0.95), about)}


def disturb(vlm: Vlm, noise: float) -> None:
    """Add noise to the decoder's gates."""
    generator = torch.Generator().manual_seed(0)
    for layer in vlm.layers:
        weight = layer.mlp.gate_proj.weight
        weight.add_(noise * weight.std() * torch.randn(weight.shape, generator=generator))


def _found(rows: Sequence[Any], selector: str, weights: Path, regions: Sequence[str]) -> dict[str, float]:
    """Shares of a region's planted neurons of each place that its own picks hold, and the precision of `culture`."""
    if not (weights / TRUTH).is_file():
        return {}
    truth: dict[tuple[int, int], dict[str, Any]] = {
        (row["layer"], row["neuron"]): row for row in json.loads((weights / TRUTH).read_text(encoding="utf-8"))
    }
    picked = [row for row in rows if row["selector"] == selector and row["draw"] == 0]
    own = [truth[key]["place"] for row in picked
           if (key := (row["layer"], row["neuron"])) in truth and row["culture"] in truth[key]["regions"]]  # fmt: skip
    there = {
        place: sum(row["place"] == place and region in row["regions"] for row in truth.values() for region in regions)
        for place in ("culture", "negative", "silent")
    }
    shares = {place: own.count(place) / count for place, count in there.items()}
    return {**shares, "precision": own.count("culture") / max(len(picked), 1)}


def table(results: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """A row a noise and selector."""
    head = ["noise", "right: cultural, neutral", "selector", "recall", "precision", *EFFECTS]
    rows: list[list[str]] = []
    for noise, one in results:
        whole = f"{_percent(one['baseline']['english'])}, {_percent(one['neutral_baseline']['english'])}"
        for name, effects in one["effects"]["english"].items():
            found = one["found"][name]
            shares = [f"{found[key]:.2f}" if found else "–" for key in ("culture", "precision")]
            rows.append([noise, whole, name, *shares, *(_told(effects[key]) for key in EFFECTS)])
    return markdown_table(head, rows).replace("-", "−").replace("−−−", "---")


def _percent(one: dict[str, float]) -> str:
    return f"{one['value']:.0%}"


def _told(one: dict[str, float]) -> str:
    return f"{one['value'] * 100:.1f} [{one['low'] * 100:.1f}, {one['high'] * 100:.1f}]"


def main() -> None:
    """Run what the folder does not hold yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--null-steps", type=int, default=NULL_STEPS, help="of the null's training; %(default)s")
    chosen = parser.parse_args()
    folder: Path = chosen.results
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    regions = cast(list[str], yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["regions"])
    results: list[tuple[str, dict[str, Any]]] = []
    for name in (*map("{:g}".format, NOISE), NULL):
        trained = f"_{chosen.null_steps}_steps" if name == NULL and chosen.null_steps != NULL_STEPS else ""
        path = folder / f"{name.replace(' ', '_')}{trained}.json"
        if not path.exists():
            path.write_text(json.dumps(_case(name, folder, regions, chosen.null_steps)), encoding="utf-8")
        results.append((name, json.loads(path.read_text(encoding="utf-8"))))
    print(table(results))


def _case(name: str, folder: Path, regions: Sequence[str], null_steps: int) -> dict[str, Any]:
    if name != NULL:
        return measure(WEIGHTS, regions, noise=float(name))
    weights = folder / f"null_{null_steps}_steps"
    train_vlm(weights / "work", weights, plant=False, steps=null_steps)
    return measure(weights, regions, noise=NULL_NOISE)


if __name__ == "__main__":
    main()
