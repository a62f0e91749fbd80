"""ImageReward (Xu et al. 2023): how much people like a picture as an answer to an English text.

The package image-reward 1.5 cannot be imported beside our transformers. BLIP's two towers are those of transformers;
the head, the constants and the names of the weights are of ImageReward/{ImageReward,models/BLIP/*}.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from transformers import BertTokenizer, BlipTextConfig, BlipTextModel, BlipVisionConfig, BlipVisionModel

from culturebench.errors import CultureBenchError
from culturebench.measures.scoring import measured, of_each
from culturebench.measures.task import ENGLISH, Forecast, Task, Work
from culturebench.text_to_image.encoders.files import read_json, read_weights
from culturebench.text_to_image.runtime import device_of, dtype_of

if TYPE_CHECKING:
    from culturebench.measures.scoring import Rows
    from culturebench.params.measure import Weights

NO_ENGLISH = "not run: the test picture has no English caption of this kind"

TOKENS = 35
MEAN, DEVIATION = 0.16717362830052426, 1.0333394966054072  # of rewards in its training
HEADS, PATCH, PIXELS = 16, 16, 224  # of its ViT-L
#: Positions of the head's linear layers, with the dropout behind each and no other function.
HEAD = {0: 0.2, 2: 0.2, 4: 0.1, 6: None, 7: None}
#: Outputs of the published head's layers.
WIDTHS = (1024, 128, 64, 16, 1)
CHANNEL_MEAN = (0.48145466, 0.4578275, 0.40821073)  # as OpenAI's CLIP prepares its pictures
CHANNEL_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
#: Names in ImageReward.pt -> names in transformers.
NAMES = (
    (r"^blip\.visual_encoder\.cls_token$", "vision.embeddings.class_embedding"),
    (r"^blip\.visual_encoder\.pos_embed$", "vision.embeddings.position_embedding"),
    (r"^blip\.visual_encoder\.patch_embed\.proj\.", "vision.embeddings.patch_embedding."),
    (r"^blip\.visual_encoder\.blocks\.(\d+)\.norm(\d)\.", r"vision.encoder.layers.\1.layer_norm\2."),
    (r"^blip\.visual_encoder\.blocks\.(\d+)\.attn\.qkv\.", r"vision.encoder.layers.\1.self_attn.qkv."),
    (r"^blip\.visual_encoder\.blocks\.(\d+)\.attn\.proj\.", r"vision.encoder.layers.\1.self_attn.projection."),
    (r"^blip\.visual_encoder\.blocks\.(\d+)\.mlp\.", r"vision.encoder.layers.\1.mlp."),
    (r"^blip\.visual_encoder\.norm\.", "vision.post_layernorm."),
    (r"^blip\.text_encoder\.", "text."),
    (r"^mlp\.layers\.", "head."),
)
UNUSED = re.compile(r"^blip\.(vision_proj|text_proj)\.|position_ids$")


def run(chosen: Weights, task: Task) -> Rows:
    """The reward of every picture for the English of its caption; without such a caption a reason."""
    how = task.numbers.runtime
    rewards = Rewards(task.folder(chosen.pin), device_of(how), dtype_of(how))
    english = ENGLISH[task.numbers.caption]
    told = [row for row in task.pictures if task.references[row["prompt_id"]][english]]
    untold = [row for row in task.pictures if not task.references[row["prompt_id"]][english]]
    silent = [measured("image_reward", row, row["seed"], None, NO_ENGLISH) for row in untold]
    liked = of_each("image_reward", told, lambda images, rows: rewards.score(images, task.texts(rows, english)))
    return [*liked, *silent]


def work(_chosen: Weights, _forecast: Forecast) -> Work:
    """One picture with its text, without the masks, which ask for numbers."""
    model = published()
    pixels, ids = torch.empty(1, 3, PIXELS, PIXELS), torch.zeros(1, TOKENS, dtype=torch.long)

    def once() -> None:
        seen = model.vision(pixel_values=pixels).last_hidden_state
        model.head(model.text(input_ids=ids, encoder_hidden_states=seen).last_hidden_state[:, 0])

    return Work(once)


class ImageRewardError(CultureBenchError):
    """Weights that are no ImageReward."""


class ImageReward(nn.Module):
    """BLIP's picture tower, its text tower that attends to the picture, and a head on the first token."""

    def __init__(self, vision: BlipVisionConfig, text: BlipTextConfig, widths: Sequence[int]) -> None:
        """`widths` are the outputs of the head's layers."""
        super().__init__()
        self.vision, self.text = BlipVisionModel(vision), BlipTextModel(text, add_pooling_layer=False)
        layers: list[nn.Module] = []
        width = text.hidden_size
        for outputs, dropout in zip(widths, HEAD.values(), strict=True):
            layers += [nn.Linear(width, outputs), *([nn.Dropout(dropout)] if dropout else [])]
            width = outputs
        self.head = nn.Sequential(*layers)

    def forward(self, pixels: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """(b,) rewards of pixels (b, 3, 224, 224) and tokens (b, 35), about N(0, 1) over its training pictures."""
        seen = self.vision(pixel_values=pixels).last_hidden_state
        everywhere = torch.ones(seen.shape[:2], dtype=torch.long, device=seen.device)
        read = self.text(
            input_ids=ids, attention_mask=mask, encoder_hidden_states=seen, encoder_attention_mask=everywhere
        )
        return (self.head(read.last_hidden_state[:, 0])[:, 0].float() - MEAN) / DEVIATION


def published() -> ImageReward:
    """As published, without its weights: ViT-L of BLIP, read by a BERT-base."""
    vision = BlipVisionConfig(
        hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=HEADS, image_size=PIXELS,
        patch_size=PATCH,
    )  # fmt: skip
    text = BlipTextConfig(
        vocab_size=30524, encoder_hidden_size=1024, hidden_size=768, intermediate_size=3072, num_hidden_layers=12,
        num_attention_heads=12, is_decoder=True,
    )  # fmt: skip
    return ImageReward(vision, text, WIDTHS).eval()


class Rewards:
    """ImageReward with what prepares its texts and pictures."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        """From ImageReward's weights, its `med_config.json` and BERT's `vocab.txt`; `ImageRewardError` otherwise."""
        weights = {_renamed(name): tensor for name, tensor in read_weights(folder).items() if not UNUSED.search(name)}
        try:
            widths = [weights[f"head.{position}.weight"].shape[0] for position in HEAD]
            model = ImageReward(*_configs(weights, read_json(folder / "med_config.json")), widths)
            model.load_state_dict(weights)
        except (KeyError, RuntimeError) as error:
            reason = (str(error).splitlines() or [""])[-1].strip()
            raise ImageRewardError(f"{folder} holds no ImageReward: {reason}") from None
        self.model = model.to(device, dtype).eval()
        self.tokenizer: Any = BertTokenizer.from_pretrained(folder, local_files_only=True)
        self.device, self.dtype = device, dtype

    @torch.inference_mode()
    def score(self, images: Sequence[Image.Image], texts: Sequence[str]) -> list[float]:
        """The reward of each picture for its own English text."""
        tokens = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt"
        ).to(self.device)
        pixels = torch.stack([prepared(image) for image in images]).to(self.device, self.dtype)
        return self.model(pixels, tokens["input_ids"], tokens["attention_mask"]).tolist()


def prepared(image: Image.Image) -> Tensor:
    """(3, 224, 224): the shorter side to 224, the centre of the longer, each channel at the training's scale."""
    shorter = min(image.size)
    width, height = (int(PIXELS * side / shorter) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((image.width - PIXELS) / 2), round((image.height - PIXELS) / 2)
    image = image.crop((left, top, left + PIXELS, top + PIXELS)).convert("RGB")
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    mean, deviation = torch.tensor(CHANNEL_MEAN).view(3, 1, 1), torch.tensor(CHANNEL_DEVIATION).view(3, 1, 1)
    return (pixels - mean) / deviation


def _renamed(name: str) -> str:
    for pattern, replacement in NAMES:
        if re.match(pattern, name):
            return re.sub(pattern, replacement, name)
    return name


def _configs(weights: dict[str, Tensor], med: dict[str, Any]) -> tuple[BlipVisionConfig, BlipTextConfig]:
    """The towers' sizes: of the text as `med_config.json` says, of the pictures from the tensors."""
    d = weights["vision.embeddings.class_embedding"].shape[-1]
    depth = 1 + max(int(m[1]) for name in weights if (m := re.match(r"vision\.encoder\.layers\.(\d+)\.", name)))
    vision = BlipVisionConfig(
        hidden_size=d,
        intermediate_size=weights["vision.encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=depth,
        num_attention_heads=HEADS,
        image_size=PIXELS,
        patch_size=PATCH,
        hidden_act="gelu",
        layer_norm_eps=1e-6,  # BLIP's own; the default of transformers is another
    )
    text = BlipTextConfig(
        vocab_size=weights["text.embeddings.word_embeddings.weight"].shape[0],
        hidden_size=med["hidden_size"],
        encoder_hidden_size=d,
        intermediate_size=med["intermediate_size"],
        num_hidden_layers=med["num_hidden_layers"],
        num_attention_heads=med["num_attention_heads"],
        max_position_embeddings=med["max_position_embeddings"],
        hidden_act=med["hidden_act"],
        layer_norm_eps=med["layer_norm_eps"],
        is_decoder=True,  # only so it attends to the picture; it reads the text in both directions
    )
    return vision, text
