"""Renders the page from plain values; everything that it shows is inside of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from culturebench.report import words

TEMPLATE = "page.html.j2"


def render(values: Mapping[str, Any]) -> str:
    """The page as HTML; every text is escaped but the charts' own SVG."""
    environment = Environment(
        loader=PackageLoader("culturebench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        column=words.column,
        condition=words.condition,
        direction=words.direction,
        evidence=words.evidence,
        explained=words.explained,
        inline=words.inline,
        interval=words.interval,
        measure=words.measure,
        number=words.number,
        percent=words.percent,
        points=words.points,
        region=words.region,
    )
    return environment.get_template(TEMPLATE).render(**values, layer=words.layer)
