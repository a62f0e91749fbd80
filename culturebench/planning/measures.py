"""What the published measures cost for one picture, counted from their shapes on the meta device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import BlipTextConfig, BlipVisionConfig, CLIPConfig, CLIPModel

from culturebench.measures.clip import CONTEXT, KINDS
from culturebench.measures.image_reward import HEADS, PATCH, PIXELS, TOKENS, ImageReward
from culturebench.measures.lpips import Lpips
from culturebench.planning.backbone import META
from culturebench.planning.cost import Cost, cost_of
from culturebench.text_to_image.encoders.files import read_json

if TYPE_CHECKING:
    from culturebench.params.measure import Measure
    from culturebench.params.pins import PinSource

PUBLISHED = ("clip_score", "cultural_similarity", "vendi_score", "lpips", "image_reward")
#: Its shapes are the defaults of transformers' CLIPConfig, whose docstring says so.
KNOWN_CLIP = "openai/clip-vit-base-patch32"
#: Of ImageReward's head; a test holds the model to tests/layouts/image_reward.json.
HEAD_WIDTHS = (1024, 128, 64, 16, 1)


@dataclass(frozen=True)
class MeasuresPlan:
    """Measures that will run with the cost of one picture, those whose shapes are not known, those without weights."""

    known: Mapping[str, Cost]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def picture(self) -> Cost | None:
        """All that are known, for one picture."""
        return sum(self.known.values(), Cost(0.0)) if self.known else None


def measures_plan(numbers: Measure, pins: Mapping[str, PinSource], root: Path, pictures: int) -> MeasuresPlan:
    """The published measures of params; `pictures` of one prompt are compared with each other."""
    known: dict[str, Cost] = {}
    unknown: list[str] = []
    named = [name for name in PUBLISHED if getattr(numbers, name)]
    for name in named:
        cost = _cost(name, numbers, pins, root, pictures)
        if cost is None:
            unknown.append(name)
        else:
            known[name] = cost
    return MeasuresPlan(known, tuple(unknown), tuple(name for name in PUBLISHED if name not in named))


def _cost(name: str, numbers: Measure, pins: Mapping[str, PinSource], root: Path, pictures: int) -> Cost | None:
    if name == "lpips":
        assert numbers.lpips
        pairs = 1 + (pictures - 1) / 2  # with the reference, and its share of the pairs of its prompt
        return _lpips(numbers.lpips.network, numbers.lpips.size) * pairs
    if name == "image_reward":
        return image_reward_cost()
    return _clip(pins[getattr(numbers, name).pin], root, texts=name == "clip_score")


def _lpips(network: Any, size: int) -> Cost:
    with META:
        model, pixels = Lpips(network, size), torch.empty(1, 3, size, size)
    return cost_of(torch.no_grad()(lambda: model(pixels, pixels)))


def _clip(source: PinSource, root: Path, *, texts: bool) -> Cost | None:
    """Of a multilingual text tower as of the CLIP's own, which is as large; concepts of CSS are few and not counted."""
    path = root / source.folder / "config.json"
    kind: Any = CLIPModel
    config: Any = CLIPConfig()
    if path.is_file():
        read = read_json(path)
        if read.get("model_type") not in KINDS:
            return None
        kind = KINDS[read["model_type"]][0]
        config = kind.config_class.from_dict(read)
    elif source.repo != KNOWN_CLIP:
        return None
    side = config.vision_config.image_size
    with META:
        model, pixels = kind(config).eval(), torch.empty(1, 3, side, side)
        ids = torch.zeros(1, CONTEXT, dtype=torch.long)
    seen = cost_of(torch.no_grad()(lambda: model.get_image_features(pixel_values=pixels)))
    return seen + cost_of(torch.no_grad()(lambda: model.get_text_features(input_ids=ids))) if texts else seen


def published_image_reward() -> ImageReward:
    """Without numbers: ViT-L of BLIP, read by a BERT-base."""
    vision = BlipVisionConfig(
        hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=HEADS, image_size=PIXELS,
        patch_size=PATCH,
    )  # fmt: skip
    text = BlipTextConfig(
        vocab_size=30524, encoder_hidden_size=1024, hidden_size=768, intermediate_size=3072, num_hidden_layers=12,
        num_attention_heads=12, is_decoder=True,
    )  # fmt: skip
    with META:
        return ImageReward(vision, text, HEAD_WIDTHS).eval()


@cache
def image_reward_cost() -> Cost:
    """One picture with its text, without the masks, which ask for numbers."""
    model = published_image_reward()
    with META:
        pixels = torch.empty(1, 3, PIXELS, PIXELS)
        ids = torch.zeros(1, TOKENS, dtype=torch.long)

    def work() -> None:
        seen = model.vision(pixel_values=pixels).last_hidden_state
        model.head(model.text(input_ids=ids, encoder_hidden_states=seen).last_hidden_state[:, 0])

    return cost_of(torch.no_grad()(work))
