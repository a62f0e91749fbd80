"""How tests ask the web: quickly, and on this machine alone."""

from __future__ import annotations

from typing import Any

from culturebench.params.collect import Web

RULES: dict[str, Any] = {
    "contact": "tests@example.org",
    "workers": 8,
    "per_host": 8,
    "interval": 0,
    "tries": 3,
    "backoff": 0.01,
    "max_wait": 3,
    "deadline": 10,
    "redirects": 3,
    "max_bytes": 1_000_000,
    "max_pixels": 1_000_000,
}


def rules(*addresses: str, **changes: Any) -> Web:
    """Rules that let the servers at `addresses` (`127.0.0.1:port`) be asked."""
    return Web(**{**RULES, "test_addresses": list(addresses), **changes})
