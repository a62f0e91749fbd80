"""Pictures and texts in the space of a CLIP, also with a multilingual text tower that was trained into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from transformers import (
    AltCLIPModel,
    AutoModel,
    AutoTokenizer,
    ChineseCLIPImageProcessorPil,
    ChineseCLIPModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
)

from culturebench.errors import CultureBenchError
from culturebench.text_to_image.encoders.files import read_json, read_weights
from culturebench.text_to_image.runtime import device_of, dtype_of

if TYPE_CHECKING:
    from culturebench.measures.task import Forecast, Task

#: `model_type` -> (model, what prepares its pictures). Others, such as SigLIP, give no CLIPScore.
KINDS: dict[str, tuple[Any, Any]] = {
    "clip": (CLIPModel, CLIPImageProcessorPil),
    "altclip": (AltCLIPModel, CLIPImageProcessorPil),
    "chinese_clip": (ChineseCLIPModel, ChineseCLIPImageProcessorPil),
}
CONTEXT = 77  # tokens that a CLIP reads at most
#: Its shapes are the defaults of transformers' CLIPConfig, whose docstring says so.
KNOWN = "openai/clip-vit-base-patch32"
OPTIONS = {"local_files_only": True, "use_safetensors": True}


class ClipError(CultureBenchError):
    """Weights that are no CLIP, or towers that do not fit together."""


class TextTower(Protocol):
    """Texts in a CLIP's space."""

    def embed(self, texts: Sequence[str]) -> Tensor:
        """(b, d) of the texts."""
        ...


class Clip:
    """A CLIP of transformers; embeddings are unit vectors."""

    def __init__(self, folder: Path, text: Path | None, device: torch.device, dtype: torch.dtype) -> None:
        """From `folder`, with the text tower in `text` (layout of sentence-transformers) instead of its own if any.

        `ClipError` when the one is no CLIP, or the other of another width.
        """
        kind = read_json(folder / "config.json").get("model_type")
        if kind not in KINDS:
            raise ClipError(f"{folder} is {kind!r}; a CLIPScore needs one of: {', '.join(KINDS)}")
        model, processor = KINDS[kind]
        self.model: Any = model.from_pretrained(folder, dtype=dtype, **OPTIONS).to(device).eval()
        self.processor: Any = processor.from_pretrained(folder, local_files_only=True)
        own = text is None
        self.texts: TextTower = OwnTower(self.model, folder) if own else SentenceTower(text, device, dtype)
        width = self.embed_texts(["a"]).shape[1]
        if width != self.model.config.projection_dim:
            raise ClipError(
                f"{text} gives {width} numbers a text, {folder} has {self.model.config.projection_dim} a picture; "
                "name a text tower in params.yaml that was trained for this CLIP"
            )

    @torch.inference_mode()
    def embed_images(self, images: Sequence[Image.Image]) -> Tensor:
        """(b, d) unit vectors."""
        pixels = self.processor(images=list(images), return_tensors="pt")["pixel_values"]
        found = self.model.get_image_features(pixel_values=pixels.to(self.model.device, self.model.dtype))
        return F.normalize(found.pooler_output.float(), dim=1)

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(b, d) unit vectors."""
        return F.normalize(self.texts.embed(texts).float(), dim=1)

    def similarity(self, images: Sequence[Image.Image], texts: Sequence[str]) -> list[float]:
        """Cosine of each picture with its own text, -1..1."""
        return (self.embed_images(images) * self.embed_texts(texts)).sum(1).tolist()

    def best(self, images: Sequence[Image.Image], texts: Sequence[Sequence[str]]) -> list[float]:
        """The largest cosine of each picture with any of its own texts."""
        known = {text: i for i, text in enumerate(dict.fromkeys(text for several in texts for text in several))}
        cosines = self.embed_images(images) @ self.embed_texts(list(known)).T
        return [
            float(row[[known[text] for text in several]].max()) for row, several in zip(cosines, texts, strict=True)
        ]


class OwnTower:
    """The text tower that the CLIP was trained with."""

    def __init__(self, model: Any, folder: Path) -> None:
        self.model = model
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.limit = min(self.tokenizer.model_max_length, CONTEXT)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """(b, d) of the texts, cut at the tower's longest."""
        inputs = _tokens(self.tokenizer, texts, self.limit).to(self.model.device)
        return self.model.get_text_features(**inputs).pooler_output


class SentenceTower:
    """A transformer, the mean of its tokens, and a linear layer, such as clip-ViT-B-32-multilingual-v1."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        """From a folder of sentence-transformers; `ClipError` for other modules than those three."""
        pooling, dense = read_json(folder / "1_Pooling/config.json"), read_json(folder / "2_Dense/config.json")
        modes = sorted(name for name, chosen in pooling.items() if name.startswith("pooling_mode") and chosen is True)
        if modes != ["pooling_mode_mean_tokens"] or not dense["activation_function"].endswith(".Identity"):
            raise ClipError(f"{folder} pools by {', '.join(modes)} and ends in {dense['activation_function']}; a text "
                            "tower for CLIPScore takes the mean of its tokens and ends in Identity")  # fmt: skip
        self.model: Any = AutoModel.from_pretrained(folder, dtype=dtype, **OPTIONS).to(device).eval()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.limit = read_json(folder / "sentence_bert_config.json")["max_seq_length"]
        weights = {name: tensor.to(device, dtype) for name, tensor in read_weights(folder / "2_Dense").items()}
        self.weight, self.bias = weights["linear.weight"], weights.get("linear.bias")

    def embed(self, texts: Sequence[str]) -> Tensor:
        """(b, d) of the texts."""
        inputs = _tokens(self.tokenizer, texts, self.limit).to(self.model.device)
        real = inputs["attention_mask"].unsqueeze(2).to(self.model.dtype)
        hidden = self.model(**inputs).last_hidden_state * real  # (b, tokens, d)
        return F.linear(hidden.sum(1) / real.sum(1), self.weight, self.bias)


def _tokens(tokenizer: Any, texts: Sequence[str], limit: int) -> Any:
    return tokenizer(list(texts), padding=True, truncation=True, max_length=limit, return_tensors="pt")


def opened(task: Task, pin: str, text: str | None = None) -> Clip:
    """The CLIP of a pin, with the text tower of another one instead of its own if any."""
    how = task.numbers.runtime
    return Clip(task.folder(pin), task.folder(text) if text else None, device_of(how), dtype_of(how))


@dataclass(frozen=True)
class Shape:
    """A CLIP of the meta device, with a picture and a text for it."""

    model: Any
    pixels: Tensor  # (1, 3, side, side)
    ids: Tensor  # (1, tokens)

    def picture(self) -> None:
        """One picture through its tower."""
        self.model.get_image_features(pixel_values=self.pixels)

    def picture_with_text(self) -> None:
        """One picture and one text."""
        self.picture()
        self.model.get_text_features(input_ids=self.ids)


def shape_of(forecast: Forecast, pin: str) -> Shape | None:
    """By the config in the pin's folder, else of a repository whose shapes are known; None for any other."""
    source = forecast.pins[pin]
    path = forecast.root / source.folder / "config.json"
    kind: Any = CLIPModel
    config: Any = CLIPConfig()
    if path.is_file():
        read = read_json(path)
        if read.get("model_type") not in KINDS:
            return None
        kind = KINDS[read["model_type"]][0]
        config = kind.config_class.from_dict(read)
    elif source.repo != KNOWN:
        return None
    side = config.vision_config.image_size
    return Shape(kind(config).eval(), torch.empty(1, 3, side, side), torch.zeros(1, CONTEXT, dtype=torch.long))
