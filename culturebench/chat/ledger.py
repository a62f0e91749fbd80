"""What replies cost, and whether the next question still fits."""

from __future__ import annotations

from culturebench.chat.reply import Reply
from culturebench.chat.request import ChatRequest
from culturebench.params._endpoint import Endpoint
from culturebench.store import Store, key_of

_MILLION = 1_000_000


class Ledger:
    """Sums of replies, of tries that may have been billed without an answer, and of questions under way.

    Tries without an answer are counted in the store, so that the limit also holds over runs that were killed.
    """

    def __init__(self, endpoint: Endpoint, store: Store) -> None:
        self._endpoint, self._store = endpoint, store
        self._replies: dict[str, float] = {}
        self._unanswered: dict[str, float] = {}
        self._reserved: dict[str, float] = {}

    @property
    def paid(self) -> float:
        """The price of all replies that this ledger has seen, kept ones included."""
        return sum(self._replies.values())

    @property
    def unanswered(self) -> float:
        """The highest price of the tries that got no answer and may yet have been billed."""
        return sum(self._unanswered.values())

    def price(self, reply: Reply) -> float:
        """The price of one reply."""
        endpoint = self._endpoint
        return (reply.input_tokens * endpoint.input_price + reply.output_tokens * endpoint.output_price) / _MILLION

    def book(self, key: str, request: ChatRequest, reply: Reply | None) -> None:
        """Count what the store says of one question: its reply, and its tries without one."""
        tries = self._tries(key) - (reply is not None)
        self._unanswered[key] = max(tries, 0) * self._highest(request)
        if reply:
            self._replies[key] = self.price(reply)

    def fits(self, request: ChatRequest) -> bool:
        """Whether one more try could not exceed the limit."""
        limit, taken = self._endpoint.max_cost, sum(self._reserved.values())
        return limit is None or self.paid + self.unanswered + taken + self._highest(request) <= limit

    def reserve(self, key: str, request: ChatRequest) -> bool:
        """Set aside the highest price of one try; False when the limit could then be exceeded."""
        if not self.fits(request):
            return False
        self._reserved[key] = self._highest(request)
        self._note_tries(key, self._tries(key) + 1)
        return True

    def settle(self, key: str, request: ChatRequest, reply: Reply | None, unbilled: bool = False) -> None:
        """A try is over: with a reply, without one, or `unbilled` by the endpoint's own word."""
        self._reserved.pop(key, None)  # a batch of an earlier run has none
        if unbilled:
            self._note_tries(key, max(self._tries(key) - 1, 0))  # two runs may hear of one batch
        self.book(key, request, reply)

    @property
    def under_way(self) -> bool:
        """Whether a question is under way whose price is not known yet."""
        return bool(self._reserved)

    def _highest(self, request: ChatRequest) -> float:
        endpoint = self._endpoint
        sent = request.max_tokens(endpoint) * endpoint.input_price
        return (sent + endpoint.max_completion_tokens * endpoint.output_price) / _MILLION

    def _tries(self, key: str) -> int:
        return int(self._store.get(_tries_key(key)) or 0)

    def _note_tries(self, key: str, tries: int) -> None:
        self._store.put(_tries_key(key), str(tries).encode())


def _tries_key(key: str) -> str:
    return key_of({"kind": "tries of a chat request", "key": key})
