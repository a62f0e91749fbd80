"""What a model took over from the probing of its tower, ready for edits."""

from __future__ import annotations

from pathlib import Path

from culturebench.artifacts import binding, directions, layer_probe, levels, neurons, sae
from culturebench.interventions.culture_edits import CultureNeurons
from culturebench.interventions.neurons import COLUMNS, NeuronTable


def load_culture(bound: Path, tower: str) -> CultureNeurons:
    """Layer, neuron scores and autoencoders in the folder of `bind_encoder`; `ArtifactError` when one is missing."""
    folder = binding.sae_folder(bound, tower)
    layer = int(layer_probe.load_layer(binding.layer_path(bound, tower))["layer"])
    rows = directions.TABLE.load(binding.directions_path(bound, tower))
    return CultureNeurons(
        layer=layer,
        table=NeuronTable.from_columns(neurons.TABLE.columns(binding.neurons_path(bound, tower), COLUMNS)),
        directions=[row for row in rows if row["layer"] == layer],
        few_layers=rows,
        levels=levels.TABLE.load(binding.levels_path(bound, tower)),
        folders={seed: sae.seed_folder(folder, seed) for seed in sae.seeds(folder)},
    )
