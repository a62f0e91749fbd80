"""Statistics of batches are those of their questions one by one, whatever pads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pytest
import torch

import tiny_vlms
from culturebench.artifacts._table import ArtifactError
from culturebench.artifacts.activations import Activations, load, save
from culturebench.params._runtime import Runtime
from culturebench.vlm.model import Prompt, Vlm
from culturebench.vlm.neurons import Site, gates
from culturebench.vlm.statistics import Positions, Statistics

PICTURES, PROMPTS = tiny_vlms.PICTURES, tiny_vlms.PROMPTS
CULTURES = ("jp", "nl", "jp")


@pytest.fixture(scope="module")
def vlm(tmp_path_factory: pytest.TempPathFactory) -> Vlm:
    return Vlm(tiny_vlms.write("qwen25_vl", tmp_path_factory.mktemp("vlm")), Runtime())


def by_hand(vlm: Vlm, positions: Positions, site: Site, mean: str, culture: str) -> tuple[Any, Any, int]:
    """Every question of a culture alone, its activations as one array."""
    rows: list[torch.Tensor] = []
    for image, prompt, owner in zip(PICTURES, PROMPTS, CULTURES, strict=True):
        if owner != culture:
            continue
        inputs = vlm.inputs([prompt], vlm.see([image]))
        seen: dict[int, torch.Tensor] = {}
        with gates(vlm.layers, read=seen.__setitem__, site=site):
            vlm.forward(inputs)
        found = torch.stack([seen[i][0] for i in sorted(seen)], dim=1)  # (tokens, layers, neurons)
        if positions == "last":
            found = found[-1:]
        elif positions == "text":
            found = found[inputs["input_ids"][0] != vlm.processor.image_token_id]
        rows.append(found)
    every = torch.cat(rows)
    kept = every.clamp(min=0) if mean == "positive" else every
    return (every > 0).float().mean(0), kept.mean(0), len(every)


@pytest.mark.parametrize("positions", get_args(Positions))
@pytest.mark.parametrize(("site", "mean"), [("gate", "positive"), ("gate", "signed"), ("product", "positive")])
def test_a_padded_batch_counts_as_its_questions_do_alone(
    vlm: Vlm, positions: Positions, site: Site, mean: Literal["positive", "signed"]
) -> None:
    statistics = Statistics(("jp", "nl"), len(vlm.layers), vlm.width, 0.0, mean)
    statistics.count(vlm, vlm.inputs(PROMPTS, vlm.see(PICTURES)), CULTURES, positions, site)
    found = statistics.found()
    for index, culture in enumerate(("jp", "nl")):
        frequency, average, count = by_hand(vlm, positions, site, mean, culture)
        np.testing.assert_allclose(found.frequency[index], frequency, atol=1e-6)
        np.testing.assert_allclose(found.mean[index], average, atol=1e-5)
        assert found.counted[index] == count


def test_padding_itself_would_fire(vlm: Vlm) -> None:
    long = Prompt("", PROMPTS[0].text * 20)
    seen: dict[int, torch.Tensor] = {}
    inputs = vlm.inputs([long, PROMPTS[2]], vlm.see(PICTURES[:2]))
    with gates(vlm.layers, read=seen.__setitem__):
        vlm.forward(inputs)
    padded = seen[0][1][inputs["attention_mask"][1] == 0]
    assert (padded > 0).float().mean() > 0.2


def test_statistics_are_kept_to_the_byte_and_damage_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    found = Activations(
        ("日本", "nl"), rng.random((2, 3, 4)).astype(np.float32), rng.random((2, 3, 4)).astype(np.float32), [5, 6]
    )
    for name in "ab":
        save(tmp_path / name, found)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    again = load(tmp_path / "a")
    assert (tuple(again.cultures), list(again.counted)) == (found.cultures, found.counted)
    np.testing.assert_array_equal(again.mean, found.mean)
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:40])
    with pytest.raises(ArtifactError, match="holds no activations"):
        load(tmp_path / "a")
    with pytest.raises(ArtifactError, match="dvc repro probe_vlm"):
        load(tmp_path / "none")
