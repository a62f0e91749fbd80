"""All measures of one condition's pictures: each by the weights that params name, or the reason why not.

Modules that need transformers are imported where their measure runs: most runs need none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from culturebench.measures.pictures import measure_pictures
from culturebench.measures.scoring import Row, Rows, measured, not_run, of_each, of_prompts
from culturebench.pins import pin_path, verified_folder
from culturebench.png import from_png

if TYPE_CHECKING:
    from culturebench.measures.clip import Clip
    from culturebench.params.measure import Measure

#: The caption that says in English what another one says.
ENGLISH = {"noun": "noun_en", "noun_en": "noun_en", "cultural": "cultural_en"}
NO_ENGLISH = "not run: the test picture has no English caption of this kind"

Pictures = Sequence[Row]
References = Mapping[str, Row]  # prompt id -> test row


def measure_all(
    numbers: Measure, bound: Path, labels: Mapping[str, str], pictures: Pictures, references: References
) -> Rows:
    """Rows of the artifact `measured`; pins lie in the folder `bound`, `labels` maps a region to its English name."""
    return [
        *_alignment(numbers, bound, pictures, references),
        *_clip_score(numbers, bound, pictures, references),
        *_cultural_similarity(numbers, bound, labels, pictures),
        *_vendi(numbers, bound, pictures),
        *_lpips(numbers, bound, pictures, references),
        *_image_reward(numbers, bound, pictures, references),
    ]


def _alignment(numbers: Measure, bound: Path, pictures: Pictures, references: References) -> Rows:
    if numbers.alignment is None:
        return []
    from culturebench.atlas.alignment import AtlasAlignment

    encoder = AtlasAlignment(_folder(bound, numbers.alignment))
    return measure_pictures(encoder, pictures, references, numbers.caption)


def _clip_score(numbers: Measure, bound: Path, pictures: Pictures, references: References) -> Rows:
    chosen = numbers.clip_score
    if chosen is None:
        return not_run("clip_score", pictures, _missing("clip_score", "a multilingual CLIP"))
    clip = _clip(numbers, bound, chosen.pin, chosen.text)

    def fit(images: list[Image.Image], rows: Pictures) -> list[float]:
        return clip.similarity(images, [references[row["prompt_id"]][numbers.caption]["text"] for row in rows])

    return of_each("clip_score", pictures, fit)


def _cultural_similarity(numbers: Measure, bound: Path, labels: Mapping[str, str], pictures: Pictures) -> Rows:
    """CSS, equation 18 of K-StyleLoRA: the largest cosine with a concept, averaged over pictures by the evaluation."""
    chosen = numbers.cultural_similarity
    if chosen is None:
        return not_run("cultural_similarity", pictures, _missing("cultural_similarity", "a CLIP"))
    clip = _clip(numbers, bound, chosen.pin)

    def near(images: list[Image.Image], rows: Pictures) -> list[float]:
        concepts = [[text.format(region=labels[row["region"]]) for text in chosen.concepts] for row in rows]
        return clip.best(images, concepts)

    return of_each("cultural_similarity", pictures, near)


def _vendi(numbers: Measure, bound: Path, pictures: Pictures) -> Rows:
    if numbers.vendi_score is None:
        return not_run("vendi_score", pictures, _missing("vendi_score", "a CLIP"), whole_prompts=True)
    from culturebench.measures.vendi import vendi_score

    clip = _clip(numbers, bound, numbers.vendi_score.pin)
    return of_prompts("vendi_score", pictures, lambda images: vendi_score(clip.embed_images(images)))


def _lpips(numbers: Measure, bound: Path, pictures: Pictures, references: References) -> Rows:
    chosen = numbers.lpips
    if chosen is None:
        reason = _missing("lpips", "LPIPS")
        return [
            *not_run("lpips_reference", pictures, reason),
            *not_run("lpips_diversity", pictures, reason, whole_prompts=True),
        ]
    from culturebench.measures.lpips import Lpips
    from culturebench.text_to_image.runtime import device_of

    model = Lpips.from_folder(_folder(bound, chosen.pin), chosen.network, chosen.size).to(device_of(numbers.runtime))

    def far(images: list[Image.Image], rows: Pictures) -> list[float]:
        return model.distances(images, [from_png(references[row["prompt_id"]]["image"]) for row in rows])

    return [*of_each("lpips_reference", pictures, far), *of_prompts("lpips_diversity", pictures, model.diversity)]


def _image_reward(numbers: Measure, bound: Path, pictures: Pictures, references: References) -> Rows:
    if numbers.image_reward is None:
        return not_run("image_reward", pictures, _missing("image_reward", "ImageReward"))
    from culturebench.measures.image_reward import Rewards
    from culturebench.text_to_image.runtime import device_of, dtype_of

    folder, how = _folder(bound, numbers.image_reward.pin), numbers.runtime
    rewards = Rewards(folder, device_of(how), dtype_of(how))
    english = ENGLISH[numbers.caption]

    def like(images: list[Image.Image], rows: Pictures) -> list[float]:
        return rewards.score(images, [references[row["prompt_id"]][english]["text"] for row in rows])

    told = [row for row in pictures if references[row["prompt_id"]][english]]
    untold = [row for row in pictures if not references[row["prompt_id"]][english]]
    silent = [measured("image_reward", row, row["seed"], None, NO_ENGLISH) for row in untold]
    return [*of_each("image_reward", told, like), *silent]


def _clip(numbers: Measure, bound: Path, pin: str, text: str | None = None) -> Clip:
    from culturebench.measures.clip import Clip
    from culturebench.text_to_image.runtime import device_of, dtype_of

    how = numbers.runtime
    return Clip(_folder(bound, pin), _folder(bound, text) if text else None, device_of(how), dtype_of(how))


def _folder(bound: Path, pin: str) -> Path:
    return verified_folder(pin_path(bound, pin))


def _missing(key: str, weights: str) -> str:
    return f"needs the weights of {weights}, and measure.{key} in params.yaml names none"
