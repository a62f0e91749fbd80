"""The rules that a candidate must pass before people see it; what is in doubt goes to them marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from PIL import Image

from culturebench.images.custom_model import ask, load_function
from culturebench.images.decode import Undecodable, decode, decoded
from culturebench.images.measures import contrast, sharpness
from culturebench.params.screen import LOW, Limits, Screen

_MEASURES: Final[Mapping[str, Callable[[Image.Image], float]]] = {
    "resolution": lambda image: min(image.size),
    "aspect": lambda image: max(image.size) / min(image.size),
    "uniform": contrast,
    "blur": sharpness,
}
_SENTENCES: Final = {
    "resolution": "the shorter side has {value:g} pixels; at least {limit:g} are needed",
    "aspect": "the longer side is {value:.2f} times the shorter; at most {limit:g} is allowed",
    "uniform": "contrast {value:.4f}; at least {limit:g} is needed",
    "blur": "sharpness {value:.6f}; at least {limit:g} is needed",
    "relevance": "similarity {value:.3f} to its query; at least {limit:g} is needed",
    "safety": "called unsafe by {value:.3f}; at most {limit:g} is allowed",
}


@dataclass(frozen=True)
class Screened:
    """The rule that a picture breaks (empty when none), with a sentence, and the rules that it nearly breaks."""

    reason: str
    detail: str = ""
    width: int = 0  # pixels
    height: int = 0
    borderline: tuple[str, ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict[str, float])  # value by rule


def screen(data: bytes, licence: str, rules: Screen) -> Screened:
    """Judge a file by its bytes and licence; the reason is a rule's name, `licence`, or one of `Undecodable`."""
    try:
        with decoded(data, rules.max_pixels) as image:
            result = _measured(image, rules)
    except Undecodable as undecodable:
        return Screened(undecodable.reason, str(undecodable))
    if not result.reason and licence not in rules.licences:
        result = replace(result, reason="licence", detail=f"licence {licence} is not in screen.licences")
    return result


def _measured(image: Image.Image, rules: Screen) -> Screened:
    result = Screened("", "", *image.size)
    for name, measure in _MEASURES.items():
        limits: Limits | None = getattr(rules, name)
        if limits is not None:
            result = _judged(result, name, measure(image), limits)
    return result


def consult(
    before: Sequence[Screened], files: Sequence[bytes], queries: Sequence[str], rules: Screen
) -> list[Screened]:
    """Judge pictures that no rule dropped by what the user's own functions say; `CustomModelError` when one cannot.

    A picture that was found without a query has no relevance.
    """
    results = list(before)
    images = [decode(data, rules.max_pixels) for data in files]
    if rules.relevance and (asked := [place for place, query in enumerate(queries) if query]):
        columns = [images[place] for place in asked], [queries[place] for place in asked]
        values = ask(load_function(rules.relevance.use, "screen.relevance"), "screen.relevance", *columns)
        for place, value in zip(asked, values.tolist(), strict=True):
            results[place] = _judged(results[place], "relevance", value, rules.relevance)
    if rules.safety and images:
        values = ask(load_function(rules.safety.use, "screen.safety"), "screen.safety", images)
        for place, value in enumerate(values.tolist()):
            results[place] = _judged(results[place], "safety", value, rules.safety)
    return results


def _judged(before: Screened, name: str, value: float, limits: Limits) -> Screened:
    """With one more value; the first rule that is broken stays the reason."""
    result = replace(before, measured={**before.measured, name: value})
    if _beyond(value, limits.drop, name):
        if result.reason:
            return result
        return replace(result, reason=name, detail=_SENTENCES[name].format(value=value, limit=limits.drop))
    if _beyond(value, limits.borderline, name):
        return replace(result, borderline=(*result.borderline, name))
    return result


def _beyond(value: float, limit: float | None, name: str) -> bool:
    if limit is None:
        return False
    return value < limit if name in LOW else value > limit
