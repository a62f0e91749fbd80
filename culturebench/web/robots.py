"""What the owners of a site and of a picture allow: robots.txt, and headers that opt out of machine learning."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from protego import Protego

from culturebench.web.failed import Failed

#: The name under which robots.txt and X-Robots-Tag may address this project.
PRODUCT = "CultureBench"
_OPT_OUT = {"noai", "noimageai"}
#: Rules of X-Robots-Tag that bear a value behind a colon, as a crawler's name bears rules.
_WITH_VALUE = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}


class Robots:
    """Reads a host's robots.txt once, as RFC 9309 has it: none allows all, one that cannot be had forbids all.

    `fetch` gives status and body of a URL; `slow_down` hears of a host's `Crawl-delay` in seconds.
    """

    def __init__(self, fetch: Callable[[str], tuple[int, bytes]], slow_down: Callable[[str, float], None]) -> None:
        self._fetch = fetch
        self._slow_down = slow_down
        self._rules: dict[str, Protego] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def check(self, url: str) -> None:
        """`Failed` when the host does not want the URL to be fetched, or does not say."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        with self._locks[origin]:
            if origin not in self._rules:
                self._rules[origin] = self._read(origin, parts.hostname or "")
        if not self._rules[origin].can_fetch(url, PRODUCT):
            raise Failed("robots", "robots.txt forbids it")

    def _read(self, origin: str, host: str) -> Protego:
        try:
            status, body = self._fetch(f"{origin}/robots.txt")
        except Failed as failed:
            if failed.reason in ("address", "bad_url", "scheme", "no_such_host"):
                raise
            raise Failed("robots_unreachable", f"robots.txt: {failed}", passing=True) from None
        rules = Protego.parse(body.decode("utf-8", "replace") if status == 200 else "")
        if delay := rules.crawl_delay(PRODUCT):
            self._slow_down(host, float(delay))
        return rules


def check_opt_out(robots_tags: Iterable[str], reservation: str | None) -> None:
    """`Failed` when a picture's headers opt out: `X-Robots-Tag: noai` or `noimageai`, or `TDM-Reservation: 1`.

    A tag may be meant for one crawler only, whose name then stands before a colon.
    """
    for tag in robots_tags:
        agent, colon, rest = tag.partition(":")
        agent = agent.strip().casefold()
        named = bool(colon) and re.fullmatch(r"[\w.-]+", agent) is not None and agent not in _WITH_VALUE
        if named and agent != PRODUCT.casefold():
            continue
        words = {word.strip().casefold() for word in (rest if named else tag).split(",")}
        if words & _OPT_OUT:
            raise Failed("opted_out", "the site opts out by X-Robots-Tag")
    if (reservation or "").strip() == "1":
        raise Failed("opted_out", "the site opts out by TDM-Reservation")
