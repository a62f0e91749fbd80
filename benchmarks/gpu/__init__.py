"""How fast published systems are on a GPU, on random weights of their sizes: `bash benchmarks/gpu.sh SYSTEM`."""
