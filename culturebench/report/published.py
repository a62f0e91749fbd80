"""What the paper reports ("Where Culture Fades", CVPR 2026), for the models that are the paper's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

#: Hub repository -> the paper's name of the model that is made of it.
REPOSITORIES: Final = {
    "BAAI/AltDiffusion-m18": "AltDiffusion",  # the one that covers the paper's fifteen languages
    "OPPOer/PEA-Diffusion": "PEA-Diffusion",
    "stabilityai/stable-diffusion-xl-base-1.0": "StableDiffusion XL",
    "black-forest-labs/FLUX.1-dev": "FLUX.1-dev",
    "stabilityai/stable-diffusion-3.5-medium": "StableDiffusion 3.5",  # the paper does not say which size
    "stabilityai/stable-diffusion-3.5-large": "StableDiffusion 3.5",
    "showlab/show-o2-7B": "Show-o2",  # nor here
    "showlab/show-o2-1.5B": "Show-o2",
}

#: Model -> condition -> measure -> value, shares as 0..1.
VALUES: Final[dict[str, dict[str, dict[str, float]]]] = {
    "PEA-Diffusion": {
        "noun": {"culture_vqa": 0.2165, "clip_score": 0.253, "image_reward": -0.65, "lpips_reference": 0.673},
        "amplified": {"culture_vqa": 0.3391, "clip_score": 0.291, "image_reward": 0.33, "lpips_reference": 0.654},
        "enhanced": {"culture_vqa": 0.3663, "clip_score": 0.290, "image_reward": 0.31, "lpips_reference": 0.661},
        "cultural": {"culture_vqa": 0.3562},
        "masked": {"culture_vqa": 0.0765},
        "random_masked": {"culture_vqa": 0.3304},
        "random_amplified": {"culture_vqa": 0.2104},
        "other_layer_enhanced": {"culture_vqa": 0.2234},
    },
    "AltDiffusion": {
        "noun": {"culture_vqa": 0.2305, "clip_score": 0.282, "image_reward": -0.11, "lpips_reference": 0.688},
        "amplified": {"culture_vqa": 0.3006},
        "enhanced": {"culture_vqa": 0.3266},
        "cultural": {"culture_vqa": 0.4454},
        "masked": {"culture_vqa": 0.1204},
        "random_masked": {"culture_vqa": 0.4245},
        "random_amplified": {"culture_vqa": 0.2038},
        "other_layer_enhanced": {"culture_vqa": 0.2104},
    },
    "StableDiffusion XL": {
        "noun": {"culture_vqa": 0.0936, "clip_score": 0.211, "image_reward": -1.82, "lpips_reference": 0.756}
    },
    "FLUX.1-dev": {
        "noun": {"culture_vqa": 0.1483, "clip_score": 0.224, "image_reward": -0.88, "lpips_reference": 0.692}
    },
    "Show-o2": {
        "noun": {"culture_vqa": 0.1643, "clip_score": 0.234, "image_reward": -0.91, "lpips_reference": 0.691}
    },
    "StableDiffusion 3.5": {
        "noun": {"culture_vqa": 0.2513, "clip_score": 0.242, "image_reward": -1.01, "lpips_reference": 0.715}
    },
}  # fmt: skip

#: CultureVQA and experts (30), who choose of four real pictures the one of the culture named, shares; supplement C.1,
#: which does not say which judge, nor how many questions.
RELIABILITY: Final = (0.9157, 0.9418)
RELIABILITY_FORM: Final = "pictures"

#: Of its user study: CSR of its method and of the second best, shares of the scale; it says neither on which model, nor
#: how 1 to 5 became 0 to 100, and gives no interval.
CSR: Final = (0.776, 0.604)

#: After a model's name: its values on the paper's 100 captions from outside of CultureBench.
OUT_OF_DOMAIN: Final = ", out of domain"
_OUTSIDE: Final[dict[str, dict[str, dict[str, float]]]] = {
    f"PEA-Diffusion{OUT_OF_DOMAIN}": {
        "noun": {"culture_vqa": 0.15},
        "amplified": {"culture_vqa": 0.22},
        "enhanced": {"culture_vqa": 0.35},
    },
    f"AltDiffusion{OUT_OF_DOMAIN}": {
        "noun": {"culture_vqa": 0.15},
        "amplified": {"culture_vqa": 0.20},
        "enhanced": {"culture_vqa": 0.32},
    },
    f"StableDiffusion XL{OUT_OF_DOMAIN}": {"noun": {"culture_vqa": 0.10}},
    f"FLUX.1-dev{OUT_OF_DOMAIN}": {"noun": {"culture_vqa": 0.17}},
    f"Show-o2{OUT_OF_DOMAIN}": {"noun": {"culture_vqa": 0.15}},
    f"StableDiffusion 3.5{OUT_OF_DOMAIN}": {"noun": {"culture_vqa": 0.17}},
}


def out_of_domain() -> list[tuple[str, str, float]]:
    """Every row of the paper's table on captions from outside: model, condition, CultureVQA."""
    return [
        (model.removesuffix(OUT_OF_DOMAIN), condition, measures["culture_vqa"])
        for model, conditions in _OUTSIDE.items()
        for condition, measures in conditions.items()
    ]


#: Model -> strength of the amplification -> CultureVQA. Our source names no model for 7 and 8; only PEA-Diffusion's
#: value at 6 fits beside them.
STRENGTHS: Final[dict[str, dict[float, float]]] = {"PEA-Diffusion": {6.0: 0.3391, 7.0: 0.3592, 8.0: 0.3261}}


def model_of(repositories: Iterable[str | None]) -> str:
    """The paper's name of the model whose weights come from these; "" for one that is not the paper's."""
    return next((REPOSITORIES[repo] for repo in repositories if repo in REPOSITORIES), "")


def value(model: str, condition: str, measure: str) -> float | None:
    """The paper's value; None where it has none, as for every model that is not the paper's.

    With OUT_OF_DOMAIN after the model's name, that on captions from outside of CultureBench.
    """
    return {**VALUES, **_OUTSIDE}.get(model, {}).get(condition, {}).get(measure)


def by_strength(model: str, strength: float) -> float | None:
    """The paper's CultureVQA at one strength of the amplification; None where it has none."""
    return STRENGTHS.get(model, {}).get(strength)


#: K-StyleLoRA's tables 1 and 2 (ICCVW 2025), of SDXL: kind of adapter ("" without any) -> set of prompts -> measure.
#: K-StyleLoRA's own at its strength 1. No intervals are given, and explicit and generic do not mix to "all".
_ADAPTERS: Final[dict[str, dict[str, dict[str, float]]]] = {
    "": {
        "english_both": {"cultural_similarity": 0.291, "clip_score": 0.324},
        "english_cultural": {"cultural_similarity": 0.299},
        "english_noun": {"cultural_similarity": 0.250},
    },
    "standard": {
        "english_both": {"cultural_similarity": 0.290, "clip_score": 0.323, "lpips_diversity": 0.725},
        "english_cultural": {"cultural_similarity": 0.295},
        "english_noun": {"cultural_similarity": 0.255},
    },
    "csl": {
        "english_both": {"cultural_similarity": 0.293, "clip_score": 0.327, "lpips_diversity": 0.755},
        "english_cultural": {"cultural_similarity": 0.302},
        "english_noun": {"cultural_similarity": 0.261},
    },
    "gating": {
        "english_both": {"cultural_similarity": 0.293, "clip_score": 0.325, "lpips_diversity": 0.724},
        "english_noun": {"cultural_similarity": 0.262},
    },
    "k_style": {
        "english_both": {"cultural_similarity": 0.292, "clip_score": 0.330, "lpips_diversity": 0.741},
        "english_noun": {"cultural_similarity": 0.257},
    },
}


def of_adapter(model: str, kind: str, prompts: str, measure: str) -> float | None:
    """K-StyleLoRA's value for a kind of adapter of SDXL; None for any other model, and where it has none."""
    if model != "StableDiffusion XL":
        return None
    return _ADAPTERS.get(kind, {}).get(prompts, {}).get(measure)
