"""What the web answered, kept under a label: asked again under the same label, nothing leaves this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from culturebench.store import Store, key_of


@dataclass(frozen=True)
class Outcome:
    """What became of a file's URL: the sha256 (hex) of its bytes, or why there are none."""

    sha256: str = ""
    error: str = ""


class Snapshot:
    """Replies by question and files by URL under one label; the bytes of a file by their sha256 under none.

    A failure that may pass is not kept before `seal`, so that a run that was stopped tries again.
    """

    def __init__(self, store: Store, label: str) -> None:
        self._store = store
        self._label = label
        self._passing: dict[str, Outcome] = {}
        self._passing_replies: dict[str, bytes] = {}

    def reply(self, question: Mapping[str, Any]) -> bytes | None:
        """What was answered to a question, None when it was not asked yet."""
        return self._store.get(self._key("reply", question))

    def cache_reply(self, question: Mapping[str, Any], content: bytes, *, passing: bool = False) -> None:
        """Keep an answer, or what stands for none that may yet come; the question must not hold a secret."""
        key = self._key("reply", question)
        if passing:
            self._passing_replies[key] = content
        else:
            self._store.put(key, content)

    def outcome(self, url: str) -> Outcome | None:
        """What became of a file, None when it was not fetched yet."""
        if url in self._passing:
            return self._passing[url]
        content = self._store.get(self._key("file", url))
        return None if content is None else Outcome(**json.loads(content))

    def cache_file(self, url: str, data: bytes) -> Outcome:
        """Keep a file: its bytes first, so that an outcome never names bytes that are not there."""
        outcome = Outcome(sha256=hashlib.sha256(data).hexdigest())
        self._store.put(file_key(outcome.sha256), data)
        self._keep(url, outcome)
        return outcome

    def cache_without_bytes(self, url: str, outcome: Outcome, *, passing: bool = False) -> None:
        """Keep a failure, or the sha256 of bytes that nobody may keep."""
        if passing:
            self._passing[url] = outcome
        else:
            self._keep(url, outcome)

    def data(self, sha256: str) -> bytes | None:
        """The bytes of a file, None when they are gone."""
        return self._store.get(file_key(sha256))

    def seal(self) -> None:
        """Keep the failures that might have passed as well: from now on the label always gives the same."""
        for url, outcome in sorted(self._passing.items()):
            self._keep(url, outcome)
        for key, content in sorted(self._passing_replies.items()):
            self._store.put(key, content)
        self._passing.clear()
        self._passing_replies.clear()

    def _keep(self, url: str, outcome: Outcome) -> None:
        self._store.put(self._key("file", url), json.dumps(asdict(outcome), sort_keys=True).encode())

    def _key(self, kind: str, of: Any) -> str:
        return key_of({"kept": f"collected {kind}", "label": self._label, "of": of})


def file_key(sha256: str) -> str:
    """The key under which the bytes of a collected file lie in the store; a takedown deletes what is there."""
    return key_of({"kept": "collected bytes", "sha256": sha256})
