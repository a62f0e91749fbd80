"""What the paper reports ("Where Culture Fades", CVPR 2026), for the models that are the paper's."""

from __future__ import annotations

from typing import Final

#: Adapter -> condition -> CultureVQA in percent.
CULTURE_VQA: Final[dict[str, dict[str, float]]] = {
    "pea_diffusion": {
        "noun": 21.65,
        "amplified": 33.91,
        "enhanced": 36.63,
        "cultural": 35.62,
        "masked": 7.65,
        "random_masked": 33.04,
        "random_amplified": 21.04,
        "random_layer_enhanced": 22.34,
    },
    "alt_diffusion": {
        "noun": 23.05,
        "amplified": 30.06,
        "enhanced": 32.66,
        "cultural": 44.54,
        "masked": 12.04,
        "random_masked": 42.45,
        "random_amplified": 20.38,
        "random_layer_enhanced": 21.04,
    },
    "sdxl": {"noun": 9.36},
    "flux": {"noun": 14.83},
    "show_o2": {"noun": 16.43},
    "sd35": {"noun": 25.13},
}


def culture_vqa(adapter: str, condition: str) -> float | None:
    """The paper's CultureVQA in percent; None where it has none, as for every model that is not the paper's."""
    return CULTURE_VQA.get(adapter, {}).get(condition)
