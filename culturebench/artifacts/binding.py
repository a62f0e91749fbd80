"""What a text-to-image model takes over from its encoders: layer, autoencoders, neurons."""

from pathlib import Path

STAGE = "bind_encoder"
DIRECTORY = "models/bound"
PATH = DIRECTORY + "/{model}"


def layer_path(bound: Path, encoder: str) -> Path:
    """The marked layer of one tower, as in `layer_probe`."""
    return bound / encoder / "layer.json"


def sae_folder(bound: Path, encoder: str) -> Path:
    """The autoencoders of one tower, as in `sae`."""
    return bound / encoder / "sae"


def neurons_path(bound: Path, encoder: str) -> Path:
    """The neurons of one tower, as in `neurons`."""
    return bound / encoder / "neurons.parquet"
