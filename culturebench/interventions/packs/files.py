"""A pack's files: `neurons.safetensors`, `config.json`, and the card `README.md`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save as serialize

from culturebench.conditions import Condition
from culturebench.conditions.catalogue import ACTIVATE
from culturebench.errors import CultureBenchError
from culturebench.interventions.culture_edits import MAKERS
from culturebench.interventions.neurons import Neurons, NeuronsError
from culturebench.interventions.packs.card import card
from culturebench.interventions.packs.config import MadeFor, PackConfig, Region
from culturebench.probing.sae import TopKSAE
from culturebench.text_to_image.base import EncoderEdit

WEIGHTS_FILE, CONFIG_FILE, CARD_FILE = "neurons.safetensors", "config.json", "README.md"
FILES = (WEIGHTS_FILE, CONFIG_FILE, CARD_FILE)
#: What is large in a pack: stored in its `precision`; the biases always in float32.
MATRICES = ("encoder", "decoder")


class PackError(CultureBenchError):
    """A pack that is missing, damaged, or cannot be made."""


@dataclass(frozen=True)
class Pack:
    """Culture neurons that were handed on; `sae` holds their rows of the autoencoder alone, so it never encodes."""

    config: PackConfig
    sae: TopKSAE

    @property
    def layer(self) -> int:
        """Where the neurons are, 0-based."""
        return self.config.layer

    @property
    def width(self) -> int:
        """Dimensions of the encoder's features."""
        return self.sae.d

    @property
    def made_for(self) -> MadeFor:
        """The one encoder that the neurons are of."""
        return self.config.made_for

    @property
    def strengths(self) -> Mapping[str, float]:
        """Name of an edit -> what was tuned, where an edit was better than none."""
        return {edit: value for edit, value in self.config.strengths.items() if value is not None}

    def intervention(self, condition: Condition, strength: float, region: str, draw: int) -> EncoderEdit | None:
        """As of `CultureNeurons`, for conditions that are no controls; a pack holds one draw."""
        edit = condition.edit
        assert draw == 0 and edit is not None and condition.control is None
        if edit.part != "neurons":
            raise PackError(f"a pack holds no direction for {edit.name}; give load_neurons the project's own folder")
        own = self._region(region)
        if strength == 0 and edit.tuned:
            return None
        used = own.activation if edit == ACTIVATE else own
        neurons = Neurons(used.rows, used.levels)
        description = {"kind": edit.home, "strength": strength, "neurons": used.latents, "levels": used.levels}
        return EncoderEdit(self.layer, MAKERS[edit.name](self.sae, neurons, strength), description)

    def _region(self, code: str) -> Region:
        if code not in self.config.regions:
            raise NeuronsError(f"the pack has no region {code!r}; it has: {', '.join(sorted(self.config.regions))}")
        return self.config.regions[code]


def is_pack(folder: Path) -> bool:
    """Whether a pack is, or was meant to be, in `folder`."""
    return (folder / WEIGHTS_FILE).is_file() or (folder / CONFIG_FILE).is_file()


def save(pack: Pack, folder: Path) -> int:
    """Write the three files; equal packs give equal bytes. Returns their size in bytes.

    `PackError` for a folder with other files in it: it may be one of the pipeline's, which would be stale from then on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if others := sorted(path.name for path in folder.iterdir() if path.name not in FILES):
        raise PackError(
            f"{folder} holds {others[0]} already; a pack is written into a folder of its own, name another one"
        )
    kind = getattr(torch, pack.config.precision)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in pack.sae.state_dict().items()}
    weights = serialize({n: t.to(kind) if n in MATRICES else t for n, t in state.items()})
    (folder / WEIGHTS_FILE).write_bytes(weights)  # save_file lets nobody but its writer read it
    content = json.dumps(pack.config.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
    (folder / CONFIG_FILE).write_text(content + "\n", encoding="utf-8")
    (folder / CARD_FILE).write_text(card(pack.config), encoding="utf-8")
    return sum((folder / name).stat().st_size for name in FILES)


def load(folder: Path) -> Pack:
    """The pack in `folder`, frozen and in float32; `PackError` for a file that is missing, damaged or does not fit."""
    try:
        config = PackConfig.model_validate_json((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        sae = TopKSAE(config.made_for.width, config.rows, k=1)
        sae.load_state_dict({name: tensor.float() for name, tensor in load_file(folder / WEIGHTS_FILE).items()})
    except FileNotFoundError as error:
        raise PackError(f"{error.filename or folder / WEIGHTS_FILE} is missing; take all files of the pack") from None
    except (ValidationError, SafetensorError, RuntimeError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise PackError(f"{folder} holds no usable pack of neurons: {reason}") from None
    return Pack(config, sae.eval().requires_grad_(False))
