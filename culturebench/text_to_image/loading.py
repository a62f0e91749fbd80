"""Adapters by name: a text encoder or a whole text-to-image system from folders of weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.base import TextEncoder, TextToImage

if TYPE_CHECKING:
    from culturebench.params.encoders import Encoder
    from culturebench.params.models import Model

#: transformers: any CLIP, T5, XLM-R, BERT, Qwen or Gemma encoder of that library; open_clip: its XLM-R text tower.
ENCODERS = ("atlas", "transformers", "altdiffusion", "open_clip")
#: Adapter -> how many towers it takes; None: as many as its pipeline has.
MODELS = {
    "atlas": 1,
    "altdiffusion": 1,
    "pea_diffusion": 1,
    "sdxl": 2,
    "sd35": 3,
    "flux": 2,
    "show_o2": 0,
    "diffusers": None,
}


class AdapterError(CultureBenchError):
    """An adapter that does not exist, or that takes other towers."""


def load_encoder(source: Encoder, folder: Path) -> TextEncoder:
    """The text encoder in `folder`, frozen and in evaluation mode; `AdapterError` for an unknown adapter."""
    # each library takes seconds to import, and a stage needs one of them
    if source.adapter == "atlas":
        from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder

        return AtlasTextEncoder.from_folder(folder)
    if source.adapter == "transformers":
        from culturebench.text_to_image.encoders.hub import HubEncoder

        return HubEncoder.from_folder(source, folder)
    if source.adapter == "altdiffusion":
        from culturebench.text_to_image.encoders.altdiffusion import AltEncoder

        return AltEncoder.from_folder(source, folder)
    if source.adapter == "open_clip":
        from culturebench.text_to_image.encoders.open_clip import OpenClipEncoder

        return OpenClipEncoder.from_folder(source, folder)
    hint = "; Show-o2 can neither be probed nor edited, and has no entry there" if source.adapter == "show_o2" else ""
    raise AdapterError(f"encoders.*.adapter is {source.adapter!r}; known adapters: {', '.join(ENCODERS)}{hint}")


def load_model(
    model: Model, towers: Sequence[TextEncoder], backbone: Path, bridge: Path | None, steps: int
) -> TextToImage:
    """The system of its towers (in the order the backbone reads them), backbone and bridge, in `steps` steps.

    `AdapterError` for an unknown adapter, other towers than it takes, or a bridge that is missing or of no use.
    """
    adapter = model.adapter
    _check(model)
    if adapter == "atlas":
        from culturebench.text_to_image.atlas import AtlasTextToImage

        return AtlasTextToImage.from_folders(towers[0], backbone, model.steps or steps)  # type: ignore[arg-type]
    if adapter == "pea_diffusion" and bridge is not None:
        from culturebench.text_to_image.adapters.pea_diffusion import load

        return load(model, towers, backbone, bridge, steps)
    if adapter == "show_o2":
        from culturebench.text_to_image.adapters.show_o2 import ShowO2

        return ShowO2(model, backbone, steps)
    if adapter == "altdiffusion":
        from culturebench.text_to_image.adapters.altdiffusion import load as load_system
    elif adapter == "sdxl":
        from culturebench.text_to_image.adapters.sdxl import load as load_system
    elif adapter == "sd35":
        from culturebench.text_to_image.adapters.sd35 import load as load_system
    elif adapter == "flux":
        from culturebench.text_to_image.adapters.flux import load as load_system
    else:
        from culturebench.text_to_image.adapters.diffusers import load as load_system
    return load_system(model, towers, backbone, steps)


def _check(model: Model) -> None:
    if model.adapter not in MODELS:
        raise AdapterError(f"models.*.adapter is {model.adapter!r}; known adapters: {', '.join(MODELS)}")
    count = MODELS[model.adapter]
    if count is not None and len(model.towers) != count:
        raise AdapterError(
            f"the adapter {model.adapter} takes {count} towers, models.*.towers names {len(model.towers)}"
        )
    if (model.bridge is not None) != (model.adapter == "pea_diffusion"):
        raise AdapterError("models.*.bridge names the pin of PEA-Diffusion's adapter: give it there, and nowhere else")
