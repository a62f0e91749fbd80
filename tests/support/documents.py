"""README.md, CONTRIBUTING.md and docs/ as the tests read them: their blocks of code, and what stands in backticks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from import_graph import ROOT

DOCUMENTS = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
#: bash is run, sh is given by a test that makes what it needs, yaml is validated, python executed; text is a drawing.
LANGUAGES = ("bash", "sh", "yaml", "python", "text")

_FENCED = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")


@dataclass(frozen=True)
class Block:
    """A block of code, and the heading that it stands under."""

    document: str
    section: str
    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Its lines; a command each."""
        return self.text.splitlines()


def text_of(document: str) -> str:
    """The whole document."""
    return (ROOT / document).read_text(encoding="utf-8")


def prose_of(document: str) -> str:
    """The document without its blocks of code."""
    return _FENCED.sub("", text_of(document))


def blocks(*languages: str, document: str = "", section: str = "") -> list[Block]:
    """Blocks in the order of the documents; of all, or of one document or section."""
    found: list[Block] = []
    for name in DOCUMENTS:
        text = text_of(name)
        for match in _FENCED.finditer(text):
            heading = re.findall(r"(?m)^#+ (.+)$", prose_up_to(text, match.start()))[-1]
            found.append(Block(name, heading, match[1], match[2]))
    return [
        block
        for block in found
        if (not languages or block.language in languages)
        and document in ("", block.document)
        and section in ("", block.section)
    ]


def prose_up_to(text: str, end: int) -> str:
    """What stands before `end`, without blocks of code: a comment there is no heading."""
    return _FENCED.sub("", text[:end])


def commands(*languages: str, document: str = "", section: str = "") -> list[str]:
    """The lines of these blocks."""
    return [line for block in blocks(*languages, document=document, section=section) for line in block.lines]


def inline(document: str) -> list[str]:
    """What stands between single backticks."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose_of(document))


def headings(document: str) -> set[str]:
    """The anchors that GitHub gives the headings."""
    found = re.findall(r"(?m)^#+ (.+)$", prose_of(document))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def links(document: str) -> list[str]:
    """The targets of links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", prose_of(document))


def resolve(document: str, target: str) -> Path:
    """The file that a relative link means."""
    return ((ROOT / document).parent / target).resolve()
