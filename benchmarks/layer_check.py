"""How often the causal check marks a layer where there is none, and the right one where culture was planted.

`PYTHONPATH=.:tests/support python -m benchmarks.layer_check` tries encoders of seeds that neither the tests nor the
choice of `min_excess` saw, with the numbers of params.yaml, and prints rates with 95% intervals (Wilson).
In two minutes of CPU: in 300 encoders without culture a layer is marked in 0.3% [0.1, 1.9] (random attention) and 1.0%
[0.3, 2.9] (random weights); of 120 planted ones the right layer in 100% [97, 100], and in 86% [79, 91] (a wrong one
once) where culture was planted with less than half the strength. Delta CA agrees in as many, under every reference.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import yaml
from scipy.stats import binomtest

from culturebench.probing.attention import cultural_attention
from culturebench.probing.causal import effects, judge
from culturebench.probing.layers import LayerTest, delta_curve
from culturebench.probing.pairs import REFERENCES, differences, measure
from culturebench.text_to_image.base import TextEncoder
from planted_attention import BRINGS, LAYERS, LOOKS, encoder, some_pairs
from small_encoder import SmallEncoder

WITHOUT, PLANTED = range(1000, 1300), range(1000, 1120)  # seeds
STRENGTHS = (3.0, 7.0)  # of what is planted; the tests' encoders have the second
DIRECTION = "modifier_to_noun"


class Trial:
    """The check and delta CA with the shipped numbers."""

    def __init__(self, params: dict[str, Any]) -> None:
        check, probe = params["check_layers"], params["probe_layers"]
        shared = {name: probe[name] for name in ("resamples", "seed", "level", "alpha")}
        self._share: float = check["share"]
        self._of_check = LayerTest(**shared, min_excess=check["min_excess"])
        self._of_attention = LayerTest(**shared, min_excess=probe["min_excess"])
        self._modifiers = [pair.modifier for pair in some_pairs()]

    def checked(self, one: TextEncoder) -> int | None:
        """The layer that the check marks."""
        measured = effects(one, some_pairs(), self._share)
        return judge(measured, self._modifiers, one.last_upstream_layer + 1, self._of_check).layer

    def attended(self, one: TextEncoder) -> set[int | None]:
        """The layers that delta CA marks under its references."""
        read = partial(cultural_attention, one, relative=True, batch_size=len(some_pairs()))
        rows = measure(read, some_pairs()).rows
        found = (differences(rows, reference, DIRECTION, LAYERS) for reference in REFERENCES)
        return {delta_curve(values, self._modifiers, LAYERS, self._of_attention).layer for values in found}


def main() -> None:
    """Try every kind, and print its rates."""
    trial = Trial(yaml.safe_load(Path("params.yaml").read_text()))
    for name, make in {"attention": encoder, "weights": lambda seed: SmallEncoder(layers=LAYERS, seed=seed)}.items():
        marked = sum(trial.checked(make(seed)) is not None for seed in WITHOUT)
        print(f"random {name}, no culture: a layer is marked in {_rate(marked, WITHOUT)}")
    for strength in STRENGTHS:
        right = wrong = agree = 0
        for seed in PLANTED:
            layer = seed % LAYERS
            one = encoder(seed, {layer: [LOOKS, BRINGS]}, strength)
            found = trial.checked(one)
            right += found == layer
            wrong += found not in (layer, None)
            agree += trial.attended(one) == {found}
        print(f"planted with strength {strength:.0f}: the right layer in {_rate(right, PLANTED)},")
        print(f"  a wrong one in {_rate(wrong, PLANTED)}, delta CA agrees in {_rate(agree, PLANTED)}")


def _rate(count: int, seeds: range) -> str:
    interval = binomtest(count, len(seeds)).proportion_ci(method="wilson")
    return f"{count} of {len(seeds)}: {count / len(seeds):.1%} [{interval.low:.1%}, {interval.high:.1%}]"


if __name__ == "__main__":
    main()
