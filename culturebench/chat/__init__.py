"""Chat completions of any OpenAI-compatible endpoint: bounded, kept, metered; keys never appear."""
