"""Give every annotated picture of one region its captions; what nobody can caption waits."""

from __future__ import annotations

from dataclasses import dataclass

from culturebench import funnel
from culturebench.artifacts import annotated, candidates, captioned, labels, placebos, places
from culturebench.artifacts._caption import GivenCaptions
from culturebench.artifacts.candidates import CandidateRow
from culturebench.captions.collecting import CaptionCollector
from culturebench.captions.human import HumanCaptions, read_human_captions
from culturebench.captions.providers import AtlasProvider, Picture, Provider, TemplateProvider, given_captions
from culturebench.captions.spans import ROLES
from culturebench.captions.told import Told
from culturebench.params._region import Text, Words
from culturebench.params.caption import Caption
from culturebench.splitting.counts import caption_counts
from culturebench.stage import Paths, Stage, secret, store_url
from culturebench.store import Store

CAPTIONS = "annotations/captions/{region}.jsonl"


class CaptionRegion(Told):
    """The keys of the region file that captions and the judges' options come from."""

    judge_label: Text
    neutral_modifiers: Words
    placebo_modifiers: Words | None


@dataclass(frozen=True)
class Params:
    """What the stage reads of params.yaml."""

    caption: Caption
    region: CaptionRegion


def run(params: Params, inputs: Paths, outputs: Paths, *, region: str) -> None:
    """Caption the kept pictures of one region by people's captions and the providers of the `caption` section."""
    language, iso = params.region.language, params.region.iso
    human = read_human_captions(inputs["captions"], language, params.caption.auditors)
    works = _pictures(inputs, region, human, with_images="openai" in params.caption.providers)
    for name in params.caption.providers:
        provider = _provider(name, params)
        unfinished = [work for work in works if not all(role in work.found for role in ROLES)]
        for work, written in zip(unfinished, provider.write([work.picture() for work in unfinished]), strict=True):
            work.take(name, written)
    rows = [work.row(language, iso) for work in works]
    captioned.TABLE.save(outputs["captioned"], rows)
    about = params.region
    labels.save(outputs["label"], {region: about.judge_label})
    place: places.Place = {
        "country": about.country,
        "iso": about.iso,
        "judge_label": about.judge_label,
        "language": language,
        "modifiers": {"local": about.modifiers.local, "en": about.modifiers.en},
    }
    places.save(outputs["place"], place)
    placebos.save(outputs["placebos"], about.placebo_modifiers.local if about.placebo_modifiers else [])
    funnel.say("caption", {region: caption_counts(rows)})


def _pictures(inputs: Paths, region: str, human: dict[str, HumanCaptions], with_images: bool) -> list[CaptionCollector]:
    """The kept pictures of the region with what people wrote of them."""
    verdicts = {row["picture_id"]: row for row in annotated.TABLE.load(inputs["annotated"]) if row["status"] == "kept"}
    columns = ["picture_id", "captions", "scene", *(["image"] if with_images else [])]
    truth: dict[str, CandidateRow] = {}
    for row in candidates.TABLE.load(inputs["candidates"], columns):
        known = truth.setdefault(row["picture_id"], row)
        if _said(row["captions"]) > _said(known["captions"]):  # two lines of a manifest may name one file
            truth[row["picture_id"]] = row
    return [
        CaptionCollector(
            Picture(
                picture_id,
                region,
                verdict["subdivision"],
                truth[picture_id]["scene"],
                truth[picture_id]["captions"],
                image=(truth[picture_id]["image"] if with_images else None) or b"",
            ),
            human.get(picture_id),
        )
        for picture_id, verdict in verdicts.items()
    ]


def _said(captions: GivenCaptions | None) -> int:
    """How many characters of captions came with a picture."""
    return sum(len(caption["text"]) for caption in given_captions(captions).values())


def _provider(name: str, params: Params) -> Provider:
    region = params.region
    if name == "atlas":
        return AtlasProvider()
    if name == "template":
        return TemplateProvider(region.modifiers, region.neutral_modifiers)
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
    params=Params,
    inputs={"annotated": annotated.PATH, "candidates": candidates.PATH, "captions": CAPTIONS},
    outputs={
        "captioned": captioned.PATH,
        "label": labels.REGION_PATH,
        "place": places.PATH,
        "placebos": placebos.PATH,
    },
)

if __name__ == "__main__":
    STAGE.main()
