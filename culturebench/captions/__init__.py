"""Captions: their spans, the people's ones, and the providers that write them."""
