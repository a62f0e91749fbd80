"""Which pictures a release holds: everything that has a side, is not provisional, and was not taken down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from culturebench.annotation.removed import read_removed
from culturebench.artifacts import annotated, candidates, captioned, screened, splits
from culturebench.errors import CultureBenchError

REMOVED = Path("annotations/removed.jsonl")
ORIGIN = ("source", "author", "licence", "licence_text", "page_url", "file_url", "sha256")


class More(TypedDict):
    """What a release says of a picture beside its row of a split."""

    source: str
    author: str
    licence: str
    licence_text: str
    page_url: str
    file_url: str
    sha256: str
    category: str
    agreement: float
    decisions: int
    captions_by: str


class Row(splits.SplitRow, More):
    """One released picture."""


class ReleaseError(CultureBenchError):
    """A release that may not or cannot be made."""


@dataclass(frozen=True)
class Part:
    """The released pictures of one region and side, sorted by picture id, and how many provisional ones stayed out."""

    region: str
    split: str
    rows: Sequence[Row]
    provisional: int


def parts(root: Path, regions: Sequence[str]) -> Iterator[Part]:
    """Every region's sides one after another, with the pictures' bytes; empty sides as well.

    Raises `ReleaseError` for a picture that was taken down after its side was made.
    """
    removed = read_removed(root / REMOVED)
    for region in regions:
        more = _more(root, region)
        for split in splits.SPLITS:
            rows = splits.TABLE.load(root / splits.DIRECTORIES[split] / f"{region}.parquet")
            decided: list[Row] = [{**row, **more[row["picture_id"]]} for row in rows if not row["provisional"]]
            for row in decided:
                if row["picture_id"] in removed or row["sha256"] in removed:
                    raise ReleaseError(f"{row['picture_id']} was taken down; run `dvc repro split` before a release")
            yield Part(region, split, decided, len(rows) - len(decided))


def _more(root: Path, region: str) -> Mapping[str, More]:
    """Picture id -> origin, agreement and caption providers of what screening kept."""
    columns = ["picture_id", "file_name", *ORIGIN]
    found = candidates.TABLE.load(root / candidates.PATH.format(region=region), columns)
    by_key = {(row["picture_id"], row["file_name"]): row for row in found}
    verdicts = {row["picture_id"]: row for row in annotated.TABLE.load(root / annotated.PATH.format(region=region))}
    written = {row["picture_id"]: row for row in captioned.TABLE.load(root / captioned.PATH.format(region=region))}
    more: dict[str, More] = {}
    for row in screened.TABLE.load(root / screened.PATH.format(region=region)):
        picture = row["picture_id"]
        if row["status"] == "kept" and picture in written:
            origin = by_key[picture, row["file_name"]]
            more[picture] = {
                "source": origin["source"],
                "author": origin["author"],
                "licence": origin["licence"],
                "licence_text": origin["licence_text"],
                "page_url": origin["page_url"],
                "file_url": origin["file_url"],
                "sha256": origin["sha256"],
                "category": verdicts[picture]["category"],
                "agreement": verdicts[picture]["agreement"],
                "decisions": verdicts[picture]["decisions"],
                "captions_by": written[picture]["provider"],
            }
    return more
