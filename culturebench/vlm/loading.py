"""Processors and models of the families that are known here, from folders in the hub's layout, without foreign code."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForImageTextToText,
    AutoTokenizer,
    LlavaNextProcessor,
    Qwen2_5_VLProcessor,
    Qwen3VLProcessor,
)

from culturebench.text_to_image.runtime import device_of, dtype_of
from culturebench.vlm.errors import VlmError

if TYPE_CHECKING:
    from culturebench.params._runtime import Runtime

#: Families whose pictures are scaled to an area and whose positions are told by `mm_token_type_ids`.
QWEN = ("qwen3_vl", "qwen3_vl_moe", "qwen2_5_vl")
#: Model types whose processor this module builds.
FAMILIES = (*QWEN, "llava_next")
#: Libraries whose version can change a reply.
LIBRARIES = ("torch", "transformers", "tokenizers", "pillow", "numpy")


class PictureProcessor(Qwen3VLProcessor):
    """The library's processor without its part for films, which alone needs torchvision."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        super().__init__(image_processor, tokenizer, None, chat_template=chat_template)


class PictureProcessor25(Qwen2_5_VLProcessor):
    """As `PictureProcessor`, of Qwen2.5-VL."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        super().__init__(image_processor, tokenizer, None, chat_template=chat_template)


def load_config(folder: Path) -> Any:
    """The model's config; `VlmError` for a folder without one, or of a family that is not known here."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise VlmError(f"{folder} holds no model of transformers: {_first_line(error)}") from None
    if config.model_type not in FAMILIES:
        raise VlmError(
            f"{folder} holds a model of type {config.model_type!r}; a model of kind transformers is one of: "
            f"{', '.join(FAMILIES)}. Serve another one by vLLM and give it as a judge of kind openai"
        )
    return config


def load_processor(folder: Path, max_pixels: int | None = None) -> Any:
    """The processor in `folder`, its pictures prepared by PIL and NumPy, so that torchvision has no say in them.

    `max_pixels`: area that a larger picture is scaled down to; None: what preprocessor_config.json says.
    """
    config = load_config(folder)
    try:
        pictures: Any = AutoImageProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left", local_files_only=True)
    except ImportError as error:
        raise VlmError(
            f"the pictures' processor of {folder} lacks a library ({_first_line(error)}); "
            f"run `pip install pillow 'transformers=={version('transformers')}'`"
        ) from None
    except (OSError, ValueError) as error:
        raise VlmError(f"{folder} lacks a usable tokenizer or preprocessor_config.json: {_first_line(error)}") from None
    template = _chat_template(folder) or tokenizer.chat_template
    if not template:
        raise VlmError(f"{folder} has no chat template; add its chat_template.json or chat_template.jinja")
    if config.model_type not in QWEN:
        if max_pixels is not None:
            raise VlmError(f"{folder} cuts pictures into tiles of a fixed size; remove max_pixels")
        return _tiles(folder, config, pictures, tokenizer, template)
    if max_pixels is not None:
        pictures.size = {"shortest_edge": min(pictures.size["shortest_edge"], max_pixels), "longest_edge": max_pixels}
    kind = PictureProcessor25 if config.model_type == "qwen2_5_vl" else PictureProcessor
    return kind(pictures, tokenizer, template)


def _tiles(folder: Path, config: Any, pictures: Any, tokenizer: Any, template: str) -> Any:
    """LLaVA-NeXT's processor; what its own config leaves empty (Pangea's: all of it) is completed from the model's."""
    path = folder / "processor_config.json"
    said = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    patch, strategy = said.get("patch_size"), said.get("vision_feature_select_strategy")
    extra = said.get("num_additional_image_tokens")
    return LlavaNextProcessor(
        pictures,
        tokenizer,
        patch_size=config.vision_config.patch_size if patch is None else patch,
        vision_feature_select_strategy=config.vision_feature_select_strategy if strategy is None else strategy,
        image_token=tokenizer.convert_ids_to_tokens(config.image_token_id),
        num_additional_image_tokens=1 if extra is None else extra,  # CLIP's class token
        chat_template=template,
    )


def _chat_template(folder: Path) -> str | None:
    path = folder / "chat_template.json"
    return json.loads(path.read_text(encoding="utf-8"))["chat_template"] if path.is_file() else None


def load_model(folder: Path, runtime: Runtime) -> Any:
    """The model in `folder`, from safetensors alone, without gradients; `VlmError` when it cannot be loaded."""
    attention = None if runtime.attention == "auto" else runtime.attention
    try:
        model: Any = AutoModelForImageTextToText.from_pretrained(
            folder,
            use_safetensors=True,
            local_files_only=True,
            dtype=dtype_of(runtime),
            attn_implementation=attention,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise VlmError(f"{folder} cannot be loaded: {_first_line(error)}") from None
    return model.to(device_of(runtime)).eval().requires_grad_(False)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
