"""Towards the same bytes on other processors: which instructions the numeric libraries use is fixed before they load.

A library picks its kernels by the processor that it finds, and each of them rounds and adds up in an order of its own:
an autoencoder that was trained on another processor has other neurons, and everything behind it changes. So stages take
what every x86-64 processor with AVX2 and FMA has (Intel's since 2013, AMD's since 2015), also where there is more.
"""

from __future__ import annotations

import platform
from collections.abc import MutableMapping
from functools import cache
from pathlib import Path

PINNED = {
    # torch's own kernels. Sums go by the width of a vector.
    "ATEN_CPU_CAPABILITY": "avx2",
    # MKL, under torch. The one mode in which Intel's and AMD's processors give the same: AVX2 stands for two kernels.
    "MKL_CBWR": "COMPATIBLE",
    # oneDNN, under torch: convolutions.
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    # OpenBLAS, under numpy and scipy. It cuts a product into as many parts as there are threads.
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    # numpy's exponentials and logarithms.
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
}
NEEDED = frozenset({"avx2", "fma"})  # what Linux calls them
KIND = "x86-64 with AVX2"


def pin(environment: MutableMapping[str, str]) -> None:
    """Fix the instructions in `environment`, before numpy and torch are imported; nothing where they are missing.

    What is set there is set anew: a setting of one machine would be a difference again.
    """
    if _has_avx2():
        environment.update(PINNED)


def kind() -> str:
    """What this processor is; results of two kinds need not have equal bytes."""
    return KIND if _has_avx2() else platform.machine()


@cache
def _has_avx2() -> bool:
    """Whether this is Linux on such a processor; elsewhere nobody has compared any bytes."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return platform.machine() == "x86_64" and set(flags.split()) >= NEEDED
