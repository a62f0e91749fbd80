"""Show-o2's worker: pictures on request, line by line in JSON. It runs in Show-o2's own environment.

    python workers/show_o2.py --repository Show-o/show-o2 --weights FOLDER [--config configs/NAME.yaml]

FOLDER holds `show-o2/` (config.json and safetensors of showlab/show-o2-7B), `vae/Wan2.1_VAE.safetensors`, `llm/`
(tokenizer and config.json of Qwen2.5-7B-Instruct) and `siglip/` (siglip-so400m-patch14-384); nothing is downloaded.
The calls are those of inference_t2i.py in showlab/Show-o at `COMMIT`. Needs nothing of the project around it; what the
repository prints goes to stderr.
"""

from __future__ import annotations

import argparse
import base64
import inspect
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

Make = Callable[[dict[str, Any]], list[Any]]
#: Of showlab/Show-o, whose calls are made here.
COMMIT = "45a5a2de01d1ebd10cd5864d29310a76476cdf23"
CHECKOUT = f"check out showlab/Show-o at {COMMIT}"
#: What the README there samples with; the config's own, 5.0, is overruled by its commands.
GUIDANCE = 7.5
#: What get_hyper_params returns.
NUMBERS = (
    "image_tokens", "understood_tokens", "video_tokens", "max_tokens", "max_text", "channels", "patch", "width",
    "height", "pad", "bos", "eos", "boi", "eoi", "bov", "eov", "image_pad", "video_pad", "guidance",
)  # fmt: skip
#: Function -> the parameters that are given to it here, in their order.
CALLS = {
    "get_text_tokenizer": ("model_path", "add_showo_tokens", "return_showo_token_ids", "llm_name"),
    "get_hyper_params": ("config", "text_tokenizer", "showo_token_ids"),
    "prepare_gen_input": (
        "prompts", "text_tokenizer", "num_image_tokens", "bos_id", "eos_id", "boi_id", "eoi_id", "pad_id", "img_pad_id",
        "max_text_len", "device",
    ),
    "omni_attn_mask_naive": ("B", "LEN", "modalities", "device"),
}  # fmt: skip


def main() -> None:
    """Load the model, say so, and answer until stdin ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=Path("configs/showo2_7b_demo_432x432.yaml"))
    options = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(load(options.repository.resolve(), options.weights.resolve(), options.config), sys.stdin, answers)


def serve(make: Make, requests: TextIO, answers: TextIO) -> None:
    """One answer per request; a request that fails is answered, and the next one is served."""
    _say(answers, {"ready": True})
    for line in requests:
        try:
            _say(answers, {"pictures": [_png(picture) for picture in make(json.loads(line))]})
        except Exception as error:  # whatever it was, the other side has to hear of it
            kind = "memory" if type(error).__name__ == "OutOfMemoryError" else "error"
            _say(answers, {kind: f"{type(error).__name__}: {error}".splitlines()[0]})


@dataclass(frozen=True)
class Loaded:
    """Models and numbers of the repository's own classes, as its inference_t2i.py holds them."""

    model: Any
    vae: Any
    tokenizer: Any
    config: Any
    device: Any
    dtype: Any
    numbers: dict[str, Any]  # of get_hyper_params, by `NUMBERS`


def load(repository: Path, weights: Path, config_file: Path) -> Make:
    """The function that makes the pictures of a request."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # a file that is missing in `weights` is an error, and no download
    os.chdir(repository)
    sys.path.insert(0, str(repository))
    return partial(make, read(weights, config_file))


def read(weights: Path, config_file: Path) -> Loaded:
    """The weights, on a GPU if there is one."""
    import torch
    from models import Showo2Qwen2_5, WanVAE, omni_attn_mask_naive
    from models.misc import get_text_tokenizer, prepare_gen_input
    from omegaconf import OmegaConf
    from safetensors.torch import load_file
    from utils import get_hyper_params

    for function in (get_text_tokenizer, get_hyper_params, prepare_gen_input, omni_attn_mask_naive):
        check_call(function)
    config = OmegaConf.load(config_file)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = torch.bfloat16
    with tempfile.NamedTemporaryFile(suffix=".pth") as vae_file:  # the repository's class reads nothing else
        torch.save(load_file(weights / "vae/Wan2.1_VAE.safetensors"), vae_file.name)
        vae = WanVAE(vae_pth=vae_file.name, dtype=kind, device=device)
    tokenizer, ids = get_text_tokenizer(
        str(weights / "llm"), add_showo_tokens=True, return_showo_token_ids=True, llm_name="qwen2_5"
    )
    config.model.showo.llm_vocab_size = len(tokenizer)
    local = {"llm_model_path": str(weights / "llm"), "clip_pretrained_model_path": str(weights / "siglip")}
    model = Showo2Qwen2_5.from_pretrained(weights / "show-o2", use_safetensors=True, **local).to(device, kind).eval()
    if config.model.showo.add_time_embeds:  # the time's embedding stands before the picture's tokens
        for name in ("num_t2i_image_tokens", "num_mmu_image_tokens", "num_video_tokens"):
            config.dataset.preprocessing[name] += 1
    return Loaded(model, vae, tokenizer, config, device, kind, named(get_hyper_params(config, tokenizer, ids)))


def check_call(function: Callable[..., Any]) -> None:
    """RuntimeError for a function of the repository that takes other parameters than it is given here."""
    given, takes = CALLS[function.__name__], tuple(inspect.signature(function).parameters)
    if takes[: len(given)] != given:
        raise RuntimeError(
            f"{function.__name__} takes {', '.join(takes)}, this worker gives it {', '.join(given)}; {CHECKOUT}"
        )


def named(numbers: tuple[Any, ...]) -> dict[str, Any]:
    """What get_hyper_params returns, by name; RuntimeError for another number of values."""
    if len(numbers) != len(NUMBERS):
        raise RuntimeError(f"get_hyper_params returns {len(numbers)} values, not {len(NUMBERS)}; {CHECKOUT}")
    return dict(zip(NUMBERS, numbers, strict=True))


def make(loaded: Loaded, request: dict[str, Any]) -> list[Any]:
    """The pictures of a request; ValueError for another size than the config's."""
    import torch
    from models import omni_attn_mask_naive
    from models.misc import prepare_gen_input
    from PIL import Image
    from utils import denorm

    n = loaded.numbers
    if request["size"] not in (None, 16 * n["width"]):
        raise ValueError(f"Show-o2's config makes pictures of {16 * n['width']} pixels; set models.*.size to that")
    guidance = GUIDANCE if request["guidance"] is None else request["guidance"]
    count = len(request["prompts"])
    with torch.no_grad():
        text, no_text, places, no_places = prepare_gen_input(
            request["prompts"], loaded.tokenizer, n["image_tokens"], n["bos"], n["eos"], n["boi"], n["eoi"], n["pad"],
            n["image_pad"], n["max_text"], loaded.device,
        )  # fmt: skip
        noise = torch.stack([
            torch.randn(
                n["channels"], n["height"] * n["patch"], n["width"] * n["patch"],
                generator=torch.Generator().manual_seed(seed),
            )
            for seed in request["seeds"]
        ]).to(loaded.device, loaded.dtype)  # fmt: skip
        if guidance > 0:
            noise, text, places = torch.cat([noise] * 2), torch.cat([text, no_text]), torch.cat([places, no_places])
        mask = omni_attn_mask_naive(text.size(0), n["max_tokens"], places, loaded.device).to(loaded.dtype)
        latents = sampler(loaded.config.transport, n["image_tokens"], request["steps"])(
            noise, loaded.model.t2i_generate, text_tokens=text, attention_mask=mask, modality_positions=places,
            output_hidden_states=True, max_seq_len=n["max_tokens"], guidance_scale=guidance,
        )[-1][:count]  # fmt: skip
        pictures = denorm(loaded.vae.batch_decode(latents.unsqueeze(2)).squeeze(2))
    return [Image.fromarray(picture) for picture in pictures]


def sampler(ways: Any, image_tokens: int, steps: int) -> Callable[..., Any]:
    """The repository's ODE sampler, by the section `transport` of its config."""
    from transport import Sampler, create_transport

    transport = create_transport(
        path_type=ways.path_type, prediction=ways.prediction, loss_weight=ways.loss_weight,
        train_eps=ways.train_eps, sample_eps=ways.sample_eps, snr_type=ways.snr_type, do_shift=ways.do_shift,
        seq_len=image_tokens,
    )  # fmt: skip
    return Sampler(transport).sample_ode(
        sampling_method=ways.sampling_method, num_steps=steps, atol=ways.atol, rtol=ways.rtol, reverse=ways.reverse,
        time_shifting_factor=ways.time_shifting_factor,
    )  # fmt: skip


def _png(picture: Any) -> str:
    written = io.BytesIO()
    picture.save(written, format="PNG")
    return base64.b64encode(written.getvalue()).decode()


def _say(answers: TextIO, content: dict[str, Any]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
