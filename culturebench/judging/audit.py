"""A judge that reads, asked CultureVQA with its culture neurons at work and silenced."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from culturebench.artifacts.answers import UNPARSEABLE, UNRECOGNIZABLE
from culturebench.artifacts.audited import OFF, REAL
from culturebench.judging.asking import Shown
from culturebench.judging.base import shuffled
from culturebench.measures.units import Units
from culturebench.probing.selectors import CONTROL
from culturebench.vlm.asking import Item
from culturebench.vlm.wording import Wording

if TYPE_CHECKING:
    from culturebench.annotation.choices import Choice
    from culturebench.artifacts.audited import Audited, AuditedRow, Figure, People
    from culturebench.measures.statistics import Bootstrap, Estimate
    from culturebench.vlm.asking import Asking
    from culturebench.vlm.neurons import Off

#: Whose neurons -> region -> the neurons.
Sets = Mapping[str, Mapping[str, "Off | None"]]


def sets_by_region(sets: Sequence[Off], selector: str, regions: Sequence[str]) -> Sets:
    """What is silenced for the pictures of each region: nothing, its own neurons, the next region's, random ones."""
    own = {off.culture: off for off in sets if off.selector == selector}
    random = {off.culture: off for off in sets if off.selector == CONTROL and off.draw == 0}
    following = dict(zip(regions, [*regions[1:], regions[0]], strict=True))
    return {
        "": dict.fromkeys(regions),
        "own": {code: own.get(code) for code in regions},
        "other": {code: own.get(following[code]) for code in regions},
        "random": {code: random.get(code) for code in regions},
    }


def options_of(shown: Shown, regions: Sequence[str], seed: int) -> list[str]:
    """The options of a generated picture, in their order."""
    return shuffled([*regions, UNRECOGNIZABLE], seed, shown["prompt_id"], shown["seed"])


def audited_rows(
    asking: Asking,
    wording: Wording,
    model: str,
    pictures: Sequence[Shown],
    options: Sequence[Sequence[str]],
    sets: Sets,
) -> list[AuditedRow]:
    """Every picture's answers, region by region."""
    rows: list[AuditedRow] = []
    for region in dict.fromkeys(row["region"] for row in pictures):
        own = [(row, shown) for row, shown in zip(pictures, options, strict=True) if row["region"] == region]
        used = {name: sets[name][region] for name in OFF if name == "" or sets[name].get(region) is not None}
        items = [_item(wording, row, shown) for row, shown in own]
        done = 0
        for batch in asking.run(items, list(used.values()), f"CultureVQA, {region}"):
            some = own[done : done + len(batch[0])]
            done += len(some)
            for name, replies in zip(used, batch, strict=True):
                for (row, shown), reply in zip(some, replies, strict=True):
                    rows.append(
                        {
                            "model": model,
                            "condition": row["condition"],
                            "prompt_id": row["prompt_id"],
                            "seed": row["seed"],
                            "region": region,
                            "off": name,
                            "answer": shown[reply.answer] if reply.answer >= 0 else UNPARSEABLE,
                        }
                    )
    return rows


def _item(wording: Wording, row: Shown, shown: Sequence[str]) -> Item:
    picture = hashlib.sha256(row["image"]).hexdigest()
    return Item(picture, wording.system(shown), wording.question(shown), tuple(wording.names(shown)))


def audited(rows: Sequence[AuditedRow], bootstrap: Bootstrap) -> list[Audited]:
    """The figures of each model's conditions, real pictures first."""
    found: list[Audited] = []
    kinds = dict.fromkeys((row["model"], row["condition"]) for row in rows)
    for model, condition in sorted(kinds, key=lambda kind: kind[1] != REAL):
        own = [row for row in rows if (row["model"], row["condition"]) == (model, condition)]
        units = Units(regions={row["prompt_id"]: row["region"] for row in own})
        right = {
            name: {
                (row["prompt_id"], row["seed"]): float(row["answer"] == row["region"])
                for row in own
                if row["off"] == name
            }
            for name in OFF
        }
        changes = {
            name: _figure(bootstrap.difference(right[name], right[""], units, share=True)) for name in OFF if name
        }
        whole = _figure(bootstrap.mean(right[""], units, share=True))
        assert whole is not None
        found.append({"model": model, "condition": condition, "right": whole, **changes})  # type: ignore[typeddict-item]
    return found


def people_on_flips(
    rows: Sequence[AuditedRow], given: Sequence[Choice], options: Mapping[str, Sequence[str]]
) -> People:
    """What people said of real pictures whose answer changed; answers among other options do not count."""
    said = {(row["prompt_id"], row["off"]): row["answer"] for row in rows if row["condition"] == REAL}
    flipped = {name for name, off in said if off == "own" and said[name, off] != said[name, ""]}
    counted = [one for one in given if one.picture_id in flipped and set(one.options) == set(options[one.picture_id])]

    def agreed(off: str) -> float | None:
        return fmean(said[one.picture_id, off] == one.answer for one in counted) if counted else None

    return {
        "flipped": len(flipped),
        "answers": len(counted),
        "agreed_before": agreed(""),
        "agreed_after": agreed("own"),
    }


def _figure(found: Estimate | None) -> Figure | None:
    if found is None:
        return None
    return {"value": found.value, "low": found.low, "high": found.high, "n_images": found.n_images}
