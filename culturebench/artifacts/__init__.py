"""One module an artifact: its path, its schema, load and save."""
