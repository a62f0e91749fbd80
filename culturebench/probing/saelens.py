"""An SAE in the layout that SAELens reads: `SAE.load_from_disk(folder)`."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file

from culturebench.probing.sae import TopKSAE, write_config

WEIGHTS_FILE = "sae_weights.safetensors"
CONFIG_FILE = "cfg.json"
VERSION = "6.0.0"  # of SAELens, the first with this layout


def export(sae: TopKSAE, folder: Path, encoder: str, layer: int) -> None:
    """Write `sae` into `folder` as SAELens's architecture `topk`; `encoder` and the 0-based `layer` are metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        "W_enc": sae.encoder.T,
        "b_enc": sae.encoder_bias,
        "W_dec": sae.decoder,
        "b_dec": sae.decoder_bias,
    }
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, folder / WEIGHTS_FILE)
    config: dict[str, object] = {
        "architecture": "topk",
        "d_in": sae.d,
        "d_sae": sae.latents,
        "k": sae.k,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "rescale_acts_by_decoder_norm": False,
        "metadata": {
            "sae_lens_version": VERSION,
            "model_name": encoder,
            "hook_name": f"layers.{layer}.attention_output",
        },
    }
    write_config(folder / CONFIG_FILE, config)
