"""The measures of pictures, with an encoder whose features are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from culturebench.measures.scorers.alignment import ALIGNMENT, DIVERSITY, REFERENCE, distances, measure_pictures
from culturebench.measures.scoring import of_each
from culturebench.measures.task import Task
from culturebench.params.measure import Measure
from culturebench.png import to_png

RED, GREEN = (255, 0, 0), (0, 255, 0)


class Colours:
    """One feature map: the colour of each quarter of the picture, at unit length."""

    def similarity(self, images: Sequence[Image.Image], texts: Sequence[str]) -> list[float]:
        pairs = zip(images, texts, strict=True)
        return [float(text == "red" and image.getpixel((0, 0)) == RED) for image, text in pairs]

    def features(self, images: Sequence[Image.Image]) -> list[Tensor]:
        colours = torch.tensor([image.getpixel((0, 0)) for image in images], dtype=torch.float32) / 255
        return [colours[:, :, None, None].expand(-1, -1, 2, 2)]


def picture(prompt: str, seed: int, colour: tuple[int, int, int]) -> dict[str, Any]:
    image = to_png(Image.new("RGB", (4, 4), colour))
    return {"prompt_id": prompt, "region": "jp", "seed": seed, "image": image}


REFERENCES = {name: {"cultural": {"text": "red"}, "image": to_png(Image.new("RGB", (8, 8), RED))} for name in "ab"}


def task(pictures: list[dict[str, Any]]) -> Task:
    return Task(Measure(alignment=None, caption="cultural"), Path(), {}, pictures, REFERENCES)


def values(rows: list[dict[str, Any]], measure: str) -> dict[tuple[str, int], Any]:
    return {(row["prompt_id"], row["seed"]): row["value"] for row in rows if row["measure"] == measure}


def test_each_picture_is_compared_with_its_own_reference_and_caption() -> None:
    rows = measure_pictures(Colours(), task([picture("a", 0, RED), picture("b", 0, GREEN)]))
    assert values(rows, ALIGNMENT) == {("a", 0): 1.0, ("b", 0): 0.0}
    assert values(rows, REFERENCE) == {("a", 0): 0.0, ("b", 0): 2.0}


def test_diversity_is_the_mean_distance_between_one_prompts_pictures() -> None:
    pictures = [picture("a", 0, RED), picture("a", 1, RED), picture("a", 2, GREEN), picture("b", 0, RED)]
    rows = measure_pictures(Colours(), task(pictures))
    assert values(rows, DIVERSITY) == {("a", -1): pytest.approx(4 / 3), ("b", -1): None}
    assert [row["reason"] for row in rows if row["measure"] == DIVERSITY and row["value"] is None] == [
        "needs two pictures of one prompt"
    ]


def test_the_perceptual_distance_is_symmetric_and_0_between_equals() -> None:
    a, b = torch.nn.functional.normalize(torch.randn(2, 3, 5, 4, 4), dim=2)
    assert distances([a], [a]) == [0.0, 0.0, 0.0]
    assert distances([a, b], [b, a]) == pytest.approx(distances([b, a], [a, b]))


def test_a_full_device_measures_fewer_pictures_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [picture("a", seed, RED) for seed in range(5)]
    expected = of_each("x", rows, lambda images, _rows: [1.0] * len(images))

    def score(images: Sequence[Image.Image], _rows: Sequence[Any]) -> list[float]:
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [1.0] * len(images)

    assert of_each("x", rows, score) == expected
    assert capsys.readouterr().err == "out of memory with 5 pictures at once; going on with 2\n"
