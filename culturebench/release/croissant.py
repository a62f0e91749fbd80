"""Croissant metadata (MLCommons, version 1.1) of the folder: files with their sha256, and what each column means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from culturebench.release.shards import SCHEMA, Shard

FILES = "pictures-files"
RECORDS = "pictures"
#: Column -> what it holds; captions are described by their parts.
MEANING = {
    "picture_id": "sha256 of the retrieved bytes; of the scene for a picture that the project drew",
    "image": "the picture as it was retrieved",
    "region": "code of the region",
    "country": "country, or group of countries, of the region",
    "language": "ISO 639 code of the region's captions",
    "subdivision": "part of the region's culture, as its file names it; may be empty",
    "category": "what the picture shows, as the region's file sorts its keywords; may be empty",
    "group": "smallest picture id of all that share near-duplicates, a page or a noun caption",
    "captions_by": "who wrote the captions, joined by +",
    "cultural": "caption with a culture-style modifier, in the region's language",
    "noun": "the same description without the modifier, in the region's language",
    "neutral": "the noun caption with a modifier of no culture; may be empty",
    "cultural_en": "English rendering of the cultural caption",
    "noun_en": "English rendering of the noun caption",
    "agreement": "share of the experts' decisions that agree with the verdict",
    "decisions": "how many experts decided",
    "source": "kind of source",
    "author": "author as the source names them",
    "licence": "SPDX-like id of the picture's licence",
    "licence_text": "the licence as the source wrote it",
    "page_url": "page on which the picture was found",
    "file_url": "address of the file",
    "sha256": "of the picture's bytes",
}
_TYPES = {"string": "sc:Text", "double": "sc:Float", "int32": "sc:Integer"}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(
    name: str, version: str, url: str, description: str, licences: Sequence[str], shards: Sequence[Shard]
) -> dict[str, Any]:
    """The JSON-LD document; `licences` are URLs, or ids of licences without one."""
    files = [
        {
            "@type": "cr:FileObject",
            "@id": shard.path,
            "name": shard.path,
            "contentUrl": shard.path,
            "contentSize": f"{shard.size} B",
            "encodingFormat": "application/x-parquet",
            "sha256": shard.sha256,
        }
        for shard in shards
    ]
    every = {
        "@type": "cr:FileSet",
        "@id": FILES,
        "name": FILES,
        "description": "All files of pictures; the folder is the region, the file name begins with the split.",
        "encodingFormat": "application/x-parquet",
        "includes": "data/*/*.parquet",
    }
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": description,
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "license": list(licences),
        "version": version,
        "isLiveDataset": False,
        "distribution": [every, *files],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": RECORDS,
                "name": RECORDS,
                "description": "One record a picture.",
                "key": {"@id": f"{RECORDS}/picture_id"},
                "field": [_split(), *(_field(column.name, str(column.type)) for column in SCHEMA)],
            }
        ],
    }
    return document | ({"url": url} if url else {})


def _field(name: str, kind: str) -> dict[str, Any]:
    if name == "image":
        return _of(name, "sc:ImageObject", {"extract": {"column": name}, "transform": {"jsonPath": "bytes"}})
    if kind.startswith("struct"):
        return _of(name, "sc:Text", {"extract": {"column": name}, "transform": {"jsonPath": "text"}})
    return _of(name, _TYPES[kind], {"extract": {"column": name}})


def _split() -> dict[str, Any]:
    taken = {"extract": {"fileProperty": "fullpath"}, "transform": {"regex": r"^data/[a-z]+/([a-z]+)-.*\.parquet$"}}
    return _of("split", "sc:Text", taken, "train, test or detect")


def _of(name: str, kind: str, source: dict[str, Any], meaning: str = "") -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{RECORDS}/{name}",
        "name": name,
        "description": meaning or MEANING[name],
        "dataType": kind,
        "source": {"fileSet": {"@id": FILES}, **source},
    }
