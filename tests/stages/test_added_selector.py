"""One more record in `SELECTORS`, and the stages pick, compare and show what it picks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from culturebench.artifacts import comparison, sae, selected, splits
from culturebench.probing.selection import Fires, Floats
from culturebench.probing.selectors import SELECTORS, LapeRule, Selector, by_score
from culturebench.report import selectors as shown
from stages import compare_selectors, select_neurons
from tiny_project import LATENTS, REGIONS, SAE_SEEDS, split_rows
from tiny_system import write_sae

NUMBERS = {
    "selector": "last", "positions": "summary", "pool": "max", "threshold": 0, "beta": 1e-8, "min_k": 2, "max_k": 2,
    "drop": "after_elbow", "min_prompts": 1, "seed": 0, "batch_size": 8, "means_of": "region", "language_share": None,
    "lape": {"top": 0.5, "filter": 0.5, "bar": 0.5},
}  # fmt: skip


def latest(firings: Sequence[Fires], _: LapeRule) -> list[Floats]:
    """The later a latent stands, the better."""
    return [np.arange(len(one.frequency), dtype=np.float64) for one in firings]


@pytest.fixture
def added(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny project from detect prompts on, where params compare all selectors and choose the new one."""
    record = Selector("last", "Last", "where it stands", "this test", partial(by_score, latest), compares=False)
    monkeypatch.setitem(SELECTORS, record.name, record)
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["select_neurons"] = NUMBERS
    params["compare_selectors"]["selectors"] = None
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    for region in REGIONS:
        splits.TABLE.save(
            project / splits.DETECT / f"{region}.parquet", [marked(row) for row in split_rows(region, "d")]
        )
    for seed in SAE_SEEDS:
        write_sae(sae.seed_folder(project / sae.PATH.format(encoder="atlas"), seed), seed, LATENTS)
    return project


def marked(row: dict[str, Any]) -> dict[str, Any]:
    """With the spans of captions of the tiny project: a modifier and a noun, or a noun alone."""
    for caption in (row["cultural"], row["noun"]):
        modifier, _, _ = caption["text"].rpartition(" ")
        start = len(modifier) + bool(modifier)
        caption.update(noun_start=start, noun_end=len(caption["text"]))
        if modifier:
            caption.update(modifier_start=0, modifier_end=len(modifier))
    return row


def test_a_selector_added_by_one_record_picks_is_compared_and_has_its_row_in_the_report(added: Path) -> None:
    select_neurons.STAGE.execute(encoder="atlas")
    rows = selected.TABLE.load(added / selected.PATH.format(encoder="atlas"))
    assert {row["selector"] for row in rows} == set(SELECTORS)
    own = {(row["sae_seed"], row["region"], row["latent"]) for row in rows if row["selector"] == "last"}
    assert own == {(seed, region, latent) for seed in SAE_SEEDS for region in REGIONS for latent in (30, 31)}

    selected.TABLE.save(added / selected.BOUND.format(model="atlas") / "atlas.parquet", rows)
    compare_selectors.STAGE.execute(model="atlas")
    found = comparison.load(added / comparison.PATH.format(model="atlas"))
    assert set(found["selectors"]["elbow"]) == set(SELECTORS)
    assert found["selectors"]["elbow"]["last"]["neurons"] == 2
    assert found["selectors"]["elbow"]["last"]["beyond_random"] is not None

    last = shown.comparison(found)["tables"][0]["rows"][-1]
    assert (last["label"], last["by"], last["neurons"]) == ("Last", "where it stands", 2)
    assert shown.comparison(found)["matrices"][-1]["label"] == "Last, its best 1 alone"
