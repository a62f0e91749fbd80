"""What a text-to-image model takes over from its encoders: layer, autoencoders, neurons and means."""

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


def directions_path(bound: Path, encoder: str) -> Path:
    """The mean differences of one tower, as in `directions`."""
    return bound / encoder / "directions.parquet"


def levels_path(bound: Path, encoder: str) -> Path:
    """The levels of one tower's latents, as in `levels`."""
    return bound / encoder / "levels.parquet"
