"""One pass over questions: how every neuron fires on every culture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from culturebench.engine.worker import in_batches
from culturebench.errors import CultureBenchError
from culturebench.png import from_png
from culturebench.progress import progress
from culturebench.vlm.asking import Language, item, prepared
from culturebench.vlm.neurons import decoder_layers
from culturebench.vlm.statistics import Statistics

if TYPE_CHECKING:
    from culturebench.artifacts.activations import Activations
    from culturebench.artifacts.questions import QuestionRow
    from culturebench.params.audits import Audit
    from culturebench.params.probe_vlm import ProbeVlm
    from culturebench.vlm.asking import Item
    from culturebench.vlm.model import Vlm


class ProbeError(CultureBenchError):
    """Questions that no culture's neurons can be found by."""


def probed(
    vlm: Vlm, rows: Sequence[QuestionRow], images: Mapping[str, bytes], how: Audit, numbers: ProbeVlm
) -> Activations:
    """The statistics of all cultures, in their order by name.

    Neutral questions are left out. `ProbeError` with fewer than two cultures.
    """
    asked = [row for row in rows if not row["neutral"]]
    cultures = sorted({row["culture"] for row in asked})
    if len(cultures) < 2:
        raise ProbeError(f"neurons of a culture are found beside another's; the questions are of {len(cultures)}")
    layers = decoder_layers(vlm.model)
    statistics = Statistics(cultures, len(layers), vlm.width, numbers.threshold, numbers.mean)
    batches = list(in_batches(asked, how.batch))
    for batch in progress(iter(batches), len(batches), "detect questions"):
        items = [worded_item(row, numbers.language, how) for row in batch]
        inputs = prepared(vlm, items, lambda name: image(images, name))
        statistics.count(vlm, inputs, [row["culture"] for row in batch], numbers.positions, numbers.site)
    return statistics.found()


def worded_item(row: QuestionRow, language: Language, how: Audit) -> Item:
    """A question as it is put in one language."""
    native = language == "native"
    text, options = (row["text"], row["options"]) if native else (row["english"], row["options_english"])
    return item(row["picture_id"], text, options, how.scoring)


def image(images: Mapping[str, bytes], name: str) -> object:
    """A picture of an artifact, decoded."""
    return from_png(images[name])
