"""Give every annotated picture of one region its captions; what nobody can caption waits."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from culturebench.artifacts import annotated, candidates, captioned, labels, places
from culturebench.captions.collecting import CaptionCollector
from culturebench.captions.human import HumanCaptions, read_human_captions
from culturebench.captions.providers import AtlasProvider, Picture, Provider, TemplateProvider
from culturebench.captions.spans import ROLES
from culturebench.params.caption import Caption
from culturebench.stage import Stage, secret, store_url
from culturebench.store import Store

CAPTIONS = "annotations/captions/{region}.jsonl"


def run(params: SimpleNamespace, inputs: dict[str, Path], outputs: dict[str, Path], *, region: str) -> None:
    """Caption the kept pictures of one region by people's captions and the providers of the `caption` section."""
    language, iso = params.region["language"], params.region["iso"]
    human = read_human_captions(inputs["captions"], language)
    works = _pictures(inputs, region, human, with_images="openai" in params.caption.providers)
    for name in params.caption.providers:
        provider = _provider(name, params)
        unfinished = [work for work in works if not all(role in work.found for role in ROLES)]
        for work, written in zip(unfinished, provider.write([work.picture() for work in unfinished]), strict=True):
            work.take(name, written)
    rows = [{"region": region, "language": language} | work.row(language, iso) for work in works]
    captioned.TABLE.save(outputs["captioned"], rows)
    labels.save(outputs["label"], {region: params.region["judge_label"]})
    places.save(outputs["place"], {key: params.region[key] for key in places.KEYS})


def _pictures(
    inputs: dict[str, Path], region: str, human: dict[str, HumanCaptions], with_images: bool
) -> list[CaptionCollector]:
    """The kept pictures of the region with what people wrote of them."""
    verdicts = {row["picture_id"]: row for row in annotated.TABLE.load(inputs["annotated"]) if row["status"] == "kept"}
    columns = ["picture_id", "metadata", *(["image"] if with_images else [])]
    truth: dict[str, dict[str, Any]] = {}
    for row in candidates.TABLE.load(inputs["candidates"], columns):
        picture = row["picture_id"]
        # Of two manifest lines on one file the one with captions says more.
        if picture in verdicts and len(row["metadata"]) > len(truth.get(picture, {}).get("metadata", "")):
            truth[picture] = row
    return [
        CaptionCollector(
            Picture(
                picture_id,
                region,
                verdict["subdivision"],
                json.loads(truth[picture_id]["metadata"]),
                image=truth[picture_id].get("image") or b"",
            ),
            human.get(picture_id),
        )
        for picture_id, verdict in verdicts.items()
    ]


def _provider(name: str, params: SimpleNamespace) -> Provider:
    region = params.region
    if name == "atlas":
        return AtlasProvider()
    if name == "template":
        return TemplateProvider(region["language"], region["modifiers"], region["neutral_modifiers"])
    # Imported here: the client takes 0.7 s, and most projects' stages never ask.
    from culturebench.captions.openai import OpenAIProvider
    from culturebench.chat.client import ChatClient

    endpoint = params.caption.openai
    key = secret(endpoint.key_variable) if endpoint.key_variable else None
    client = ChatClient(endpoint, Store(store_url()), key)
    return OpenAIProvider(client, region, params.caption.max_length, params.caption.min_answered)


STAGE = Stage(
    name="caption",
    run=run,
    identities=("region",),
    sections=(Caption,),
    inputs={"annotated": annotated.PATH, "candidates": candidates.PATH, "captions": CAPTIONS},
    outputs={"captioned": captioned.PATH, "label": labels.REGION_PATH, "place": places.PATH},
    region_keys=(
        "country",
        "iso",
        "judge_label",
        "language",
        "script",
        "subdivisions",
        "modifiers",
        "neutral_modifiers",
        "exclude",
        "notes",
    ),
)

if __name__ == "__main__":
    STAGE.main()
