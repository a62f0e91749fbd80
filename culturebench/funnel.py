"""What each stage of the data half kept, in one line; where it kept nothing, why, and what to change."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: What to change where a stage kept nothing, by its most frequent reason; "" where it is none of these.
_ADVICE: Mapping[str, Mapping[str, str]] = {
    "collect": {
        "": "put files into a subfolder of that code or name it in the manifest's column `region`, "
        "or take the code out of `regions` in params.yaml",
        "removed": "every picture was taken down (annotations/removed.jsonl)",
    },
    "screen": {
        "licence": "name licences in the manifest's column `licence` or as `licence` of the source in params.yaml; "
        "`screen.licences` lists what is allowed",
        "": "the column `detail` of data/screened says it of each picture; the limits stand in `screen` of params.yaml",
    },
    "relevance": {
        "": "the column `similarity` of data/relevance says it of each picture; the limits stand in `relevance` of "
        "params.yaml"
    },
    "annotate": {
        "undecided": "people decide: `culturebench annotate push --region {region}` asks your experts, and if you are "
        "one, `culturebench annotate accept --region {region} --annotator NAME` keeps all; "
        "`annotate.min_decisions` says how many have to agree",
        "": "the experts rejected them all",
    },
    "caption": {
        "": "give captions in the manifest's columns `noun` and `cultural`, or let people write them: "
        "`culturebench annotate push --region {region} --project captions`",
    },
    "ground": {"": "people audit them: `culturebench annotate push --region {region} --project captions`"},
    "split": {"": "docs/data.md, The split, says what the reason means"},
}
_SHOWN = 4  # regions named in one sentence


def say(stage: str, counts: Mapping[str, Mapping[str, Any]]) -> None:
    """Print on stderr what a stage kept of each region, counted as in `splitting.counts`; the last line is of all."""
    if len(counts) > 1:
        for told in emptied(stage, counts):
            print(told, file=sys.stderr)
    print(sentence(stage, list(counts), _sum(counts.values())), file=sys.stderr)


def emptied(stage: str, counts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for all regions of which the stage kept nothing for the same reasons."""
    found: dict[tuple[str, ...], list[str]] = {}
    for region, one in counts.items():
        if not one["kept"] and (_left(one) or stage == "collect"):
            found.setdefault(tuple(sorted(_left(one))), []).append(region)
    return [sentence(stage, regions, _sum([counts[region] for region in regions])) for regions in found.values()]


def sentence(stage: str, regions: Sequence[str], counts: Mapping[str, Any]) -> str:
    """`jp: screen kept 8 of 10 pictures (blur 2)`, and advice where it kept none."""
    reasons = _left(counts)
    left = sum(reasons.values())
    why = ", ".join(f"{reason} {n}" for reason, n in sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
    where = ", ".join(regions[:_SHOWN]) + (f" and {len(regions) - _SHOWN} more" if len(regions) > _SHOWN else "")
    told = f"{where}: {stage} kept {counts['kept']} of {counts['kept'] + left} pictures" + (f" ({why})" if why else "")
    if "pairs" in counts and counts["kept"]:
        told += f"; {counts['pairs']} are pairs for the layer probe"
    if counts.get("whole_noun"):
        told += f", in {counts['whole_noun']} of them nobody marked the noun and the whole caption counts"
    if counts["kept"]:
        return told
    if not left and stage != "collect":
        return f"{told}: nothing came to it; `culturebench status` names the stage that kept nothing"
    advice = _ADVICE.get(stage, {})
    main = max(reasons, key=lambda reason: (reasons[reason], reason), default="")
    change = advice.get(main, advice.get("", "")).format(region=regions[0])
    return f"{told}: {change}" if change else told


def _left(counts: Mapping[str, Any]) -> Counter[str]:
    return Counter(counts.get("dropped", {})) + Counter(counts.get("waiting", {}))


def _sum(counts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    every = list(counts)
    numbers = ("kept", "pairs", "whole_noun")
    summed: dict[str, Any] = {name: sum(one[name] for one in every) for name in numbers if name in every[0]}
    return summed | {"dropped": sum(map(_left, every), Counter[str]())}
