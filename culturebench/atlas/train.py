"""Train the embedded world's models: `python -m culturebench.atlas.train --work FOLDER`.

All of them from nothing, in some two hours on two idle CPU cores, most of them for the denoiser. Every part keeps a
checkpoint in the work folder; kill the command whenever you like, and it goes on from there to the same bytes.
With `--warm` autoencoder and denoiser stay the shipped ones. The shipped text encoder is taught the words of lexicon
and region files that it does not know, and judges and dual encoder are trained: a quarter of the time.
The pipeline never calls this: the weights are shipped in `culturebench/atlas/weights`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from culturebench.atlas.training.parts import PARTS, WARM_PARTS, WEIGHTS, Workshop


def main(argv: Sequence[str] | None = None) -> None:
    """Train what the work folder does not hold yet, write the weights, measure them and write the card's figures."""
    parser = argparse.ArgumentParser(
        prog="python -m culturebench.atlas.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder of the weights; by default the shipped ones")
    parser.add_argument("--regions", type=Path, default=Path("annotations/regions"), help="whose words prompts carry")
    parser.add_argument("--threads", type=int, default=2, help="another number gives other bytes")
    parser.add_argument("--warm", action="store_true", help="teach the shipped text encoder further words")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="these alone, and what they need")
    arguments = parser.parse_args(argv)
    names: list[str] = arguments.parts or list(WARM_PARTS if arguments.warm else PARTS)
    torch.set_num_threads(arguments.threads)
    workshop = Workshop(arguments.work, arguments.out, arguments.regions, arguments.warm)
    for number, name in enumerate(names, start=1):
        print(f"part {number} of {len(names)}: {name}", flush=True)
        PARTS[name](workshop)


if __name__ == "__main__":
    main()
