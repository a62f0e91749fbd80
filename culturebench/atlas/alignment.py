"""The atlas's dual encoder: how well a picture fits a caption in any of its languages, and picture features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from culturebench.atlas.judges import ConvolutionalJudge, to_pixels

WIDTH = 64
TEXT_WIDTH = 96
MAX_TOKENS = 64
PAD_ID = 1


class DualEncoder(nn.Module):
    """A convolutional picture tower and a two-layer transformer text tower meeting in 64 dimensions."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.blocks = ConvolutionalJudge().blocks
        self.picture = nn.Linear(128 * 16, WIDTH)
        self.tokens = nn.Embedding(vocabulary, TEXT_WIDTH, padding_idx=PAD_ID)
        self.positions = nn.Parameter(torch.randn(MAX_TOKENS, TEXT_WIDTH) * 0.02)
        layer = nn.TransformerEncoderLayer(TEXT_WIDTH, 4, 192, dropout=0.0, batch_first=True, norm_first=True)
        self.transformer = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.text = nn.Linear(TEXT_WIDTH, WIDTH)
        self.temperature = nn.Parameter(torch.tensor(2.0))

    def encode_pictures(self, pixels: Tensor) -> Tensor:
        """(b, 64) unit vectors of pixels (b, 3, 64, 64) in -1..1."""
        return F.normalize(self.picture(self.blocks(pixels).flatten(1)), dim=1)

    def encode_texts(self, ids: Tensor) -> Tensor:
        """(b, 64) unit vectors of token ids (b, tokens)."""
        padding = ids == PAD_ID
        hidden = self.tokens(ids) + self.positions[: ids.shape[1]]
        hidden = self.transformer(hidden, src_key_padding_mask=padding)
        real = (~padding).unsqueeze(2).float()
        return F.normalize(self.text((hidden * real).sum(1) / real.sum(1)), dim=1)


class AtlasAlignment:
    """The trained dual encoder; its similarity is not a CLIPScore."""

    def __init__(self, folder: Path) -> None:
        """Read `tokenizer.json`, `config.json` and `model.safetensors` of `folder`."""
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.model = DualEncoder(json.loads((folder / "config.json").read_text())["vocabulary"])
        weights = load_file(folder / "model.safetensors")
        self.model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        self.model.eval().requires_grad_(False)

    def similarity(self, images: Sequence[Image.Image], texts: Sequence[str]) -> list[float]:
        """Cosine of each picture with its own text, -1..1."""
        pictures = self.model.encode_pictures(to_pixels(list(images)))
        sentences = self.model.encode_texts(token_ids(self.tokenizer, texts))
        return (pictures * sentences).sum(1).tolist()

    def best(self, images: Sequence[Image.Image], texts: Sequence[Sequence[str]]) -> list[float]:
        """The largest cosine of each picture with any of its own texts."""
        known = {text: number for number, text in enumerate(dict.fromkeys(text for some in texts for text in some))}
        vectors = self.model.encode_texts(token_ids(self.tokenizer, list(known)))
        cosines = self.model.encode_pictures(to_pixels(list(images))) @ vectors.T
        return [float(row[[known[text] for text in some]].max()) for row, some in zip(cosines, texts, strict=True)]

    def features(self, images: Sequence[Image.Image]) -> list[Tensor]:
        """Feature maps (b, c, h, w) of the four blocks, channels at unit length, for perceptual distances."""
        return self.maps(to_pixels(list(images)))

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """The same of pixels (b, 3, 64, 64) in -1..1; gradients flow."""
        maps, hidden = [], pixels
        for block in self.model.blocks:
            hidden = block(hidden)
            maps.append(F.normalize(hidden, dim=1))
        return maps


def token_ids(tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """Ids (b, tokens), padded to the longest text."""
    tokenizer.enable_padding(pad_id=PAD_ID, pad_token="<pad>")
    tokenizer.enable_truncation(MAX_TOKENS)
    return torch.tensor([encoding.ids for encoding in tokenizer.encode_batch(list(texts))])
