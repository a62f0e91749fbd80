"""By what a caption from outside is filed under a region: what the region's file says of its country and language."""

from __future__ import annotations

from culturebench.artifacts._json import JsonFile

STAGE = "caption"
DIRECTORY = "data/places"
PATH = DIRECTORY + "/{region}.json"
#: Of the region's file.
KEYS = ("country", "iso", "judge_label", "language")

FILE = JsonFile(STAGE, f"a mapping with {', '.join(KEYS)}", lambda content: content.keys() == set(KEYS))
save, load = FILE.save, FILE.load
