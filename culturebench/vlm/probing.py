"""One pass over questions: how every neuron fires on every culture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from culturebench.engine.worker import in_batches
from culturebench.errors import CultureBenchError
from culturebench.progress import progress
from culturebench.vlm.asking import image, prepared, worded_item
from culturebench.vlm.neurons import decoder_layers
from culturebench.vlm.statistics import Statistics

if TYPE_CHECKING:
    from culturebench.artifacts.activations import Activations
    from culturebench.artifacts.questions import QuestionRow
    from culturebench.params.audits import Audit
    from culturebench.params.probe_vlm import ProbeVlm
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
