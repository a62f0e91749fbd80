"""One published system on this machine's GPU: `bash benchmarks/gpu.sh SYSTEM` measures it and prints a table.

Weights are random, of the published sizes and in a temporary folder; nothing is downloaded. Without a GPU, or with
`--tiny`, the same runs at tiny sizes, to see that it works: its figures then mean nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import diffusers
import torch
import transformers

from benchmarks.gpu import autoencoder, pictures, probing, training
from benchmarks.gpu.systems import PUBLISHED, ROOT, TINY, Opened, open_system, write
from benchmarks.gpu.table import Row, table
from benchmarks.probe import draw_prompts
from culturebench.errors import CultureBenchError
from culturebench.params._runtime import Runtime
from culturebench.text_to_image.runtime import device_of, kind_of

ENCODER = "xlmr_sae"
SYSTEMS = ("sdxl", ENCODER, "sd35_medium", "flux")
MINUTES = 6.0
SHARES = {"pictures": 0.2, "probing": 0.05, "autoencoder": 0.1}  # of the time, for repeats


def main(argv: Sequence[str] | None = None) -> None:
    """Measure one system, print the table, and write it into a file."""
    parser = argparse.ArgumentParser(prog="benchmarks/gpu.sh", description=__doc__)
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, also on a GPU")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="after which no further part starts")
    parser.add_argument("--folder", type=Path, help="where the weights are written and removed; a temporary folder")
    parser.add_argument("--out", type=Path, default=ROOT / "build/gpu", help="folder of the table; build/gpu")
    chosen = parser.parse_args(argv)
    for library in (transformers.logging, diffusers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # as stages do: cuBLAS is then deterministic
    tiny = chosen.tiny or device_of(Runtime()).type != "cuda"
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="culturebench-gpu-") as folder:
        try:
            page, failed = run(chosen.system, Path(folder), tiny=tiny, seconds=60 * chosen.minutes)
        except CultureBenchError as error:
            sys.exit(f"gpu: {error}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / f"{chosen.system}.md").write_text(page, encoding="utf-8")
    print(page, end="")
    print(f"The table is in {chosen.out / f'{chosen.system}.md'}", file=sys.stderr)
    if failed:
        sys.exit("gpu: a part failed; its error is above")


def run(name: str, folder: Path, *, tiny: bool, seconds: float) -> tuple[str, bool]:
    """The page of one system, and whether a part of it failed."""
    clock = Clock(seconds, repeats=not tiny)
    rows = encoder_rows(folder, clock, tiny=tiny) if name == ENCODER else system_rows(name, folder, clock, tiny=tiny)
    device = device_of(Runtime())
    size = "tiny sizes, whose figures mean nothing" if tiny else "published sizes"
    head = (
        f"`{name}`, random weights of {size}, on {kind_of(device)}; torch {torch.__version__}, "
        f"diffusers {diffusers.__version__}, transformers {transformers.__version__}; {clock.passed:.0f} s in all."
    )
    return f"{head}\n\n{table(rows)}\n", clock.failed


class Clock:
    """How long the check has run, and what is left out when its time is over."""

    def __init__(self, seconds: float, *, repeats: bool) -> None:
        self._seconds, self._repeats, self._start = seconds, repeats, time.monotonic()
        self.failed = False

    @property
    def passed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def share(self, of: str) -> float:
        """Seconds for the repeats of a part."""
        return SHARES[of] * self._seconds if self._repeats else 0.0

    def rows(self, what: str, part: Callable[[], list[Row]]) -> list[Row]:
        """The rows of a part, or one that says that there was no time for it."""
        print(f"{self.passed:4.0f} s: {what}", file=sys.stderr, flush=True)
        if self.passed > self._seconds:
            return [Row(what, "–", how="left out: no time was left; give more by --minutes")]
        try:
            return part()
        except Exception as error:  # the other parts are worth their rows
            traceback.print_exc()
            self.failed = True
            return [Row(what, "failed", how=(str(error).strip() or type(error).__name__).splitlines()[0])]


def system_rows(name: str, folder: Path, clock: Clock, *, tiny: bool) -> list[Row]:
    """Loading, pictures, probing and both trainings of a text-to-image system."""
    print("   0 s: weights", file=sys.stderr, flush=True)
    size = write(name, folder, tiny=tiny)
    drawn = clock.passed
    opened = open_system(name, folder, tiny=tiny)
    loading = Row("loading", f"{clock.passed - drawn:.0f} s", how=f"{size:.1f} GB, of {drawn:.0f} s to write them")
    prompts = probing.short_prompts(opened.scale.scenes)
    distinct = list(dict.fromkeys(prompt.text for prompt in prompts))  # ours encodes a prompt once for all its pictures
    texts = distinct[: opened.scale.pictures]
    rows = [_settings(opened), loading]
    rows += clock.rows("pictures", lambda: pictures.measured(opened, texts, clock.share("pictures")))
    pairs = training.pairs_of(texts, opened.model.size or 512)
    rows += clock.rows("enhancer", lambda: [training.enhancer(opened, pairs)])
    rows += clock.rows("LoRA", lambda: [training.lora(opened, pairs)])
    encoder, budget = opened.system.encoder, clock.share("probing")
    rows += clock.rows("probing", lambda: probing.measured(encoder, prompts, opened.device, budget))
    backend = "eager" if tiny else "inductor"  # whose minutes tiny sizes would not be worth
    return rows + clock.rows("settings for speed", lambda: pictures.sped_up(opened, texts, backend))


def _settings(opened: Opened) -> Row:
    model, dtype = opened.model, str(opened.system.denoiser.dtype).removeprefix("torch.")
    return Row("settings", f"{model.steps} steps", how=f"{model.size} pixels, guidance {model.guidance}, {dtype}")


def encoder_rows(folder: Path, clock: Clock, *, tiny: bool) -> list[Row]:
    """Probing of XLM-R-large, and its autoencoder."""
    encoder = autoencoder.open_encoder(folder, tiny=tiny)
    scale, budget = TINY if tiny else PUBLISHED, clock.share("autoencoder")
    prompts = draw_prompts(scenes=scale.scenes)
    return clock.rows("XLM-R", lambda: autoencoder.measured(encoder, prompts, scale.sae_steps, budget))


if __name__ == "__main__":
    main()
