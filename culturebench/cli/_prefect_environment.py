"""What the local Prefect server and its worker get of a person's environment: the names below, and no others.

A flow runs commands, and a person's environment holds keys that no flow needs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

#: Why -> names, `*` for any letters. The server gets these alone.
SYSTEM: Mapping[str, tuple[str, ...]] = {
    "to find programs, files and the language": (
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*"),
        *("LD_LIBRARY_PATH", "PYTHON*", "VIRTUAL_ENV"),
    ),
    "to reach the network of this place": (
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    ),
    "how much Prefect writes into its logs": ("PREFECT_LOGGING_*",),
}
#: The worker gets these as well, and the variables that params.yaml names as somebody's `key_variable`.
FLOWS: Mapping[str, tuple[str, ...]] = {
    "the project's own": ("CULTUREBENCH_*",),
    "DVC, its remote and the store": ("DVC_*", "AWS_*"),
    "Git, to publish results": ("GIT_*", "SSH_AUTH_SOCK"),
    "weights from a hub": ("HF_*", "HUGGINGFACE_*", "TRANSFORMERS_*", "TOKENIZERS_*"),
    "experts' answers": ("LABEL_STUDIO_*",),
    "sources of pictures that ask for a key": ("GOOGLE_API_KEY", "OPENVERSE_ACCESS_TOKEN"),
    "processors, their threads and reproducible arithmetic": (
        *("CUDA_*", "NVIDIA_*", "CUBLAS_*", "ROCR_*", "HIP_*", "HSA_*", "TORCH*", "PYTORCH_*", "ATEN_*"),
        *("OMP_*", "MKL_*", "ONEDNN_*", "DNNL_*", "OPENBLAS_*", "NPY_*", "GLIBC_TUNABLES", "RAY_*"),
    ),
}
#: Settings of Prefect that a person's environment may hold, and that would turn a client to another server.
OTHERS = (
    *("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_KEY"),
    *("PREFECT_PROFILE", "PREFECT_PROFILES_PATH"),
)
LOOPBACK = ("127.0.0.1", "localhost")


def server(person: Mapping[str, str], own: Mapping[str, str], port: int) -> dict[str, str]:
    """The server's environment: no key of anybody's, its password, and pages of its own origin alone.

    The password travels in a header that pages of other origins do not know, never in a cookie, so there is nothing
    for a forged request to ride on.
    """
    origins = ",".join(f"http://{host}:{port}" for host in LOOPBACK)
    settings = {
        "PREFECT_SERVER_API_AUTH_STRING": own["PREFECT_API_AUTH_STRING"],
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": origins,
        "PREFECT_UI_API_URL": own["PREFECT_API_URL"],
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    return {**_chosen(person, SYSTEM.values()), **own, **settings}


def worker(person: Mapping[str, str], own: Mapping[str, str], document: Any, more: Iterable[str]) -> dict[str, str]:
    """The worker's environment, and so that of flows and stages; `document` is params.yaml, `more` are more names."""
    named = (*key_variables(document), *more)
    return {**_chosen(person, [*SYSTEM.values(), *FLOWS.values(), named]), **own}


def own(person: Mapping[str, str], home: Path, root: Path, url: str, password: str) -> dict[str, str]:
    """What both are told: where the server is, its password, and that a person's profiles are not theirs."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{person.get('PATH', os.defpath)}",
        "PWD": str(root),  # prefect.yaml names it; a shell sets it, another caller may not
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "PREFECT_API_AUTH_STRING": password,
        "DO_NOT_TRACK": "1",
        # A run whose process is gone sends no more heartbeats; see flows/automations.yaml.
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        # The worker looks for runs this often: the 10 of Prefect are for servers of many, and here somebody waits.
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        **{name: _past_the_proxy(person.get(name, "")) for name in ("NO_PROXY", "no_proxy")},
    }


def set_aside(person: Mapping[str, str], told: Mapping[str, str]) -> list[str]:
    """Names of what the person has set for another server and what is not used here."""
    return [name for name in OTHERS if person.get(name) and person[name] != told.get(name)]


def key_variables(document: Any) -> Iterator[str]:
    """The environment variables that params.yaml names as holding a key."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "key_variable" and isinstance(value, str):
                yield value
            else:
                yield from key_variables(value)
    elif isinstance(document, list):
        for value in document:
            yield from key_variables(value)


def _chosen(person: Mapping[str, str], patterns: Iterable[Iterable[str]]) -> dict[str, str]:
    names = [pattern for group in patterns for pattern in group]
    return {name: value for name, value in person.items() if any(fnmatchcase(name, pattern) for pattern in names)}


def _past_the_proxy(value: str) -> str:
    return ",".join(dict.fromkeys([*filter(None, value.split(",")), *LOOPBACK]))
