"""Small SVG plots with two linear axes; colours come from the page's style sheet, so that dark mode just works."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

Point = tuple[float, float]
Interval = tuple[float, float, float]  # x, low, high


@dataclass(frozen=True)
class Axis:
    """A linear axis from `low` to `high` with ticks (value, label) and a title."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    title: str = ""

    @staticmethod
    def nice(low: float, high: float, title: str = "", *, percent: bool = False, count: int = 4) -> Axis:
        """An axis that covers low..high with round ticks; `percent` shows shares as percent."""
        span = high - low or abs(high) or 1.0
        raw = span / count
        magnitude = 10 ** math.floor(math.log10(raw))
        step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * 0.999)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        last = max(last, first + 1)
        digits = max(0, -math.floor(math.log10(step * (100 if percent else 1)) + 1e-9))
        values = [step * i for i in range(first, last + 1)]
        ticks = tuple((v, f"{v * 100:.{digits}f}%" if percent else f"{v + 0.0:.{digits}f}") for v in values)
        return Axis(values[0], values[-1], tuple((v, label.replace("-", "−")) for v, label in ticks), title)

    @staticmethod
    def whole(values: Sequence[float], title: str = "", *, max_ticks: int = 9, pad: float = 0.0) -> Axis:
        """An axis of the given values, each a tick while there are at most `max_ticks`."""
        every = max(1, math.ceil(len(values) / max_ticks))
        ticks = tuple((v, f"{v:g}") for i, v in enumerate(values) if i % every == 0)
        return Axis(min(values) - pad, max(values) + pad or 1.0, ticks, title)


@dataclass
class Plot:
    """Collects marks and renders them as one `<svg>`; sizes are in viewBox units, about CSS pixels."""

    x_axis: Axis
    y_axis: Axis
    name: str  # what a screen reader says
    width: int = 340
    height: int = 210
    left: int = 46
    right: int = 14
    top: int = 14
    bottom: int = 38
    marks: list[str] = field(default_factory=list[str])

    def x(self, value: float) -> float:
        """The horizontal position of a value."""
        share = (value - self.x_axis.low) / (self.x_axis.high - self.x_axis.low)
        return round(self.left + share * (self.width - self.left - self.right), 2)

    def y(self, value: float) -> float:
        """The vertical position of a value."""
        share = (value - self.y_axis.low) / (self.y_axis.high - self.y_axis.low)
        return round(self.height - self.bottom - share * (self.height - self.top - self.bottom), 2)

    def band(self, intervals: Sequence[Interval], style: str = "") -> None:
        """The area between the lower and the upper bounds."""
        if len(intervals) > 1:
            there = [f"{self.x(x)},{self.y(high)}" for x, _, high in intervals]
            back = [f"{self.x(x)},{self.y(low)}" for x, low, _ in reversed(intervals)]
            self.marks.append(f'<polygon class="band {style}" points="{" ".join(there + back)}"/>')

    def line(self, points: Sequence[Point], style: str = "") -> None:
        """A polyline through the points."""
        at = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        self.marks.append(f'<polyline class="line {style}" points="{at}"/>')

    def whisker(self, interval: Interval, style: str = "") -> None:
        """A vertical bar from the lower to the upper bound."""
        x, low, high = interval
        at = f'x1="{self.x(x)}" x2="{self.x(x)}" y1="{self.y(low)}" y2="{self.y(high)}"'
        self.marks.append(f'<line class="whisker {style}" {at}/>')

    def dot(self, point: Point, title: str, style: str = "", radius: float = 4) -> None:
        """A dot with a tooltip."""
        at = f'cx="{self.x(point[0])}" cy="{self.y(point[1])}" r="{radius}"'
        self.marks.append(f'<circle class="dot {style}" {at}><title>{escape(title)}</title></circle>')

    def vertical(self, value: float, label: str, style: str = "") -> None:
        """A dashed vertical line with a label at its top."""
        x = self.x(value)
        late = x > self.left + 0.62 * (self.width - self.left - self.right)
        anchor, shift = ("end", -5) if late else ("start", 5)
        at = f'x1="{x}" x2="{x}" y1="{self.top - 4}" y2="{self.height - self.bottom}"'
        self.marks.append(f'<line class="rule {style}" {at}/>')
        text = f'x="{round(x + shift, 2)}" y="{self.top + 6}" text-anchor="{anchor}"'
        self.marks.append(f'<text class="note {style}" {text}>{escape(label)}</text>')

    def horizontal(self, value: float, label: str, style: str = "") -> None:
        """A dashed horizontal line with a label at its right end."""
        y = self.y(value)
        self.marks.append(
            f'<line class="rule {style}" x1="{self.left}" x2="{self.width - self.right}" y1="{y}" y2="{y}"/>'
        )
        text = f'x="{self.width - self.right}" y="{round(y - 5, 2)}" text-anchor="end"'
        self.marks.append(f'<text class="note {style}" {text}>{escape(label)}</text>')

    def note(self, point: Point, label: str, style: str = "", dy: float = -9) -> None:
        """A label at a point, kept inside of the frame."""
        x = self.x(point[0])
        width = 3.1 * len(label)
        x = min(max(x, self.left + width), self.width - self.right - width)
        at = f'x="{round(x, 2)}" y="{round(self.y(point[1]) + dy, 2)}" text-anchor="middle"'
        self.marks.append(f'<text class="note {style}" {at}>{escape(label)}</text>')

    def svg(self) -> str:
        """The finished element."""
        head = (
            f'<svg class="plot" viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(self.name)}">'
        )
        return "".join([head, *self._frame(), *self.marks, "</svg>"])

    def _frame(self) -> list[str]:
        foot, right = self.height - self.bottom, self.width - self.right
        parts: list[str] = []
        for value, label in self.y_axis.ticks:
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{self.left}" x2="{right}" y1="{y}" y2="{y}"/>')
            parts.append(f'<text class="tick" x="{self.left - 6}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
        for value, label in self.x_axis.ticks:
            at = f'x="{self.x(value)}" y="{foot + 15}"'
            parts.append(f'<text class="tick" {at} text-anchor="middle">{escape(label)}</text>')
        if self.x_axis.title:
            at = f'x="{(self.left + right) / 2}" y="{self.height - 5}"'
            parts.append(f'<text class="axis" {at} text-anchor="middle">{escape(self.x_axis.title)}</text>')
        if self.y_axis.low <= 0 <= self.y_axis.high:
            y = self.y(0)
            parts.append(f'<line class="zero" x1="{self.left}" x2="{right}" y1="{y}" y2="{y}"/>')
        return parts
