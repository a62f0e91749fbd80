"""Does another training seed of the atlas's text encoder show the same? Its probe and neurons beside the shipped one's.

`python -m benchmarks.second_encoder --encoder WORK/second_encoder`, after `make repro` and the training that made that
folder (`python -m culturebench.atlas.train --work WORK --parts second_encoder`), runs the encoder's stages on the
project's own splits and writes docs/second-encoder.md. Stages whose results are there are not run again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import yaml

from culturebench.artifacts import layer_check, layer_probe, neurons, pins, sae

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/second-encoder.md"
ENCODER = "atlas"
HEAD = (
    "# Another training seed of the atlas's text encoder",
    "",
    "Trained from nothing on all the words at once, with other initial weights and batches and a tokenizer of its own;",
    "the shipped one knew the first modifiers and was taught the others. Nothing behind it was trained anew, so no",
    "pictures are compared. `python -m benchmarks.second_encoder` writes this page.",
    "",
)
#: What its stages make, so that they write nothing of the project's own.
MADE = ("data/probe", "data/check", "models")
STAGES = {
    f"pin_model --pin {ENCODER}_encoder": pins.PATH.format(pin=f"{ENCODER}_encoder"),
    f"check_layers --encoder {ENCODER}": layer_check.PATH.format(encoder=ENCODER),
    f"probe_layers --encoder {ENCODER}": layer_probe.LAYER_PATH.format(encoder=ENCODER),
    f"train_sae --encoder {ENCODER}": sae.PATH.format(encoder=ENCODER) + "/metrics.json",
    f"select_neurons --encoder {ENCODER}": neurons.PATH.format(encoder=ENCODER),
}


@dataclass(frozen=True)
class Found:
    """What the stages say of one encoder."""

    probe: layer_probe.Layer
    check: layer_check.Check
    quality: sae.Metrics
    neurons: Sequence[neurons.NeuronRow]


def main(argv: Sequence[str] | None = None) -> None:
    """Run what is missing, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.second_encoder", description=__doc__)
    parser.add_argument("--encoder", type=Path, required=True, help="folder of the second encoder")
    parser.add_argument("--work", type=Path, default=ROOT / "build/second_encoder")
    parser.add_argument("--page", type=Path, default=PAGE)
    chosen = parser.parse_args(argv)
    run(chosen.encoder.resolve(), chosen.work)
    chosen.page.write_text(page({"shipped": load(ROOT), "second seed": load(chosen.work)}), encoding="utf-8")
    print(f"The page is at {chosen.page}")


def run(encoder: Path, work: Path) -> None:
    """The encoder's stages in the folder `work`, on the project's splits."""
    (work / "data").mkdir(parents=True, exist_ok=True)
    for held in (ROOT / "data").iterdir():
        link = work / "data" / held.name
        if f"data/{held.name}" not in MADE and not link.exists():
            link.symlink_to(held)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["pins"][f"{ENCODER}_encoder"] = {"folder": str(encoder)}
    (work / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    for stage, made in STAGES.items():
        if not (work / made).exists():
            print(stage, file=sys.stderr)
            command = [sys.executable, "-m", *f"stages.{stage}".split()]
            subprocess.run(command, cwd=work, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)


def load(root: Path) -> Found:
    """The results of a project's encoder."""
    return Found(
        layer_probe.load_layer(root / layer_probe.LAYER_PATH.format(encoder=ENCODER)),
        layer_check.load(root / layer_check.PATH.format(encoder=ENCODER)),
        sae.load_metrics(root / sae.PATH.format(encoder=ENCODER)),
        neurons.TABLE.load(root / neurons.PATH.format(encoder=ENCODER)),
    )


def page(encoders: dict[str, Found]) -> str:
    """Both encoders side by side, as Markdown."""
    lines = [*HEAD, "## The layer", "", "| encoder | marked | causal check | " + _layers(encoders) + " |"]
    lines.append("|---|---|---|" + "---|" * next(iter(encoders.values())).probe["layers"])
    for name, found in encoders.items():
        probe = found.probe
        marked = f"index {probe['layer']}" if probe["significant"] else f"none (index {probe['layer']} by choice)"
        checked = "none" if found.check["layer"] is None else f"index {found.check['layer']}"
        lines.append(f"| {name} | {marked} | {checked} | " + " | ".join(_deltas(probe)) + " |")
    lines += [
        "",
        "ΔCA by its deciding reference and direction, with the interval of the probe.",
        "",
        "## The neurons",
        "",
    ]
    seeds = [(name, seed) for name, found in encoders.items() for seed in sorted(found.quality["seeds"])]
    lines.append("| region | " + " | ".join(f"{name}, SAE {seed}" for name, seed in seeds) + " |")
    lines.append("|---|" + "---|" * len(seeds))
    for region in dict.fromkeys(row["region"] for found in encoders.values() for row in found.neurons):
        cells = [_neurons(encoders[name], int(seed), region) for name, seed in seeds]
        lines.append(f"| {region} | " + " | ".join(cells) + " |")
    lines.append("| mean | " + " | ".join(_mean(encoders[name], int(seed)) for name, seed in seeds) + " |")
    shares = [encoders[name].quality["seeds"][seed]["fvu"] for name, seed in seeds]
    lines.append("| FVU on detect | " + " | ".join(f"{share:.3f}" for share in shares) + " |")
    return "\n".join([*lines, "", "Selected neurons of K, and the best neuron's share of cultural / noun prompts.", ""])


def _layers(encoders: dict[str, Found]) -> str:
    return " | ".join(f"ΔCA, index {index}" for index in range(next(iter(encoders.values())).probe["layers"]))


def _deltas(probe: layer_probe.Layer) -> list[str]:
    own = [p for p in probe["curves"] if (p["reference"], p["direction"]) == (probe["reference"], probe["direction"])]
    points = sorted(own, key=lambda point: point["layer"])
    return [f"{p['delta']:.2f} [{p['low']:.2f}, {p['high']:.2f}]" for p in points]


def _neurons(found: Found, seed: int, region: str) -> str:
    rows = [row for row in found.neurons if (row["sae_seed"], row["region"]) == (seed, region)]
    chosen = sorted((row for row in rows if row["selected"]), key=lambda row: row["rank"])
    if not chosen:
        return "none"
    best = chosen[0]
    share = f"{100 * best['frequency']:.0f}% / {100 * best['frequency_noun']:.0f}%"
    return f"{len(chosen)} of {sum(row['candidate'] for row in rows)}, {share}"


def _mean(found: Found, seed: int) -> str:
    regions = {row["region"] for row in found.neurons}
    rows = [row for row in found.neurons if row["sae_seed"] == seed and row["selected"]]
    return f"{mean(sum(row['region'] == region for row in rows) for region in regions):.1f}"


if __name__ == "__main__":
    main()
