"""Pipelines of diffusers on tiny random weights, saved as the hub has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
from transformers import AutoTokenizer

import tiny_encoders
from culturebench.text_to_image.adapters.parts import denoiser_of

WIDTH = tiny_encoders.WIDTH
ROTARY = (4, 4, 8)  # dimensions of a head of 16


def kl(channels: int = 4, blocks: int = 2, **values: Any) -> Any:
    """An autoencoder that makes pictures `2 ** (blocks - 1)` times as wide as its latents."""
    return diffusers.AutoencoderKL(
        block_out_channels=(8,) * blocks, latent_channels=channels, norm_num_groups=4, sample_size=32,
        layers_per_block=1, down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks, **values,
    )  # fmt: skip


def dc() -> Any:
    """The autoencoder of Sana."""
    return diffusers.AutoencoderDC(
        latent_channels=4, attention_head_dim=2, encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"), encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8), encoder_qkv_multiscales=((), (5,)), decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1), decoder_layers_per_block=(1, 1), downsample_block_type="conv",
        upsample_block_type="interpolate", scaling_factor=0.4,
    )  # fmt: skip


def sana(**values: Any) -> Any:
    """Sana's transformer."""
    return diffusers.SanaTransformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, num_attention_heads=2, attention_head_dim=4,
        num_cross_attention_heads=2, cross_attention_head_dim=4, cross_attention_dim=8, caption_channels=WIDTH,
        **values,
    )  # fmt: skip


def pixart() -> Any:
    """The transformer of PixArt."""
    return diffusers.PixArtTransformer2DModel(
        sample_size=8, num_layers=2, attention_head_dim=8, num_attention_heads=3, caption_channels=WIDTH,
        cross_attention_dim=24,
    )  # fmt: skip


def flux_like(kind: str, channels: int = 4, width: int = WIDTH, **values: Any) -> Any:
    """A transformer of joint and single blocks."""
    return getattr(diffusers, kind)(
        patch_size=1, in_channels=channels, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=width, **{"axes_dims_rope": ROTARY, **values},
    )  # fmt: skip


def flux_vae() -> Any:
    """An autoencoder as FLUX's, without the layers around its latents."""
    return kl(1, 1, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5)


def flow(**values: Any) -> Any:
    """The scheduler of flow matching."""
    return diffusers.FlowMatchEulerDiscreteScheduler(**values)


@dataclass(frozen=True)
class Recipe:
    """A pipeline's text encoders, by family, and what makes its other parts."""

    encoders: tuple[str, ...]
    parts: Callable[[], Mapping[str, Any]]
    size: int = 32  # pixels
    layers: int | None = None  # of the encoders


def _aura() -> Any:
    return diffusers.AuraFlowTransformer2DModel(
        sample_size=32, num_mmdit_layers=1, num_single_dit_layers=1, attention_head_dim=8, num_attention_heads=4,
        caption_projection_dim=32, joint_attention_dim=WIDTH, pos_embed_max_size=256,
    )  # fmt: skip


def _lumina2() -> Any:
    return diffusers.Lumina2Transformer2DModel(
        sample_size=4, in_channels=4, hidden_size=24, num_layers=1, num_refiner_layers=1, num_attention_heads=3,
        num_kv_heads=1, multiple_of=16, axes_dim_rope=(4, 2, 2), cap_feat_dim=WIDTH,
    )  # fmt: skip


def _lumina() -> Any:
    return diffusers.LuminaNextDiT2DModel(
        sample_size=16, in_channels=4, hidden_size=24, num_layers=2, num_attention_heads=3, num_kv_heads=1,
        multiple_of=16, cross_attention_dim=WIDTH,
    )  # fmt: skip


def _qwen_image() -> Any:
    return diffusers.QwenImageTransformer2DModel(
        in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=WIDTH, axes_dims_rope=ROTARY,
    )  # fmt: skip


def _qwen_vae() -> Any:
    return diffusers.AutoencoderKLQwenImage(
        base_dim=8, z_dim=4, dim_mult=[1, 2, 4], num_res_blocks=1, temperal_downsample=[False, True],
        latents_mean=[0.1] * 4, latents_std=[1.5] * 4,
    )  # fmt: skip


def _z_image() -> Any:
    return diffusers.ZImageTransformer2DModel(
        dim=32, n_layers=1, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=WIDTH, axes_dims=[8, 4, 4],
        axes_lens=[1024, 64, 64],
    )  # fmt: skip


def _klein_vae() -> Any:
    return diffusers.AutoencoderKLFlux2(
        block_out_channels=(8,), down_block_types=("DownEncoderBlock2D",), up_block_types=("UpDecoderBlock2D",),
        layers_per_block=1, latent_channels=1, norm_num_groups=4, sample_size=32, use_quant_conv=False,
        use_post_quant_conv=False,
    )  # fmt: skip


def _klein() -> Any:
    return flux_like("Flux2Transformer2DModel", 4, 3 * WIDTH, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False)


def _cogview4() -> Any:
    return diffusers.CogView4Transformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, attention_head_dim=4, num_attention_heads=4, text_embed_dim=WIDTH,
        time_embed_dim=8, condition_dim=4,
    )  # fmt: skip


def _hunyuan() -> Any:
    return diffusers.HunyuanDiT2DModel(
        sample_size=16, num_layers=2, patch_size=2, attention_head_dim=8, num_attention_heads=3, in_channels=4,
        cross_attention_dim=WIDTH, cross_attention_dim_t5=WIDTH, pooled_projection_dim=WIDTH, hidden_size=24,
    )  # fmt: skip


def _chroma() -> Any:
    return flux_like(
        "ChromaTransformer2DModel", approximator_hidden_dim=32, approximator_layers=1, approximator_num_channels=16
    )


def unet(width: int = WIDTH, **values: Any) -> Any:
    """The UNet of Stable Diffusion."""
    return diffusers.UNet2DConditionModel(
        sample_size=16, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, attention_head_dim=4,
        cross_attention_dim=width, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), **values,
    )  # fmt: skip


def _unet_xl() -> Any:
    return unet(
        2 * WIDTH, addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=64,
        use_linear_projection=True,
    )  # fmt: skip


def _sd3() -> Any:
    return diffusers.SD3Transformer2DModel(
        sample_size=16, patch_size=1, in_channels=4, out_channels=4, num_layers=2, attention_head_dim=8,
        num_attention_heads=4, joint_attention_dim=WIDTH, caption_projection_dim=32, pooled_projection_dim=2 * WIDTH,
        pos_embed_max_size=16,
    )  # fmt: skip


def _bria() -> Any:
    return diffusers.BriaTransformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=WIDTH, axes_dims_rope=ROTARY,
    )  # fmt: skip


def _cogview3() -> Any:
    return diffusers.CogView3PlusTransformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, attention_head_dim=8, num_attention_heads=4, text_embed_dim=WIDTH,
        time_embed_dim=8, condition_dim=4, pos_embed_max_size=16, sample_size=16,
    )  # fmt: skip


def _longcat() -> Any:
    return diffusers.LongCatImageTransformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=WIDTH, axes_dims_rope=ROTARY,
    )  # fmt: skip


NONE: Mapping[str, Any] = {"safety_checker": None, "feature_extractor": None}
DDIM, SCM = diffusers.DDIMScheduler, diffusers.SCMScheduler
STABLE: Mapping[str, Any] = {"beta_schedule": "scaled_linear", "clip_sample": False, "set_alpha_to_one": False}
SHIFTED: Mapping[str, Any] = {"use_dynamic_shifting": True, "time_shift_type": "linear", "base_image_seq_len": 256}
RECIPES: dict[str, Recipe] = {
    "SanaPipeline": Recipe(("Gemma",), lambda: {"transformer": sana(), "vae": dc(), "scheduler": flow()}),
    "SanaPAGPipeline": Recipe(("Gemma",), lambda: {"transformer": sana(), "vae": dc(), "scheduler": flow()}),
    "PixArtAlphaPipeline": Recipe(("T5",), lambda: {"transformer": pixart(), "vae": kl(), "scheduler": DDIM()}),
    "PixArtSigmaPipeline": Recipe(("T5",), lambda: {"transformer": pixart(), "vae": kl(), "scheduler": DDIM()}),
    "PixArtSigmaPAGPipeline": Recipe(("T5",), lambda: {"transformer": pixart(), "vae": kl(), "scheduler": DDIM()}),
    "SanaSprintPipeline": Recipe(
        ("Gemma",), lambda: {"transformer": sana(guidance_embeds=True), "vae": dc(), "scheduler": SCM()}
    ),
    "AuraFlowPipeline": Recipe(("T5",), lambda: {"transformer": _aura(), "vae": kl(), "scheduler": flow()}),
    "Lumina2Pipeline": Recipe(
        ("Gemma",), lambda: {"transformer": _lumina2(), "vae": kl(shift_factor=0.1), "scheduler": flow()}
    ),
    "LuminaPipeline": Recipe(("Gemma",), lambda: {"transformer": _lumina(), "vae": kl(), "scheduler": flow()}),
    "ChromaPipeline": Recipe(("T5",), lambda: {"transformer": _chroma(), "vae": flux_vae(), "scheduler": flow()}),
    "OvisImagePipeline": Recipe(
        ("Qwen without head",),
        lambda: {"transformer": flux_like("OvisImageTransformer2DModel", out_channels=4), "vae": flux_vae(),
                 "scheduler": flow(use_dynamic_shifting=True)},
    ),
    "QwenImagePipeline": Recipe(
        ("Qwen2.5-VL",),
        lambda: {"transformer": _qwen_image(), "vae": _qwen_vae(), "scheduler": flow(use_dynamic_shifting=True)},
    ),
    "ZImagePipeline": Recipe(
        ("Qwen chat",),
        lambda: {"transformer": _z_image(), "vae": kl(16, shift_factor=0.1),
                 "scheduler": flow(use_dynamic_shifting=True)},
    ),
    "Flux2KleinPipeline": Recipe(
        ("Qwen chat",),
        lambda: {"transformer": _klein(), "vae": _klein_vae(), "scheduler": flow(use_dynamic_shifting=True)},
        layers=29,
    ),
    "CogView4Pipeline": Recipe(
        ("GLM with <bos>",), lambda: {"transformer": _cogview4(), "vae": kl(), "scheduler": flow(**SHIFTED)}
    ),
    "HunyuanDiTPipeline": Recipe(
        ("Long BERT", "T5"),
        lambda: {"transformer": _hunyuan(), "vae": kl(4, 4), "scheduler": diffusers.DDPMScheduler(), **NONE},
    ),
    "StableDiffusionPAGPipeline": Recipe(
        ("CLIP",), lambda: {"unet": unet(), "vae": kl(), "scheduler": DDIM(**STABLE), **NONE, "image_encoder": None},
    ),
    "StableDiffusionXLPAGPipeline": Recipe(
        ("CLIP", "CLIP with projection"),
        lambda: {"unet": _unet_xl(), "vae": kl(), "scheduler": DDIM(**STABLE)},
    ),
    "StableDiffusion3PAGPipeline": Recipe(
        ("CLIP with projection", "CLIP with projection", "T5"),
        lambda: {"transformer": _sd3(), "vae": kl(shift_factor=0.1), "scheduler": flow()},
    ),
    "HunyuanDiTPAGPipeline": Recipe(
        ("Long BERT", "T5"),
        lambda: {"transformer": _hunyuan(), "vae": kl(4, 4), "scheduler": diffusers.DDPMScheduler(), **NONE},
    ),
    "LatentConsistencyModelPipeline": Recipe(
        ("CLIP",),
        lambda: {"unet": unet(time_cond_proj_dim=8), "vae": kl(), "scheduler": diffusers.LCMScheduler(**STABLE), **NONE,
                 "image_encoder": None},
    ),
    "BriaPipeline": Recipe(("T5",), lambda: {"transformer": _bria(), "vae": kl(4, 4), "scheduler": flow()}),
    "CogView3PlusPipeline": Recipe(
        ("T5",), lambda: {"transformer": _cogview3(), "vae": kl(), "scheduler": DDIM(prediction_type="v_prediction")}
    ),
}  # fmt: skip


def write(name: str, folder: Path) -> Path:
    """The pipeline of a recipe, as `save_pretrained` lays it out."""
    recipe, given = RECIPES[name], {}
    for number, family in enumerate(recipe.encoders, 1):
        slot = "" if number == 1 else f"_{number}"
        path = folder / f"encoder{slot}"
        given[f"text_encoder{slot}"] = tiny_encoders.write(path, family, layers=recipe.layers)
        given[f"tokenizer{slot}"] = AutoTokenizer.from_pretrained(path / "tokenizer")
    kind: Any = getattr(diffusers, name)
    more = {"requires_safety_checker": False} if "safety_checker" in recipe.parts() else {}
    torch.manual_seed(0)
    pipe = kind(**given, **recipe.parts(), **more)
    with torch.no_grad():
        for part, parameter in denoiser_of(pipe).named_parameters():
            if parameter.dim() > 1:  # as drawn at first, most blocks let nothing of a text through
                parameter.normal_(0, 0.6 if "attn2" in part else 0.2)
    pipe.save_pretrained(folder / "pipe")
    return folder / "pipe"
