"""Features with a known truth: sums of planted directions, some of which only one region's culture has."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class World:
    """Unit directions (n, d); the first of them belong to regions, the others to everything."""

    directions: Tensor
    rates: Tensor  # how often each fires where it can
    region_of: list[int | None]  # of each direction
    regions: int
    noise: float  # standard deviation in each dimension

    def samples(self, count: int, region: int, *, cultural: bool, generator: torch.Generator) -> Tensor:
        """Features (count, d) of a region's prompts; only cultural ones have its directions."""
        allowed = torch.tensor([owner is None or (cultural and owner == region) for owner in self.region_of])
        fires = torch.rand(count, len(self.rates), generator=generator) < self.rates * allowed
        strength = 1 + torch.rand(count, len(self.rates), generator=generator)
        noise = torch.randn(count, self.directions.shape[1], generator=generator) * self.noise
        return (fires * strength) @ self.directions + noise


def planted_world(
    d: int, regions: int, each: int, common: int, rare: int, *, cosine: float, noise: float, seed: int
) -> World:
    """`regions` x `each` regional directions that fire at 5 to 90% of their region's cultural samples.

    Of what fires everywhere, `common` directions do so at 20 to 60% and `rare` ones at 1 to 2%.
    """
    generator = torch.Generator().manual_seed(seed)
    rates = [
        torch.linspace(0.05, 0.9, each).repeat(regions),
        torch.linspace(0.2, 0.6, common),
        torch.linspace(0.01, 0.02, rare),
    ]
    owners = [*(r for r in range(regions) for _ in range(each)), *[None] * (common + rare)]
    directions = spread_directions(len(owners), d, cosine, generator)
    return World(directions, torch.cat(rates), owners, regions, noise)


def spread_directions(count: int, d: int, cosine: float, generator: torch.Generator) -> Tensor:
    """Random unit vectors pushed apart until no two of them are closer than `cosine`, some nearly so."""
    directions = torch.nn.functional.normalize(torch.randn(count, d, generator=generator), dim=1)
    for _ in range(2000):
        products = directions @ directions.T - torch.eye(count)
        over = products.sign() * (products.abs() - cosine + 0.005).clamp_min(0)
        if float(products.abs().max()) <= cosine:
            return directions
        directions = torch.nn.functional.normalize(directions - 0.5 * over @ directions, dim=1)
    raise AssertionError("the directions could not be spread that far; use more dimensions")
