"""A Label Studio server for those who have none: its own environment, loopback only, credentials in a private file."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from culturebench.label_studio import _database
from culturebench.label_studio.client import LabelStudioError, Server

REQUIREMENTS = Path(__file__).with_name("server.lock")
HOST = "127.0.0.1"
PORT = 8080
#: Seconds for the server to answer; on an idle machine it takes about 10.
PATIENCE = 300.0
GRACE = 20.0
#: Seconds that a server which has just died may take to let go of its port: its lock is free a little earlier.
LETTING_GO = 5.0
USERNAME = "admin@culturebench.invalid"


@dataclass(frozen=True)
class Credentials:
    """How to reach the local server and enter it; `files` is the folder that it shows pictures from."""

    url: str
    username: str
    password: str
    token: str
    files: str


def install(folder: Path) -> Path:
    """The server's own environment under `folder`, made when it is not there; returns its `bin`.

    It takes about two minutes and 1 GB. Two processes at once make it once.
    """
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = folder / f"label-studio-{digest}"
    done = home / "installed"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            print(f"Installing Label Studio into {home}; this takes some minutes once.", file=sys.stderr)
            _run([sys.executable, "-m", "venv", "--clear", str(home)])
            pip = [str(home / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([*pip, "--requirement", str(REQUIREMENTS)])
            done.touch()
    return home / "bin"


def start(home: Path, binaries: Path, port: int | None = None, webhooks: bool = False) -> Credentials:
    """Start the server on `port`, else on that of last time, and return when it answers; it outlives this process.

    `home` keeps its data, its log and `credentials.json`. With `webhooks` the server may call addresses of
    this machine. Raises `LabelStudioError` when it runs already, when the port is taken, or when it ends.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _lock(home) as lock:
        if lock is None:
            raise LabelStudioError("the local Label Studio runs already; `culturebench annotate down` stops it")
        known = credentials(home)
        number = port or (int(known.url.rpartition(":")[2]) if known else _first_port())
        _check_free(number, LETTING_GO)
        entry = Credentials(
            url=f"http://{HOST}:{number}",
            username=USERNAME,
            password=known.password if known else secrets.token_urlsafe(18),
            token=known.token if known else secrets.token_hex(20),
            files=str((home / "files").resolve()),
        )
        _write_private(home / "credentials.json", json.dumps(asdict(entry), indent=1) + "\n")
        process = _launch(home, binaries, number, entry, webhooks, lock)
        (home / "server.pid").write_text(str(process.pid))
        try:
            _wait(process, entry, home / "server.log")
        except BaseException:
            _kill(process.pid, signal.SIGKILL)
            raise
    return entry


def stop(home: Path) -> bool:
    """End the server and everything that it started; False when none ran."""
    if not home.exists():
        return False
    deadline = time.monotonic() + GRACE
    stopped = False
    while True:
        with _lock(home) as lock:
            # Whoever holds the lock is the server: the number in the file is then no stranger's.
            if lock is not None:
                return stopped
            late = time.monotonic() > deadline
            _kill(int((home / "server.pid").read_text()), signal.SIGKILL if late else signal.SIGTERM)
            stopped = True
        time.sleep(0.2)


def running(home: Path) -> bool:
    """Whether the local server's process lives."""
    if not home.exists():
        return False
    with _lock(home) as lock:
        return lock is None


def credentials(home: Path) -> Credentials | None:
    """What `start` wrote; None before the first start. `LabelStudioError` for a file that others may read."""
    path = home / "credentials.json"
    if not path.exists():
        return None
    if path.stat().st_mode & 0o077:
        raise LabelStudioError(f"{path} can be read by others; run `chmod 600 {path}`")
    try:
        return Credentials(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise LabelStudioError(f"{path} is damaged; delete it together with the folder around it") from None


def _launch(
    home: Path, binaries: Path, port: int, entry: Credentials, webhooks: bool, lock: int
) -> subprocess.Popen[bytes]:
    """The server in a session of its own, with nothing of this process's environment."""
    files = Path(entry.files)
    (files / "pictures").mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": f"{binaries}{os.pathsep}{os.defpath}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LABEL_STUDIO_BASE_DATA_DIR": str(home / "data"),
        "LABEL_STUDIO_USERNAME": entry.username,
        "LABEL_STUDIO_PASSWORD": entry.password,
        "LABEL_STUDIO_USER_TOKEN": entry.token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": entry.files,
        "SSRF_PROTECTION_ENABLED": "false" if webhooks else "true",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    _database.begin(home / "data", binaries, environment)
    command = [str(binaries / "label-studio"), "start", "--no-browser", "--internal-host", HOST, "--port", str(port)]
    log = os.open(home / "server.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        # The server inherits the lock: it is free again when the server has ended, however it ended.
        return subprocess.Popen(
            command, env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, pass_fds=(lock,),
        )  # fmt: skip
    finally:
        os.close(log)


def _wait(process: subprocess.Popen[bytes], entry: Credentials, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    with httpx.Client(trust_env=False, timeout=5) as client:
        while not _healthy(client, entry.url):
            if process.poll() is not None:
                raise LabelStudioError(f"Label Studio ended at once; {log} says why")
            if time.monotonic() > deadline:
                raise LabelStudioError(f"Label Studio did not answer within {PATIENCE:.0f} s; {log} may say why")
            time.sleep(0.5)
    # It moves to the next port when it finds this one taken; only our own takes this token.
    Server(entry.url, entry.token).check()


def _healthy(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(f"{url}/health").is_success
    except httpx.HTTPError:
        return False


def _first_port() -> int:
    """The usual port, or any free one when it is taken; later starts keep it, so that links stay valid."""
    try:
        _check_free(PORT)
    except LabelStudioError:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            return probe.getsockname()[1]
    return PORT


def _check_free(port: int, patience: float = 0.0) -> None:
    deadline = time.monotonic() + patience
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return
            except OSError as error:
                said = error.strerror
        if time.monotonic() >= deadline:
            raise LabelStudioError(f"port {port} of this machine cannot be used ({said}); give another: `--port`")
        time.sleep(0.1)


@contextmanager
def _lock(home: Path) -> Generator[int | None]:
    """The descriptor of the server's lock, None when a server holds it."""
    descriptor = os.open(home / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield descriptor
    finally:
        os.close(descriptor)


def _kill(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _write_private(path: Path, text: str) -> None:
    """Readable by its owner only, from its first byte on."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise LabelStudioError(f"`{' '.join(command)}` failed:\n{result.stderr.strip()[-2000:]}")
