"""Answers of a chat server from the atlas's truth: what is asked about a picture is known from its pixels alone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from chat_server import Asked
from culturebench.atlas.captions import Caption, cultural_caption
from culturebench.atlas.world import REGIONS, Scene

_SIDE = 16


class AtlasTruth:
    """Knows pictures with their scenes, finds the one that a request shows, and captions it as the region's expert."""

    def __init__(self, region: str, pictures: Iterable[tuple[bytes, Scene]]) -> None:
        """`pictures` are encoded pictures with what they show; all are captioned as of `region`."""
        known = list(pictures)
        self._language, self._subdivisions = REGIONS[region]
        self._region = region
        self._scenes = [scene for _, scene in known]
        self._thumbnails = np.stack([_thumbnail(data) for data, _ in known])

    def scene(self, picture: bytes) -> Scene:
        """The scene of the known picture that looks most alike."""
        distances = np.abs(self._thumbnails - _thumbnail(picture)).mean(axis=1)
        return self._scenes[int(distances.argmin())]

    def draft(self, picture: bytes, subdivision: str = "") -> dict[str, Any]:
        """The fields of a caption draft; `subdivision` is the experts' when they named one of the atlas's."""
        scene = self.scene(picture)
        found = next((name for name in (subdivision, scene.subdivision) if name in self._subdivisions), "")
        shown = replace(scene, region=self._region, subdivision=found or self._subdivisions[0])
        local, english = cultural_caption(shown, self._language), cultural_caption(shown, "en")
        return {
            "caption": local.text,
            "modifier": _part(local, local.modifier_span),
            "noun": _part(local, local.noun_span),
            "caption_en": english.text,
            "modifier_en": _part(english, english.modifier_span),
            "noun_en": _part(english, english.noun_span),
            "subdivision": shown.subdivision,
            "cues": [f"{shown.subdivision} ornament".replace("_", " "), f"painted {shown.object}"],
        }

    def answer(self, asked: Asked, fault: str) -> str:
        """The content of the server's reply, in English where another language was asked when the fault says so."""
        said = next(text for text in asked.texts if text.startswith("Subdivision according to the experts: "))
        draft = self.draft(asked.images[0], said.partition(": ")[2])
        if fault == "wrong_language":
            draft |= {name: draft[f"{name}_en"] for name in ("caption", "modifier", "noun")}
        return json.dumps(draft, ensure_ascii=False)


def _part(caption: Caption, span: tuple[int, int] | None) -> str:
    return caption.text[slice(*span)] if span else ""


def _thumbnail(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.float32).ravel()
