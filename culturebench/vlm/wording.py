"""CultureVQA in words: how a model that reads is asked, and what of its reply counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from culturebench.artifacts.answers import UNPARSEABLE, UNRECOGNIZABLE
from culturebench.vlm.errors import VlmError
from culturebench.vlm.options import lines_of, said

_TASK = """\
You are shown a picture and a list of options. Reply with the option whose culture the picture shows, copied exactly,
and with nothing else."""
_NO_CULTURE = ' Reply "unrecognizable" when the picture shows no particular culture or cannot be made out.'
_PICK_TASK = """\
You are shown {count} pictures, numbered from 1 to {count} in the order shown, and the name of a culture. Reply with the
number of the one picture that shows this culture, and with nothing else."""
_PICK = "Which picture shows this culture: {region}?"
_QUESTION = "Which culture does this picture show?\n{options}"


class Wording:
    """The question with the regions' names; `labels`: region -> how it is shown."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = {UNRECOGNIZABLE: UNRECOGNIZABLE, **labels}

    def system(self, options: Iterable[str]) -> str:
        """The instructions; a question that does not offer "unrecognizable" does not speak of it."""
        return _TASK + (_NO_CULTURE if UNRECOGNIZABLE in options else "")

    def question(self, options: Sequence[str]) -> str:
        """The question, its options one a line; `VlmError` for a region without a name."""
        return _QUESTION.format(options="\n".join(lines_of(map(self._shown, options))))

    def names(self, options: Sequence[str]) -> list[str]:
        """How the options are shown."""
        return [self._shown(option) for option in options]

    def parsed(self, text: str, options: Sequence[str]) -> str:
        """The option that the reply consists of, else `unparseable`: what a longer reply may mean is not guessed."""
        found = said(text, [self._shown(option) for option in options])
        return UNPARSEABLE if found is None else options[found]

    def pick_system(self, count: int) -> str:
        """The instructions for several pictures of which one is to be named."""
        return _PICK_TASK.format(count=count)

    def pick_question(self, region: str) -> str:
        """The question which picture shows the region; `VlmError` for a region without a name."""
        return _PICK.format(region=self._shown(region))

    def picked(self, text: str, pictures: Sequence[str]) -> str:
        """The picture whose number the reply consists of, else `unparseable`."""
        found = said(text, [str(number) for number in range(1, len(pictures) + 1)])
        return UNPARSEABLE if found is None else pictures[found]

    def _shown(self, option: str) -> str:
        if option not in self._labels:
            raise VlmError(f"the judge knows no name for the region {option!r}; run `dvc repro bind_judge`")
        return self._labels[option]
