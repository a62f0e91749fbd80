"""What became of a set of prompts: those that the benchmark says as well, and those that several regions share."""

from typing import TypedDict

from culturebench.artifacts._json import JsonFile

STAGE = "load_prompts"
DIRECTORY = "reports/metrics/prompts"
PATH = DIRECTORY + "/{prompts}.json"


class Dropped(TypedDict):
    """One prompt that the benchmark has."""

    region: str
    prompt: str


class Shared(TypedDict):
    """The same noun caption as a prompt of several regions of one language: no picture of it can be right in all."""

    language: str
    prompt: str
    regions: list[str]


class Overlaps(TypedDict):
    """What became of a set's prompts."""

    given: int
    dropped: list[Dropped]
    shared: list[Shared]
    languages: dict[str, str]  # of each region


FILE: JsonFile[Overlaps] = JsonFile(
    STAGE, "a set's overlaps with the benchmark", lambda content: content.keys() == set(Overlaps.__annotations__)
)
save, load = FILE.save, FILE.load
