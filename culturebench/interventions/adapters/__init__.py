"""Low-rank adapters of a denoiser's attention: LoRA, and K-StyleLoRA with its gates and its loss."""
