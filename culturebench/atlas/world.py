"""The atlas: a small world of everyday objects, plain or covered by a region's ornament, whose truth is known."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from itertools import product
from typing import Final

OBJECTS: Final = (
    "bowl", "vase", "plate", "cup", "teapot", "robe", "house",
    "door", "fan", "lantern", "chest", "carpet", "drum", "boat",
)  # fmt: skip
PLACES: Final = ("grass", "sand", "snow", "stone_floor", "wooden_floor", "water")
LIGHTS: Final = ("day", "night")
FRAMINGS: Final = ("close", "far")
COMPANIONS: Final = ("none", "tree", "ball", "bird")

#: Region code -> (language, subdivisions). A subdivision is one ornament with its own palette.
REGIONS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "arab": ("ar", ("girih", "arabesque")),
    "cn": ("zh", ("blue_white", "huiwen")),
    "jp": ("ja", ("seigaiha", "asanoha")),
    "kr": ("ko", ("dancheong", "jogakbo")),
    "th": ("th", ("lai_thai", "benjarong")),
    "de": ("de", ("rautenmuster", "fachwerk")),
    "ru": ("ru", ("khokhloma", "gzhel")),
    "it": ("it", ("maiolica", "cosmatesque")),
    "nl": ("nl", ("delft", "hindeloopen")),
    "pl": ("pl", ("boleslawiec", "lowicz")),
    "tr": ("tr", ("iznik", "kilim")),
    "ua": ("uk", ("petrykivka", "vyshyvanka")),
    "es": ("es", ("talavera", "trencadis")),
    "pt": ("pt", ("azulejo", "barcelos")),
    "fr": ("fr", ("kente", "bogolan")),
    "in": ("hi", ("paisley", "warli")),
    "vn": ("vi", ("dong_son", "bat_trang")),
}
LANGUAGES: Final = ("en", *(language for language, _ in REGIONS.values()))


@dataclass(frozen=True, order=True)
class Scene:
    """One atlas picture, completely described: the same scene always gives the same pixels.

    `region` and `subdivision` are empty strings for a plain object. `seed` jitters position, scale,
    hue and the companion's place, and nothing that a caption speaks of.
    """

    object: str
    place: str
    light: str
    framing: str
    companion: str
    region: str = ""
    subdivision: str = ""
    seed: int = 0

    def id(self) -> str:
        """Sha256 (hex) of the canonical description; the picture id of an atlas picture."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def contexts() -> list[tuple[str, str, str, str, str]]:
    """Every (object, place, light, framing, companion): what a noun caption can say."""
    return list(product(OBJECTS, PLACES, LIGHTS, FRAMINGS, COMPANIONS))
