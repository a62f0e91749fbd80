"""What silencing neurons does: to questions about their own culture, about others, and to neutral ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from culturebench.artifacts.silenced import NOBODY, WHOLE
from culturebench.measures.units import Units

if TYPE_CHECKING:
    from culturebench.artifacts.questions import QuestionRow
    from culturebench.artifacts.silenced import Culture, Effect, Layer, SilencedRow, Summary
    from culturebench.artifacts.vlm_neurons import VlmNeuronRow
    from culturebench.measures.statistics import Bootstrap, Estimate

#: (picture, number of the question) -> what it scored; pictures are drawn anew with all their questions.
Scores = dict[tuple[str, int], float]
Key = tuple[str, int]


@dataclass
class Answers:
    """The answers in one language, ready to be compared."""

    questions: Mapping[str, QuestionRow]
    plain: dict[str, int] = field(default_factory=dict[str, int])  # question -> answer
    #: (selector, layer) -> silenced culture -> question -> an answer a draw
    off: dict[tuple[str, int], dict[str, dict[str, list[int]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    )

    def __post_init__(self) -> None:
        numbers: dict[str, int] = {}
        self._keys: dict[str, Key] = {}
        for name, row in sorted(self.questions.items()):
            picture = row["picture_id"]
            self._keys[name] = (picture, numbers.setdefault(picture, 0))
            numbers[picture] += 1
        self.units = Units(regions={row["picture_id"]: row["culture"] for row in self.questions.values()})

    def add(self, row: SilencedRow) -> None:
        """One answer."""
        if row["selector"] == NOBODY:
            self.plain[row["question_id"]] = row["answer"]
        else:
            self.off[row["selector"], row["layer"]][row["silenced"]][row["question_id"]].append(row["answer"])

    def right(self, name: str, answer: int) -> float:
        """1 for the right option."""
        return float(answer == self.questions[name]["right"])

    def before(self, neutral: bool = False, culture: str | None = None) -> Scores:
        """Right answers with all neurons at work."""
        return {
            self._keys[name]: self.right(name, answer)
            for name, answer in self.plain.items()
            if self._counts(name, neutral, culture)
        }

    def own(self, selector: str, layer: int = WHOLE, *, neutral: bool = False) -> Scores:
        """Right answers about each culture without its own neurons, over draws."""
        return self._after(selector, layer, neutral, lambda silenced, asked: silenced == asked, self.right)

    def others(self, selector: str, *, neutral: bool = False) -> Scores:
        """Right answers without another culture's neurons, over these cultures."""
        return self._after(selector, WHOLE, neutral, lambda silenced, asked: silenced != asked, self.right)

    def flips(self, selector: str, *, own: bool, of: tuple[int | None, int | None] = (None, None)) -> Scores:
        """Changed answers; `of` asks for those right (1) or wrong (0) before and after."""

        def flipped(name: str, answer: int) -> float:
            plain = self.plain[name]
            sides = (int(self.right(name, plain)), int(self.right(name, answer)))
            asked = all(want is None or want == is_ for want, is_ in zip(of, sides, strict=True))
            return float(answer != plain and asked)

        return self._after(selector, WHOLE, False, lambda silenced, asked: (silenced == asked) == own, flipped)

    def change(self, selector: str, silenced: str, asked: str) -> float:
        """The change of the share of right answers about `asked` without the neurons of `silenced`."""
        found = self.off[selector, WHOLE][silenced]
        names = [name for name in found if self._counts(name, False, asked)]
        after = fmean(fmean(self.right(name, answer) for answer in found[name]) for name in names)
        return after - fmean(self.right(name, self.plain[name]) for name in names)

    def balanced(self, scores: Scores) -> Scores:
        """Scores weighted so that every category counts alike."""
        names = {key: name for name, key in self._keys.items()}
        category = {key: self.questions[names[key]]["category"] for key in scores}
        counts: dict[str, int] = defaultdict(int)
        for one in category.values():
            counts[one] += 1
        return {key: score * len(scores) / counts[category[key]] / len(counts) for key, score in scores.items()}

    def _counts(self, name: str, neutral: bool, culture: str | None = None) -> bool:
        row = self.questions[name]
        return row["neutral"] == neutral and culture in (None, row["culture"])

    def _after(
        self,
        selector: str,
        layer: int,
        neutral: bool,
        pair: Callable[[str, str], bool],
        score: Callable[[str, int], float],
    ) -> Scores:
        found: dict[Key, list[float]] = defaultdict(list)
        for silenced, answers in self.off[selector, layer].items():
            for name, some in answers.items():
                if self._counts(name, neutral) and pair(silenced, self.questions[name]["culture"]):
                    found[self._keys[name]] += [score(name, one) for one in some]
        return {key: fmean(values) for key, values in found.items()}


def effects(answers: Answers, selector: str, control: str, bootstrap: Bootstrap) -> dict[str, Effect | None]:
    """One selector's effects, named as in `EFFECTS`; None where there is nothing to compare."""
    before, own, others = answers.before(), answers.own(selector), answers.others(selector)

    def difference(one: Scores, other: Scores, share: bool = True) -> Effect | None:
        return _effect(bootstrap.difference(one, other, answers.units, share=share))

    def mean(scores: Scores) -> Effect | None:
        return _effect(bootstrap.mean(scores, answers.units)) if scores else None

    return {
        "own": difference(own, before),
        "other": difference(others, before),
        "selective": difference(own, others),
        "beyond_random": None if selector == control else difference(own, answers.own(control)),
        "neutral": difference(answers.own(selector, neutral=True), answers.before(neutral=True)),
        "category_matched": difference(answers.balanced(own), answers.balanced(others), share=False),
        "flip_own": mean(answers.flips(selector, own=True)),
        "right_to_wrong": mean(answers.flips(selector, own=True, of=(1, 0))),
        "wrong_to_right": mean(answers.flips(selector, own=True, of=(0, 1))),
        "flip_other": mean(answers.flips(selector, own=False)),
    }


def summary(
    questions: Sequence[QuestionRow],
    rows: Iterable[SilencedRow],
    neurons: Sequence[VlmNeuronRow],
    bootstrap: Bootstrap,
    about: Mapping[str, str],
) -> Summary:
    """All figures of an audit.

    `about` holds `questions`, `scoring`, the selector `control`, and `shown`, that of single cultures and layers.
    """
    by_name = {row["question_id"]: row for row in questions}
    languages: dict[str, Answers] = {}
    for row in rows:
        languages.setdefault(row["language"], Answers(by_name)).add(row)
    first = next(iter(languages.values()))
    cultures = list(dict.fromkeys(row["culture"] for row in questions))
    selectors = list(dict.fromkeys(row["selector"] for row in neurons))
    shown, control = about["shown"], about["control"]
    layers = neurons[0]["layers"]
    return {
        "questions": about["questions"],
        "scoring": about["scoring"],
        "shown": shown,
        "cultures": _cultures(first, cultures, shown, bootstrap),
        "neurons": {name: _size(neurons, name, len(cultures)) for name in selectors},
        "baseline": {name: _must(bootstrap, one.before(), one) for name, one in languages.items()},
        "neutral_baseline": {
            name: _must(bootstrap, one.before(neutral=True), one) if one.before(neutral=True) else None
            for name, one in languages.items()
        },
        "chance": 0.0 if about["scoring"] == "generate" else fmean(1 / len(row["options"]) for row in questions),
        "effects": {
            language: {name: effects(one, name, control, bootstrap) for name in selectors if (name, WHOLE) in one.off}
            for language, one in languages.items()
        },
        "matrix": [
            {"selector": shown, "silenced": one, "asked": other, "change": first.change(shown, one, other)}
            for one in cultures
            for other in cultures
        ],
        "layers": [
            row for name in selectors for row in _layers(first, neurons, name, layers, bootstrap) if name != control
        ],
    }


def _cultures(answers: Answers, cultures: Sequence[str], shown: str, bootstrap: Bootstrap) -> list[Culture]:
    before, own = answers.before(), answers.own(shown)
    means = bootstrap.means_by_region(before, answers.units, share=True)
    changes = bootstrap.differences_by_region(own, before, answers.units, share=True)
    return [
        {"culture": name, "baseline": _told(means[name]), "own": _effect(changes.get(name))}
        for name in cultures
        if name in means
    ]


def _layers(
    answers: Answers, neurons: Sequence[VlmNeuronRow], selector: str, layers: int, bootstrap: Bootstrap
) -> list[Layer]:
    chosen = [row["layer"] for row in neurons if row["selector"] == selector]
    before = answers.before()
    found: list[Layer] = []
    for layer in range(layers):
        own = answers.own(selector, layer) if (selector, layer) in answers.off else {}
        found.append(
            {
                "selector": selector,
                "layer": layer,
                "share": chosen.count(layer) / max(len(chosen), 1),
                "own": _effect(bootstrap.difference(own, before, answers.units, share=True)) if own else None,
            }
        )
    return found


def _size(neurons: Sequence[VlmNeuronRow], selector: str, cultures: int) -> float:
    """Mean neurons of a culture."""
    return sum(row["selector"] == selector and row["draw"] == 0 for row in neurons) / cultures


def _must(bootstrap: Bootstrap, scores: Scores, answers: Answers) -> Effect:
    return _told(bootstrap.mean(scores, answers.units, share=True))


def _effect(found: Estimate | None) -> Effect | None:
    return None if found is None else _told(found)


def _told(found: Estimate) -> Effect:
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n_questions": found.n_images,
        "n_pictures": found.n_prompts,
    }
