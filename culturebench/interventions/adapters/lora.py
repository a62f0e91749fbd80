"""LoRA (Hu et al. 2021) on a denoiser's attention by forward hooks: no module of the loaded system is replaced."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from culturebench.interventions.adapters.gating import Gate, Modulation
from culturebench.interventions.adapters.sites import Site, linears_of


@dataclass
class Watch:
    """What an adapter did while it was watched: one number a pass through a site, or a gate."""

    sizes: list[float] = field(default_factory=list[float])  # of what is added, as a share of the site's own output
    gates: list[float] = field(default_factory=list[float])  # how far the gates let it through

    @property
    def size(self) -> float:
        """The mean size; 0 where nothing was seen."""
        return sum(self.sizes) / len(self.sizes) if self.sizes else 0.0

    @property
    def gate(self) -> float | None:
        """The mean gate; None without any."""
        return sum(self.gates) / len(self.gates) if self.gates else None


class Lora(nn.Module):
    """`out + scale (alpha / rank) up down h` at every site; with a `gate`, K-StyleLoRA's equation 10.

    `down` starts as a Gaussian of deviation 1 / rank and `up` at 0, as diffusers' own training does: the identity, bit
    for bit.
    """

    def __init__(self, sites: Sequence[Site], rank: int, alpha: float, gate: Gate | None = None, seed: int = 0) -> None:
        super().__init__()
        self.sites, self.rank, self.alpha = list(sites), rank, alpha
        generator = torch.Generator().manual_seed(seed)
        self.down = nn.ParameterList(torch.randn(rank, one.inputs, generator=generator) / rank for one in sites)
        self.up = nn.ParameterList(torch.zeros(one.outputs, rank) for one in sites)
        self.gate = gate

    def change(self, index: int, states: Tensor, scale: float, how: Modulation | None) -> Tensor:
        """What is added to the output of site `index` for its input `states` (b, ..., inputs), in float32."""
        low = F.linear(states.to(self.down[index].dtype), self.down[index])
        if how is None:
            return F.linear(low, self.up[index]) * (self.alpha / self.rank * scale)
        places = (len(low), *[1] * (low.dim() - 2), -1)
        return (
            how.intensity.view(places)
            * F.linear(low * how.ranks.view(places), self.up[index])
            * (self.alpha / self.rank * scale)
        )

    @contextmanager
    def attached(self, denoiser: nn.Module, scale: float = 1.0, watch: Watch | None = None) -> Generator[None]:
        """Within the block the denoiser's attention is adapted; the hooks always come off.

        `AdapterError` for a denoiser that the adapter is not of, before any hook.
        """
        linears, modules = linears_of(denoiser, self.sites), dict(denoiser.named_modules())
        self.to(next(iter(linears.values())).weight.device)
        with ExitStack() as hooks:
            current: dict[str, Modulation] = {}
            if self.gate is not None:
                for attention in self.gate.attentions:
                    hook = self._reading(attention, current, watch)
                    hooks.callback(modules[attention].register_forward_pre_hook(hook, with_kwargs=True).remove)
            for index, site in enumerate(self.sites):
                hook = self._adding(index, site, scale, current, watch)
                hooks.callback(linears[site.name].register_forward_hook(hook).remove)
            yield

    def _reading(self, attention: str, current: dict[str, Modulation], watch: Watch | None) -> Any:
        """A hook before an attention that works out its gate from the states that enter it."""
        gate = self.gate
        assert gate is not None

        def read(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            states: Tensor = args[0] if args else kwargs["hidden_states"]
            rows = states.flatten(2).transpose(1, 2) if states.dim() == 4 else states
            current[attention] = how = gate(attention, rows.float())
            if watch is not None:
                watch.gates += (how.ranks.mean(dim=1) * how.intensity[:, 0]).tolist()

        return read

    def _adding(self, index: int, site: Site, scale: float, current: dict[str, Modulation], watch: Watch | None) -> Any:
        """A hook behind a site that adds to its output."""

        def add(_module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
            changed = output + self.change(index, args[0], scale, current.get(site.attention))
            if watch is not None:
                own = output.detach().float()
                watch.sizes.append(float((changed.detach().float() - own).norm() / own.norm()))
            return changed.to(output.dtype)

        return add
