"""One module a DVC stage, of the same name: thin steps between named artifacts."""
