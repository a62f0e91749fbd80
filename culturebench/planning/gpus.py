"""What GPUs can do at most, by their makers' data sheets.

The sheets themselves were not at hand. Each figure was compared with a public page that quotes them:
glennklockwood.com/garden/processors (A100: 312 dense, 40 and 80 GB; B200 in HGX at 1,000 W: 2,250 dense), the tables of
L40S (362.05 dense, 48 GB), RTX A6000 (309.7 sparse, 48 GB) and L4 (242 sparse, 24 GB) at resellers, waredb.com (RTX
4090: 165.15 dense), and for H100 and H200 several that agree (989 dense; 80 and 141 GB). B200 boards are sold as 192
GB; a system shows 179 to 180 of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from culturebench.errors import CultureBenchError

#: Share of the peak that is assumed where nothing was measured: large diffusion models reach a third to a half.
UTILISATION = 0.35


class GpuError(CultureBenchError):
    """A GPU that is not in the table."""


@dataclass(frozen=True)
class Gpu:
    """Peak of dense bfloat16 products in TFLOP/s, memory in GB (10^9 bytes), and where both are stated."""

    name: str
    teraflops: float
    gigabytes: float
    source: str


GPUS = {
    "b200": Gpu("B200", 2250, 180, "NVIDIA HGX B200 data sheet, half of the sparse figure"),
    "h200": Gpu("H200", 989, 141, "NVIDIA H200 data sheet (SXM), half of the sparse figure"),
    "h100": Gpu("H100", 989, 80, "NVIDIA H100 data sheet (SXM), half of the sparse figure"),
    "a100": Gpu("A100", 312, 80, "NVIDIA A100 data sheet (80 GB)"),
    "a100-40gb": Gpu("A100-SXM4-40GB", 312, 40, "NVIDIA A100 data sheet (40 GB)"),
    "a6000": Gpu("RTX A6000", 155, 48, "NVIDIA RTX A6000 data sheet, half of the sparse figure; the paper's GPU"),
    "l40s": Gpu("L40S", 362, 48, "NVIDIA L40S data sheet, half of the sparse figure"),
    "l4": Gpu("L4", 121, 24, "NVIDIA L4 data sheet, half of the sparse figure"),
    "rtx4090": Gpu("RTX 4090", 165, 24, "NVIDIA Ada architecture white paper, float32 accumulation"),
}


def gpu_of(name: str) -> Gpu:
    """The GPU `name`; `GpuError` lists the names there are."""
    if name.lower() not in GPUS:
        raise GpuError(f"the GPU {name!r} is not in the table; there are: {', '.join(GPUS)}")
    return GPUS[name.lower()]


def hours(flops: float, gpu: Gpu, utilisation: float = UTILISATION) -> float:
    """How long `flops` operations take at a share of the peak."""
    return flops / (gpu.teraflops * 1e12 * utilisation) / 3600


def recognised(device_name: str) -> Gpu | None:
    """The GPU that a driver's name such as `NVIDIA H200` means, None for another one."""
    words = device_name.replace("-", " ").split()
    found = [gpu for gpu in GPUS.values() if all(word in words for word in gpu.name.replace("-", " ").split())]
    return max(found, key=lambda gpu: len(gpu.name), default=None)
