"""Where the denoiser looks: its attention to modifier and noun, drawn by block and step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from culturebench.report.plot import Axis, Plot

if TYPE_CHECKING:
    from culturebench.artifacts.backbone_attention import BackboneAttention, Block


def values(found: BackboneAttention | None) -> dict[str, Any] | None:
    """`{closed, pairs, words, regions, panels}`; a panel for the tokens of each part of the prompt."""
    if found is None:
        return None
    parts = dict.fromkeys(block["part"] for block in found["blocks"])
    panels = [_panel(part, [block for block in found["blocks"] if block["part"] == part]) for part in parts]
    return {**{key: found[key] for key in ("closed", "pairs", "words", "regions")}, "panels": panels}


def _panel(part: str, blocks: list[Block]) -> dict[str, Any]:
    """Two charts: every block beside its placebo range, and every step of every block; the numbers as rows."""
    ends = [value for block in blocks for value in (block["delta"], block["low"], block["high"])]
    plot = Plot(
        Axis.whole(list(range(len(blocks))), "block"),
        Axis.nice(min(0.0, *ends), max(0.0, *ends), ""),
        f"Attention to the {part}, cultural minus neutral, by block",
    )
    plot.band([(i, block["low"], block["high"]) for i, block in enumerate(blocks)], "placebos")
    plot.line([(i, block["delta"]) for i, block in enumerate(blocks)])
    for i, block in enumerate(blocks):
        plot.dot((i, block["delta"]), f"{block['block']}: {block['delta']:.3f}", radius=3)
    steps = [value for block in blocks for value in block["steps"]]
    by_step = Plot(
        Axis.whole(list(range(len(blocks[0]["steps"]))), "pass of the denoiser"),
        Axis.nice(min(0.0, *steps), max(0.0, *steps), ""),
        f"Attention to the {part}, cultural minus neutral, by step",
    )
    for block in blocks:
        by_step.line(list(enumerate(block["steps"])), "grey")
    means = [sum(column) / len(blocks) for column in zip(*(block["steps"] for block in blocks), strict=True)]
    by_step.line(list(enumerate(means)))
    return {"part": part, "svg": plot.svg(), "by_step": by_step.svg(), "rows": blocks}
