"""Writes requirements.lock: what .venv holds, with the hashes of all files of these versions. `make lock` calls it.

uv, in an environment of its own, asks the index for the hashes. PIP_FIND_LINKS may name a folder of other builds of the
same versions, such as torch's for the CPU: their hashes are allowed as well.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

HEADER = "# Exact versions and hashes of everything in .venv; `make lock` writes it after a clean `pip check`.\n"
LOCK = Path("requirements.lock")


def main(uv: str) -> None:
    """Freeze, ask, and write."""
    subprocess.run([sys.executable, "-m", "pip", "check"], check=True)
    frozen = _output(
        sys.executable, "-m", "pip", "freeze", "--all", "--exclude-editable", "--exclude", "pip", "--exclude", "wheel"
    )
    versions = "".join(re.sub(r"\+\w+$", "", line) + "\n" for line in frozen.splitlines() if "==" in line)
    options = ["--no-deps", "--universal", "--generate-hashes", "--no-annotate", "--no-header", "--quiet"]
    asked = _output(uv, "pip", "compile", "-", *options, text=versions)
    LOCK.write_text(HEADER + re.sub(r"(?m)^([\w.-]+)==(\S+) \\\n", _with_builds, asked), encoding="utf-8")


def _with_builds(found: re.Match[str]) -> str:
    name, version = found[1].lower().replace("-", "_"), found[2]
    folder = Path(os.environ.get("PIP_FIND_LINKS") or "nowhere")
    builds = sorted(folder.glob(f"{name}-{version}[+-]*.whl"))
    hashes = (hashlib.sha256(build.read_bytes()).hexdigest() for build in builds)
    return found[0] + "".join(f"    --hash=sha256:{one} \\\n" for one in hashes)


def _output(*command: str, text: str = "") -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"}
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1])
