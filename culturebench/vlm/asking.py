"""Questions put to a model with neurons silenced or not: batch by batch, every answer kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from culturebench.engine.worker import in_batches
from culturebench.png import from_png
from culturebench.progress import progress
from culturebench.store import Store, key_of
from culturebench.vlm.loading import LIBRARIES
from culturebench.vlm.neurons import gates
from culturebench.vlm.options import said, worded

if TYPE_CHECKING:
    from culturebench.artifacts.questions import QuestionRow
    from culturebench.params.audits import Audit
    from culturebench.vlm.model import Vlm
    from culturebench.vlm.neurons import Off

Scoring = Literal["letters", "generate"]
Language = Literal["native", "english"]
NONE = -1  # the answer that is none of the options


@dataclass(frozen=True)
class Item:
    """A question as it is put: where its picture is, the prompt, and the options as shown."""

    picture: str  # sha256 of the picture's bytes
    system: str
    text: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """The place of the chosen option (-1: none of them), and the logits of the letters, if these decided."""

    answer: int
    logits: tuple[float, ...] = ()


def item(picture: str, question: str, options: Sequence[str], scoring: Scoring) -> Item:
    """A question in the words of its scoring."""
    return Item(picture, "", worded(question, options, letters=scoring == "letters"), tuple(options))


def answer(vlm: Vlm, inputs: dict[str, Any], items: Sequence[Item], how: Audit) -> list[Reply]:
    """What the model chooses, with whatever of its neurons is at work."""
    if how.scoring == "generate":
        replies = vlm.replies(inputs, how.max_new_tokens)
        places = [said(text, one.options) if ended else None for one, (text, ended) in zip(items, replies, strict=True)]
        return [Reply(NONE if place is None else place) for place in places]
    most = max(len(one.options) for one in items)
    letters = vlm.letters(vlm.forward(inputs), most).cpu()
    rows = [row[: len(one.options)].tolist() for one, row in zip(items, letters, strict=True)]
    return [Reply(max(range(len(row)), key=row.__getitem__), tuple(row)) for row in rows]


@dataclass(frozen=True)
class Asking:
    """Where answers are kept and what they depend on beside the question.

    `weights`: the fingerprint of the model's pin. `load` gives the model; a run whose answers are all kept never calls
    it. `images` gives a picture by its sha256.
    """

    how: Audit
    weights: str
    store: Store
    load: Callable[[], Vlm]
    images: Callable[[str], Any]

    def run(self, items: Sequence[Item], sets: Sequence[Off | None], label: str) -> Iterator[list[list[Reply]]]:
        """For each batch of `items` the answers by set of silenced neurons; None stands for none silenced.

        A batch's pictures are seen and its prompts read once for all sets. Float sums may depend on a batch's other
        rows, so that a batch is what is kept.
        """
        batches = list(in_batches(items, self.how.batch))
        for batch in progress(iter(batches), len(batches), label):
            yield self._batch(batch, sets)

    def _batch(self, batch: Sequence[Item], sets: Sequence[Off | None]) -> list[list[Reply]]:
        inputs: dict[str, Any] | None = None
        found: list[list[Reply]] = []
        for off in sets:
            key = self._key(batch, off)
            kept = self.store.get(key)
            if kept is not None:
                found.append([Reply(one["answer"], tuple(one["logits"])) for one in json.loads(kept)])
                continue
            vlm = self.load()
            inputs = inputs or self._inputs(vlm, batch)
            with gates(vlm.layers, off=off.neurons if off else None):
                replies = answer(vlm, dict(inputs), batch, self.how)
            self.store.put(key, json.dumps([asdict(reply) for reply in replies]).encode())
            found.append(replies)
        return found

    def _inputs(self, vlm: Vlm, batch: Sequence[Item]) -> dict[str, Any]:
        return prepared(vlm, batch, self.images)

    def _key(self, batch: Sequence[Item], off: Off | None) -> str:
        return key_of(
            {
                "kind": "silenced",
                "weights": self.weights,
                "settings": self.how.model_dump(mode="json", exclude={"pin", "questions", "judges"}),
                "libraries": {name: version(name) for name in LIBRARIES},
                "asked": [asdict(one) for one in batch],
                "off": {str(layer): list(some) for layer, some in off.neurons.items()} if off else {},
            }
        )


def prepared(vlm: Vlm, batch: Sequence[Item], images: Callable[[str], Any]) -> dict[str, Any]:
    """A batch's inputs; a picture that several questions are about is seen once."""
    from culturebench.vlm.model import Prompt

    names = list(dict.fromkeys(one.picture for one in batch))
    seen = dict(zip(names, vlm.see([images(name) for name in names]), strict=True))
    return vlm.inputs([Prompt(one.system, one.text) for one in batch], [seen[one.picture] for one in batch])


def worded_item(row: QuestionRow, language: Language, how: Audit) -> Item:
    """A question as it is put in one language."""
    native = language == "native"
    text, options = (row["text"], row["options"]) if native else (row["english"], row["options_english"])
    return item(row["picture_id"], text, options, how.scoring)


def image(images: Mapping[str, bytes], name: str) -> object:
    """A picture of an artifact, decoded."""
    return from_png(images[name])
