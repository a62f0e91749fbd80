"""Where a training stands, kept outside the workspace: a run that was killed goes on from there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from culturebench.store import Store, key_of, pack, unpack

#: An entry of a history, as JSON.
Entry = Mapping[str, Any]


class Checkpoints:
    """The newest state of one training; `identity` (JSON) is all that determines it.

    States are kept `every` so many of the `steps`, and of the last.

    A state holds all that the next step reads: weights, moments of AdamW, the random generator. Whatever step a
    training goes on from, it ends with the same bytes.
    """

    def __init__(
        self, store: Store, identity: Mapping[str, Any], every: int, steps: int, kind: str = "enhancer_training"
    ) -> None:
        self._store, self._identity = store, {"kind": kind, **identity}
        self._steps = sorted({*range(every, steps + 1, every), steps})

    def save(
        self,
        step: int,
        trained: nn.Module,
        optimizer: torch.optim.Optimizer,
        random: torch.Generator,
        history: Sequence[Entry],
    ) -> None:
        """Keep the state after `step`, and delete the one before."""
        moments = {
            f"moment.{index}.{name}": value
            for index, values in optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }
        weights = {f"weight.{name}": value for name, value in trained.state_dict().items()}
        tensors = {**moments, **weights, "random": random.get_state()}
        content = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
        self._store.put(self._key(step), pack([content, json.dumps(list(history)).encode()]))
        earlier = [kept for kept in self._steps if kept < step]
        if earlier:
            self._store.delete(self._key(earlier[-1]))

    def restore(
        self, trained: nn.Module, optimizer: torch.optim.Optimizer, random: torch.Generator
    ) -> tuple[int, list[Entry]] | None:
        """Take over the newest state that is kept whole; its step and history, None when there is none."""
        for step in reversed(self._steps):
            content = self._store.get(self._key(step))
            if content is not None:
                tensors, history = unpack(content)
                _take_over(load(tensors), trained, optimizer, random)
                return step, json.loads(history)
        return None

    def _key(self, step: int) -> str:
        return key_of({**self._identity, "step": step})


def _take_over(
    tensors: Mapping[str, Tensor], trained: nn.Module, optimizer: torch.optim.Optimizer, random: torch.Generator
) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("moment."):
            _, index, moment = name.split(".")
            state.setdefault(int(index), {})[moment] = tensor
    trained.load_state_dict({name.removeprefix("weight."): t for name, t in tensors.items() if name[:7] == "weight."})
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    random.set_state(tensors["random"])
