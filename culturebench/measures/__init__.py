"""Measures of generated pictures, and the statistics of their comparison."""
