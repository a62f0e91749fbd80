"""Where an enhancer's training stands, kept outside the workspace: a run that was killed goes on from there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from culturebench.interventions.enhancer import Enhancer
from culturebench.store import Store, key_of, pack, unpack

if TYPE_CHECKING:
    from culturebench.artifacts.enhancer import Entry


class Checkpoints:
    """The newest state of one training; `identity` (JSON) is all that determines it, `steps` are those that are kept.

    A state holds all that the next step reads: weights, moments of AdamW, the random generator. Whatever step a
    training goes on from, it ends with the same bytes.
    """

    def __init__(self, store: Store, identity: Mapping[str, Any], every: int, steps: int) -> None:
        self._store, self._identity = store, identity
        self._steps = sorted({*range(every, steps + 1, every), steps})

    def save(
        self,
        step: int,
        enhancer: Enhancer,
        optimizer: torch.optim.Optimizer,
        random: torch.Generator,
        history: list[Entry],
    ) -> None:
        """Keep the state after `step`, and delete the one before."""
        moments = {
            f"moment.{index}.{name}": value
            for index, values in optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }
        weights = {f"weight.{name}": value for name, value in enhancer.state_dict().items()}
        tensors = {**moments, **weights, "random": random.get_state()}
        content = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
        self._store.put(self._key(step), pack([content, json.dumps(history).encode()]))
        earlier = [kept for kept in self._steps if kept < step]
        if earlier:
            self._store.delete(self._key(earlier[-1]))

    def restore(
        self, enhancer: Enhancer, optimizer: torch.optim.Optimizer, random: torch.Generator
    ) -> tuple[int, list[Entry]] | None:
        """Take over the newest state that is kept whole; its step and history, None when there is none."""
        for step in reversed(self._steps):
            content = self._store.get(self._key(step))
            if content is not None:
                tensors, history = unpack(content)
                _take_over(load(tensors), enhancer, optimizer, random)
                return step, json.loads(history)
        return None

    def _key(self, step: int) -> str:
        return key_of({"kind": "enhancer_training", **self._identity, "step": step})


def _take_over(
    tensors: Mapping[str, Tensor], enhancer: Enhancer, optimizer: torch.optim.Optimizer, random: torch.Generator
) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("moment."):
            _, index, moment = name.split(".")
            state.setdefault(int(index), {})[moment] = tensor
    enhancer.load_state_dict({name.removeprefix("weight."): t for name, t in tensors.items() if name[:7] == "weight."})
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    random.set_state(tensors["random"])
