"""Fetching one picture that strangers put on the web, looked at while its bytes arrive."""

from __future__ import annotations

import io
import warnings
from typing import Final

import requests
from PIL import Image

from culturebench.images.decode import Undecodable, sniff
from culturebench.images.formats import decoders
from culturebench.web.client import Checks, Client
from culturebench.web.failed import Failed
from culturebench.web.robots import Robots, check_opt_out

#: Bytes after which a file shows what it is, and of those the first that are looked at for it.
_ENOUGH: Final = 512
_SIGNATURE: Final = 4096


def fetch_picture(client: Client, url: str) -> bytes:
    """The bytes of a picture file whose site allows it; `Failed` for anything else.

    What the server says about its type is not believed. Only the header of the file is decoded here, for
    the number of its pixels; whether the rest is whole is for screening to find out.
    """
    rules = client.rules
    checks = _Picture(client.robots, rules.max_pixels)
    return client.get(url, checks, rules.max_bytes, redirects=rules.redirects).body


class _Picture(Checks):
    def __init__(self, robots: Robots, max_pixels: int) -> None:
        self._robots = robots
        self._max_pixels = max_pixels
        self._look_at = _ENOUGH

    def url(self, url: str) -> None:
        self._robots.check(url)
        self._look_at = _ENOUGH

    def headers(self, response: requests.Response) -> None:
        super().headers(response)
        check_opt_out(response.raw.headers.getlist("X-Robots-Tag"), response.headers.get("TDM-Reservation"))

    def body(self, data: bytearray, *, complete: bool) -> None:
        if len(data) < self._look_at and not complete:
            return
        self._look_at = 2 * len(data)
        try:
            sniff(bytes(data[:_SIGNATURE]))
        except Undecodable as undecodable:
            raise Failed(undecodable.reason, str(undecodable)) from None
        pixels = _pixels(data)
        if pixels is not None:
            self._look_at = 2**63
        if pixels is not None and pixels > self._max_pixels:
            raise Failed("too_many_pixels", f"{pixels} pixels; allowed are {self._max_pixels}")


def _pixels(data: bytearray) -> int | None:
    """Width times height, of the header alone; None while it is not complete."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=decoders()) as image:
                return image.width * image.height
        except Image.DecompressionBombError:
            return 2**63
        except Exception:  # a header that is cut off or damaged makes decoders raise anything
            return None
