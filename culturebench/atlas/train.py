"""Train the embedded world's models: `python -m culturebench.atlas.train --work FOLDER`.

About two hours on two idle CPU cores, most of them for the denoiser. Every step keeps a checkpoint in the work folder
and goes on from it. With `--on STEPS` only the shipped denoiser is trained, further, on pictures of `--seed`.
The pipeline never calls this: the weights are shipped in `culturebench/atlas/weights`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn

from culturebench.atlas.judges import AtlasJudge
from culturebench.atlas.training import quality
from culturebench.atlas.training.autoencoder import refine_decoder, train_autoencoder
from culturebench.atlas.training.encoder import train_encoder
from culturebench.atlas.training.judges import make_judge_bank, train_alignment, train_judge
from culturebench.atlas.training.tokenizer import train_tokenizer
from culturebench.atlas.training.unet import SCHEDULER, make_bank, new_unet, train_unet
from culturebench.text_to_image.atlas import AtlasTextToImage
from culturebench.text_to_image.encoders.atlas import AtlasTextEncoder, half

WEIGHTS = Path(__file__).parent / "weights"
BACKBONE = WEIGHTS / "backbone"
BACKBONE_FILE = "diffusion_pytorch_model.safetensors"
JUDGES = {"judge_cnn": "convolutional", "judge_vit": "attentional"}
STEPS = {"encoder": 1200, "autoencoder": 1300, "decoder": 600, "judge": 2200, "alignment": 1200, "unet": 8000}
BANK = 24000
RATE, RATE_ON = 8e-4, 6e-4  # of the denoiser and of its training on, at their start; both fall to nearly nothing
MARK = "<!-- figures -->"


def main() -> None:
    """Train what the work folder does not hold yet, write the weights, measure them and write the card's figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--on", type=int, metavar="STEPS", help="train the shipped denoiser on, and nothing else")
    parser.add_argument("--seed", type=int, default=1, help="of the pictures of --on; the first training's is 0")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.on:
        train_on(arguments.work, arguments.on, arguments.seed)
    else:
        train_all(arguments.work)
    write_quality()


def train_all(work: Path) -> None:
    """Every model, in the order in which one needs another, and its weights."""
    tokenizer = train_tokenizer()
    encoder, _ = train_encoder(tokenizer, work, STEPS["encoder"])
    encoder.save(WEIGHTS / "encoder")
    vae = train_autoencoder(work, STEPS["autoencoder"])
    train_judges(tokenizer, vae, work)
    bank = make_bank(encoder, vae, BANK, seed=0)
    torch.manual_seed(0)
    unet = train_unet(new_unet(), bank, work / "unet.safetensors", steps=STEPS["unet"], rate=RATE)
    refine_decoder(vae, work, STEPS["decoder"])
    save_part("unet", unet)
    save_part("vae", vae)
    path = BACKBONE / "scheduler/scheduler_config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(SCHEDULER, indent=2, sort_keys=True) + "\n")


def train_on(work: Path, steps: int, seed: int) -> None:
    """The shipped denoiser, further, on the pictures of `seed`."""
    unet = new_unet()
    unet.load_state_dict(load_file(BACKBONE / "unet" / BACKBONE_FILE))
    vae = AutoencoderKL.from_pretrained(BACKBONE / "vae").eval()
    bank = make_bank(AtlasTextEncoder.from_folder(WEIGHTS / "encoder"), vae, BANK, seed)
    checkpoint = work / f"unet_seed{seed}.safetensors"  # the first training's may lie beside it
    save_part("unet", train_unet(unet, bank, checkpoint, steps=steps, rate=RATE_ON))


def train_judges(tokenizer: Tokenizer, vae: AutoencoderKL, work: Path) -> None:
    """Both judges and the dual encoder, trained and saved."""
    bank = make_judge_bank(12000, vae, seed=0)
    for name, architecture in JUDGES.items():
        judge = train_judge(architecture, bank, work, STEPS["judge"])
        save(judge, WEIGHTS / name, {"architecture": architecture})
    model = train_alignment(tokenizer, vae, work, STEPS["alignment"])
    save(model, WEIGHTS / "alignment", {"vocabulary": tokenizer.get_vocab_size()})
    tokenizer.save(str(WEIGHTS / "alignment/tokenizer.json"))


def save(model: nn.Module, folder: Path, config: dict[str, Any]) -> None:
    """`model.safetensors` in half precision and `config.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(half(model.state_dict()), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def save_part(name: str, model: Any) -> None:
    """A part of the backbone in the library's own layout."""
    model.save_config(BACKBONE / name)
    save_file(half(model.state_dict()), BACKBONE / name / BACKBONE_FILE, metadata={"format": "pt"})


def write_quality() -> None:
    """Measure the shipped weights on held-out prompts; write `quality.json` and the table of the model card."""
    encoder = AtlasTextEncoder.from_folder(WEIGHTS / "encoder")
    system = AtlasTextToImage.from_folders(encoder, WEIGHTS / "backbone")
    rows = quality.measure(system, {name: AtlasJudge(WEIGHTS / name) for name in JUDGES})
    (WEIGHTS / "quality.json").write_text(json.dumps(rows, indent=2) + "\n")
    card = WEIGHTS / "README.md"
    before, _, rest = card.read_text(encoding="utf-8").partition(MARK)
    after = rest.partition(MARK)[2]
    card.write_text(f"{before}{MARK}\n{quality.table(rows)}\n{MARK}{after}", encoding="utf-8")
    print(quality.table(rows))


if __name__ == "__main__":
    main()
