"""The one seam through which a stage does its per-item work, on this machine or on many."""
