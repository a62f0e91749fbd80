"""From what a source found to a row of the candidates table."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from culturebench.sources.base import Found
from culturebench.sources.licences import normalise


def candidate(found: Found, source: str, region: str) -> dict[str, Any]:
    """The row of one file: its id is sha256 (hex) of its bytes unless the source decides otherwise."""
    digest = "" if found.data is None else hashlib.sha256(found.data).hexdigest()
    return {
        "picture_id": found.picture_id or digest,
        "region": region,
        "source": source,
        "query": found.query,
        "page_url": found.page_url,
        "file_url": found.file_url,
        "file_name": found.file_name,
        "author": found.author,
        "licence": normalise(found.licence_text),
        "licence_text": found.licence_text,
        "sha256": digest,
        "size_bytes": len(found.data or b""),
        "status": "failed" if found.data is None else "ok",
        "error": found.error,
        "metadata": json.dumps(found.metadata, sort_keys=True, ensure_ascii=False),
        "image": found.data,
    }
