"""A pack from what this project has found: only the rows of the autoencoder that the neurons need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from culturebench.artifacts import binding, evaluation, pins, strength
from culturebench.conditions import EDITS
from culturebench.interventions.culture_edits import CultureNeurons
from culturebench.interventions.load_culture import load_culture
from culturebench.interventions.neurons import Floats, Neurons
from culturebench.interventions.packs.config import Activation, Effect, MadeFor, PackConfig, Pin, Region
from culturebench.interventions.packs.effects import effects
from culturebench.interventions.packs.files import Pack, PackError
from culturebench.interventions.subdivisions import activation_of
from culturebench.params._runtime import Runtime
from culturebench.pins import fingerprint as hash_of_files, verified_folder
from culturebench.probing import sae as saes
from culturebench.probing.sae import TopKSAE, as_neurons
from culturebench.regions.model import load_whole_region
from culturebench.text_to_image.fingerprint import fingerprint
from culturebench.text_to_image.loading import load_encoder

if TYPE_CHECKING:
    from culturebench.params.encoders import Encoder
    from culturebench.params.models import Model

Precision = Literal["float32", "float16"]
#: Rows of 15 regions with 40 neurons each fit in float32 at d 1024; more are rounded to float16, unless asked not to.
MAX_BYTES = 5_000_000
ATLAS_LICENCE = "CC-BY-4.0"


@dataclass(frozen=True)
class Wish:
    """Which neurons of a project are to be handed on: those of the model's `tower`, an entry of `encoders`."""

    model: str
    tower: str
    encoder: Encoder
    selector: str
    edited: bool  # whether strengths and effects are of this tower
    licence: str
    level: float  # of the evaluation's intervals
    precision: Precision | None  # None: float32 where MAX_BYTES allow it


def edited_tower(model: Model) -> str | None:
    """The tower that interventions act on, None where params do not say."""
    return model.edited or (model.towers[0] if len(model.towers) == 1 else None)


def tower_of(name: str, model: Model, named: str | None) -> str:
    """The tower that is meant; `PackError` for one that the model has not, or when several could be meant."""
    if named is not None and named not in model.towers:
        raise PackError(f"models.{name} has no tower {named!r}; it has: {', '.join(model.towers) or 'none'}")
    chosen = named or edited_tower(model)
    if chosen is None:
        raise PackError(f"name the tower whose neurons are meant: {', '.join(model.towers) or 'the model has none'}")
    return chosen


def licence_of(encoder: Encoder, named: str | None) -> str:
    """The licence that is named; the atlas has one of its own. `PackError` where nobody has decided."""
    if named is None and encoder.adapter == "atlas":
        return ATLAS_LICENCE
    if not named:
        raise PackError(
            "name the licence under which you hand the neurons on, by its SPDX id: --licence CC-BY-4.0, say; "
            "that of the encoder's weights may bind what was derived from them"
        )
    return named


def gather(root: Path, wish: Wish) -> Pack:
    """The pack of what is under `root`, a clone whose neurons were found.

    `ArtifactError`, `PinError`, `RegionError` or `NeuronsError` for what is missing there or does not fit.
    """
    culture = load_culture(root / binding.PATH.format(model=wish.model), wish.tower)
    seed = min(culture.folders)  # the one that edits of a pipeline take
    whole = saes.load(culture.folders[seed])
    own = {code: culture.table.neurons(code, seed) for code in culture.table.regions}
    woken = {code: activation_of(culture.levels, code, seed, 0) for code in own}
    latents = sorted({latent for neurons in (*own.values(), *woken.values()) for latent in neurons.indices})
    rows = {latent: row for row, latent in enumerate(latents)}
    config = PackConfig(
        format=1,
        made_for=_made_for(root, wish, culture),
        layer=culture.layer,
        selector=wish.selector,
        sae_seed=seed,
        latents=whole.latents,
        precision=wish.precision or _precision(len(latents), whole.d),
        regions={
            code: _region(root, code, neurons, woken[code], rows, culture.table.of(code, seed).frequency)
            for code, neurons in own.items()
        },
        model=wish.model,
        strengths=_strengths(root, wish),
        effects=_effects(root, wish),
        level=wish.level,
        licence=wish.licence,
        atlas=wish.encoder.adapter == "atlas",
    )
    return Pack(config, only_rows(whole, latents))


def only_rows(sae: TopKSAE, latents: Sequence[int]) -> TopKSAE:
    """An autoencoder of these latents alone, in this order: enough for edits, which skip the Top-K step."""
    chosen = as_neurons(sae, latents)
    small = TopKSAE(sae.d, len(latents), k=1)
    state = sae.state_dict()
    small.load_state_dict({name: t if name == "decoder_bias" else t[chosen] for name, t in state.items()})
    return small.requires_grad_(False)


def _precision(rows: int, width: int) -> Precision:
    return "float32" if 2 * rows * width * 4 <= MAX_BYTES * 0.95 else "float16"  # the rest: config.json and the card


def _made_for(root: Path, wish: Wish, culture: CultureNeurons) -> MadeFor:
    path = root / pins.PATH.format(pin=wish.encoder.pin)
    pin = pins.load(path)
    here = wish.encoder.model_copy(update={"runtime": Runtime(dtype="float32", device="cpu")})
    encoder = load_encoder(here, verified_folder(path))
    return MadeFor(
        name=wish.tower,
        pin=Pin(name=pin.name, repo=pin.repo, commit=pin.commit, sha256=hash_of_files(path)),
        width=encoder.hidden_size,
        layers=len(encoder.layers),
        fingerprint=fingerprint(encoder, culture.layer),
    )


def _region(
    root: Path, code: str, neurons: Neurons, woken: Neurons, rows: Mapping[int, int], frequency: Floats
) -> Region:
    told = load_whole_region(root, code)
    return Region(
        country=told.country,
        language=told.language,
        rows=[rows[latent] for latent in neurons.indices],
        latents=neurons.indices,
        levels=neurons.levels,
        frequencies=[float(frequency[latent]) for latent in neurons.indices],
        activation=Activation(
            rows=[rows[latent] for latent in woken.indices], latents=woken.indices, levels=woken.levels
        ),
    )


def _strengths(root: Path, wish: Wish) -> dict[str, float | None]:
    path = root / strength.PATH.format(model=wish.model)
    if not wish.edited or not path.is_file():
        return {}
    tuned, names = strength.load(path), [one.name for one in EDITS if one.tuned and one.part == "neurons"]
    return {name: tuned[name]["strength"] if tuned[name]["found"] else None for name in names if name in tuned}


def _effects(root: Path, wish: Wish) -> list[Effect]:
    path = root / evaluation.PATH
    return effects(evaluation.load(path), wish.model) if wish.edited and path.is_file() else []
