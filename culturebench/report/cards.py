"""Neuron cards as HTML: a page of their own, and one region's for a page that somebody else makes."""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from babel import Locale, UnknownLocaleError
from jinja2 import Environment, PackageLoader, StrictUndefined

from culturebench.ethics import SENTENCES, marked

if TYPE_CHECKING:
    from culturebench.artifacts.cards import Caption, Card, CardPictureRow, Cards, Effect

LABELS = {"noun": "Noun", "amplified": "Amplified alone", "cultural": "Cultural", "masked": "Masked alone"}


def page(model: str, adapter: str, cards: Cards, pictures: Sequence[CardPictureRow], closed: str = "") -> str:
    """The whole page; everything that it shows is inside of it. `closed` says why a model has no cards."""
    regions = list(dict.fromkeys(card["region"] for card in cards["cards"]))
    return _environment().get_template("cards.html.j2").render(
        model=model, closed=closed, atlas=adapter == "atlas", cards=cards, ethics=SENTENCES,
        regions=[{"code": code, "cards": list(_values(cards, pictures, code))} for code in regions],
    )  # fmt: skip


def of_region(cards: Cards, pictures: Sequence[CardPictureRow], region: str) -> str:
    """The cards of one region, without the page around them."""
    values = list(_values(cards, pictures, region))
    return _environment().get_template("card.html.j2").render(cards=cards, of_region=values)


def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("culturebench.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    filters: dict[str, Any] = {"effect": effect, "language": language, "pieces": pieces, "rtl": rtl}
    found.filters.update(filters)
    return found


def _values(cards: Cards, pictures: Sequence[CardPictureRow], region: str) -> Iterator[dict[str, Any]]:
    images: dict[int, dict[str, CardPictureRow]] = {}
    for row in pictures:
        if row["region"] == region:
            images.setdefault(row["latent"], {})[row["kind"]] = row
    for card in cards["cards"]:
        if card["region"] == region:
            yield {**card, "shares": shared(card), "pictures": list(_pictures(images.get(card["latent"], {})))}


def _pictures(found: Mapping[str, CardPictureRow]) -> Iterator[dict[str, str]]:
    for kind, label in LABELS.items():
        if kind in found:
            row = found[kind]
            uri = "data:image/png;base64," + base64.b64encode(marked(row["image"])).decode("ascii")
            yield {"label": label, "uri": uri, "alt": f"{label}: {row['prompt']}"}


def shared(card: Card) -> list[str]:
    """Other regions whose culture neuron it is too."""
    return [one["region"] for one in card["fired"] if one["selected"] and one["region"] != card["region"]]


def pieces(caption: Caption) -> list[tuple[str, float]]:
    """The caption in pieces, each with how strongly the neuron fires there, 0 for not at all."""
    found: list[tuple[str, float]] = []
    at = 0
    for mark in sorted(caption["marks"], key=lambda mark: mark["start"]):
        start, end = max(mark["start"], at), max(mark["end"], at)
        found += [(caption["text"][at:start], 0.0), (caption["text"][start:end], mark["share"])]
        at = end
    found.append((caption["text"][at:], 0.0))
    return [(text, share) for text, share in found if text]


def language(code: str) -> str:
    """A language's English name."""
    try:
        return Locale.parse(code).get_display_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


def rtl(text: str) -> bool:
    """Whether a text runs from right to left, by its first letter that has a direction (Unicode UAX 9, rule P2)."""
    kinds = (unicodedata.bidirectional(sign) for sign in text)
    return next((kind != "L" for kind in kinds if kind in ("L", "R", "AL")), False)


def effect(found: Effect) -> str:
    """Points with their interval."""

    def points(value: float) -> str:
        return f"{value * 100 + 0.0:+.1f}".replace("-", "−")

    low, high = found["low"], found["high"]
    ends = "" if low is None or high is None else f" [{points(low)}, {points(high)}]"
    return f"{points(found['value'])} points{ends}"
