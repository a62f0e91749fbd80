"""Each system on the published layout, shrunk: its pictures are those of the library's own pipeline."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
import yaml
from diffusers import DiffusionPipeline, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.pipelines.deprecated.alt_diffusion.modeling_roberta_series import RobertaSeriesModelWithTransformation
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaModel

import layouts
from culturebench.params.encoders import Encoder
from culturebench.params.engine import Engine
from culturebench.params.models import Model
from culturebench.store import Store
from culturebench.text_to_image.adapters.parts import BackboneError
from culturebench.text_to_image.adapters.pipeline import PipelineSystem
from culturebench.text_to_image.loading import AdapterError, load_encoder, load_model
from culturebench.text_to_image.sampling import Shot
from culturebench.text_to_image.systems import Sampler
from import_graph import ROOT

PROMPTS = ["青海波の椀 bowl", "a plain bowl"]
SEEDS = [3, 4]
STEPS, T5_TOKENS = 2, 32


def tower(number: str = "", **values: Any) -> dict[str, Any]:
    return {"subfolder": f"text_encoder{number}", "tokenizer": f"tokenizer{number}", **values}


CLIPS = {"l": tower(reads="penultimate"), "g": tower("_2")}
#: Layout -> adapter and towers.
SYSTEMS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "sdxl": ("sdxl", CLIPS),
    "sd35_medium": ("sd35", {**CLIPS, "t5": tower("_3", max_tokens=T5_TOKENS)}),
    "sd35_large": ("sd35", {**CLIPS, "t5": tower("_3", max_tokens=T5_TOKENS)}),
    "flux": ("flux", {"l": tower(), "t5": tower("_2", max_tokens=T5_TOKENS)}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a layout, written once."""
    root = tmp_path_factory.mktemp("layouts")

    def written(name: str) -> Path:
        return root / name if (root / name).is_dir() else layouts.write(name, root / name)

    return written


def build(
    folder: Path, adapter: str, towers: dict[str, dict[str, Any]], kind: str = "transformers", **values: Any
) -> Any:
    model = Model(adapter=adapter, towers=list(towers), pin="x", size=32, **values)
    encoders = [load_encoder(Encoder(adapter=kind, pin="x", **tower), folder) for tower in towers.values()]
    return load_model(model, encoders, folder, None, STEPS)


def pictures(images: Any) -> Any:
    return np.stack([np.asarray(image, dtype=np.float64) for image in images])


def same(ours: Any, theirs: Any) -> None:
    """Equal to one of 255 levels, where a float sum may round to either side."""
    assert np.abs(pictures(ours) - pictures(theirs)).max() <= 1


@cache
def own_pipeline(folder: Path) -> Any:
    pipe = DiffusionPipeline.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def noise() -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in SEEDS]


def extra(name: str) -> dict[str, int]:
    return {} if name == "sdxl" else {"max_sequence_length": T5_TOKENS}


@pytest.mark.parametrize("name", SYSTEMS)
def test_pictures_are_those_of_the_librarys_pipeline(name: str, folder: Callable[[str], Path]) -> None:
    system: PipelineSystem = build(folder(name), *SYSTEMS[name], guidance=5.0)
    ours = system.generate(system.encode(PROMPTS), SEEDS)
    pipe = own_pipeline(folder(name))
    theirs = pipe(
        PROMPTS, num_inference_steps=STEPS, guidance_scale=5.0, height=32, width=32, generator=noise(), **extra(name)
    ).images
    same(ours, theirs)
    assert pictures(ours).std() > 10, "a flat picture would equal anything"
    assert np.abs(pictures(ours[:1]) - pictures(ours[1:])).max() > 10


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_conditioning_is_the_librarys_to_float_tolerance(name: str, folder: Callable[[str], Path]) -> None:
    system: PipelineSystem = build(folder(name), *SYSTEMS[name])
    ours = system.encode(PROMPTS).tensors
    both = {} if name == "flux" else {"do_classifier_free_guidance": False}
    others = {"prompt_2": None, **({"prompt_3": None} if name.startswith("sd35") else {})}
    returned = own_pipeline(folder(name)).encode_prompt(PROMPTS, **others, **both, **extra(name))
    theirs = [tensor for tensor in returned if tensor is not None and tensor.shape[0] == len(PROMPTS)]
    for tensor, wanted in zip((ours["prompt_embeds"], ours["pooled_prompt_embeds"]), theirs, strict=True):
        torch.testing.assert_close(tensor, wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "edited"), [(name, key) for name, (_, towers) in SYSTEMS.items() for key in towers if name != "sd35_large"]
)
def test_an_edit_acts_in_the_named_tower_and_in_the_conditional_half_alone(
    name: str, edited: str, folder: Callable[[str], Path]
) -> None:
    system: PipelineSystem = build(folder(name), *SYSTEMS[name], edited=edited, guidance=5.0)
    place = list(SYSTEMS[name][1]).index(edited)
    assert system.encoder is system.towers[place]
    plain = system.encode(PROMPTS)
    kept = {key: value.clone() for key, value in system.negative.items()}
    ramp = torch.linspace(-3, 3, system.encoder.hidden_size)
    with system.encoder.edited(0, lambda features, real: torch.where(real[..., None], features + ramp, features)):
        changed = system.encode(PROMPTS)
        inside = system.generate(changed, SEEDS)
    assert any(not torch.equal(changed.tensors[key], plain.tensors[key]) for key in plain.tensors)
    same(inside, system.generate(changed, SEEDS))  # the unconditional half never saw the edit
    assert all(torch.equal(system.negative[key], value) for key, value in kept.items())
    pipe = own_pipeline(folder(name))
    negative = {f"negative_{key}": value.expand(2, *value.shape[1:]) for key, value in kept.items()}
    size = {"num_inference_steps": STEPS, "guidance_scale": 5.0, "height": 32, "width": 32}
    same(inside, pipe(**changed.tensors, **negative, **size, generator=noise()).images)
    assert np.abs(pictures(inside) - pictures(system.generate(plain, SEEDS))).max() > 2


def test_a_picture_does_not_depend_on_the_other_rows_of_its_batch(folder: Callable[[str], Path]) -> None:
    system: PipelineSystem = build(folder("sdxl"), *SYSTEMS["sdxl"])
    both = system.encode(PROMPTS)
    together = system.generate(both, SEEDS)
    same(together[1:], system.generate(both.rows([1]), SEEDS[1:]))


def test_two_systems_load_one_shared_tower_each_from_its_own_pin(folder: Callable[[str], Path]) -> None:
    """FLUX's CLIP-L in the place of SDXL's: the towers' folder is not the backbone's."""
    first = load_encoder(Encoder(adapter="transformers", pin="x", **CLIPS["l"]), folder("flux"))
    second = load_encoder(Encoder(adapter="transformers", pin="x", **CLIPS["g"]), folder("sdxl"))
    model = Model(adapter="sdxl", towers=["l", "g"], pin="x", size=32)
    system: Any = load_model(model, [first, second], folder("sdxl"), None, STEPS)
    tower = own_pipeline(folder("flux")).text_encoder
    pipe: Any = StableDiffusionXLPipeline(**{**own_pipeline(folder("sdxl")).components, "text_encoder": tower})
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(PROMPTS, num_inference_steps=STEPS, height=32, width=32, generator=noise()).images
    same(system.generate(system.encode(PROMPTS), SEEDS), theirs)


def test_a_device_that_is_full_makes_the_same_pictures_in_halves_and_says_so(
    folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system: PipelineSystem = build(folder("sdxl"), *SYSTEMS["sdxl"], guidance=5.0)
    conditioning = system.encode([*PROMPTS, PROMPTS[0]])
    seeds = [*SEEDS, 5]
    whole = system.generate(conditioning, seeds)
    forward, rows = type(system.pipe.unet).forward, []

    def small(unet: Any, sample: Tensor, *args: Any, **kwargs: Any) -> Any:
        rows.append(len(sample))
        if len(sample) > 2:  # both halves of the guidance of one picture
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(unet, sample, *args, **kwargs)

    monkeypatch.setattr(type(system.pipe.unet), "forward", small)
    same(system.generate(conditioning, seeds), whole)
    assert max(rows[1:]) == 2
    assert "out of memory with 3 pictures at once; going on with 1" in capsys.readouterr().err


def test_an_attention_that_is_not_installed_is_one_error(folder: Callable[[str], Path]) -> None:
    with pytest.raises(BackboneError, match=r"runtime\.attention: flash_attention_2 does not work here .*auto always"):
        build(folder("flux"), *SYSTEMS["flux"], runtime={"attention": "flash_attention_2"})


# ── AltDiffusion ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["altdiffusion_m9", "altdiffusion_m18"])
def test_altdiffusion_gives_what_its_own_encoder_and_stable_diffusion_give(
    name: str, folder: Callable[[str], Path]
) -> None:
    path = folder(name)
    with pytest.raises(Exception, match=r"alt_diffusion|RobertaSeries|AltDiffusion"):
        DiffusionPipeline.from_pretrained(path, local_files_only=True)
    system: Any = build(path, "altdiffusion", {"xlm_r": {}}, "altdiffusion", guidance=7.5)
    embeds = alt_embeds(path, [*PROMPTS, ""])
    torch.testing.assert_close(system.encode(PROMPTS).tensors["prompt_embeds"], embeds[:2], atol=1e-5, rtol=1e-4)
    parts: dict[str, Any] = {
        "unet": diffusers.UNet2DConditionModel.from_pretrained(path / "unet"),
        "vae": diffusers.AutoencoderKL.from_pretrained(path / "vae"),
        "scheduler": diffusers.DPMSolverMultistepScheduler.from_pretrained(path / "scheduler"),
    }
    nothing: dict[str, Any] = dict.fromkeys(("text_encoder", "tokenizer", "safety_checker", "feature_extractor"))
    pipe: Any = StableDiffusionPipeline(**parts, **nothing, requires_safety_checker=False)
    theirs = pipe(
        prompt_embeds=embeds[:2], negative_prompt_embeds=embeds[2:].expand(2, -1, -1), num_inference_steps=STEPS,
        guidance_scale=7.5, height=32, width=32, generator=noise(),
    ).images  # fmt: skip
    same(system.generate(system.encode(PROMPTS), SEEDS), theirs)


def alt_embeds(path: Path, prompts: list[str]) -> Tensor:
    """By the class that diffusers keeps for AltDiffusion."""
    kind: Any = RobertaSeriesModelWithTransformation.config_class
    config = kind.from_pretrained(path / "text_encoder")
    model = RobertaSeriesModelWithTransformation(config).eval()
    missing, surplus = model.load_state_dict(load_file(path / "text_encoder/model.safetensors"), strict=False)
    assert not missing and not surplus
    tokenizer = AutoTokenizer.from_pretrained(path / "tokenizer")
    encoded = tokenizer(prompts, padding="max_length", max_length=tokenizer.model_max_length, return_tensors="pt")
    with torch.no_grad():
        return model(encoded["input_ids"], attention_mask=encoded["attention_mask"], return_dict=True).projection_state


def test_m18_ends_before_its_last_layer_and_m9_at_it(folder: Callable[[str], Path]) -> None:
    source = Encoder(adapter="altdiffusion", pin="x")
    last = {name: load_encoder(source, folder(f"altdiffusion_{name}")).last_upstream_layer for name in ("m9", "m18")}
    assert last == {"m9": 3, "m18": 2}


# ── PEA-Diffusion ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def pea(folder: Callable[[str], Path]) -> Path:
    """The layout with its two pickles as safetensors."""
    path = folder("pea_diffusion")
    for pickle in list(path.rglob("*.bin")):
        save_file(torch.load(pickle, weights_only=True), pickle.with_suffix(".safetensors"))
        pickle.unlink()
    return path


def test_pea_diffusion_gives_its_adapters_embeddings_to_sdxl(pea: Path, folder: Callable[[str], Path]) -> None:
    encoder = load_encoder(Encoder(adapter="open_clip", pin="x"), pea / "open_clip")
    model = Model(adapter="pea_diffusion", towers=["xlm_r"], pin="x", bridge="y", size=32, guidance=7.5)
    system: Any = load_model(model, [encoder], folder("sdxl"), pea / "adapter", STEPS)
    (pooled, embeds), (no_pooled, no_embeds) = pea_embeds(pea, PROMPTS), pea_embeds(pea, [""])
    found = system.encode(PROMPTS).tensors
    torch.testing.assert_close(found["prompt_embeds"], embeds, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found["pooled_prompt_embeds"], pooled, atol=1e-5, rtol=1e-4)
    pipe: Any = own_pipeline(folder("sdxl"))
    assert issubclass(type(pipe), StableDiffusionXLPipeline)
    theirs = pipe(
        prompt_embeds=embeds, pooled_prompt_embeds=pooled, negative_prompt_embeds=no_embeds.expand(2, -1, -1),
        negative_pooled_prompt_embeds=no_pooled.expand(2, -1), num_inference_steps=STEPS, guidance_scale=7.5,
        height=32, width=32, generator=noise(),
    ).images  # fmt: skip
    same(system.generate(system.encode(PROMPTS), SEEDS), theirs)


def pea_embeds(pea: Path, prompts: list[str]) -> tuple[Tensor, Tensor]:
    """Pooled and token embeddings by the formula of the published code, on the library's XLM-R."""
    weights = load_file(pea / "open_clip/open_clip_pytorch_model.safetensors")
    text = {name.removeprefix("text.transformer."): t for name, t in weights.items() if "text.transformer." in name}
    config = XLMRobertaConfig(
        vocab_size=80, hidden_size=128, num_hidden_layers=3, num_attention_heads=2, intermediate_size=256,
        max_position_embeddings=514, type_vocab_size=1,
    )  # fmt: skip
    model = XLMRobertaModel(config, add_pooling_layer=False).eval()
    assert model.load_state_dict(text, strict=False).missing_keys == []
    tokenizer = AutoTokenizer.from_pretrained(pea / "open_clip")
    ids = tokenizer(prompts, padding="max_length", max_length=77, return_tensors="pt")["input_ids"]
    w = load_file(pea / "adapter/pytorch_model.safetensors")
    with torch.no_grad():
        states = model(ids, attention_mask=(ids != 1).long()).last_hidden_state
        x = layer_norm(states, (128,), w["layernorm.weight"], w["layernorm.bias"])
        x = linear(
            gelu(linear(gelu(linear(x, w["projector.0.weight"])), w["projector.2.weight"])), w["projector.4.weight"]
        )
        return x.mean(1), linear(gelu(x), w["fc.weight"], w["fc.bias"])


def test_pea_diffusion_samples_as_upstream_does_and_each_part_in_its_precision(
    pea: Path, folder: Callable[[str], Path]
) -> None:
    """float32 tower, adapter and autoencoder around a UNet in half precision, and DPM-Solver in the place of Euler."""
    encoder = load_encoder(Encoder(adapter="open_clip", pin="x"), pea / "open_clip")
    entry = yaml.safe_load((ROOT / "examples/models/pea_diffusion.yaml").read_text())["models"]["pea_diffusion"]
    model = Model(**{**entry, "towers": ["xlm_r"], "pin": "x", "size": 32, "steps": STEPS})
    system: Any = load_model(model, [encoder], folder("sdxl"), pea / "adapter", STEPS)
    (pooled, embeds), (no_pooled, no_embeds) = pea_embeds(pea, PROMPTS), pea_embeds(pea, [""])
    torch.testing.assert_close(system.encode(PROMPTS).tensors["prompt_embeds"], embeds, atol=1e-5, rtol=1e-4)
    parts: dict[str, Any] = {
        "unet": diffusers.UNet2DConditionModel.from_pretrained(folder("sdxl") / "unet", torch_dtype=torch.float16),
        "vae": diffusers.AutoencoderKL.from_pretrained(folder("sdxl") / "vae"),
        "scheduler": diffusers.DPMSolverMultistepScheduler.from_pretrained(folder("sdxl") / "scheduler"),
    }
    nothing: dict[str, Any] = dict.fromkeys(("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"))
    pipe: Any = StableDiffusionXLPipeline(**parts, **nothing, add_watermarker=False)
    half = [tensor.half() for tensor in (embeds, pooled, no_embeds.expand(2, -1, -1), no_pooled.expand(2, -1))]
    names = ("prompt_embeds", "pooled_prompt_embeds", "negative_prompt_embeds", "negative_pooled_prompt_embeds")
    latents = pipe(
        **dict(zip(names, half, strict=True)), num_inference_steps=STEPS, guidance_scale=7.5, height=32, width=32,
        generator=noise(), output_type="latent",
    ).images.float()  # fmt: skip
    with torch.no_grad():
        pixels = parts["vae"].decode(latents / parts["vae"].config.scaling_factor).sample
    theirs = pipe.image_processor.postprocess(pixels, output_type="pil")
    differences = np.abs(pictures(system.generate(system.encode(PROMPTS), SEEDS)) - pictures(theirs))
    assert differences.max() <= 4  # of 255: half precision rounds otherwise with other threads
    assert differences.mean() < 0.5
    assert (system.pipe.unet.dtype, system.pipe.vae.dtype) == (torch.float16, torch.float32)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"class": "UNet2DConditionModel"}, "is 'UNet2DConditionModel', which is no scheduler of diffusers"),
        (
            {"class": "EulerDiscreteScheduler", "settings": {"solver": 2}},
            "EulerDiscreteScheduler has no solver; it has",
        ),
    ],
)
def test_a_scheduler_that_is_none_and_settings_that_it_lacks_are_refused(
    entry: dict[str, Any], said: str, folder: Callable[[str], Path]
) -> None:
    with pytest.raises(BackboneError, match=said):
        build(folder("flux"), *SYSTEMS["flux"], scheduler=entry)


def test_peas_adapter_is_as_wide_as_its_tensors_say(pea: Path, folder: Callable[[str], Path], tmp_path: Path) -> None:
    weights = load_file(pea / "adapter/pytorch_model.safetensors")
    wide = {**weights, "projector.0.weight": torch.randn(96, 128), "projector.2.weight": torch.randn(96, 96),
            "projector.4.weight": torch.randn(32, 96)}  # fmt: skip
    save_file(wide, tmp_path / "adapter.safetensors")
    encoder = load_encoder(Encoder(adapter="open_clip", pin="x"), pea / "open_clip")
    model = Model(adapter="pea_diffusion", towers=["xlm_r"], pin="x", bridge="y", size=32)
    system: Any = load_model(model, [encoder], folder("sdxl"), tmp_path, STEPS)
    assert system.encode(PROMPTS).tensors["prompt_embeds"].shape == (2, 77, 64)
    save_file(weights, tmp_path / "second.safetensors")
    with pytest.raises(BackboneError, match=r"one adapter as safetensors, found: adapter.safetensors, second"):
        load_model(model, [encoder], folder("sdxl"), tmp_path, STEPS)


# ── what cannot be loaded ───────────────────────────────────────────────────────────────────────────────────────


def test_another_number_of_towers_is_refused() -> None:
    with pytest.raises(AdapterError, match=r"adapter sd35 takes 3 towers, models.\*.towers names 1"):
        load_model(Model(adapter="sd35", towers=["l"], pin="x"), [], Path(), None, STEPS)


def test_a_bridge_belongs_to_pea_diffusion_alone() -> None:
    for model in (
        Model(adapter="pea_diffusion", towers=["a"], pin="x"),
        Model(adapter="atlas", towers=["a"], pin="x", bridge="y"),
    ):
        with pytest.raises(AdapterError, match="names the pin of PEA-Diffusion's adapter"):
            load_model(model, [], Path(), None, STEPS)


def test_a_folder_that_is_no_pipeline_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="holds neither unet/ nor transformer/"):
        load_model(Model(adapter="flux", towers=["l", "t5"], pin="x"), [], tmp_path, None, STEPS)
    (tmp_path / "unet").mkdir()
    with pytest.raises(BackboneError, match="names no class"):
        load_model(Model(adapter="flux", towers=["l", "t5"], pin="x"), [], tmp_path, None, STEPS)


@pytest.mark.skipif(find_spec("accelerate") is not None, reason="accelerate is installed")
def test_offload_without_accelerate_names_the_command(folder: Callable[[str], Path]) -> None:
    with pytest.raises(BackboneError, match=r"runtime.offload: model needs .*pip install --editable '\.\[gpu\]'"):
        build(folder("flux"), *SYSTEMS["flux"], runtime={"offload": "model"})


def test_prompts_that_a_tower_cuts_are_told_where_pictures_are_made(
    folder: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "a bowl " * 9
    shots = [Shot("a bowl", 1), Shot(long, 1)]
    told = [("jp", shots[0].prompt), ("jp", long), ("nl", shots[0].prompt)]
    engine = Engine(kind="local", workers=1, address=None, cpus_per_worker=1, gpus_per_worker=0)
    entries = {"l": tower(reads="penultimate", max_tokens=12), "g": tower("_2", max_tokens=12)}

    def sampler() -> Sampler:
        return Sampler(lambda: build(folder("sdxl"), "sdxl", entries), {}, Store(str(tmp_path)), engine)

    made = sampler()
    assert len(list(made.pictures([shots], "pictures"))) == 1
    capsys.readouterr()
    made.tell_cut(told)
    assert [line.split(";")[0] for line in capsys.readouterr().err.splitlines()] == [
        f"text encoder {number} of 2: prompts that are longer than the encoder reads, and are cut: jp 1 of 2"
        for number in (1, 2)
    ]
    again = sampler()
    assert len(list(again.pictures([shots], "pictures"))) == 1
    again.tell_cut(told)
    assert "cut" not in capsys.readouterr().err
