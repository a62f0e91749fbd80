"""Take equally many neurons of every culture by every selector."""

from __future__ import annotations

from dataclasses import dataclass

from culturebench.artifacts import activations, vlm_neurons
from culturebench.params.select_vlm_neurons import SelectVlmNeurons
from culturebench.probing.selectors import LapeRule
from culturebench.probing.vlm_selection import Numbers, select
from culturebench.stage import Paths, Stage


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    select_vlm_neurons: SelectVlmNeurons


def run(params: Params, inputs: Paths, outputs: Paths, *, audit: str) -> None:
    """Rank over all layers together."""
    numbers = params.select_vlm_neurons
    found = activations.load(inputs["activations"])
    _, layers, width = found.frequency.shape
    count = max(1, round(numbers.share * layers * width))
    rule = LapeRule(numbers.lape.top, numbers.lape.filter, numbers.lape.bar)
    rows = select(found, numbers.selectors, Numbers(count, rule, numbers.draws, numbers.matched, numbers.seed))
    vlm_neurons.TABLE.save(outputs["neurons"], rows)


STAGE = Stage(
    name="select_vlm_neurons",
    run=run,
    identities=("audit",),
    params=Params,
    inputs={"activations": activations.PATH},
    outputs={"neurons": vlm_neurons.PATH},
)

if __name__ == "__main__":
    STAGE.main()
