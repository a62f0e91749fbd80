"""Kills at a thousand moments, and whether anything was lost: `python -m benchmarks.soak`."""
