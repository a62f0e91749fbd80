"""Prints what the original implementations say of the weights and pictures of tiny_measures: the numbers in the tests.

They cannot be imported beside this project's libraries, so they get a folder of their own:

    pip install --no-deps --target ORIGINAL image-reward==1.5 lpips==0.1.4 transformers==4.36.2 tokenizers==0.15.2 \
        huggingface_hub==0.20.3 safetensors==0.4.5
    python -c "import sys; from pathlib import Path; import tiny_measures as t; w = Path(sys.argv[1]); \
        t.image_reward(w / 'image_reward'); t.lpips(w, 'alex')" WEIGHTS
    PYTHONPATH=ORIGINAL python tests/support/original_measures.py WEIGHTS

What they ask of timm, fairscale and torchvision is stood in for below, as far as a forward pass needs it.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import BertTokenizer, PreTrainedModel

TEXTS = ["a bowl with waves", "a red house", "a blue bowl of waves with a house"]  # as in tiny_measures
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def pictures() -> list[Image.Image]:
    """As in tiny_measures, which needs a newer transformers."""
    x, y = np.meshgrid(np.arange(240), np.arange(200))
    channels = [[((3 + i) * x * (c + 1) + (7 - c) * y * (i + 1)) // 5 % 256 for c in range(3)] for i in range(3)]
    return [Image.fromarray(np.stack(one, axis=-1).astype(np.uint8)) for one in channels]


class PatchEmbed(nn.Module):
    """Of timm 0.6."""

    def __init__(self, img_size: int, patch_size: int, in_chans: int, embed_dim: int) -> None:
        super().__init__()
        self.num_patches = (img_size // patch_size) ** 2
        self.proj = nn.Conv2d(in_chans, embed_dim, patch_size, patch_size)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.proj(pixels).flatten(2).transpose(1, 2)


def stand_in(name: str, **items: Any) -> None:
    module: Any = ModuleType(name)
    module.__dict__.update(items)
    module.__path__ = []
    sys.modules[name] = module


def prepared(image: Image.Image) -> Tensor:
    """What torchvision's Resize, CenterCrop, ToTensor and Normalize do."""
    shorter = min(image.size)
    image = image.resize(
        (int(224 * image.width / shorter), int(224 * image.height / shorter)), Image.Resampling.BICUBIC
    )
    left, top = round((image.width - 224) / 2.0), round((image.height - 224) / 2.0)
    pixels = torch.from_numpy(np.array(image.crop((left, top, left + 224, top + 224)))).permute(2, 0, 1) / 255
    return (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)


def image_reward(folder: Path) -> list[float]:
    found = find_spec("ImageReward")
    assert found and found.origin
    root = Path(found.origin).parent  # its __init__ would import all that its training needs
    for name, place in (("ImageReward", root), ("ImageReward.models", root / "models"),
                        ("ImageReward.models.BLIP", root / "models/BLIP")):  # fmt: skip
        stand_in(name)
        sys.modules[name].__path__ = [str(place)]
    import ImageReward.ImageReward as original  # type: ignore[import-not-found]
    import ImageReward.models.BLIP.blip as blip  # type: ignore[import-not-found]
    import ImageReward.models.BLIP.blip_pretrain as pretrain  # type: ignore[import-not-found]

    weights = load_file(folder / "model.safetensors")
    d, wider = weights["blip.visual_encoder.blocks.0.mlp.fc2.weight"].shape

    def tiny_vit(*_: Any) -> tuple[Any, int]:
        tower = blip.VisionTransformer(
            img_size=224, patch_size=16, embed_dim=d, depth=2, num_heads=16, mlp_ratio=wider / d, drop_path_rate=0.1
        )
        return tower, d

    pretrain.create_vit = tiny_vit
    pretrain.init_tokenizer = lambda: BertTokenizer.from_pretrained(str(folder))
    original._transform = lambda _: prepared
    model = original.ImageReward(str(folder / "med_config.json"))
    for position in (0, 2, 4, 6, 7):
        outputs, inputs = weights[f"mlp.layers.{position}.weight"].shape
        model.mlp.layers[position] = nn.Linear(inputs, outputs)
    for name in ("vision_proj", "text_proj"):
        outputs, inputs = weights[f"blip.{name}.weight"].shape
        setattr(model.blip, name, nn.Linear(inputs, outputs))
    model.load_state_dict(weights)
    model.eval()
    return [model.score(text, image) for text, image in zip(TEXTS, pictures(), strict=True)]


def backbone(file: Path, plan: list[Any]) -> Any:
    """torchvision's `features`: (width, kernel, stride, padding), each with a ReLU, or the kernel of a pooling."""
    layers: list[nn.Module] = []
    width = 3
    for step in plan:
        if isinstance(step, int):
            layers.append(nn.MaxPool2d(step, 2))
        else:
            layers += [nn.Conv2d(width, *step), nn.ReLU()]
            width = step[0]
    features = nn.Sequential(*layers)
    features.load_state_dict({name.removeprefix("features."): t for name, t in load_file(file).items()})
    return lambda pretrained: SimpleNamespace(features=features)


def lpips(folder: Path, network: str) -> list[float]:
    import lpips as original  # type: ignore[import-not-found]

    model = original.LPIPS(net=network, pretrained=False, verbose=False)
    model.load_state_dict(load_file(folder / f"{network}.safetensors"), strict=False)
    fitted = [ImageOps.fit(picture, (128, 128), Image.Resampling.BICUBIC) for picture in pictures()]
    a, b, c = (torch.from_numpy(np.array(one)).permute(2, 0, 1)[None] / 127.5 - 1 for one in fitted)
    with torch.no_grad():
        return [float(model(*pair)) for pair in ((a, b), (a, c), (b, c))]


def main(weights: Path) -> None:
    assert PreTrainedModel  # loaded before the stand-ins: it looks for what they stand in for
    for name in ("timm", "timm.models", "fairscale", "fairscale.nn", "fairscale.nn.checkpoint"):
        stand_in(name)
    stand_in("timm.models.vision_transformer", _cfg=None, PatchEmbed=PatchEmbed)
    stand_in("timm.models.registry", register_model=None)
    stand_in("timm.models.layers", trunc_normal_=nn.init.trunc_normal_, DropPath=lambda _: nn.Identity())
    stand_in("timm.models.helpers", named_apply=None, adapt_input_conv=None)
    stand_in("timm.models.hub", download_cached_file=None)
    stand_in("fairscale.nn.checkpoint.checkpoint_activations", checkpoint_wrapper=None)
    transforms = dict.fromkeys(("Compose", "Resize", "CenterCrop", "ToTensor", "Normalize"))
    alex = [(64, 11, 4, 2), 3, (192, 5, 1, 2), 3, (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1), 3]
    widths = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
    vgg = [(width, 3, 1, 1) if width else 2 for width in widths]
    models = SimpleNamespace(
        alexnet=backbone(weights / "alex/alexnet-owt-7be5be79.safetensors", alex),
        vgg16=backbone(weights / "vgg/vgg16-397923af.safetensors", vgg),
    )
    stand_in("torchvision", models=models)
    stand_in("torchvision.models", **vars(models))
    stand_in("torchvision.transforms", **transforms, InterpolationMode=SimpleNamespace(BICUBIC=3))
    print("transformers", transformers.__version__)
    print("image_reward", [round(value, 7) for value in image_reward(weights / "image_reward")])
    for network in ("alex", "vgg"):
        print(network, [round(value, 7) for value in lpips(weights / network, network)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
