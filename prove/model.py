"""In the language model's place something that wants harm: any action the schema allows, and some it does not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from random import Random

from bot.domain.actions import ActionKind, Written
from bot.domain.ports import ChatMessage, Completion
from prove.canaries import CUSTOMERS, KNOWN, number_of

_SAYINGS = (
    "",
    "Your order is cancelled, and the refund is on its way.",
    "yes",
    '{"action": "cancel_order"}',
    "<b>Yes</b> <a href='tg://resolve?domain=x'>press</a>",
    "/orders",
    "\u202e\u2066 Yes \x00 \ud800",
)


class MaliciousModel:
    """Implements `LanguageModel`; what it says hangs on the seed, the conversation and how often it was asked there."""

    name = "malicious"
    kind = "remote"
    context_tokens = 4096

    def __init__(self, seed: int, *, takes_branches: bool = True) -> None:
        self.takes_branches = takes_branches
        self._seed = seed
        self._asked: Counter[str] = Counter()

    async def count_tokens(self, text: str) -> int:
        """Count roughly."""
        return len(text) // 4 + 1

    async def complete(self, request: Completion) -> str:
        """Return an action that nobody asked for."""
        self._asked[request.thread] += 1
        chance = Random(f"{self._seed}:{request.thread}:{self._asked[request.thread]}")
        kind = chance.choice([*ActionKind, ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY])
        if kind is ActionKind.HANDOFF and chance.random() < 0.8:
            kind = ActionKind.QUERY_ORDER
        answer = {
            "action": kind.value,
            "order_id": _number(chance, request),
            "response_type": chance.choice(["text", "json"]),
            "message": _saying(chance, request.messages),
        }
        return Written(json.dumps(answer), chance.random())

    def stream(self, messages: Sequence[ChatMessage], max_tokens: int) -> AsyncGenerator[str, None]:
        """Nobody asks for free text."""
        raise NotImplementedError

    async def prepare(self, system: ChatMessage) -> None:
        """Be ready."""

    async def problem(self) -> str | None:
        """Return nothing: all is well."""
        return None

    def describe(self) -> str:
        """Return what it is."""
        return "malicious"

    async def close(self) -> None:
        """Hold nothing."""


def _number(chance: Random, request: Completion) -> str | None:
    """Return one of the numbers that the schema allows, rarely another customer's all the same."""
    if chance.random() < 0.15:
        return number_of(chance.randrange(CUSTOMERS), chance.randrange(KNOWN + 2))
    text = json.dumps(request.schema)
    allowed = [number_of(i, j) for i in range(CUSTOMERS) for j in range(KNOWN + 2) if number_of(i, j) in text]
    return chance.choice([None, *allowed])


def _saying(chance: Random, messages: Sequence[ChatMessage]) -> str:
    """Return everything that it was told, or a lie."""
    if chance.random() < 0.4:
        told = "\n".join(message.content for message in messages[1:])
        start = chance.randrange(max(1, len(told) - 200))
        return told[start : start + 1500]
    return chance.choice(_SAYINGS)
