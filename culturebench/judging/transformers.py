"""CultureVQA put to a vision-language model of the library transformers, on this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from culturebench.artifacts.answers import UNPARSEABLE
from culturebench.artifacts.pins import Pin
from culturebench.engine.worker import Cached, Worker
from culturebench.judging.base import Answer
from culturebench.judging.worded import AnyQuestion, Worded, parsed, worded
from culturebench.pins import verified
from culturebench.png import from_png
from culturebench.store import Store, key_of
from culturebench.text_to_image.adapters.batches import Batches
from culturebench.vlm.loading import load_model, load_processor
from culturebench.vlm.wording import Wording

if TYPE_CHECKING:
    from culturebench.params.judges import LocalJudge

#: Libraries whose version can change a reply.
LIBRARIES = ("torch", "transformers", "tokenizers", "pillow", "numpy")


class LocalVlm:
    """A loaded model that answers batches of questions, greedily, so that equal questions get equal replies."""

    def __init__(self, how: LocalJudge, folder: Path, labels: Mapping[str, str], served_model: str) -> None:
        """Load `folder`, in the hub's layout; `VlmError` for another family or for files that are missing."""
        self._how, self._wording, self._served_model = how, Wording(labels), served_model
        self.processor = load_processor(folder, how.max_pixels)
        self.model = load_model(folder, how.runtime)
        self._batches = Batches(how.batch, "lower judges.*.batch or judges.*.max_pixels")

    def __call__(self, questions: Sequence[AnyQuestion]) -> list[Answer]:
        """One answer per question."""
        return self._batches.map(self._answer, questions)

    def _answer(self, questions: Sequence[AnyQuestion]) -> list[Answer]:
        texts = self._generate([worded(self._wording, question) for question in questions])
        return [
            Answer(parsed(self._wording, text, question) if ended else UNPARSEABLE, "", text, self._served_model)
            for question, (text, ended) in zip(questions, texts, strict=True)
        ]

    @torch.inference_mode()
    def _generate(self, asked: Sequence[Worded]) -> list[tuple[str, bool]]:
        """Each reply, and whether the model had ended it itself."""
        prompts = [
            self.processor.apply_chat_template(_messages(one), tokenize=False, add_generation_prompt=True)
            for one in asked
        ]
        images = [[from_png(image) for image in one.images] for one in asked]
        inputs = self.processor(text=prompts, images=images, padding=True, return_tensors="pt")
        inputs = inputs.to(self.model.device)
        made = self.model.generate(
            **inputs, do_sample=False, temperature=None, top_p=None, top_k=None, max_new_tokens=self._how.max_new_tokens
        )
        replies = made[:, inputs["input_ids"].shape[1] :].tolist()
        ends = self.model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, list) else {ends}
        texts = self.processor.tokenizer.batch_decode(replies, skip_special_tokens=True)
        return [(text, not ends.isdisjoint(reply)) for text, reply in zip(texts, replies, strict=True)]


def _messages(asked: Worded) -> list[dict[str, Any]]:
    parts = [*({"type": "image"} for _ in asked.images), {"type": "text", "text": asked.user}]
    return [{"role": "system", "content": asked.system}, {"role": "user", "content": parts}]


def local_worker(
    how: LocalJudge, pin: Pin, labels: Mapping[str, str], served_model: str
) -> Worker[AnyQuestion, Answer]:
    """What answers batches; the weights are verified and loaded in the process that works."""
    return Worker(partial(_load, how, pin, dict(labels), served_model))


def _load(how: LocalJudge, pin: Pin, labels: Mapping[str, str], served_model: str) -> LocalVlm:
    return LocalVlm(how, verified(pin), labels, served_model)


def cached_replies(
    how: LocalJudge, weights: str, labels: Mapping[str, str], store: Store
) -> Cached[AnyQuestion, Answer]:
    """Where batches of answers are kept: float sums may depend on a batch's other rows, so the batch is the unit.

    `weights`: the fingerprint of the pin.
    """
    wording = Wording(labels)
    same = {
        "kind": "judge",
        "weights": weights,
        "settings": how.model_dump(mode="json", exclude={"pin"}),
        "libraries": {name: version(name) for name in LIBRARIES},
    }

    def key(questions: Sequence[AnyQuestion]) -> str:
        asked: list[list[Any]] = []
        for question in questions:
            put = worded(wording, question)
            hashes = [hashlib.sha256(image).hexdigest() for image in put.images]
            asked.append([*hashes, put.system, put.user, question.options])
        return key_of({**same, "asked": asked})

    return Cached(store, key, _dump, _restore)


def _dump(answers: list[Answer]) -> bytes:
    return json.dumps([asdict(answer) for answer in answers], sort_keys=True).encode()


def _restore(data: bytes) -> list[Answer]:
    return [Answer(**fields) for fields in json.loads(data)]
