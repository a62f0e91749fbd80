"""How a picture gets to where the server can show it: by its sha256, as often as one likes."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image

from culturebench.images.decode import decode
from culturebench.label_studio.client import ProjectSpec, Server

#: Formats that every browser shows as they are; anything else becomes a PNG.
_SHOWN = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png", b"GIF8": "gif"}
_MEDIA = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
#: Bytes that one upload request carries at most, beyond its first picture.
_REQUEST_BYTES = 20_000_000
_UPLOADS = ProjectSpec(
    title="CultureBench uploads",
    # A form with one field: the server refuses uploads to a project whose tasks have several.
    interface='<View><Image name="image" value="$image"/><Choices name="none" toName="image"><Choice value="none"/>'
    "</Choices></View>",
    overlap=1,
)
_UPLOADED = re.compile(r"upload/\d+/[0-9a-f]+-([0-9a-f]{64})\.(jpg|png|gif)")


class Place(Protocol):
    """Where a server finds pictures."""

    def put(self, project: int, pictures: Iterable[tuple[str, bytes]]) -> Mapping[str, str]:
        """Bring (sha256, bytes) there unless they are there, and return sha256 -> the address for the task."""
        ...

    def remove(self, sha256s: Sequence[str]) -> int:
        """Delete pictures; returns how many were there."""
        ...


class Served:
    """A folder that a server on this machine shows: `root` is its document root, pictures lie in `pictures/`."""

    def __init__(self, server: Server, root: Path) -> None:
        self._server, self._root = server, root
        self._folder = root / "pictures"

    def put(self, project: int, pictures: Iterable[tuple[str, bytes]]) -> Mapping[str, str]:
        """Write what is missing through a temporary name; the addresses are the server's `/data/local-files/`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._server.serve_folder(project, str(self._folder))
        have = {path.stem: path.name for path in self._folder.iterdir() if not path.name.startswith(".")}
        urls: dict[str, str] = {}
        for sha256, data in pictures:
            if sha256 not in have:
                shown, suffix = showable(data)
                have[sha256] = f"{sha256}.{suffix}"
                temporary = self._folder / f".{sha256}.{os.getpid()}.tmp"
                temporary.write_bytes(shown)
                temporary.replace(self._folder / have[sha256])
            urls[sha256] = f"/data/local-files/?d=pictures/{have[sha256]}"
        return urls

    def remove(self, sha256s: Sequence[str]) -> int:
        """Delete the files."""
        found = [path for sha256 in sha256s for path in self._folder.glob(f"{sha256}.*")]
        for path in found:
            path.unlink()
        return len(found)


class Uploaded:
    """Files uploaded to any server, in a project of their own."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def put(self, project: int, pictures: Iterable[tuple[str, bytes]]) -> Mapping[str, str]:
        """Upload what is missing, several a request."""
        store = self._server.ensure_project(_UPLOADS)
        have = _by_sha256(self._server.uploads(store))
        wanted: list[str] = []
        for parcel in _parcels(_noted(pictures, wanted), have):
            self._server.upload(store, parcel)
        have = _by_sha256(self._server.uploads(store))
        return {sha256: f"/data/{have[sha256]}" for sha256 in wanted}

    def remove(self, sha256s: Sequence[str]) -> int:
        """Delete the uploads, also when one was uploaded twice."""
        store = self._server.project(_UPLOADS.title)
        if store is None:
            return 0
        chosen = set(sha256s)
        names = [name for name in self._server.uploads(store) if (m := _UPLOADED.fullmatch(name)) and m[1] in chosen]
        self._server.delete_uploads(store, names)
        return len(names)


def showable(data: bytes) -> tuple[bytes, str]:
    """Bytes that a browser shows, and their suffix; the signature decides, never the name. Raises `Undecodable`."""
    for signature, suffix in _SHOWN.items():
        if data.startswith(signature):
            return data, suffix
    buffer = io.BytesIO()
    image: Image.Image = decode(data)
    image.save(buffer, format="PNG")
    return buffer.getvalue(), "png"


def _by_sha256(names: Iterable[str]) -> dict[str, str]:
    return {match[1]: name for name in names if (match := _UPLOADED.fullmatch(name))}


def _noted(pictures: Iterable[tuple[str, bytes]], names: list[str]) -> Iterator[tuple[str, bytes]]:
    for sha256, data in pictures:
        names.append(sha256)
        yield sha256, data


def _parcels(pictures: Iterable[tuple[str, bytes]], have: Mapping[str, str]) -> Iterator[list[tuple[str, bytes, str]]]:
    """What is missing, as (name, bytes, media type), in lists of about `_REQUEST_BYTES`."""
    parcel: list[tuple[str, bytes, str]] = []
    size = 0
    for sha256, data in pictures:
        if sha256 in have:
            continue
        shown, suffix = showable(data)
        parcel.append((f"{sha256}.{suffix}", shown, _MEDIA[suffix]))
        size += len(shown)
        if size >= _REQUEST_BYTES:
            yield parcel
            parcel, size = [], 0
    if parcel:
        yield parcel
