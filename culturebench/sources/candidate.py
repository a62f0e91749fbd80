"""From what a source found to a row of the candidates table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from culturebench.sources.base import Found
from culturebench.sources.licences import normalise

if TYPE_CHECKING:
    from culturebench.artifacts._caption import CaptionRow, GivenCaptions
    from culturebench.artifacts._scene import SceneRow
    from culturebench.artifacts.candidates import CandidateRow
    from culturebench.atlas.world import Scene


def candidate(found: Found, source: str, region: str, language: str) -> CandidateRow:
    """The row of one file: its id is sha256 (hex) of its bytes unless the source decides otherwise.

    `language` is the region's.
    """
    digest = "" if found.data is None else hashlib.sha256(found.data).hexdigest()
    about = found.about
    return {
        "picture_id": found.picture_id or digest,
        "region": region,
        "source": source,
        "query": found.query,
        "page_url": found.page_url,
        "file_url": found.file_url,
        "file_name": found.file_name,
        "author": found.author,
        "licence": normalise(found.licence_text),
        "licence_text": found.licence_text,
        "sha256": digest,
        "size_bytes": len(found.data or b""),
        "status": "failed" if found.data is None else "ok",
        "error": found.error,
        "category": about.category,
        "subdivision": about.subdivision,
        "query_language": about.query_language,
        "found_in": about.found_in,
        "captions": _captions(about.captions, language),
        "scene": None if about.scene is None else _scene(about.scene),
        "released": about.released,
        "planted": about.planted,
        "image": found.data,
    }


def _captions(given: Mapping[str, CaptionRow], language: str) -> GivenCaptions | None:
    def of(role: str) -> CaptionRow | None:
        caption = given.get(role)
        return caption and {**caption, "language": "en" if role.endswith("_en") else language}

    if not given:
        return None
    return {
        "cultural": of("cultural"),
        "noun": of("noun"),
        "neutral": of("neutral"),
        "cultural_en": of("cultural_en"),
        "noun_en": of("noun_en"),
    }


def _scene(scene: Scene) -> SceneRow:
    return {
        "object": scene.object,
        "place": scene.place,
        "light": scene.light,
        "framing": scene.framing,
        "companion": scene.companion,
        "region": scene.region,
        "subdivision": scene.subdivision,
        "seed": scene.seed,
    }
