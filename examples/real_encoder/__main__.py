"""Probe a real encoder, find its neurons, mask them, and write docs/real-encoder.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from culturebench.artifacts import layer_check, layer_probe, sae, splits
from culturebench.errors import CultureBenchError
from culturebench.params import load_document, load_section
from culturebench.params.encoders import Encoders
from culturebench.params.regions import Regions
from culturebench.probing import sae as saes
from culturebench.probing.pairs import pairs_of
from culturebench.regions.model import load_whole_region
from culturebench.stage import fix_threads
from culturebench.text_to_image.base import TextEncoder
from culturebench.text_to_image.loading import load_encoder
from examples.real_encoder import masking, pairs, project, weights
from examples.real_encoder.counts import Tokenised, overlap, tokenised
from examples.real_encoder.page import AtLayer, Results, page

FOLDER = project.ROOT / "build/real_encoder"
PAGE = project.ROOT / "docs/real-encoder.md"
#: Name of a project -> whether its captions are English, and the layers whose neurons are masked.
PROJECTS = {"own": (False, (0, 10)), "english": (True, (10,))}


def main(argv: Sequence[str] | None = None) -> None:
    """Run all, or what a stopped run left."""
    parser = argparse.ArgumentParser(prog="python -m examples.real_encoder", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where weights and results are kept")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page that is written")
    chosen = parser.parse_args(argv)
    try:
        run(chosen.folder.resolve(), chosen.page)
    except CultureBenchError as error:
        sys.exit(f"real_encoder: {error}")


def run(folder: Path, written: Path) -> None:
    """Get the weights, run both projects, and write the page."""
    weights.provide(folder / "weights")
    found: list[Results] = []
    for name, (english, indices) in PROJECTS.items():
        print(f"captions: {name}", file=sys.stderr)
        project.write(folder / name, folder / "weights", indices, english=english)
        project.run(folder / name, indices)
        found.append(results(folder / name, folder / "weights", indices, english=english))
    written.write_text(page(*found), encoding="utf-8")
    print(f"The page is at {written}")


def results(folder: Path, held: Path, indices: Sequence[int], *, english: bool) -> Results:
    """What the stages of a project found, and what masking does."""
    fix_threads()
    document = load_document(folder / "params.yaml")
    regions = list(load_section(Regions, document))
    source = load_section(Encoders, document).root[project.ENCODER]
    model = load_encoder(source, held)
    layers: dict[int, AtLayer] = {}
    for index in indices:
        encoder = project.AT_INDEX.format(index=index)
        found = masking.load(folder, encoder)
        loaded = {seed: saes.load(at) for seed, at in found.folders.items()}
        every = [(code, seed) for seed in loaded for code in regions]
        layers[index] = AtLayer(
            quality=sae.load_metrics(folder / sae.PATH.format(encoder=encoder)),
            neurons={seed: fmean(found.table.of(code, seed).selected.sum() for code in regions) for seed in loaded},
            without=[one for one in every if not found.table.of(*one).selected.any()],
            overlap=overlap(found.table, loaded, regions),
            shares=masking.measure(folder, source, encoder, model, found),
        )
    return Results(
        tokens=_tokens(folder, model, regions),
        probe=layer_probe.load_layer(folder / layer_probe.LAYER_PATH.format(encoder=project.ENCODER)),
        check=layer_check.load(folder / layer_check.PATH.format(encoder=project.ENCODER)),
        layers=layers,
        held_out=_held_out(folder, regions, english=english),
    )


def _tokens(folder: Path, model: TextEncoder, regions: Sequence[str]) -> dict[str, Tokenised]:
    rows = splits.TABLE.load_all(folder / splits.DETECT, regions)
    languages = sorted({row["language"] for row in rows})
    return {code: tokenised(model, pairs_of([r for r in rows if r["language"] == code])[0]) for code in languages}


def _held_out(folder: Path, regions: Sequence[str], *, english: bool) -> frozenset[str]:
    """The test prompts whose modifier no caption of detect and train has."""
    words = {code: pairs.held_out(load_whole_region(project.ROOT, code), english=english) for code in regions}
    rows = splits.TABLE.load_all(folder / splits.TEST, regions)
    return frozenset(row["picture_id"] for row in rows if words[row["region"]] in row["cultural"]["text"])


if __name__ == "__main__":
    main()
