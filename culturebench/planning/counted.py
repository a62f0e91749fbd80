"""The prices of a model, counted on the meta device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from culturebench.planning.backbone import picture_cost, step_cost, watch_cost
from culturebench.planning.cost import cost_of, size_of
from culturebench.planning.geometry import Geometry, tokens_of
from culturebench.planning.prices import Cost, Prices
from culturebench.text_to_image.pipeline_denoising import PipelineDenoising

if TYPE_CHECKING:
    from culturebench.params.train_enhancer import TrainEnhancer
    from culturebench.text_to_image.encoders.hub import HubEncoder

#: Tokens of a caption where encoders pad to the longest of a batch.
CAPTION_TOKENS = 24


def prices_of(geometry: Geometry, training: TrainEnhancer, measuring: Cost | None) -> Prices:
    """Counted on the meta device; takes some seconds, and no weights."""
    system, condition = geometry.system, geometry.condition
    step = step_cost(system, condition, training, checkpointing=False)
    return Prices(
        picture=picture_cost(system, condition),
        step=step,
        saving=step_cost(system, condition, training, checkpointing=True),
        watch=watch_cost(system, condition, training),
        prompt={name: _caption_cost(tower) for name, tower in geometry.towers.items()},
        width={name: tower.hidden_size for name, tower in geometry.towers.items()},
        weights=size_of(geometry.modules),
        size=PipelineDenoising(system).size,
        layers={name: len(tower.layers) for name, tower in geometry.towers.items()},
        measuring=measuring,
    )


def _caption_cost(tower: HubEncoder) -> Cost:
    """Prompts are padded to the longest of a batch where `HubEncoder.tokenize` does so, else to the end."""
    short = tower.family.causal or tower.family.masked
    tokens = tokens_of(min(CAPTION_TOKENS, tower.max_tokens) if short else tower.max_tokens)
    return cost_of(torch.no_grad()(lambda: tower.run(tokens)))
