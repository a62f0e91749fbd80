"""The forms of `annotations/labeling/`, checked against what a pull reads and filled in for one region."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from culturebench.annotation.decisions import Reason
from culturebench.errors import plain
from culturebench.label_studio.client import LabelStudioError

#: Not even escaped (XML 1.0, production Char); `plain` writes out the others.
_NOT_IN_XML = re.compile("[\ufffe\uffff]")
#: Form -> control -> the answers it may give, None where they are free or the region's.
CONTROLS: Mapping[str, Mapping[str, frozenset[str] | None]] = {
    "pictures": {
        "verdict": frozenset(("keep", "reject")),
        "reason": frozenset(get_args(Reason)) - {""},
        "subdivision": None,
        "category": None,
        "confidence": None,
    },
    "captions": {
        "marks": frozenset(("noun", "modifier")),
        "audit": frozenset(("correct", "edit", "stereotype")),
        "new_cultural": None,
        "new_cultural_en": None,
        "new_cultural_noun": None,
        "new_cultural_modifier": None,
        "noun": None,
        "noun_en": None,
        "noun_noun": None,
    },
    "questions": {"answer": None},
    "matches": {"answer": None},
    "study": {"scc": None, "mcc": None, "csr": None, "stereotype": frozenset(("yes", "no", "unknown"))},
    "study_consent": {"consents": frozenset(("yes", "no")), "lived": None},
}


def read_interface(path: Path, form: str, choices: Mapping[str, Mapping[str, str]]) -> str:
    """The form's XML with the region's `choices` (control -> key -> label) filled in.

    Raises `LabelStudioError` for a file that is missing, no XML, or that a pull could not understand.
    """
    try:
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabelStudioError(f"{path} is missing; `git checkout {path}` brings it back") from None
    except ElementTree.ParseError as error:
        raise LabelStudioError(f"{path} is no valid XML: {error}") from None
    controls = {element.get("name", ""): element for element in root.iter() if element.get("toName")}
    _check(path, form, controls)
    for name, options in choices.items():
        for key, label in options.items():
            ElementTree.SubElement(controls[name], "Choice", alias=key, value=_label(label))
    return ElementTree.tostring(root, encoding="unicode")


def _label(text: str) -> str:
    """A text that a form can hold, and in which Label Studio fills in nothing: `$image` is the task's picture to it."""
    return _NOT_IN_XML.sub("", plain(text).replace("$", "＄"))


def _check(path: Path, form: str, controls: Mapping[str, ElementTree.Element]) -> None:
    wanted = CONTROLS[form]
    if set(controls) != set(wanted):
        raise LabelStudioError(f"{path}: its controls must be {', '.join(sorted(wanted))}; got {', '.join(controls)}")
    for name, allowed in wanted.items():
        answers = {child.get("alias", "") for child in controls[name]}
        if not answers <= (allowed or frozenset()):
            only = ", ".join(sorted(allowed)) if allowed else "no choices of its own: the region's are filled in"
            raise LabelStudioError(f"{path}: `{name}` offers {', '.join(sorted(answers))}; allowed: {only}")
