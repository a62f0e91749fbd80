"""Putting a published model into params.yaml, and taking it out again."""
