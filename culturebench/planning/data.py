"""What the data half asks and pays, once for all models: searches for pictures and captions by a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from culturebench.artifacts import annotated, candidates
from culturebench.captions.draft import draft_schema
from culturebench.captions.told import REPAIR, Told, instructions
from culturebench.chat.request import ChatImage, ChatRequest
from culturebench.params import load_region
from culturebench.params._region import REGIONS_FOLDER
from culturebench.planning.amounts import PICTURES, Amount
from culturebench.planning.plan import Planned
from culturebench.sources.queries import Asked, queries

if TYPE_CHECKING:
    from culturebench.params._endpoint import Endpoint
    from culturebench.params.caption import Caption
    from culturebench.params.collect import Collect, SearchSource

#: Of a collected picture in bytes, where none is there to weigh: a JPEG of a thousand pixels and more.
PICTURE_BYTES = 3e5
#: What a model is told about its faults, in bytes at most, beside its own reply.
FAULTS = 2000


@dataclass(frozen=True)
class DataHalf:
    """The sections of params.yaml that say whom the data half asks."""

    regions: list[str]
    collect: Collect
    caption: Caption


def data_half(numbers: DataHalf, root: Path) -> list[Planned]:
    """Collection and captions; screening, duplicates, people's work and splits ask nobody who is paid."""
    return [_collection(numbers, root), _captions(numbers, root)]


def _collection(numbers: DataHalf, root: Path) -> Planned:
    """Pictures as they lie in the files that are there, else as many as the paper has, before any is dropped."""
    files = {region: root / candidates.PATH.format(region=region) for region in numbers.regions}
    there = [file for file in files.values() if file.is_file()]
    pictures = sum(pq.read_metadata(file).num_rows for file in there) + PICTURES * (len(files) - len(there))
    disk = sum(file.stat().st_size for file in there) + PICTURES * PICTURE_BYTES * (len(files) - len(there))
    paid = [(source, _searches(source, numbers.regions, root)) for source in numbers.collect.paid()]
    calls, dollars = sum(count for _, count in paid), sum(source.price * count for source, count in paid)
    return Planned(Amount("collect", 0, calls=calls, pictures=pictures), disk=disk, dollars=dollars or None)


def _searches(source: SearchSource, regions: Iterable[str], root: Path) -> int:
    asked = [region for region in regions if source.regions is None or region in source.regions]
    pages = -(-source.per_query // source.per_request)
    return sum(pages * len(queries(load_region(Asked, region, root / REGIONS_FOLDER))) for region in asked)


def _captions(numbers: DataHalf, root: Path) -> Planned:
    """A question for each kept picture and one more for its repair, at their most expensive and to the limit."""
    pictures = {region: _kept(root / annotated.PATH.format(region=region)) for region in numbers.regions}
    amount = Amount("caption", 0, pictures=sum(pictures.values()))
    if "openai" not in numbers.caption.providers:
        return Planned(amount)
    endpoint = numbers.caption.openai
    limit = float("inf") if endpoint.max_cost is None else endpoint.max_cost
    dollars = 0.0
    for region, count in pictures.items():
        told = load_region(Told, region, root / REGIONS_FOLDER)
        dollars += min(limit, count * caption_dollars(endpoint, told, numbers.caption.max_length))
    return Planned(Amount("caption", 0, calls=2 * amount.pictures, pictures=amount.pictures), dollars=dollars)


def caption_dollars(endpoint: Endpoint, region: Told, max_length: int) -> float:
    """What one picture's captions cost at most: a question, and one repair that repeats it with the reply."""
    schema = draft_schema(tuple(region.subdivisions))
    question = ChatRequest(instructions(region, max_length), "x" * 100, (ChatImage(b""),), schema)
    sent = 2 * question.max_tokens(endpoint) + endpoint.max_completion_tokens + len(REPAIR) + FAULTS
    return (sent * endpoint.input_price + 2 * endpoint.max_completion_tokens * endpoint.output_price) / 1e6


def _kept(file: Path) -> int:
    if not file.is_file():
        return PICTURES
    return pq.read_table(file, columns=["status"]).column("status").to_pylist().count("kept")
