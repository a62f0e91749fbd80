"""Pictures from strangers: decoding them safely, measuring them, and telling near-duplicates."""
