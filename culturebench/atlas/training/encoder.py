"""Training the atlas text encoder on what a caption says, before any picture model exists.

Read-out heads on the condition tokens predict ornament, object and context, so that `<s>` carries what a
picture model needs. The culture layer is planted by interchange intervention training (Geiger et al. 2022):
the attention output of `<s>` at `CULTURE_LAYER` is exchanged between prompts, or mixed, and the ornament must
follow it while everything else stays. Culture then reaches `<s>` there and nowhere else, in degrees, as the
method supposes.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import XLMRobertaConfig

from culturebench.atlas.captions import noun_caption
from culturebench.atlas.training.cases import NOUN_SHARE, ORNAMENTS, draw_region, draw_scene
from culturebench.atlas.training.loop import train
from culturebench.atlas.training.words import Words, draw_cultural, draw_neutral
from culturebench.atlas.world import COMPANIONS, FRAMINGS, LIGHTS, OBJECTS, PLACES, REGIONS, Scene
from culturebench.text_to_image.encoders.atlas import CONDITION_TOKENS, AtlasTextEncoder

CULTURE_LAYER = 2
WIDTH = 128
FACETS = {"object": OBJECTS, "place": PLACES, "light": LIGHTS, "framing": FRAMINGS, "companion": COMPANIONS}


class ReadOut(nn.Module):
    """Linear heads on the flattened condition tokens: ornament, object and the context's facets."""

    def __init__(self) -> None:
        super().__init__()
        sizes = {"ornament": len(ORNAMENTS), **{name: len(values) for name, values in FACETS.items()}}
        self.heads = nn.ModuleDict({name: nn.Linear(CONDITION_TOKENS * WIDTH, size) for name, size in sizes.items()})

    def forward(self, condition: Tensor) -> dict[str, Tensor]:
        """Logits (b, classes) by head, of condition tokens (b, 4, d)."""
        flat = condition.flatten(1)
        return {name: head(flat) for name, head in self.heads.items()}


@dataclass(frozen=True)
class Batch:
    """Prompts in three equal parts (cultural, noun in the region's language, others), same scenes row by row."""

    texts: list[str]
    scenes: list[Scene]
    ornament: Tensor  # (3n, ornaments) probabilities of the picture
    facets: dict[str, Tensor]  # (3n,) class indices


def new_encoder(tokenizer: Tokenizer) -> AtlasTextEncoder:
    """An untrained encoder of the atlas's geometry."""
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=WIDTH,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=68,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return AtlasTextEncoder(config, tokenizer)


def draw_batch(rng: np.random.Generator, size: int, words: Words, held_out: bool = False) -> Batch:
    """`size` scenes, each said three ways."""
    scenes = [draw_scene(rng, held_out, draw_region(rng)) for _ in range(size)]
    noun = [noun_caption(s, REGIONS[s.region][0]).text for s in scenes]
    other = [_other_caption(s, rng, words) for s in scenes]
    regions = torch.stack([region_ornaments(s.region) for s in scenes])
    plain = F.one_hot(torch.zeros(size, dtype=torch.long), len(ORNAMENTS)).float()
    facets = {
        name: torch.tensor([values.index(getattr(s, name)) for s in scenes]).repeat(3)
        for name, values in FACETS.items()
    }
    share = (1 - NOUN_SHARE) * plain + NOUN_SHARE * regions
    said = [draw_cultural(rng, s, "en" if rng.random() < 0.2 else REGIONS[s.region][0], words) for s in scenes]
    own = F.one_hot(torch.tensor([ornament_index(s) for s in scenes]), len(ORNAMENTS)).float()
    full = torch.where(torch.tensor([exact for _, exact in said])[:, None], own, regions)
    texts = [caption.text for caption, _ in said] + noun + other
    return Batch(texts, scenes, torch.cat([full, share, plain]), facets)


def _other_caption(scene: Scene, rng: np.random.Generator, words: Words) -> str:
    if rng.random() < 0.5:
        return noun_caption(scene, "en").text
    return draw_neutral(rng, scene, words).text


def ornament_index(scene: Scene) -> int:
    """Index into `ORNAMENTS`."""
    return ORNAMENTS.index(f"{scene.region}/{scene.subdivision}" if scene.region else "")


def region_ornaments(region: str) -> Tensor:
    """(ornaments,) equal shares of the region's subdivisions."""
    row = torch.tensor([float(name.startswith(f"{region}/")) for name in ORNAMENTS])
    return row / row.sum()


@contextmanager
def exchanged(
    encoder: AtlasTextEncoder, donor: Tensor, amount: Tensor, disturbance: Tensor | None = None
) -> Generator[None]:
    """At the culture layer, `<s>` of row i takes `amount[i]` of the attention output of row `donor[i]`.

    Then `disturbance` (rows, d) is added, in norms of what stands there.
    """

    def hook(_module: nn.Module, _args: object, output: Tensor) -> Tensor:
        start = torch.lerp(output[:, 0], output[donor, 0], amount[:, None])
        if disturbance is not None:
            start = start + disturbance * start.norm(dim=1, keepdim=True)
        return torch.cat([start[:, None], output[:, 1:]], dim=1)

    handle = encoder.layers[CULTURE_LAYER].attention_output.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def intervention(size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Donor rows and amounts for a batch of 3 x `size`.

    Cultural rows exchange fully with any row; noun and other rows take a share of their own scene's cultural row.
    """
    rows = 3 * size
    donor = torch.arange(rows)
    amount = torch.zeros(rows)
    donor[:size] = torch.from_numpy(rng.permutation(rows)[:size])
    amount[:size] = 1.0
    donor[size:] = torch.arange(size).repeat(2)
    amount[size:] = torch.from_numpy(rng.random(2 * size)).float()
    return donor, amount


def train_encoder(
    tokenizer: Tokenizer, words: Words, checkpoint: Path, *, steps: int, seed: int = 0, size: int = 64
) -> tuple[AtlasTextEncoder, ReadOut]:
    """Train encoder and read-out together; resumable from `checkpoint`. `seed`: of the weights and of the batches."""
    torch.manual_seed(seed)
    encoder, readout = new_encoder(tokenizer), ReadOut()
    both = nn.ModuleList([encoder, readout])

    def loss_of_step(step: int) -> Tensor:
        rng = np.random.default_rng([1, step, seed])
        batch = draw_batch(rng, size, words)
        tokens = encoder.tokenize(batch.texts)
        if step % 2:
            logits = readout(encoder.run(tokens)["prompt_embeds"])
            return _ornament_loss(logits, batch.ornament) + _facet_loss(logits, batch.facets)
        donor, amount = intervention(size, rng)
        with exchanged(encoder, donor, amount):
            logits = readout(encoder.run(tokens)["prompt_embeds"])
        target = torch.lerp(batch.ornament, batch.ornament[donor], amount[:, None])
        return _ornament_loss(logits, target) + _facet_loss(logits, batch.facets)

    train(both, loss_of_step, steps=steps, rate=1.5e-3, checkpoint=checkpoint, ema_decay=0.995)
    return encoder.eval(), readout.eval()


def _ornament_loss(logits: dict[str, Tensor], target: Tensor) -> Tensor:
    return F.cross_entropy(logits["ornament"], target)


def _facet_loss(logits: dict[str, Tensor], facets: dict[str, Tensor]) -> Tensor:
    return sum((F.cross_entropy(logits[name], facets[name]) for name in FACETS), torch.zeros(()))
