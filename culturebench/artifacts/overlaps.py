"""How many prompts a set was given, and those that were dropped since the benchmark says the same."""

from typing import TypedDict

from culturebench.artifacts._json import JsonFile

STAGE = "load_prompts"
DIRECTORY = "reports/metrics/prompts"
PATH = DIRECTORY + "/{prompts}.json"


class Dropped(TypedDict):
    """One prompt that the benchmark has."""

    region: str
    prompt: str


class Overlaps(TypedDict):
    """What became of a set's prompts."""

    given: int
    dropped: list[Dropped]


FILE: JsonFile[Overlaps] = JsonFile(
    STAGE, "a set's overlaps with the benchmark", lambda content: content.keys() == set(Overlaps.__annotations__)
)
save, load = FILE.save, FILE.load
