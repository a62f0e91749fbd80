#!/usr/bin/env bash
# How fast a published system is on this machine's GPU, beside the libraries: `bash benchmarks/gpu.sh SYSTEM [--tiny]`.
# PYTHON names another Python than the one of .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
if ! "$python" -c 'import diffusers, sentencepiece, torch' 2>/dev/null; then
    echo "$python lacks diffusers, sentencepiece or torch: run \`make .venv/installed\`, or name another by PYTHON=" >&2
    exit 1
fi
exec "$python" -m benchmarks.gpu "$@"
