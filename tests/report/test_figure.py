"""The README's figure: what stands in it comes from the evaluation's rows and the pictures, and from nowhere else."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from culturebench.ethics import SYNTHETIC
from culturebench.report.figure import BAR, CONTROL, REGIONS, Column, columns_of, draw, strips_of
from culturebench.report.results import Results


def row(condition: str, value: float, against: str = "") -> dict[str, Any]:
    same = {
        "model": "m",
        "prompts": "test",
        "against": against,
        "judge": "pooled",
        "region": "all",
        "measure": "culture_vqa",
    }
    return {**same, "condition": condition, "value": value, "low": value - 0.1, "high": value + 0.1}


def square(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, format="PNG")
    return buffer.getvalue()


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def of_colour(image: np.ndarray, colour: str) -> int:
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((image == wanted).all(axis=2).sum())


def test_columns_are_those_that_were_measured_with_interval_and_strongest_null() -> None:
    rows = [row("noun", 0.2), row("amplified", 0.5), row("random_amplified", 0.3), row("matched_amplified", 0.4)]
    rows += [row("amplified", 0.2, "random_amplified"), row("amplified", 0.1, "matched_amplified")]
    found = columns_of(Results(rows, "m"))
    assert [column.name for column in found] == ["noun", "amplified"]
    assert found[1] == Column("amplified", 0.5, 0.4, 0.6, 0.4)
    assert found[0].control is None


def test_regions_are_spread_and_nobody_picks_their_prompts() -> None:
    codes = ["jp", "nl", "ua", "fr", "es", "pt"]
    rows = [
        {"prompt_id": f"{number}-{code}", "region": code, "seed": seed, "image": b"%d" % seed}
        for code in codes
        for number in (2, 1)
        for seed in (1, 0)
    ]
    strips = strips_of({"noun": {(row["prompt_id"], row["seed"]): row for row in rows}}, codes)
    assert [strip.region for strip in strips] == ["jp", "ua", "es"]
    assert len(strips) == REGIONS
    assert all(strip.images == {"noun": b"0"} for strip in strips)


def test_a_larger_share_is_a_larger_bar_and_a_control_is_a_line_across_it() -> None:
    low, high = (of_colour(pixels(draw([Column("noun", share)], [], "m")), BAR) for share in (0.25, 0.5))
    assert 1.8 < high / low < 2.1  # the key holds a little of the colour
    without, with_it = (
        of_colour(pixels(draw([Column("noun", 0.5, control=control)], [], "m")), CONTROL) for control in (None, 0.3)
    )
    assert with_it > without


def test_the_figure_holds_the_pictures_and_equal_values_give_equal_bytes(tmp_path: Path) -> None:
    strips = strips_of(
        {"noun": {("a", 0): {"prompt_id": "a", "region": "jp", "seed": 0, "image": square("#ff00ff")}}}, ["jp"]
    )
    figure = draw([Column("noun", 0.5, 0.4, 0.6)], strips, "model m")
    assert of_colour(pixels(figure), "#ff00ff") == 128 * 128
    assert figure == draw([Column("noun", 0.5, 0.4, 0.6)], strips, "model m")
    assert SYNTHETIC.encode() in figure
