"""What a model that captions a region's pictures is told about the region: the same for all of its pictures."""

from __future__ import annotations

from culturebench.params import RegionPart
from culturebench.params._region import Exclusion, Key, Subdivision, Text, WordList, Words
from culturebench.regions.words import languages

#: What a model is told whose reply did not fit.
REPAIR = """\
This cannot be used:
{problems}
Return all fields again, corrected."""
SYSTEM = """\
You write captions for CultureBench, which measures what text-to-image models know of the world's cultures.
Each picture was chosen by experts as authentic for one region: {country}.

For each picture return:
- a cultural caption in {language} ({script} script): one noun phrase of at most {max_length} characters that names the
  main object, carries exactly one culture-style modifier, and says what else is visible;
- the same caption in English;
- of both, the modifier and the one noun that it describes, copied exactly, each occurring once;
- the subdivision of the region's culture that the picture shows, `other` when none fits;
- cues: 1 to 8 visible features from which the culture can be told, each 1 to 4 English words, such as a material, an
  ornament, a cut or a roof form.

Only the modifier may name the country, its people or its style: without the modifier the caption must be a plain
description that fits any culture. Say only what can be seen. No stereotypes: no judgement, no exoticism, no claim about
people's character, poverty, religion or descent.

Subdivisions:
{subdivisions}
Modifiers that people of the region use: {modifiers}
What does not belong here:
{exclude}
What annotators must know:
{notes}"""


class Told(RegionPart):
    """The keys of a region file that the instructions and the checks of what comes back rest on."""

    country: Text
    iso: WordList
    language: str
    script: str
    subdivisions: dict[Key, Subdivision]
    modifiers: Words
    exclude: list[Exclusion]
    notes: Text


def instructions(region: Told, max_length: int) -> str:
    """The instructions for captions of at most `max_length` characters."""
    subdivisions = region.subdivisions.items()
    return SYSTEM.format(
        country=region.country,
        language=languages().get(region.language, region.language),
        script=region.script,
        max_length=max_length,
        subdivisions="\n".join(f"- {key}: {one.name} ({one.local_name})" for key, one in subdivisions),
        modifiers=", ".join([*region.modifiers.local, *region.modifiers.en]),
        exclude="\n".join(f"- {one.what}: {one.reason}" for one in region.exclude),
        notes=region.notes.strip(),
    )
