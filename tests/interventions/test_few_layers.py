"""A few layers are edited together exactly as strongly as the one layer alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from culturebench.conditions import condition
from culturebench.interventions.culture_edits import CultureNeurons
from culturebench.interventions.few_layers import edit_of
from culturebench.interventions.load_culture import load_culture
from culturebench.probing.few_layers import few_layers
from culturebench.text_to_image.base import EncoderEdit, Together
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder
from culturebench.text_to_image.sampling import encode
from tiny_project import WORDS, write_bound
from tiny_system import WIDTH, write_weights

FEW, ONE = condition("few_layers_steered"), condition("steered")


@pytest.fixture
def culture(tmp_path: Path) -> CultureNeurons:
    write_bound(tmp_path)
    return load_culture(tmp_path, "atlas")


def edits(culture: CultureNeurons, name: str, strength: float = 1.5, prompt: str = "p1") -> list[EncoderEdit]:
    done = edit_of(culture, condition(name), strength, "jp", 0, prompt)
    assert isinstance(done, Together)
    return [one for one in done.several if isinstance(one, EncoderEdit)]


def norms(edit: Any) -> Tensor:
    features, real = torch.randn(2, 5, WIDTH, dtype=torch.float64), torch.ones(2, 5, dtype=torch.bool)
    return (edit(features, real) - features).norm(dim=-1)


@pytest.mark.parametrize("name", ["few_layers_steered", "same_norm_few_layers_steered"])
def test_what_is_added_at_the_layers_is_in_all_as_large_as_at_the_one(culture: CultureNeurons, name: str) -> None:
    alone = edit_of(culture, ONE, 1.5, "jp", 0)
    assert isinstance(alone, EncoderEdit)
    several = edits(culture, name)
    assert [one.layer for one in several] == [1, 2]
    sizes = [norms(one.edit) for one in several]
    torch.testing.assert_close(sizes[0] + sizes[1], norms(alone.edit), rtol=1e-5, atol=0)
    torch.testing.assert_close(sizes[1], 2 * sizes[0], rtol=1e-5, atol=0)  # as its own mean difference is


def test_one_layer_is_the_edit_of_the_marked_layer_bit_for_bit(culture: CultureNeurons) -> None:
    (one,) = edits(replace(culture, few_layers=culture.directions), FEW.name)
    alone = edit_of(culture, ONE, 1.5, "jp", 0)
    assert isinstance(alone, EncoderEdit)
    features, real = torch.randn(2, 5, WIDTH), torch.ones(2, 5, dtype=torch.bool)
    assert one.layer == alone.layer
    assert torch.equal(one.edit(features, real), alone.edit(features, real))


def test_all_layers_are_edited_while_a_prompt_is_read_and_none_afterwards(
    culture: CultureNeurons, tmp_path: Path
) -> None:
    class System:
        encoder = AtlasTextEncoder.from_folder(write_weights(tmp_path / "weights", WORDS)["encoder"])

        def encode(self, prompts: list[str]) -> Any:
            return self.encoder.run(self.encoder.tokenize(prompts))["prompt_embeds"]

    system: Any = System()
    first, second = edits(culture, FEW.name)
    plain: Any = encode(system, "bowl_ja", None)
    done: Any = encode(system, "bowl_ja", edit_of(culture, FEW, 1.5, "jp", 0))
    with system.encoder.edited(first.layer, first.edit), system.encoder.edited(second.layer, second.edit):
        wanted = system.encode(["bowl_ja"])
    assert torch.equal(done, wanted)
    assert not torch.equal(done, plain)
    again: Any = encode(system, "bowl_ja", None)
    assert torch.equal(again, plain)


def test_strength_0_is_no_edit_and_a_control_is_drawn_for_each_picture(culture: CultureNeurons) -> None:
    assert edit_of(culture, FEW, 0.0, "jp", 0) is None
    first, again, other = (edits(culture, f"same_norm_{FEW.name}", prompt=name) for name in ("p1", "p1", "p2"))
    assert [one.description for one in first] == [one.description for one in again]
    assert first[0].description["direction"] != other[0].description["direction"] != first[1].description["direction"]


def verdict(layer: int, deltas: list[float], marked: set[int], candidates: int) -> Any:
    points = [
        {"reference": reference, "direction": "d", "layer": i, "delta": sign * delta, "candidate": i < candidates,
         "marked": i in marked}
        for reference, sign in (("neutral_modifier", 1), ("zero", -1))
        for i, delta in enumerate(deltas)
    ]  # fmt: skip
    return {"layer": layer, "reference": "neutral_modifier", "direction": "d", "curves": points}


def test_the_few_layers_are_all_marked_ones_or_the_marked_one_and_the_next_best() -> None:
    deltas = [0.1, 0.5, 0.2, 0.4, 0.9]
    assert few_layers(verdict(1, deltas, {1, 3}, 4)) == [1, 3]
    assert few_layers(verdict(1, deltas, {1}, 4)) == [1, 3], "the last one is behind what the picture model reads"
    assert few_layers(verdict(0, deltas, set(), 4)) == [0, 1], "params named the layer, since none is marked"
    assert few_layers(verdict(0, [0.1], set(), 1)) == [0]
