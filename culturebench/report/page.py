"""Renders the page from plain values; everything that it shows is inside of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from culturebench.ethics import SENTENCES
from culturebench.report import words

TEMPLATE = "page.html.j2"
STYLE = "style.css"
#: The sections of each model, of a text encoder without one, and of the whole run, in the order of the page.
OF_MODEL = (
    "pictures.html.j2",
    "answer.html.j2",
    "layer.html.j2",
    "attention.html.j2",
    "neurons.html.j2",
    "selectors.html.j2",
    "strength.html.j2",
    "tables.html.j2",
    "regions.html.j2",
    "adapters.html.j2",
)
#: Of these what there is of a model that is neither probed nor edited.
OF_CLOSED = ("pictures.html.j2", "answer.html.j2", "tables.html.j2", "regions.html.j2")
OF_ENCODER = ("layer.html.j2", "neurons.html.j2")
OF_RUN = ("study.html.j2", "reliability.html.j2", "audits.html.j2", "data.html.j2", "setup.html.j2")


def render(values: Mapping[str, Any]) -> str:
    """The page as HTML; every text is escaped but the charts' own SVG."""
    environment = Environment(
        loader=PackageLoader("culturebench.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        by_region=words.by_region,
        code=words.code,
        column=words.column,
        condition=words.condition,
        direction=words.direction,
        explained=words.explained,
        inline=words.inline,
        interval=words.interval,
        interval_by_region=words.interval_by_region,
        measure=words.measure,
        number=words.number,
        percent=words.percent,
        points=words.points,
        region=words.region,
        verdict=words.verdict,
    )
    parts = {
        "style": STYLE,
        "of_model": OF_MODEL,
        "of_closed": OF_CLOSED,
        "of_encoder": OF_ENCODER,
        "of_run": OF_RUN,
    }
    return environment.get_template(TEMPLATE).render(**values, **parts, layer=words.layer, ethics=SENTENCES)
