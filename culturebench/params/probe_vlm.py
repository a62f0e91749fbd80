"""What of a decoder's neurons is counted."""

from typing import ClassVar, Literal

from pydantic import Field

from culturebench.params._base import Section


class ProbeVlm(Section):
    """One pass over the detect questions that ask for something cultural."""

    section: ClassVar[str] = "probe_vlm"
    site: Literal["gate", "product"] = Field(
        description="gate: act_fn(gate_proj(x)), as published; product: what the neuron writes, |gate x up| times the "
        "length of its column of down_proj, which also sees neurons that act through a negative gate."
    )
    positions: Literal["last", "text", "all"] = Field(
        description="Tokens counted: the prompt's last, from which the answer is read; all but the picture's; all "
        "that are no padding, as LAPE counts."
    )
    threshold: float = Field(ge=0, description="A neuron fires above it.")
    mean: Literal["positive", "signed"] = Field(
        description="What MAD and CAS compare: the mean of what exceeds 0, or of all; SiLU goes down to -0.28."
    )
    language: Literal["native", "english"] = Field(
        description="Of the detect questions; with native ones, neurons of a language pass for those of its culture."
    )
