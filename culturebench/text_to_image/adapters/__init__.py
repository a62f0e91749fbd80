"""Text-to-image systems: one module each, around the pipelines of diffusers."""
