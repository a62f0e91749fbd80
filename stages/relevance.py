"""Drop screened pictures that show nothing of what was looked for, and mark those that hardly do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from culturebench import funnel
from culturebench.artifacts import candidates, pins, relevance, screened
from culturebench.artifacts.candidates import CandidateRow
from culturebench.artifacts.relevance import RelevanceRow
from culturebench.engine.worker import fitting
from culturebench.images.decode import RGB_BYTES, ROOM, decode
from culturebench.measures.relevance import Encoder, is_clip, open_encoder
from culturebench.params import RegionPart
from culturebench.params._region import Words
from culturebench.params.relevance import Relevance, RelevanceClip
from culturebench.pins import pin_path, verified_folder
from culturebench.progress import progress
from culturebench.splitting.counts import relevance_counts
from culturebench.stage import Paths, Stage

BATCH = 32  # pictures
SIDE = 448  # pixels that the longer side of a JPEG keeps at least: twice what a CLIP looks at
IRRELEVANT = "irrelevant"


class Modified(RegionPart):
    """The keys of the region file by whose words pictures are judged."""

    modifiers: Words


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    relevance: Relevance
    region: Modified


def run(params: Params, inputs: Paths, outputs: Paths, *, region: str) -> None:
    """Compare every screened picture of one region with its query and the region's culture-style modifiers."""
    (clip,) = params.relevance.root
    folder = verified_folder(pin_path(inputs["pins"], clip.pin))
    text = verified_folder(pin_path(inputs["pins"], clip.text)) if clip.text != clip.pin else None
    found = _kept(inputs)
    asked = [row for row, _ in found] if is_clip(folder) else [row for row, _ in found if row["scene"]]
    sizes = {row["picture_id"]: size for row, size in found}
    words = [*params.region.modifiers.local, *params.region.modifiers.en]
    known = _similarities(open_encoder(folder, text), asked, sizes, words, region) if asked else {}
    rows = [_row(row, known.get(row["picture_id"]), clip) for row, _ in found]
    relevance.TABLE.save(outputs["relevance"], rows)
    funnel.say("relevance", {region: relevance_counts(rows)})


def _kept(inputs: Paths) -> list[tuple[CandidateRow, int]]:
    """The screened pictures with their area in pixels."""
    columns = ["picture_id", "region", "file_name", "query", "query_language", "scene", "image"]
    by_key = {
        (row["picture_id"], row["file_name"]): row for row in candidates.TABLE.load(inputs["candidates"], columns)
    }
    kept = [row for row in screened.TABLE.load(inputs["screened"]) if row["status"] == "kept"]
    return [(by_key[row["picture_id"], row["file_name"]], row["width"] * row["height"]) for row in kept]


def _similarities(
    encoder: Encoder, rows: Sequence[CandidateRow], sizes: dict[str, int], words: list[str], region: str
) -> dict[str, float]:
    """Picture id -> its largest cosine with the keyword that found it, or with any of `words`."""
    found: dict[str, float] = {}
    batches = list(fitting(rows, lambda row: RGB_BYTES * sizes[row["picture_id"]], ROOM.size // 2, BATCH))
    for batch in progress(batches, label=f"relevance {region}"):
        images = [decode(row["image"] or b"", max(sizes[row["picture_id"]], 1), min_side=SIDE) for row in batch]
        texts = [[*([row["query"]] if row["query_language"] else []), *words] for row in batch]
        found |= zip((row["picture_id"] for row in batch), encoder.best(images, texts), strict=True)
    return found


def _row(row: CandidateRow, similarity: float | None, limits: RelevanceClip) -> RelevanceRow:
    dropped = similarity is not None and limits.drop is not None and similarity < limits.drop
    doubted = similarity is not None and limits.borderline is not None and similarity < limits.borderline
    return {
        "picture_id": row["picture_id"],
        "region": row["region"],
        "similarity": similarity,
        "status": "dropped" if dropped else "kept",
        "reason": IRRELEVANT if dropped else "",
        "borderline": doubted and not dropped,
    }


STAGE = Stage(
    name="relevance",
    run=run,
    identities=("region",),
    params=Params,
    inputs={"candidates": candidates.PATH, "screened": screened.PATH, "pins": pins.DIRECTORY},
    outputs={"relevance": relevance.PATH},
)

if __name__ == "__main__":
    STAGE.main()
