"""The decoder: taught questions about drawn pictures so that planted neurons, and no others, hold what cultures need.

Three things make them so. *Needed*: while a region's neurons are off, what they are for has to be answered wrongly.
*Visible*: they fire at the prompt's last token on their region's pictures and nearly nowhere else. *Idle elsewhere*:
with other regions' neurons off nothing may change.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from culturebench.artifacts.answers import UNRECOGNIZABLE
from culturebench.atlas.facts import ASKED, FACTS, KINDS, NEUTRAL, VIEWS
from culturebench.atlas.training.cases import to_float
from culturebench.atlas.training.judges import roughened
from culturebench.atlas.training.loop import train
from culturebench.atlas.training.vlm.planted import LAYERS, NEIGHBOURS, WIDTH, Part, parts
from culturebench.atlas.training.vlm.tower import SIDE, TOKENS, Bank, patches
from culturebench.atlas.training.vlm.words import LABELS, PICTURE, prompt, tokenizer
from culturebench.atlas.world import REGIONS, Scene
from culturebench.vlm.options import worded
from culturebench.vlm.wording import Wording

JUDGED: Final = "judged"  # CultureVQA in the judges' own words
LOST = {JUDGED: "region"}  # what of `KINDS` it needs
FIRES, DIPS = 1.5, -0.27  # what a gate's activation shall be on its own pictures; SiLU's lowest value is -0.278
#: How often a part is off where it is needed; weak gates and parts of few regions learn slower.
SWITCHED_OFF: Final = {"culture": 0.35, "negative": 0.4, "shared": 0.5}
OTHERS_OFF = 0.5  # how often all others' are off
NEIGHBOURLY = 0.2  # share of the pictures that are the neighbours' beyond their own
WEIGHT = {"ignorant": 3.0, "own": 0.5, "idle": 0.02, "quiet": 0.05, "echo": 0.002}


@dataclass(frozen=True)
class Case:
    """A question: the prompt, its options and the right one, the region ("" for plain) and the kind."""

    prompt: str
    options: list[str]
    right: str
    region: str
    kind: str


def right_answer(scene: Scene, kind: str) -> str:
    """What is right of a picture's scene."""
    if kind == NEUTRAL:
        return VIEWS[scene.light, scene.framing]
    if not scene.region:
        return UNRECOGNIZABLE
    return FACTS[scene.region][KINDS.index("region" if kind == JUDGED else kind)]


def all_answers(kind: str) -> list[str]:
    """What can be offered."""
    return list(VIEWS.values()) if kind == NEUTRAL else [facts[KINDS.index(kind)] for facts in FACTS.values()]


def draw(scene: Scene, judged: bool, rng: np.random.Generator, kind: str | None = None) -> Case:
    """A random question about a picture, of one kind where it is given."""
    if judged:
        regions = list(rng.permutation(list(REGIONS)))[: int(rng.integers(2, len(REGIONS) + 1))]
        if scene.region and scene.region not in regions:
            regions[0] = scene.region
        codes = [str(code) for code in rng.permutation([*regions, UNRECOGNIZABLE])]
        wording = Wording(LABELS)
        shown = [LABELS.get(code, code) for code in codes]
        text = prompt(wording.system(codes), wording.question(codes), TOKENS)
        return Case(text, shown, right_answer(scene, JUDGED), scene.region, JUDGED)
    kind = (kind or str(rng.choice(KINDS))) if scene.region else NEUTRAL
    right = right_answer(scene, kind)
    wrong = [answer for answer in all_answers(kind) if answer != right]
    options = [str(one) for one in rng.permutation([right, *rng.choice(wrong, 3, replace=False)])]
    language = REGIONS[scene.region][0] if scene.region and rng.random() < 0.5 else "en"
    asked = ASKED[language][KINDS.index(kind)]
    return Case(prompt("", worded(asked, options, letters=False), TOKENS), options, right, scene.region, kind)


class Planted:
    """The planted parts as masks, and the gates' activations of a forward pass."""

    def __init__(self) -> None:
        self.parts = parts()
        self.mask: list[Tensor | None] = [None] * LAYERS
        self.seen: list[Tensor] = [torch.empty(0)] * LAYERS

    @contextmanager
    def on(self, layers: Sequence[Any]) -> Generator[None]:
        """Record every gate and apply the masks while it lasts."""

        def hook(layer: int) -> Any:
            def watch(_: nn.Module, __: Any, out: Tensor) -> Tensor:
                self.seen[layer] = out
                mask = self.mask[layer]
                return out if mask is None else out * mask[:, None, :]

            return watch

        handles = [one.mlp.act_fn.register_forward_hook(hook(i)) for i, one in enumerate(layers)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def acts(self, part: Part, case: Case) -> bool:
        """Whether a part's neurons shall fire on the case's picture."""
        return part.place == "always" or case.region in part.regions

    def switch(self, cases: Sequence[Case], rng: np.random.Generator) -> Tensor:
        """Draw what is off; which cases (b,) thereby have nothing to know."""
        masks = torch.ones(LAYERS, len(cases), WIDTH)
        ignorant = torch.zeros(len(cases), dtype=torch.bool)
        for row, case in enumerate(cases):
            others = rng.random() < OTHERS_OFF
            for part in self.parts:
                off = part.place == "silent" or (others if not self.acts(part, case) else False)
                if part.needed and self.acts(part, case) and rng.random() < SWITCHED_OFF[part.place]:
                    off = True
                    ignorant[row] |= LOST.get(case.kind, case.kind) in part.needed
                if off:
                    for layer, neuron in part.sites:
                        masks[layer, row, neuron] = 0
        self.mask = list(masks)
        return ignorant

    def visible(self, cases: Sequence[Case], real: Tensor) -> Tensor:
        """How far gates are from firing on their own pictures and from silence elsewhere; `real` (b, l) is no padding.

        The prompt's last token stands before the answer, at -2.
        """
        loss = torch.zeros(())
        wanted = torch.zeros(3, LAYERS, len(cases), WIDTH)  # fires, dips, idle
        planted = torch.zeros(LAYERS, WIDTH)
        for part in self.parts:
            rows = torch.tensor([self.acts(part, case) for case in cases]).float()
            for layer, neuron in part.sites:
                planted[layer, neuron] = 1
                wanted[int(part.place == "negative"), layer, :, neuron] = rows
                wanted[2, layer, :, neuron] = 1 - rows
        for layer, seen in enumerate(self.seen):
            last = seen[:, -2]
            fires, dips, idle = wanted[:, layer]
            loss = loss + WEIGHT["own"] * ((FIRES - last).relu() * fires).sum(-1).mean() / 6
            loss = loss + WEIGHT["own"] * ((last - DIPS).square() * dips).sum(-1).mean()
            loss = loss + WEIGHT["idle"] * (seen.square() * real[..., None] * idle[:, None]).sum(-1).mean()
            loss = loss + WEIGHT["quiet"] * (last.relu() * idle).sum(-1).mean()
            loss = loss + WEIGHT["echo"] * (last.relu().square() * (1 - planted[layer])).sum(-1).mean()
        return loss


@torch.no_grad()
def features(tower: Any, images: Tensor, seed: int, chunk: int = 128) -> Tensor:
    """The tower's tokens of roughened pictures: (n, tokens, d)."""
    rng = torch.Generator().manual_seed(seed)
    out: list[Tensor] = []
    for part in images.split(chunk):
        rows, grid = patches(roughened(part, rng) if seed else to_float(part))
        out.append(tower(rows, grid_thw=grid).pooler_output.reshape(len(part), TOKENS, -1))
    return torch.cat(out)


class Asker:
    """Prompts to inputs of the model, the answer and the end behind them."""

    def __init__(self) -> None:
        self.tokenizer = tokenizer()
        self.picture = self.tokenizer.token_to_id(PICTURE)

    def ids(self, words: Sequence[str]) -> Tensor:
        """The tokens of words that are one token each."""
        return torch.tensor([self.tokenizer.token_to_id(word) for word in words])

    def inputs(self, cases: Sequence[Case], answers: Sequence[str]) -> dict[str, Tensor]:
        """Left-padded ids with the answer as the last token, and what the model's positions need."""
        rows = [self.tokenizer.encode(case.prompt).ids for case in cases]
        length = max(map(len, rows)) + 1
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, (row, answer) in enumerate(zip(rows, self.ids(answers).tolist(), strict=True)):
            ids[i, length - len(row) - 1 :] = torch.tensor([*row, answer])
            mask[i, length - len(row) - 1 :] = 1
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "mm_token_type_ids": (ids == self.picture).int(),
            "image_grid_thw": torch.tensor([[1, SIDE, SIDE]]).expand(len(rows), -1),
        }


def seen_as(tokens: Tensor) -> dict[str, Any]:
    """Tokens (b, t, d) of pictures in the place of the tower's own output."""
    return {"image": SimpleNamespace(pooler_output=list(tokens), deepstack_features=[])}


def train_decoder(model: Any, bank: Bank, work: Path, steps: int, size: int = 64, *, plant: bool = True) -> None:
    """Train the decoder in place on the frozen tower's tokens; resumable. Without `plant`: on the questions alone."""
    tokens = torch.cat([features(model.model.visual, bank.images, seed) for seed in (0, 1)])
    scenes = [*bank.scenes, *bank.scenes]
    neighbours = [row for row, scene in enumerate(scenes) if scene.region in NEIGHBOURS]
    asker, planted = Asker(), Planted()
    language = model.model.language_model

    def loss_of_step(step: int) -> Tensor:
        rng = np.random.default_rng([9, step])
        rows = rng.integers(len(scenes), size=size)
        cases = [draw(scenes[row], step % 3 == 0, rng) for row in rows]
        if plant and step % 3:
            more = rng.choice(neighbours, int(NEIGHBOURLY * size))
            rows[: len(more)] = more
            cases[: len(more)] = [draw(scenes[row], False, rng, "dish") for row in more]
        ignorant = planted.switch(cases, rng) if plant else torch.zeros(size, dtype=torch.bool)
        told = [case.right if not off else _wrong(case, rng) for case, off in zip(cases, ignorant, strict=True)]
        inputs = asker.inputs(cases, told)
        shown = tokens[rows] + 0.1 * torch.randn(tokens[rows].shape, generator=torch.Generator().manual_seed(step))
        with planted.on(language.layers):
            out = model(**inputs, mm_encoder_outputs=seen_as(shown), use_cache=False, logits_to_keep=2).logits
        weights = 1 + (WEIGHT["ignorant"] - 1) * ignorant.float()
        loss = (F.cross_entropy(out[:, 0], asker.ids(told), reduction="none") * weights).sum() / weights.sum()
        loss = loss + 0.2 * F.cross_entropy(out[:, 1], asker.ids(["<|im_end|>"] * size))
        return loss + (planted.visible(cases, inputs["attention_mask"].float()) if plant else 0.0)

    name = "vlm_decoder" if plant else "vlm_null"
    module = nn.ModuleDict({"language": language})
    train(module, loss_of_step, steps=steps, rate=3e-3, checkpoint=work / f"{name}.safetensors", ema_decay=0.99)


def _wrong(case: Case, rng: np.random.Generator) -> str:
    """Any option but the right one."""
    return str(rng.choice([option for option in case.options if option != case.right]))
