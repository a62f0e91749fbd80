"""The files of `annotations/regions/`: what one must hold, whether it does, and how a new one begins."""
