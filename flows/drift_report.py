"""What another revision of a text encoder would change, in words for the person who decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from culturebench.probing.drift import SAME, Change, RegionDrift
from culturebench.release.markdown import code, words
from culturebench.revisions import Revision

NEURONS = f"""\
Overlap: Jaccard index of the region's culture neurons under both revisions, where two are the same when their decoder
directions have a cosine of {SAME} or more. Noise floor: the same between autoencoders of two seeds on the accepted
revision. Below the floor, the revision changes more than another seed would."""


@dataclass(frozen=True)
class Compared:
    """By encoder the layers (0-based) before and after and the neurons of each region, and CultureVQA if evaluated."""

    layers: Mapping[str, tuple[int, int]]
    regions: Mapping[str, Sequence[RegionDrift]]
    changes: Sequence[Change]

    @property
    def layers_moved(self) -> list[str]:
        """Encoders with another culture layer."""
        return [name for name, (before, after) in self.layers.items() if before != after]

    @property
    def regions_moved(self) -> list[str]:
        """Regions whose neurons overlap less than those of two seeds, under any of the encoders."""
        return sorted({entry.region for regions in self.regions.values() for entry in regions if entry.moved})


def report(revision: Revision, compared: Compared) -> str:
    """Markdown, ending with what to do."""
    return "\n".join(_lines(revision, compared)) + "\n"


def _lines(revision: Revision, compared: Compared) -> Iterator[str]:
    yield f"# Another revision for the pin {code(revision.pin)}\n"
    yield f"Accepted: {code(revision.accepted)}. Proposed: {code(revision.proposed)}.\n"
    for encoder, (before, after) in compared.layers.items():
        yield f"## Encoder {code(encoder)}\n"
        moved = f"moved from {before} to {after}" if before != after else f"is {after}, as before"
        yield f"The culture layer {moved}.\n"
        yield from ("| region | overlap | noise floor | |", "|---|---|---|---|")
        for entry in compared.regions[encoder]:
            verdict = "below the floor" if entry.moved else ""
            yield f"| {words(entry.region)} | {_share(entry.overlap)} | {_share(entry.floor)} | {verdict} |"
        yield f"\n{NEURONS}"
        if before != after:
            yield "Directions of different layers have no reason to agree; here the overlap says little."
        yield ""
    yield "## CultureVQA\n"
    if not compared.changes:
        yield "Not evaluated: the flow's parameter `evaluate` does that.\n"
    else:
        yield from ("| model | condition | accepted | proposed | change |", "|---|---|---|---|---|")
        for change in compared.changes:
            difference = f"{change.after - change.before:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
            names = f"{words(change.model)} | {words(change.condition)}"
            yield f"| {names} | {change.before:.3f} | {change.after:.3f} | {difference} |"
        yield "\nAll regions, judges pooled. The interval takes both values as independent, so it is rather too wide.\n"
    yield f"{code(f'culturebench pins accept {revision.pin}')} takes the revision over."


def _share(value: float | None) -> str:
    return "not comparable" if value is None else f"{value:.2f}"
