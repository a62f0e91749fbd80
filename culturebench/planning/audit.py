"""What an audit of a published vision-language model will take: passes over questions, time, memory and disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturebench.errors import CultureBenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from culturebench.params.audits import Audit
    from culturebench.params.select_vlm_neurons import SelectVlmNeurons
    from culturebench.params.silence import Silence


class AuditPlanError(CultureBenchError):
    """An audit whose shapes or questions are not known here."""


@dataclass(frozen=True)
class Shape:
    """The decoder of a model, its picture tower's weights, and a picture's tokens at most."""

    layers: int
    hidden: int
    width: int
    heads: int
    groups: int  # heads of keys and values
    head: int
    vocabulary: int
    tower: float  # weights of the picture tower and its projector
    patches: int  # tokens within the tower for one of the decoder's
    tokens: int

    @property
    def decoder(self) -> float:
        """Weights of the decoder's layers, in which every token is multiplied."""
        attention = self.hidden * self.head * (2 * self.heads + 2 * self.groups)
        return float(self.layers * (attention + 3 * self.hidden * self.width))

    @property
    def weights(self) -> float:
        """All weights; words in and out are two tables."""
        return self.decoder + 2 * self.vocabulary * self.hidden + self.tower


#: Hub repository -> its shape. From the published configs as they are commonly quoted; the configs themselves were not
#: at hand. Qwen's tokens are those of 1,003,520 pixels; LLaVA-NeXT's are five tiles with their line ends.
SHAPES: Mapping[str, Shape] = {
    "Qwen/Qwen2.5-VL-7B-Instruct": Shape(28, 3584, 18944, 28, 4, 128, 152064, 0.68e9, 4, 1280),
    "llava-hf/llava-v1.6-mistral-7b-hf": Shape(32, 4096, 14336, 32, 8, 128, 32064, 0.32e9, 1, 2928),
    "neulab/Pangea-7B-hf": Shape(28, 3584, 18944, 28, 4, 128, 152064, 0.32e9, 1, 2928),
}
#: CVQA as its card and paper state it: questions, pictures, countries, bytes.
QUESTIONS, PICTURES, CULTURES, BYTES = 10374, 5239, 30, 4.95e9
TEXT = 120  # tokens of a question, its options and the template
ANSWER = 90  # bytes of one kept answer, and as many in the rows
STATISTICS = 2 * 4  # bytes of a neuron and culture


@dataclass(frozen=True)
class Step:
    """One stage: questions put to the model, operations, and bytes on disk."""

    stage: str
    asked: int
    flops: float
    disk: float


def question_flops(shape: Shape, tokens: int) -> float:
    """Operations of one prompt through the decoder: a product and a sum are two; causal attention counts in full."""
    attention = 4.0 * shape.layers * tokens**2 * shape.heads * shape.head
    return 2 * shape.decoder * tokens + attention + 2 * shape.vocabulary * shape.hidden


def picture_flops(shape: Shape) -> float:
    """Operations of one picture through the tower, its attention left out."""
    return 2 * shape.tower * shape.tokens * shape.patches


def steps(how: Audit, shape: Shape, selection: SelectVlmNeurons, silence: Silence, share: float) -> list[Step]:
    """The stages on CVQA; `share` of the pictures is for detection."""
    detect, test = round(QUESTIONS * share), round(QUESTIONS * (1 - share))
    each = question_flops(shape, shape.tokens + TEXT)
    rules = len(selection.selectors) - 1
    first = 1 + CULTURES * (rules + selection.draws)
    further = 1 + CULTURES * (1 + selection.draws)
    asked = test * (first + (len(silence.languages) - 1) * further)
    asked += test * shape.layers if silence.by_layer else 0  # each question by the layers of its own culture
    neurons = CULTURES * shape.layers * shape.width
    count = round(selection.share * shape.layers * shape.width)
    seen = picture_flops(shape)
    work = asked * each + PICTURES * (1 - share) * len(silence.languages) * seen
    return [
        Step("make_questions", 0, 0.0, BYTES),
        Step("probe_vlm", detect, detect * each + PICTURES * share * seen, neurons * STATISTICS),
        Step("select_vlm_neurons", 0, 0.0, 30.0 * CULTURES * count * (rules + selection.draws)),
        Step("silence", asked, work, 2.0 * asked * ANSWER),
    ]


def memory(how: Audit, shape: Shape, bytes_each: int = 2) -> float:
    """Bytes in use at most: weights, and one layer's work on a batch."""
    tokens = how.batch * (shape.tokens + TEXT)
    layer = tokens * (3 * shape.width + 4 * shape.hidden)
    return bytes_each * (shape.weights + layer) + 4.0 * how.batch * shape.vocabulary


def shape_of(repo: str | None) -> Shape:
    """The shape of a repository; `AuditPlanError` lists those that are known."""
    if repo is None or repo not in SHAPES:
        raise AuditPlanError(f"the shapes of {repo or 'a local folder'} are not known here; known: {', '.join(SHAPES)}")
    return SHAPES[repo]
