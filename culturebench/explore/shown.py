"""Pictures, answers and reasons as HTML of the page; whatever a visitor or a file says is text in it."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence

from culturebench.artifacts.answers import UNRECOGNIZABLE
from culturebench.explore.project import Project
from culturebench.explore.settings import PLAIN
from culturebench.explore.studio import Picture, Studio
from culturebench.interventions.by_language import LanguageError, languages_of, region_of
from culturebench.report.cards import language, of_region

STYLE = """
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; margin: 0; }
.pictures figure { margin: 0; max-width: 100%; }
.pictures img { display: block; width: 256px; max-width: 100%; border-radius: 4px; }
.pictures.strip { gap: .75rem; }
.pictures.strip img { width: 96px; }
.pictures .small { image-rendering: pixelated; }
.pictures .right { font-weight: 600; }
.cards .strip { display: flex; flex-wrap: wrap; gap: .75rem; list-style: none; padding: 0; }
.cards .strip img { display: block; width: 112px; image-rendering: pixelated; }
.cards details { margin: .5rem 0; }
.cards summary { cursor: pointer; }
.cards mark { background: rgb(250 204 21 / calc(.15 + .75 * var(--v))); color: inherit; }
.cards table { border-collapse: collapse; }
.cards th, .cards td { padding: .1rem .75rem .1rem 0; text-align: left; }
.pictures figcaption { font-size: .85rem; line-height: 1.5; }
.reason { border-left: 3px solid #c2410c; padding-left: .75rem; white-space: pre-wrap; }
"""


def text(said: str) -> str:
    """Anything as text: no markup, and nothing that the page's own templates would fill in."""
    return _as_it_is(html.escape(said))


def _as_it_is(page: str) -> str:
    """HTML that the page's templates take as it is, for text and attributes."""
    return re.sub(r"[{}$`\\]", lambda sign: f"&#{ord(sign[0])};", page)


def reason(said: str) -> str:
    """Why there is no picture."""
    return f'<p class="reason" role="alert">{text(said)}</p>'


def note(said: str) -> str:
    """A sentence."""
    return f"<p>{text(said)}</p>"


def language_of(studio: Studio, prompt: str) -> str:
    """What language a prompt is in, and which region that means."""
    if not prompt.strip():
        return note("No prompt yet.")
    languages = studio.project.languages
    found = languages_of(prompt, languages)
    try:
        region = region_of(prompt, languages)
    except LanguageError as error:
        return note(f"By language: {error}.")
    return note(f"By language: {language(found[0])}, so {studio.project.regions[region].country}.")


def pictures(studio: Studio, shown: Sequence[tuple[Picture, Mapping[str, str]]], *, strip: bool = False) -> str:
    """Pictures side by side, each with what judges say of it."""
    kind = "pictures strip" if strip else "pictures"
    return f'<div class="{kind}">{"".join(_figure(studio, *one, strip=strip) for one in shown)}</div>'


def _figure(studio: Studio, picture: Picture, answers: Mapping[str, str], *, strip: bool) -> str:
    title = _title(studio, picture)
    shown = f"λ {picture.settings.strength:g}" if strip else title
    source = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
    small = ' class="small"' if studio.project.atlas else ""
    said = "".join(_answer(studio, name, answer, picture.region) for name, answer in answers.items())
    return (
        f'<figure><img src="{source}" alt="{text(f"{title}: {picture.settings.prompt}")}"{small}>'
        f"<figcaption><strong>{text(shown)}</strong>{said}<br>"
        f'<a href="{source}" download="{file_name(picture)}">Save the picture</a></figcaption></figure>'
    )


def _title(studio: Studio, picture: Picture) -> str:
    mode = studio.modes.get(picture.settings.mode)
    if mode is None:
        return "Unedited"
    name = mode.edit.label if mode.edit else mode.label
    strength = f" λ {picture.settings.strength:g}" if mode.strengths else ""
    region = f", {studio.project.regions[picture.region].country}" if picture.region else ""
    return f"{name}{strength}{region}"


def _answer(studio: Studio, judge: str, answer: str, wanted: str | None) -> str:
    known = studio.project.regions.get(answer)
    said = known.country if known else "no region" if answer == UNRECOGNIZABLE else answer
    right = ' class="right"' if wanted and answer == wanted else ""
    return f"<br>{text(judge)}: <span{right}>{text(said)}</span>"


def cards_of(project: Project, region: str) -> str:
    """The cards of a region's neurons; "" where the project has none."""
    found = project.cards
    return _as_it_is(of_region(*found, region)) if found and region in project.regions else ""


def file_name(picture: Picture) -> str:
    """A file's name of letters, digits, dots and hyphens."""
    one = picture.settings
    parts = ["unedited"] if one.mode == PLAIN else [one.mode, picture.region or "", f"{one.strength:g}"]
    name = "-".join([*filter(None, parts), f"seed{one.seed}"])
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name) + ".png"
