"""What works on this machine, and what to do about what does not."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from culturebench.needs import Finding, needs

#: What a run on the atlas writes, with room to spare, in bytes.
DISK_NEEDED = 6_000_000_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Names of the keys and addresses that some parts need. Their values are never shown.
KEYS = {
    "OPENAI_API_KEY": "a judge behind an API",
    "HF_TOKEN": "models behind a licence on the Hugging Face hub",
    "GOOGLE_API_KEY": "collecting through Google's Programmable Search",
    "OPENVERSE_ACCESS_TOKEN": "asking Openverse more often than anybody may",
    "LABEL_STUDIO_API_KEY": "sending pictures to Label Studio",
}
LABEL_STUDIO = "LABEL_STUDIO_URL"


def diagnose(root: Path, environment: Mapping[str, str], store: str) -> Iterator[Finding]:
    """All findings for the project at `root`, in a fixed order; nothing is changed, nothing raises."""
    yield _python()
    yield _packages(root / "requirements.lock")
    yield _dvc(root)
    yield _weights(root / "culturebench/atlas/weights")
    yield _disk(root)
    yield _store(store)
    yield from needs(root, environment, store)
    yield _gpu()
    yield _browser()
    yield _hub(environment)
    yield _label_studio(environment.get(LABEL_STUDIO, ""))
    for name, purpose in KEYS.items():
        yield _key(name, purpose, environment)


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding("Python", ok, platform.python_version(), "install Python 3.11 or newer", needed=True)


def _packages(lock: Path) -> Finding:
    """Installed versions against the lock file; a local part such as +cpu makes no difference."""
    wanted = dict(_locked(lock.read_text(encoding="utf-8").splitlines())) if lock.is_file() else {}
    wrong = [name for name, version in wanted.items() if (_installed(name) or "").split("+")[0] != version]
    detail = f"{len(wanted) - len(wrong)} of {len(wanted)} as in {lock.name}"
    if wrong:
        detail += f"; not: {', '.join(wrong[:5])}{' …' if len(wrong) > 5 else ''}"
    advice = "run `touch requirements.lock`, then `make repro`, which installs them"
    return Finding("packages", not wrong and bool(wanted), detail, advice, needed=True)


def _locked(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        match = re.match(r"([\w.-]+)==([^\s;]+)", line)
        if match:
            yield match[1], match[2]


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _dvc(root: Path) -> Finding:
    version = _installed("dvc")
    if version is None:
        return Finding("DVC", False, "not installed", "run `make repro`, which installs it", needed=True)
    if not (root / ".dvc").is_dir():
        return Finding("DVC", False, f"{version}, but no .dvc here", "run this in the project's root", needed=True)
    return Finding("DVC", True, version, needed=True)


def _weights(folder: Path) -> Finding:
    files = list(folder.rglob("*.safetensors"))
    size = sum(file.stat().st_size for file in files) / 1e6
    advice = "check the clone: `git status`, `git checkout culturebench/atlas/weights`"
    return Finding("atlas weights", bool(files), f"{len(files)} files, {size:.0f} MB", advice, needed=True)


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(root).free
    advice = f"free {DISK_NEEDED / 1e9:.0f} GB; `dvc gc -w` drops what no current result needs"
    return Finding("free disk", free >= DISK_NEEDED, f"{free / 1e9:.1f} GB", advice, needed=True)


def _store(url: str) -> Finding:
    from culturebench.store import without_secrets

    if "://" in url:
        return Finding("cached results", True, without_secrets(url))
    folder = Path(url)
    exists = next(parent for parent in (folder, *folder.parents) if parent.exists())
    writable = exists.is_dir() and _writable(exists)
    if writable and exists == folder and folder.stat().st_mode & 0o007:
        url = f"{url}; everybody on this machine can read it: chmod 700 {url}"
    return Finding(
        "cached results", writable, url, "name a writable folder or bucket in CULTUREBENCH_STORE", needed=True
    )


def _writable(folder: Path) -> bool:
    probe = folder / ".culturebench-doctor"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _gpu() -> Finding:
    try:
        import torch
    except ImportError:
        return Finding("GPU", False, "torch is not installed", "run `make repro`, which installs it")
    if torch.cuda.is_available():
        return Finding("GPU", True, torch.cuda.get_device_name(0))
    return Finding("GPU", False, f"none, torch {torch.__version__}", "the atlas needs none; large models do")


def _browser() -> Finding:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    return Finding("browser", found is not None, found or "none", "install chromium; only the report's test needs it")


def _hub(environment: Mapping[str, str]) -> Finding:
    home = environment.get("HF_HOME") or "~/.cache/huggingface"
    folder = Path(environment.get("HF_HUB_CACHE") or f"{home}/hub").expanduser()
    models = sorted(path.name.removeprefix("models--").replace("--", "/") for path in folder.glob("models--*"))
    return Finding("hub cache", bool(models), ", ".join(models) or f"{folder} is empty", "the atlas needs no hub")


def _label_studio(url: str) -> Finding:
    if not url:
        return Finding("Label Studio", False, "no address", f"set {LABEL_STUDIO} when experts are to annotate")
    if not url.startswith(("http://", "https://")):
        return Finding("Label Studio", False, f"{LABEL_STUDIO} is no http address", "write it as http://host:port")
    try:
        with urlopen(f"{url.rstrip('/')}/health", timeout=3) as reply:
            answered = bool(reply.status == 200)
    except (HTTPException, OSError, ValueError) as error:
        why = getattr(error, "reason", type(error).__name__)  # the error itself may hold the URL's password
        return Finding("Label Studio", False, f"no answer ({why})", f"start it, or correct {LABEL_STUDIO}")
    return Finding("Label Studio", answered, "answers" if answered else "not healthy", "look at its own log")


def _key(name: str, purpose: str, environment: Mapping[str, str]) -> Finding:
    there = bool(environment.get(name))
    return Finding(name, there, "set" if there else "not set", f"only needed for {purpose}")
