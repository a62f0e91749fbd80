"""The same bytes on other processors. What the stages fix is left alone here; what they do not fix is forced."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from culturebench import numerics
from culturebench.artifacts import sae
from culturebench.cli import _made_on
from import_graph import ROOT

needs_avx2 = pytest.mark.skipif(numerics.kind() != numerics.KIND, reason="nothing is fixed on such a processor")
#: Every kernel family that stages use: products, convolutions, norms, exponentials, random numbers.
KERNELS = """
import hashlib, json, sys
sys.path.insert(0, sys.argv[1])
import stages
import numpy as np, torch
from culturebench.stage import fix_threads
from torch.nn import functional as F
from culturebench.interventions.enhancer import Enhancer

fix_threads()
torch.set_deterministic_debug_mode("default")
def number(*shape):
    count = int(np.prod(shape))
    return torch.from_numpy(((np.arange(count) * 48271 % 65521) / 8192 - 4).astype(np.float32)).reshape(shape)
a, b, x = number(300, 257), number(257, 131), number(2, 32, 20, 20)
weight = torch.nn.Parameter(number(48, 32, 3, 3))
F.conv2d(x, weight, padding=1).square().mean().backward()
optimizer = torch.optim.AdamW([weight], lr=0.01, fused=True)
optimizer.step()
torch.manual_seed(0)
n = a.double().numpy()
found = {
    "product": a @ b, "small": a[:7, :33] @ b[:33, :5], "linear": F.linear(x.flatten(2), number(96, 400)),
    "attention": F.scaled_dot_product_attention(x, x, x), "step": weight.data, "softmax": a.softmax(-1),
    "group": F.group_norm(x, 8), "layer": F.layer_norm(a, (257,)), "silu": F.silu(a), "gelu": F.gelu(a),
    "exp": a.exp(), "log": a.abs().log(), "sum": a.sum(), "mean": a.double().mean(0), "norm": a.norm(dim=1),
    "normal": torch.randn(1000),
    "enhancer": Enhancer(257, 32).residual(a), "similar": F.cosine_similarity(a, a.roll(1, 0)),
    "np product": a.numpy() @ b.numpy(), "np sum": n.sum(1), "np var": a.numpy().var(0),
    "np svd": np.linalg.svd(n[:40, :30])[1], "np exp": np.exp(a.numpy()), "np log": np.log(np.abs(a.numpy())),
    "np normal": np.random.default_rng(0).normal(size=1000),
}
bytes_of = lambda value: torch.as_tensor(value).detach().contiguous().numpy().tobytes()
json.dump({name: hashlib.sha256(bytes_of(value)).hexdigest() for name, value in found.items()}, sys.stdout)
"""


def kernels(command: list[str], **environment: str) -> dict[str, str]:
    done = subprocess.run(
        [*command, sys.executable, "-c", KERNELS, str(ROOT)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def here() -> dict[str, str]:
    return kernels([])


@needs_avx2
def test_what_a_machine_sets_for_its_libraries_changes_no_byte(here: dict[str, str]) -> None:
    theirs = {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "AUTO", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    theirs |= {"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    assert kernels([], **theirs) == here


@needs_avx2
def test_what_stages_do_not_fix_changes_no_byte_either(here: dict[str, str]) -> None:
    """As if the C library found a processor without FMA, with another cache, and one core."""
    tunables = "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX,-AVX512F:glibc.cpu.x86_data_cache_size=4096"
    one_core = ["taskset", "-c", str(min(os.sched_getaffinity(0)))] if shutil.which("taskset") else []
    forced = {"GLIBC_TUNABLES": tunables, "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "MKL_NUM_THREADS": "2"}
    assert kernels(one_core, **forced) == here


@needs_avx2
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="qemu-user is not installed")
@pytest.mark.parametrize("processor", ["Haswell", "EPYC"])
def test_processors_of_two_makers_give_the_same_bytes(here: dict[str, str], processor: str) -> None:
    assert kernels(["qemu-x86_64", "-cpu", processor]) == here


def test_nothing_is_fixed_where_the_processor_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numerics, "_has_avx2", lambda: False)
    environment: dict[str, str] = {}
    numerics.pin(environment)
    assert environment == {}
    assert numerics.kind() != numerics.KIND


def test_it_is_told_that_what_is_here_was_trained_on_another_kind_of_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numerics, "_has_avx2", lambda: True)
    assert _made_on.difference(tmp_path) == ""
    metrics: sae.Metrics = {"made_on": numerics.KIND, "layer": 1, "train_tokens": 1, "detect_tokens": 1, "seeds": {}}
    sae.save_metrics(tmp_path / "models/sae/mine", metrics)
    assert _made_on.difference(tmp_path) == ""
    sae.save_metrics(tmp_path / "models/sae/theirs", {**metrics, "made_on": "aarch64"})
    assert "trained on: aarch64, x86-64 with AVX2. This machine is another kind" in _made_on.difference(tmp_path)
