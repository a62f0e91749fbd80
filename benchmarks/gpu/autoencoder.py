"""Features of XLM-R-large, and steps of an autoencoder on them beside those of sparsify."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path

import torch

from benchmarks.gpu.probing import measured as probed
from benchmarks.gpu.systems import ROOT, write
from benchmarks.gpu.table import Row
from benchmarks.gpu.timing import Timed, as_a_stage, in_turns, once, ratio, rounds, warmed
from culturebench.params import load_document, load_section
from culturebench.params.encoders import Encoder
from culturebench.params.train_sae import TrainSae
from culturebench.probing import train_sae
from culturebench.probing.attention import Prompt
from culturebench.probing.features import feature_batches, token_features
from culturebench.probing.initialise import Batches, initial_sae, moments
from culturebench.probing.train_sae import SaeTraining
from culturebench.probing.training_state import TrainingState
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.loading import load_encoder

LAYOUT = "altdiffusion_m18"  # whose text encoder is XLM-R-large
NEVER = 10**6  # no latent counts as dead: random weights wake or kill none


def open_encoder(folder: Path, *, tiny: bool) -> TextEncoder:
    """XLM-R-large with random weights, by the adapter of AltDiffusion."""
    write(LAYOUT, folder, tiny=tiny, parts=("text_encoder", "tokenizer"))
    return load_encoder(Encoder(adapter="altdiffusion", pin="none", max_tokens=77), folder)


def measured(encoder: TextEncoder, prompts: Sequence[Prompt], steps: int, budget: float) -> list[Row]:
    """Probing, features and training of an autoencoder."""
    device = next(encoder.parameters()).device
    numbers = load_section(TrainSae, load_document(ROOT / "params.yaml"))
    layer, texts = encoder.last_upstream_layer // 2, [prompt.text for prompt in prompts]
    found: list[torch.Tensor] = []

    def read() -> None:
        batches = feature_batches(encoder, layer, texts, numbers.prompts_at_once)
        found[:] = [token_features(batches, budget=numbers.activation_bytes)]

    timed = Timed()
    read()
    once(read, device, timed)
    features = found[0]
    row = Row("features of one layer", f"{len(features) / timed.median:.0f} tokens/s", gigabytes=timed.gigabytes)
    trained = _steps(features, numbers, device, steps, budget)
    return [*probed(encoder, prompts, device, budget), row, *trained]


def _steps(features: torch.Tensor, numbers: TrainSae, device: torch.device, steps: int, budget: float) -> list[Row]:
    d = features.shape[1]
    batch = min(numbers.batch_size, len(features))
    settings = SaeTraining(
        numbers.expansion * d, numbers.k, steps, batch, numbers.learning_rate, numbers.aux_coefficient, d // 2, NEVER
    )
    found = moments(features)
    state = TrainingState.fresh(initial_sae(features, settings, found, 0).to(device), settings.learning_rate)
    scaled, batches = (features * found.scale).to(device), Batches(len(features), batch, 0)
    order = [batches.indices(step).to(device) for step in range(steps)]

    def ours() -> None:
        with as_a_stage():
            for chosen in order:
                train_sae._step(state, scaled[chosen], settings, found.variance)

    what = f"a step of an autoencoder, {d} to {settings.latents}, {batch} tokens"
    if find_spec("sparsify") is None:
        alone = in_turns({"ours": ours}, device, rounds(budget, warmed({"ours": ours}, device)))["ours"]
        return [_row(what, alone, steps, batch), Row("sparsify beside it", "–", how="not installed: eai-sparsify")]
    with redirect_stdout(sys.stderr):  # where it says which of its kernels it has
        from benchmarks.sae import Theirs

    theirs = Theirs(state, settings)

    def library() -> None:
        for chosen in order:
            theirs(scaled[chosen])

    ways: dict[str, Callable[[], object]] = {"ours": ours, "sparsify": library}
    both = in_turns(ways, device, rounds(budget, warmed(ways, device)))
    rows = [_row(what, both["ours"], steps, batch), _row("the same of sparsify", both["sparsify"], steps, batch)]
    return [*rows, Row("ours beside sparsify", f"{ratio(both['sparsify'], both['ours']):.2f} times", "≥ 1.0")]


def _row(what: str, timed: Timed, steps: int, batch: int) -> Row:
    value = f"{1000 * timed.median / steps:.2f} ms, {batch * steps / timed.median:.0f} tokens/s"
    return Row(what, value, gigabytes=timed.gigabytes, how=f"{timed.spread} for {steps} steps")
