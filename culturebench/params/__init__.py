"""Typed parameters: `params.yaml` is read here, validated by one frozen model a section, and nowhere else."""

from culturebench.params._base import (
    ParamsError as ParamsError,
    Section as Section,
    choose as choose,
    load_document as load_document,
    load_section as load_section,
)
from culturebench.params._region import (
    RegionError as RegionError,
    RegionPart as RegionPart,
    load_region as load_region,
)
