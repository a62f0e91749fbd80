"""Culture neurons in plain diffusers code: `with amplify(pipe, neurons, "jp", strength=7): pipe("お椀")`.

Within the block the pipeline encodes its prompts under the edit; a negative prompt, and the empty one of guidance,
are encoded as ever. Afterwards, also after an exception, nothing of it is left on the pipeline.
"""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from culturebench.conditions import Condition, Edit as EditRecord, condition
from culturebench.conditions.catalogue import ACTIVATE, AMPLIFY, MASK, STEER, STEER_EN
from culturebench.interventions import enhancer as enhancers
from culturebench.interventions.by_language import region_of
from culturebench.interventions.load_culture import load_culture
from culturebench.interventions.packs import files as packs
from culturebench.interventions.packs.config import MadeFor
from culturebench.interventions.packs.download import fetched
from culturebench.interventions.tower import Choose, EditedTower, PipelineError
from culturebench.params import RegionPart, load_region
from culturebench.probing import sae as saes
from culturebench.text_to_image.base import Edit, EncoderEdit, refuse_compiled
from culturebench.text_to_image.encoders.hub import ENCODER, TOKENIZER, HubEncoder
from culturebench.text_to_image.fingerprint import has_fingerprint


class Culture(Protocol):
    """`CultureNeurons` of this project, or a pack that was handed on."""

    @property
    def layer(self) -> int:
        """Where the neurons are, 0-based."""
        ...

    def intervention(self, condition: Condition, strength: float, region: str, draw: int) -> EncoderEdit | None:
        """The edit of a region's neurons, None where nothing is to be done."""
        ...


@dataclass(frozen=True)
class Neurons:
    """The culture neurons of one text encoder, and the languages of the regions where these were given."""

    culture: Culture
    width: int  # dimensions of the encoder's features
    languages: Mapping[str, str] = field(default_factory=dict[str, str])  # region -> ISO 639-1 code
    # of a pack alone
    made_for: MadeFor | None = None  # the one encoder that is edited
    strengths: Mapping[str, float] = field(default_factory=dict[str, float])  # amplify | activate -> as tuned


class _Spoken(RegionPart):
    language: str


def load_neurons(
    source: str | os.PathLike[str], regions: str | os.PathLike[str] | None = None, *, commit: str | None = None
) -> Neurons:
    """What was found in an encoder: a pack of neurons, or a project's folder such as models/bound/<model>/<encoder>.

    `source` is a folder, or with a full `commit` (40 hex digits) a repository `owner/name` of the hub. A pack knows its
    regions' languages; else `regions`, a folder of region files such as annotations/regions, tells them, so that a
    prompt's language can tell its region. `PackError`, `ArtifactError`, `RegionError` or `PinError` for what is missing
    or damaged.
    """
    folder = Path(source) if commit is None else fetched(str(source), commit)
    if commit is not None or packs.is_pack(folder):
        pack = packs.load(folder)
        languages = pack.config.languages if regions is None else _languages(pack.config.regions, Path(regions))
        return Neurons(pack, pack.width, languages, pack.made_for, pack.strengths)
    if not folder.is_dir():
        raise packs.PackError(f"there is no folder {folder}; a repository of the hub needs its full `commit` beside it")
    culture = load_culture(folder.parent, folder.name)
    width = saes.load(culture.folders[min(culture.folders)]).d
    return Neurons(culture, width, {} if regions is None else _languages(culture.table.regions, Path(regions)))


def _languages(codes: Iterable[str], regions: Path) -> dict[str, str]:
    return {code: load_region(_Spoken, code, regions).language for code in sorted(codes)}


@contextmanager
def amplify(
    pipe: Any, neurons: Neurons, region: str | None = None, strength: float = 1.0, *, tower: str | None = None
) -> Generator[None]:
    """Within the block, prompts are encoded with a region's neurons scaled by 1 + `strength`; 0 changes no bit.

    Without `region` each prompt's language tells it. `tower` names the text encoder that the neurons are of, such as
    `text_encoder_2`, in a pipeline with several. Of several autoencoders the one with the lowest seed is taken.
    `PipelineError`, `NeuronsError` or `LanguageError` for what does not fit, such as another encoder than a pack's.
    """
    with _under(pipe, tower, neurons, _chooser(neurons, AMPLIFY, strength, region)):
        yield


@contextmanager
def activate(
    pipe: Any, neurons: Neurons, region: str | None = None, strength: float = 1.0, *, tower: str | None = None
) -> Generator[None]:
    """As `amplify`, but each latent is set to `strength` times its mean on cultural prompts of one subdivision.

    With the culture neurons those of the region's language are set, where `select_neurons.language_share` says so.
    """
    with _under(pipe, tower, neurons, _chooser(neurons, ACTIVATE, strength, region)):
        yield


@contextmanager
def steer(
    pipe: Any,
    neurons: Neurons,
    region: str | None = None,
    strength: float = 1.0,
    *,
    english: bool = False,
    tower: str | None = None,
) -> Generator[None]:
    """As `amplify`, but `strength` times the mean difference of cultural prompts from noun prompts is added.

    The baseline that needs no autoencoder. It is the difference of one subdivision; `english` takes that from
    English nouns, for a prompt that is one.
    """
    with _under(pipe, tower, neurons, _chooser(neurons, STEER_EN if english else STEER, strength, region)):
        yield


@contextmanager
def mask(pipe: Any, neurons: Neurons, region: str | None = None, *, tower: str | None = None) -> Generator[None]:
    """As `amplify`, but the neurons are set to 0."""
    with _under(pipe, tower, neurons, _chooser(neurons, MASK, 0.0, region)):
        yield


@contextmanager
def enhance(pipe: Any, folder: str | os.PathLike[str], *, tower: str | None = None) -> Generator[None]:
    """Within the block, prompts are encoded under the enhancer in `folder`, such as models/enhancer/<model>/culture."""
    enhancer, layer = enhancers.load(Path(folder))
    edit = enhancer.as_edit()
    with _edited(pipe, tower, layer, enhancer.d, lambda text: edit):
        yield


def _chooser(neurons: Neurons, what: EditRecord, strength: float, region: str | None) -> Choose:
    def edit_of(code: str) -> Edit | None:
        done = neurons.culture.intervention(condition(what.home), strength, code, 0)
        return None if done is None else done.edit

    if region is not None:
        edit = edit_of(region)  # an unknown region is named before any picture
        return lambda text: edit
    if not neurons.languages:
        raise PipelineError(
            "no region: give `region`, or `regions` (a folder of region files) to load_neurons, "
            "so that a prompt's language tells it"
        )
    return lambda text: edit_of(region_of(text, neurons.languages))


@contextmanager
def _under(pipe: Any, tower: str | None, neurons: Neurons, choose: Choose) -> Generator[None]:
    made_for, layer, name = neurons.made_for, neurons.culture.layer, _tower(pipe, tower)
    if made_for and not has_fingerprint(getattr(pipe, name), layer, made_for.fingerprint):
        raise PipelineError(
            f"the neurons are of the encoder {made_for}; {name} of this pipeline has other weights, or other parts "
            "inside: load that encoder, or neurons that were found in this one"
        )
    with _edited(pipe, name, layer, neurons.width, choose):
        yield


@contextmanager
def _edited(pipe: Any, tower: str | None, layer: int, width: int, choose: Choose) -> Generator[None]:
    """The pipeline is, for the block, of a class of its own, whose `encode_prompt` attaches the edit."""
    name = _tower(pipe, tower)
    encoder = HubEncoder(getattr(pipe, name), getattr(pipe, name.replace(ENCODER, TOKENIZER)))
    if width != encoder.hidden_size or layer >= len(encoder.layers):
        raise PipelineError(
            f"the edit is of layer {layer} of an encoder {width} wide; {name} has {len(encoder.layers)} layers and is "
            f"{encoder.hidden_size} wide: give the `tower` that the neurons were found in"
        )
    refuse_compiled(encoder)
    _refuse_others(type(pipe))
    kind = _subclass(type(pipe), EditedTower(name, encoder, layer, choose))
    pipe.__class__ = kind
    try:
        yield
    finally:
        kind.left = True
        while type(pipe).__dict__.get("left"):  # blocks need not be left in the order in which they were entered
            pipe.__class__ = type(pipe).__base__


def _tower(pipe: Any, named: str | None) -> str:
    if not hasattr(pipe, "encode_prompt"):
        raise PipelineError(f"{type(pipe).__name__} has no encode_prompt; give a text-to-image pipeline of diffusers")
    parts: Mapping[str, Any] = pipe.components
    towers = sorted(name for name, part in parts.items() if name.startswith(ENCODER) and part is not None)
    if named is None and len(towers) == 1:
        return towers[0]
    if named not in towers:
        got = "name" if named is None else f"there is no {named!r}, name"
        raise PipelineError(f"{got} the tower that the neurons are of: {', '.join(towers) or 'the pipeline has none'}")
    return named


def _subclass(plain: Any, tower: EditedTower) -> Any:
    """`plain` with prompts encoded under the tower's edit."""
    encode = inspect.signature(plain.encode_prompt)
    both = "negative_prompt" in encode.parameters  # else a second call encodes the negative prompt, as FLUX's
    within: list[int] = []  # for the picture being made: how often prompts were encoded so far

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_others(kind)
        within.append(0)
        try:
            return plain.__call__(self, *args, **kwargs)
        finally:
            within.pop()

    def encode_prompt(self: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_others(kind)
        again = bool(within and within[-1])
        if within:
            within[-1] += 1
        if kind.left or (again and not both):
            return plain.encode_prompt(self, *args, **kwargs)
        given = encode.bind(self, *args, **kwargs)
        with tower.attached(given.arguments, lambda: _unedited(plain).encode_prompt(*given.args, **given.kwargs)):
            return plain.encode_prompt(self, *args, **kwargs)

    names = {key: getattr(plain, key) for key in ("__doc__", "__module__", "__qualname__")}
    call.__signature__ = inspect.signature(plain.__call__)  # type: ignore[attr-defined]
    encode_prompt.__signature__ = encode  # type: ignore[attr-defined]
    own = {"left": False, "entered_by": threading.get_ident(), "__call__": call, "encode_prompt": encode_prompt}
    kind: Any = type(plain.__name__, (plain,), {**names, **own})
    return kind


def _unedited(kind: Any) -> Any:
    """A pipeline's class as it is outside of any block."""
    return _unedited(kind.__base__) if "left" in kind.__dict__ else kind


def _refuse_others(kind: Any) -> None:
    """`PipelineError` where another thread has the pipeline of class `kind` in a block of its own."""
    if getattr(kind, "entered_by", None) not in (None, threading.get_ident()) and not kind.left:
        raise PipelineError(
            "the pipeline is being edited in another thread, and its prompts would be too; give each thread a pipeline "
            "of its own, such as copy.copy(pipe) with a copy of its tokenizer, and enter the block in the thread that "
            "makes the pictures"
        )
