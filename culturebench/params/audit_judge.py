"""How CultureVQA changes when a judge's culture neurons are silenced."""

from typing import ClassVar

from pydantic import Field

from culturebench.params._base import Section


class AuditJudge(Section):
    """For audits with `judges: true`; real pictures get the questions of judge_reliability."""

    section: ClassVar[str] = "audit_judge"
    selector: str = Field(description="Whose neurons are silenced; one of select_vlm_neurons.selectors.")
    seeds: int = Field(ge=1, description="Pictures of each prompt and condition, the first by seed.")
    resamples: int = Field(ge=200, description="Bootstrap resamples of prompts and pictures behind the intervals.")
    level: float = Field(gt=0.5, lt=1, description="Coverage of the intervals.")
    seed: int = Field(ge=0, description="Of the options' order and of the resampling.")
