"""The functions of showlab/Show-o that the worker calls, with the parameters and returned values of its public code.

The models in it are stand-ins: the released ones have billions of weights and an environment of their own.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import torch
from safetensors.torch import save_file

FILES = {
    "configs/tiny.yaml": """
        model:
          showo: {add_time_embeds: true, image_latent_dim: 2, patch_size: 2, llm_vocab_size: null}
        dataset:
          preprocessing: {max_seq_length: 16, num_t2i_image_tokens: 4, num_mmu_image_tokens: 4, num_video_tokens: 8,
                          latent_width: 2, latent_height: 2}
        transport: {path_type: Linear, prediction: velocity, loss_weight: null, train_eps: null, sample_eps: null,
                    snr_type: lognorm, sampling_method: euler, guidance_scale: 5.0, atol: 1.0e-6, rtol: 1.0e-3,
                    reverse: false, do_shift: true, time_shifting_factor: 3.0}
    """,
    "models/misc.py": """
        import torch

        def get_text_tokenizer(model_path, add_showo_tokens=True, return_showo_token_ids=False, llm_name="qwen2_5"):
            names = ("bos", "eos", "boi", "eoi", "bov", "eov", "img_pad", "vid_pad")
            return Tokenizer(), {f"{name}_id": number for number, name in enumerate(names)}

        class Tokenizer(dict):
            pad_token_id = 9

        def prepare_gen_input(prompts, text_tokenizer, num_image_tokens, bos_id, eos_id, boi_id, eoi_id, pad_id,
                              img_pad_id, max_text_len, device):
            assert (num_image_tokens, bos_id, eos_id, boi_id, eoi_id, pad_id, img_pad_id) == (5, 0, 1, 2, 3, 9, 6)
            assert max_text_len == 16 - 5 - 4
            ids = torch.tensor([[len(prompt)] * 16 for prompt in prompts])
            places = torch.tensor([[[2, num_image_tokens]] for _ in prompts])
            return ids, ids * 0, places, places
    """,
    "models/__init__.py": """
        import torch

        def omni_attn_mask_naive(B, LEN, modalities, device, inverted=True):
            return torch.ones((B, 1, LEN, LEN), device=device)

        class WanVAE:
            def __init__(self, z_dim=16, vae_pth="", dtype=torch.float, device="cuda"):
                assert torch.load(vae_pth)["x"].shape == (1,)

            def batch_decode(self, latents):
                return latents.new_ones(len(latents), 3, 1, 8, 8) * latents.mean(dim=(1, 2, 3, 4)).view(-1, 1, 1, 1, 1)

        class Showo2Qwen2_5(torch.nn.Module):
            @classmethod
            def from_pretrained(cls, folder, use_safetensors, llm_model_path, clip_pretrained_model_path):
                assert folder.is_dir()
                assert {llm_model_path, clip_pretrained_model_path} == {str(folder.parent / "llm"),
                                                                        str(folder.parent / "siglip")}
                return cls()

            def t2i_generate(self, latents, guidance_scale, **given):
                assert given["max_seq_len"] == 16 and len(latents) == len(given["text_tokens"])
                return latents * 0 + guidance_scale / 10
    """,
    "transport.py": """
        def create_transport(path_type, prediction, loss_weight, train_eps, sample_eps, snr_type, do_shift, seq_len):
            assert seq_len == 5
            return None

        class Sampler:
            def __init__(self, transport):
                pass

            def sample_ode(self, *, sampling_method, num_steps, atol, rtol, reverse, time_shifting_factor):
                return lambda noise, model, **given: [noise, model(noise, **given)]
    """,
    "utils.py": """
        import numpy as np

        def denorm(images):
            levels = ((images + 1) / 2).clamp(0, 1).float() * 255
            return levels.permute(0, 2, 3, 1).cpu().numpy().astype(np.uint8)

        def get_hyper_params(config, text_tokenizer, showo_token_ids, is_video=False, is_hq=False):
            p, ids = config.dataset.preprocessing, showo_token_ids
            text = p.max_seq_length - p.num_t2i_image_tokens - 4
            return (p.num_t2i_image_tokens, p.num_mmu_image_tokens, p.num_video_tokens, p.max_seq_length, text,
                    config.model.showo.image_latent_dim, config.model.showo.patch_size, p.latent_width,
                    p.latent_height, text_tokenizer.pad_token_id, ids["bos_id"], ids["eos_id"], ids["boi_id"],
                    ids["eoi_id"], ids["bov_id"], ids["eov_id"], ids["img_pad_id"], ids["vid_pad_id"],
                    config.transport.guidance_scale)
    """,
}


def write(repository: Path, weights: Path) -> None:
    """The repository's files, and folders of weights that hold nothing but a tensor."""
    for name, text in FILES.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    for name in ("show-o2", "llm", "siglip", "vae"):
        (weights / name).mkdir(parents=True)
    save_file({"x": torch.zeros(1)}, weights / "vae/Wan2.1_VAE.safetensors")
