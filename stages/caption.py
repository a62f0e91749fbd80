"""Give every annotated picture of one region its captions; what nobody can caption waits."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from culturebench.artifacts import annotated, candidates, captioned
from culturebench.captions.human import HumanCaptions, read_human_captions
from culturebench.captions.providers import AtlasProvider, Picture, Provider, TemplateProvider
from culturebench.captions.rows import ROLES, CaptionRow
from culturebench.params.caption import Caption
from culturebench.stage import Stage

CAPTIONS = "annotations/captions/{region}.jsonl"
_NEEDED = ("cultural", "noun")


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, region: str) -> None:
    """Caption the kept pictures of one region by people's captions and the providers of the `caption` section."""
    language = params.region["language"]
    human = read_human_captions(inputs["captions"], language)
    providers = {name: _provider(name, params.region) for name in params.caption.providers}
    truth = candidates.TABLE.load(inputs["candidates"], ["picture_id", "metadata"])
    metadata: dict[str, str] = {}
    for row in truth:
        # Of two manifest lines on one file the one with captions says more.
        metadata[row["picture_id"]] = max(metadata.get(row["picture_id"], ""), row["metadata"], key=len)
    rows: list[dict[str, Any]] = []
    for row in annotated.TABLE.load(inputs["annotated"]):
        if row["status"] != "kept":
            continue
        about = json.loads(metadata[row["picture_id"]])
        picture = Picture(row["picture_id"], region, row["subdivision"], about)
        captions = _captions(picture, human.get(picture.picture_id), providers)
        rows.append({"picture_id": picture.picture_id, "region": region, "language": language} | captions)
    captioned.TABLE.save(outputs["captioned"], rows)


def _provider(name: str, region: dict[str, Any]) -> Provider:
    if name == "atlas":
        return AtlasProvider()
    return TemplateProvider(region["language"], region["modifiers"], region["neutral_modifiers"])


def _captions(picture: Picture, human: HumanCaptions | None, providers: dict[str, Provider]) -> dict[str, Any]:
    """The columns from `status` on: people's captions first, then whatever a provider adds to them."""
    if human and human.rejected:
        return _columns("dropped", human.rejected, ["human"], {})
    found = dict(human.captions) if human else {}
    names = ["human"] if found else []
    for name, provider in providers.items():
        if all(role in found for role in ROLES):
            break
        written = provider.captions(picture)
        if written.keys() - found.keys():
            names.append(name)
            found = written | found
    missing = [role for role in _NEEDED if role not in found]
    if missing:
        return _columns("waiting", "no_" + "_and_".join(missing) + "_caption", names, found)
    return _columns("kept", "", names, found)


def _columns(status: str, reason: str, names: list[str], found: dict[str, CaptionRow]) -> dict[str, Any]:
    captions = {role: found.get(role) for role in ROLES}
    return {"status": status, "reason": reason, "provider": "+".join(names)} | captions


STAGE = Stage(
    name="caption",
    run=run,
    identities=("region",),
    sections=(Caption,),
    inputs={"annotated": annotated.PATH, "candidates": candidates.PATH, "captions": CAPTIONS},
    outputs={"captioned": captioned.PATH},
    region_keys=("language", "modifiers", "neutral_modifiers"),
)

if __name__ == "__main__":
    STAGE.main()
