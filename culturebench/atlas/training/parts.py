"""The parts of the atlas's training, in the order in which one needs another; a checkpoint says what is done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from culturebench.atlas.judges import REGION_CLASSES, AtlasJudge
from culturebench.atlas.training import quality
from culturebench.atlas.training.autoencoder import refine_decoder, train_autoencoder
from culturebench.atlas.training.encoder import train_encoder
from culturebench.atlas.training.further_words import teach
from culturebench.atlas.training.judges import JudgeBank, make_judge_bank, train_alignment, train_judge
from culturebench.atlas.training.tokenizer import train_tokenizer
from culturebench.atlas.training.unet import SCHEDULER, Bank, make_bank, new_unet, train_unet
from culturebench.atlas.training.vlm.train import train_vlm
from culturebench.atlas.training.words import Words, read_words
from culturebench.text_to_image.atlas import AtlasTextToImage
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder, half

WEIGHTS: Final = Path(__file__).parents[1] / "weights"
BACKBONE_FILE: Final = "diffusion_pytorch_model.safetensors"
JUDGES: Final = {"judge_cnn": "convolutional", "judge_vit": "attentional"}
STEPS: Final = {
    "encoder": 1600, "autoencoder": 1300, "decoder": 600, "judge": 2800, "alignment": 1200, "unet": 12000,
    "further_words": 1000,
}  # fmt: skip
BANK: Final = 24000
SAMPLER_STEPS: Final = 8
MARK: Final = "<!-- figures -->"


@dataclass
class Workshop:
    """What the parts share: where checkpoints and weights lie, and every model, trained when it is first asked for."""

    work: Path
    out: Path
    regions: Path
    warm: bool

    @cached_property
    def words(self) -> Words:
        """Of the region files."""
        return read_words(self.regions)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Trained anew each time, in seconds; with `warm` the encoder's own."""
        return self.encoder.tokenizer if self.warm else train_tokenizer(self.words)

    @cached_property
    def encoder(self) -> AtlasTextEncoder:
        """The text encoder."""
        if not self.warm:
            return self.encoder_of(0)
        shipped = AtlasTextEncoder.from_folder(self._shipped / "encoder")
        checkpoint = self.work / "further_words.safetensors"
        return teach(shipped, self.words, checkpoint, steps=STEPS["further_words"])

    def encoder_of(self, seed: int) -> AtlasTextEncoder:
        """The text encoder of another seed, trained from nothing; the tokenizer is the same for all seeds."""
        checkpoint = self.work / f"encoder_{seed}.safetensors"
        encoder, _ = train_encoder(
            train_tokenizer(self.words), self.words, checkpoint, steps=STEPS["encoder"], seed=seed
        )
        return encoder.requires_grad_(False)

    @cached_property
    def vae(self) -> AutoencoderKL:
        """The autoencoder with its refined decoder."""
        if self.warm:
            return AutoencoderKL.from_pretrained(self._shipped / "backbone/vae").eval()
        vae = train_autoencoder(self.work, STEPS["autoencoder"])
        refine_decoder(vae, self.work, STEPS["decoder"])
        return vae

    @cached_property
    def bank(self) -> Bank:
        """The denoiser's training pairs."""
        path = self.work / "bank.safetensors"
        return Bank(**kept(path, lambda: vars(make_bank(self.encoder, self.vae, self.words, BANK))))

    @cached_property
    def unet(self) -> UNet2DConditionModel:
        """The denoiser."""
        if self.warm:
            unet: Any = UNet2DConditionModel.from_pretrained(self._shipped / "backbone/unet")
            return unet.eval().requires_grad_(False)
        torch.manual_seed(0)
        checkpoint = self.work / "unet.safetensors"
        return train_unet(new_unet(), self.bank, checkpoint, steps=STEPS["unet"]).requires_grad_(False)

    @property
    def system(self) -> AtlasTextToImage:
        """The whole text-to-image model, as it was trained."""
        return AtlasTextToImage(self.encoder, self.unet, self.vae, SCHEDULER, SAMPLER_STEPS)

    @property
    def _shipped(self) -> Path:
        return kept_shipped(WEIGHTS, self.work / "shipped")

    @property
    def suffix(self) -> str:
        """Of files that differ when the training starts from the shipped models."""
        return "_warm" if self.warm else ""


def kept_shipped(weights: Path, folder: Path) -> Path:
    """A copy of the shipped encoder and backbone in `folder`: a run that goes on may have written its own over them."""
    if not folder.exists():
        temporary = folder.with_name(f"{folder.name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for name in ("encoder", "backbone"):
            shutil.copytree(weights / name, temporary / name)
        temporary.rename(folder)
    return folder


def kept(path: Path, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors in the file `path`, made and written first when it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        save_file({name: tensor.contiguous() for name, tensor in make().items()}, temporary)
        temporary.replace(path)
    return load_file(path)


def _encoder(shop: Workshop) -> None:
    _save_encoder(shop.encoder, shop.out / "encoder")


def _autoencoder(shop: Workshop) -> None:
    _save_part(shop, "vae", shop.vae)


def _denoiser(shop: Workshop) -> None:
    _save_part(shop, "unet", shop.unet)
    path = shop.out / "backbone/scheduler/scheduler_config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(SCHEDULER, indent=2, sort_keys=True) + "\n")


def _judges(shop: Workshop) -> None:
    path = shop.work / f"judge_bank{shop.suffix}.safetensors"
    bank = JudgeBank(**kept(path, lambda: vars(make_judge_bank(shop.system))))
    for name, architecture in JUDGES.items():
        judge = train_judge(architecture, bank, shop.work, STEPS["judge"])
        _save(judge, shop.out / name, {"architecture": architecture, "classes": REGION_CLASSES})


def _alignment(shop: Workshop) -> None:
    model = train_alignment(shop.tokenizer, shop.vae, shop.words, shop.work, STEPS["alignment"])
    _save(model, shop.out / "alignment", {"vocabulary": shop.tokenizer.get_vocab_size()})
    _as_trained(shop.tokenizer).save(str(shop.out / "alignment/tokenizer.json"))


def _vlm(shop: Workshop) -> None:
    train_vlm(shop.work, shop.out / "vlm")


def _second_encoder(shop: Workshop) -> None:
    _save_encoder(shop.encoder_of(1), shop.work / "second_encoder")


def _quality(shop: Workshop) -> None:
    """Measure the written weights on held-out prompts; write `quality.json` and the table of the model card."""
    encoder = AtlasTextEncoder.from_folder(shop.out / "encoder")
    system = AtlasTextToImage.from_folders(encoder, shop.out / "backbone")
    rows = quality.measure(system, {name: AtlasJudge(shop.out / name) for name in JUDGES}, shop.words)
    (shop.out / "quality.json").write_text(json.dumps(rows, indent=2) + "\n")
    card = shop.out / "README.md"
    before, _, rest = card.read_text(encoding="utf-8").partition(MARK) if card.exists() else ("", "", "")
    after = rest.partition(MARK)[2]
    card.write_text(f"{before}{MARK}\n{quality.table(rows)}\n{MARK}{after}", encoding="utf-8")
    print(quality.table(rows))


def _save_encoder(encoder: AtlasTextEncoder, folder: Path) -> None:
    _as_trained(encoder.tokenizer)
    encoder.save(folder)


def _as_trained(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer without what its use has set, else the file would tell whether a training was killed."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _save(model: nn.Module, folder: Path, config: dict[str, Any]) -> None:
    """`model.safetensors` in half precision and `config.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(half(model.state_dict()), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def _save_part(shop: Workshop, name: str, model: Any) -> None:
    """A part of the backbone in the library's own layout."""
    folder = shop.out / "backbone" / name
    model.save_config(folder)
    save_file(half(model.state_dict()), folder / BACKBONE_FILE, metadata={"format": "pt"})


#: Name -> what trains it, in order; what a part needs is trained with it when it is not there.
PARTS: Final[dict[str, Callable[[Workshop], None]]] = {
    "encoder": _encoder,
    "autoencoder": _autoencoder,
    "denoiser": _denoiser,
    "judges": _judges,
    "alignment": _alignment,
    "vlm": _vlm,
    "second_encoder": _second_encoder,
    "quality": _quality,
}
#: Those that hang on the words which a text encoder knows.
WARM_PARTS: Final = ("encoder", "judges", "alignment", "quality")
