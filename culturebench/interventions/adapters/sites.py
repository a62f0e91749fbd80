"""The linear layers of a denoiser's attention, by the names that diffusers gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from culturebench.errors import CultureBenchError

#: Of each attention, as diffusers' own training of LoRA takes them.
LINEARS = ("to_q", "to_k", "to_v", "to_out.0")
#: self: among the picture's own places; cross: from these to the prompt.
TARGETS = ("self", "cross")


class AdapterError(CultureBenchError):
    """An adapter that cannot be read, does not fit its denoiser, or was asked for what it cannot do."""


@dataclass(frozen=True)
class Site:
    """One linear layer that is adapted."""

    name: str  # its module in the denoiser, such as mid_block.attentions.0.transformer_blocks.0.attn2.to_q
    attention: str  # the attention module that it is of
    width: int  # dimensions of the states that enter that attention
    inputs: int
    outputs: int


def find_sites(denoiser: nn.Module, targets: Sequence[str]) -> list[Site]:
    """The sites of the `targets` in the order of the modules; `AdapterError` where there is none."""
    found: list[Site] = []
    for name, module in denoiser.named_modules():
        query = getattr(module, "to_q", None)
        if not isinstance(query, nn.Linear) or _kind(module) not in targets:
            continue
        linears = dict(module.named_modules())
        found += [
            Site(f"{name}.{one}", name, query.in_features, linear.in_features, linear.out_features)
            for one in LINEARS
            if isinstance(linear := linears.get(one), nn.Linear)
        ]
    if not found:
        raise AdapterError(
            f"{type(denoiser).__name__} has no attention of the kind {' or '.join(targets)} with linear layers "
            f"{', '.join(LINEARS)}; look at train_adapter.targets"
        )
    return found


def _kind(attention: nn.Module) -> str:
    return "cross" if getattr(attention, "is_cross_attention", False) else "self"


def linears_of(denoiser: nn.Module, sites: Sequence[Site]) -> Mapping[str, nn.Linear]:
    """Site -> its layer; `AdapterError` for a denoiser that lacks one, or where it has another size."""
    modules = dict(denoiser.named_modules())
    found: dict[str, nn.Linear] = {}
    for site in sites:
        module = modules.get(site.name)
        if not isinstance(module, nn.Linear) or (module.in_features, module.out_features) != (
            site.inputs,
            site.outputs,
        ):
            raise AdapterError(
                f"the adapter is of a denoiser with a linear layer {site.name} of {site.inputs} to {site.outputs} "
                f"dimensions; this {type(denoiser).__name__} has none: take the model that it was trained on"
            )
        found[site.name] = module
    return found
