"""CultureBench."""
