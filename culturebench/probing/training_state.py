"""All that the next step of an SAE's training depends on, and keeping it for a run that is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from culturebench.probing.sae import TopKSAE
from culturebench.store import Store, key_of

if TYPE_CHECKING:
    from culturebench.artifacts.sae import Step

MOMENTS = ("exp_avg", "exp_avg_sq")  # AdamW's, of every parameter


@dataclass
class TrainingState:
    """Weights, optimizer, how long each latent has been silent, and the history up to `step`, which comes next."""

    sae: TopKSAE
    optimizer: torch.optim.AdamW
    silent: Tensor  # steps since a latent was last above 0 (latents,)
    step: int = 0
    history: list[tuple[float, float, float, float]] = field(default_factory=list[tuple[float, float, float, float]])

    @classmethod
    def fresh(cls, sae: TopKSAE, learning_rate: float) -> TrainingState:
        """Before the first step."""
        optimizer = torch.optim.AdamW(sae.parameters(), lr=learning_rate, weight_decay=0.0, fused=True)
        return cls(sae, optimizer, torch.zeros(sae.latents, dtype=torch.long, device=sae.encoder.device))

    def dead(self, after: int) -> Tensor:
        """Latents silent for more than `after` steps, ascending."""
        return torch.nonzero(self.silent > after)[:, 0]

    def advance(self, fired: Tensor) -> None:
        """One step further, in which the latents `fired` (any number, repeats allowed) were above 0."""
        self.silent += 1
        self.silent[fired] = 0
        self.step += 1

    def log(self, fvu: float, l0: float, dead_after: int) -> None:
        """Add a point about the step that was just made."""
        self.history.append((float(self.step), fvu, l0, len(self.dead(dead_after)) / self.sae.latents))

    def points(self) -> list[Step]:
        """The history as the artifact `sae` holds it."""
        return [{"step": step, "fvu": fvu, "l0": l0, "dead": dead} for step, fvu, l0, dead in self.history]

    def pack(self) -> bytes:
        """Everything as safetensors."""
        tensors = {f"sae.{name}": tensor for name, tensor in self.sae.state_dict().items()}
        for name, parameter in self.sae.named_parameters():
            tensors |= {f"{key}.{name}": self.optimizer.state[parameter][key] for key in MOMENTS}
        history = torch.tensor(self.history, dtype=torch.float64).reshape(-1, 4)
        tensors |= {"silent": self.silent, "history": history, "step": torch.tensor(self.step)}
        return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})

    def unpack(self, packed: bytes) -> None:
        """Go back to what `pack` gave."""
        found = load(packed)
        self.sae.load_state_dict({name: found[f"sae.{name}"] for name in self.sae.state_dict()})
        for name, parameter in self.sae.named_parameters():
            moments = {key: found[f"{key}.{name}"].to(parameter.device) for key in MOMENTS}
            self.optimizer.state[parameter] = {"step": found["step"].float(), **moments}
        self.silent = found["silent"].to(self.silent.device)
        self.step = int(found["step"])
        self.history = [tuple(point) for point in found["history"].tolist()]


class Checkpoint:
    """The last state of one training, in the store of slow results; it is deleted once training is done."""

    def __init__(self, store: Store, determinants: Mapping[str, Any], every: int) -> None:
        """`determinants` (JSON) are all that decides the trained weights; a state is kept `every` so many steps."""
        self._store, self._key, self._every = store, key_of(determinants), every

    def resume(self, state: TrainingState) -> None:
        """Bring `state` to where an earlier run was last kept, if there was one."""
        packed = self._store.get(self._key)
        if packed is not None:
            state.unpack(packed)

    def save(self, state: TrainingState) -> None:
        """Keep `state` if it is its turn."""
        if state.step % self._every == 0:
            self._store.put(self._key, state.pack())

    def forget(self) -> None:
        """Nothing is kept any more."""
        self._store.delete(self._key)
