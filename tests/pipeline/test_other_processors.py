"""The numeric stages on what looks like another processor write the bytes that dvc.lock already has."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from culturebench import numerics
from flows.jobs import settings
from workspace import Workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(numerics.kind() != numerics.KIND, reason="nothing is fixed on such a processor"),
]

STAGES = ("probe_layers@atlas", "train_sae@atlas", "train_enhancer@atlas-culture", "generate@atlas-noun")
#: The first half is what stages fix anew, the second what they leave alone.
OTHER = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "AUTO",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
    "OMP_NUM_THREADS": "2",
    "MKL_NUM_THREADS": "2",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX,-AVX512F:glibc.cpu.x86_data_cache_size=4096",
}


def test_one_lock_holds_on_two_kinds_of_machines(workspace: Workspace) -> None:
    before = workspace.hashes()
    shutil.rmtree(workspace.store)  # nothing is taken from there
    script = [sys.executable, "-P", str(Path("flows/_repro.py").resolve())]
    command = [*script, json.dumps(settings(workspace.root, 1, [])), "repro", "--force", "--single-item"]
    environment = {**workspace.shell, **OTHER}
    subprocess.run([*command, *STAGES], cwd=workspace.root, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert workspace.hashes() == before
