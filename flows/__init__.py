"""Prefect flows: they say when stages run and who waits, and know stages by name only."""
