"""The names by which the regions are shown to a judge that reads: code -> `judge_label` of the region file."""

from __future__ import annotations

from culturebench.artifacts._json import JsonFile, maps_to

STAGE = "bind_judge"
PATH = "models/judges/{judge}/labels.json"
MEASURES_PATH = "models/measures/labels.json"  # by bind_measures
#: Each region's own, by the stage `caption`: so nothing else of a region file reaches a judge.
DIRECTORY = "data/labels"
REGION_PATH = DIRECTORY + "/{region}.json"

FILE: JsonFile[dict[str, str]] = JsonFile(STAGE, "labels by region", maps_to(str))
save, load = FILE.save, FILE.load
