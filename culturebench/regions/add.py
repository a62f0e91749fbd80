"""A new region: its file to fill in, the files of what people will decide, and its code in `params.yaml`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from culturebench.params import ParamsError, RegionError, RegionPart, load_document, load_region
from culturebench.params._region import REGIONS_FOLDER
from culturebench.regions.model import CATEGORIES, CODE
from culturebench.regions.words import country_code, languages, usual_script

PARAMS = Path("params.yaml")
#: Inputs of stages that must be there, empty as long as nobody has decided anything.
DECIDED = tuple(f"annotations/{kind}/{{code}}.jsonl" for kind in ("decisions", "captions", "gold"))


@dataclass(frozen=True)
class Added:
    """What `add` did: the region's file, and whether it was there already."""

    path: Path
    lay_ready: bool


def add(root: Path, code: str, country: str, language: str, iso: list[str]) -> Added:
    """Scaffold the files of a region and list it last in `params.yaml`, whose other lines stay as they are.

    A file that lies ready is used when it says the same. `iso` may be empty for a country that Unicode knows by its
    English name. Raises `RegionError` before anything is written.
    """
    if not re.fullmatch(CODE, code):
        raise RegionError(f"{code!r} cannot be a region's code: two to eight small letters are needed, such as vn")
    params = (root / PARAMS).read_text(encoding="utf-8") if (root / PARAMS).is_file() else ""
    listed = load_document(root / PARAMS).get("regions")
    if not isinstance(listed, list):
        raise ParamsError(f"{root / PARAMS}: `regions` must be a list of codes")
    if code in listed:
        raise RegionError(f"the region {code!r} is in {PARAMS} already; regions: {', '.join(listed)}")
    path = root / REGIONS_FOLDER / f"{code}.yaml"
    lay_ready = path.exists()
    if lay_ready:
        _says_the_same(path, country, language)
        text = ""
    else:
        text = _scaffold(code, country, language, iso or _iso(country))
    longer = _listed(params, code, [*listed, code])
    if not lay_ready:
        _write(path, text)
    for template in DECIDED:
        decided = root / template.format(code=code)
        decided.parent.mkdir(parents=True, exist_ok=True)
        decided.touch()
    _write(root / PARAMS, longer)
    return Added(path, lay_ready)


def _iso(country: str) -> list[str]:
    code = country_code(country)
    if code is None:
        raise RegionError(
            f"{country!r} is no English name of a country; write it in full, or name the countries: --iso MA --iso DZ"
        )
    return [code]


class _Begun(RegionPart):
    """What `add` looks at in a file that lies ready and may have gaps."""

    country: Any = None
    language: Any = None


def _says_the_same(path: Path, country: str, language: str) -> None:
    known = load_region(_Begun, path.stem, path.parent)
    for key, found, value in (("country", known.country, country), ("language", known.language, language)):
        if found != value:
            raise RegionError(f"{path} is there already and its {key} is {found!r}, not {value!r}")


def _scaffold(code: str, country: str, language: str, iso: list[str]) -> str:
    script = usual_script(language)
    if language not in languages() or script is None:
        raise RegionError(f"unknown language {language!r}; an ISO 639 code is needed, such as vi or ar")
    empty = "\n".join(f"  {category}: {{local: [], en: []}}" for category in CATEGORIES)
    return f"""\
# What a filled file looks like: annotations/regions/jp.yaml. What is missing: `culturebench region check {code}`.
code: {_quoted(code)}
country: {_quoted(country)}
iso: [{", ".join(_quoted(item) for item in iso)}]
judge_label: {_quoted(country)}  # what a judge can choose
language: {_quoted(language)}
script: {script}
# Words that people of the region search with, and what says the same to others. Name things, not impressions.
keywords:
{empty}
# Three or more: regional styles, ethnic traditions, local ornaments, each under the name its community uses.
#   key: {{name: in English, local_name: in its own script, keywords: {{local: [], en: []}}}}
subdivisions: {{}}
modifiers: {{local: [], en: []}}  # "in ... style", as a caption carries it
neutral_modifiers: {{local: [], en: [plain, in an ordinary style]}}  # as long, and of no culture
placebo_modifiers: null  # {{local: [], en: []}}: as long; eight or more of colour, material, size, place
exclude: []  # - {{what: a cliche that searches find, reason: why it must not stand for the region}}
notes: ""  # what to check, which neighbours look alike, whose traditions may not be filed under another's
"""


def _quoted(text: str) -> str:
    """The text as a YAML scalar: `NO` is Norway, not False."""
    return yaml.safe_dump(text, allow_unicode=True, width=10_000).removesuffix("\n").removesuffix("\n...")


def _listed(text: str, code: str, wanted: list[str]) -> str:
    """`params.yaml` with one more code at the end of `regions`, and every other character as it was."""
    document: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    node = next(value for key, value in document.value if key.value == "regions")
    last = node.value[-1] if node.value else None
    if last is None:
        raise ParamsError(f"{PARAMS}: `regions` is empty; name one by hand first")
    at = last.end_mark.index
    item = f", {_quoted(code)}"
    if not node.flow_style:
        at = text.find("\n", at) if "\n" in text[at:] else len(text)  # behind the last one's comment
        item = f"\n{' ' * (last.start_mark.column - 2)}- {_quoted(code)}"
    longer = text[:at] + item + text[at:]
    if yaml.safe_load(longer) != yaml.safe_load(text) | {"regions": wanted}:
        raise ParamsError(f"{PARAMS}: `regions` is written in a way that cannot be extended; add {code} by hand")
    return longer


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
