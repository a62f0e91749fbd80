"""Replies in the store: finished ones for any limit of their length, those that were cut off for their own alone."""

from __future__ import annotations

from culturebench.chat.reply import Reply
from culturebench.chat.request import ChatRequest
from culturebench.params._endpoint import Endpoint
from culturebench.store import Store


def kept(store: Store, request: ChatRequest, endpoint: Endpoint) -> Reply | None:
    """The reply to the question, or None: under another `max_completion_tokens` only a finished one counts."""
    for key in (request.key(endpoint, limited=False), request.key(endpoint)):
        if data := store.get(key):
            return Reply.from_bytes(data)
    return None


def keep(store: Store, request: ChatRequest, endpoint: Endpoint, reply: Reply) -> None:
    """Keep a reply the moment it is there."""
    store.put(request.key(endpoint, limited=not reply.finished), reply.to_bytes())
