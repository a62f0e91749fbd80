"""Time and memory of the data half, of selection and of evaluation as they grow: `python -m benchmarks.scale`."""
