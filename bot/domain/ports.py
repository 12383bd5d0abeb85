"""The Protocols that the rooms around the conversation implement. Each is small; each has one contract suite."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.domain.actions import ActionKind
from bot.domain.model import Order, Query, Reason, ReturnLine, Scope, Understood, WriteAnswer


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""


# --- the shop's order system ------------------------------------------------


Identity = tuple[str, str]
"""A customer id and the customer's name, which may be empty: who somebody says to be, not yet proved."""


class OrderAdapter(Protocol):
    """One order system. Every call for a customer carries their scope, and every query made for it must, too.

    An order that is not theirs and one that does not exist are answered alike, by the same way through the code.
    All methods raise OrderSystemDown (surely nothing done), OrderSystemTimeout or OrderSystemGarbled (something may
    have been done). `bot.orders.testing` holds the contract as test classes.
    """

    number_shapes: Sequence[str]
    """Regular expressions of this shop's order numbers; they come before the general shapes."""

    honours_keys: bool
    """Whether the same key may be sent again after a time-out: the order system does it once and repeats its answer."""

    async def identify_by_phone(self, phone: str) -> Identity | None:
        """Return the only customer with this E.164 number, or None."""

    async def identify_by_order(self, number: str, *, email: str | None, phone_last4: str | None) -> str | None:
        """Return the id of the customer whose order this is, if the e-mail or the last four digits are theirs."""

    async def customer_of(self, number: str) -> Identity | None:
        """Return whose order this is, without any proof: for the shop's own hands and its signed links only."""

    async def orders(self, scope: Scope, limit: int) -> Sequence[Order]:
        """Return the customer's orders, newest first."""

    async def order(self, scope: Scope, number: str) -> Order | None:
        """Return the customer's order of this number, in any spelling ('#', case, spaces); None if not theirs."""

    async def cancel(self, scope: Scope, number: str, *, key: str, reason: Reason | None = None) -> WriteAnswer:
        """Cancel an order once per `key`.

        A second call with the same key returns the first one's answer; with another key for what is done already it is
        refused; a key that comes back with another order, action or customer is OrderSystemGarbled. Where
        `honours_keys` is false, the order is read before it is changed. An order system that only hands the request to
        a person answers REQUESTED.
        """

    async def request_return(
        self, scope: Scope, number: str, *, key: str, reason: Reason | None = None, lines: Sequence[ReturnLine] = ()
    ) -> WriteAnswer:
        """Open a return once per `key`, likewise; without `lines` all of the order goes back.

        An order system that takes no single lines back refuses them with the detail `WHOLE_ONLY`.
        """

    async def outcome(self, scope: Scope, number: str, action: ActionKind, *, key: str) -> WriteAnswer | None:
        """Read back, after a crash or a time-out, what the write of this key came to; this changes nothing.

        None when it surely had no effect. Where the order system keeps no keys the order's state tells: DONE, with a
        detail that says that nobody knows who did it.

        Raises:
            OrderSystemGarbled: when it cannot be told.
        """

    async def examine(self) -> Sequence[str]:
        """For `deskhand check`: connect and read one order, changing nothing; say in sentences what does not map."""

    async def ping(self) -> None:
        """Raise OrderSystemError unless the order system answers."""

    async def close(self) -> None:
        """Let go of connections."""


class CustomerDesk(Protocol):
    """What one verified customer may see and do; raises OrderSystemError."""

    async def list(self, limit: int = 20) -> Sequence[Order]:
        """Return the customer's orders, newest first."""

    async def find(self, number: str) -> Order | None:
        """Return the order; None when there is none, or it is another's."""

    async def write(
        self,
        action: ActionKind,
        number: str,
        key: str,
        *,
        reason: Reason | None = None,
        lines: Sequence[ReturnLine] = (),
    ) -> WriteAnswer:
        """Cancel or take back, once per key."""

    async def outcome(self, action: ActionKind, number: str, key: str) -> WriteAnswer | None:
        """Read back what the write of this key came to; None when it surely had no effect."""


class Desk(Protocol):
    """The order desk: everything it returns can see one customer only."""

    def for_customer(self, scope: Scope) -> CustomerDesk:
        """Return the desk of one customer."""

    async def identify_by_phone(self, phone: str) -> Identity | None:
        """Return the only customer with this E.164 number."""

    async def identify_by_order(self, number: str, *, email: str | None, phone_last4: str | None) -> Identity | None:
        """Return the order's customer, if the secret is theirs; the name is not told."""

    async def customer_of(self, number: str) -> Identity | None:
        """Return whose order this is, without any proof: for an order that the shop itself has named, signed."""


# --- understanding ----------------------------------------------------------


class Tier(Protocol):
    """Understands a message or passes on."""

    @property
    def name(self) -> str:
        """The tier's name in the config."""

    @property
    def kind(self) -> str:
        """The tier's kind in the config."""

    async def understand(self, query: Query) -> Understood:
        """Return what the customer wants.

        Raises:
            TierPassed: with the reason, when this tier cannot or would rather not say.
        """


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt: role is "system", "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What a language model is asked: chat messages, and the JSON schema its answer must fit.

    `thread` names the conversation, for models that can go on from what they have read of it; `tell` takes the JSON
    as far as it is written, from models that tell, again and again.
    """

    messages: tuple[ChatMessage, ...]
    schema: Mapping[str, Any]
    max_tokens: int = 160
    thread: str = ""
    tell: Callable[[str], None] | None = field(default=None, compare=False)


class LanguageModel(Protocol):
    """A model that writes JSON to a schema."""

    name: str
    kind: str
    takes_branches: bool
    """Whether a schema may branch at its root."""

    @property
    def context_tokens(self) -> int:
        """How many tokens a prompt and its answer may take together."""

    async def count_tokens(self, text: str) -> int:
        """Return how many of the model's own tokens `text` takes; remote models may estimate from above."""

    async def complete(self, request: Completion) -> str:
        """Return the raw JSON text.

        Cancelling the call stops the work within one token.

        Raises:
            TierPassed: UNAVAILABLE (no file, no server), BROKEN (it failed) or BUSY.
        """

    def stream(self, messages: Sequence[ChatMessage], max_tokens: int) -> AsyncGenerator[str, None]:
        """Yield a free text piece by piece; raises TierPassed as `complete` does.

        Whoever stops before the end closes the generator (`contextlib.aclosing`), which stops the writing.
        """

    async def prepare(self, system: ChatMessage) -> None:
        """Get ready for prompts that begin with this message; raises TierPassed when it cannot."""

    async def problem(self) -> str | None:
        """Return what keeps it from answering, in a sentence with the remedy; None when all is well."""

    def describe(self) -> str:
        """Return how it is run, for `deskhand check`; what it chose itself is known once it was loaded."""

    async def close(self) -> None:
        """Free its memory and threads."""


# --- what the monitoring sees ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class HealthItem:
    """One thing that is watched; `fatal` means the bot cannot serve without it."""

    name: str
    ok: bool
    detail: str = ""
    fatal: bool = True


class Monitor(Protocol):
    """Counts and times what happens; implemented by `web/metrics.py`."""

    def stage(self, tier: str, stage: str, seconds: float) -> None:
        """Record that a turn answered by `tier` spent `seconds` in `stage`."""

    def action(self, action: str, tier: str) -> None:
        """Count an action."""

    def fallback(self, tier: str, reason: str) -> None:
        """Count that a tier passed on."""

    def queue(self, name: str, depth: int) -> None:
        """Set the depth of a queue ("inbox", "turns", "outbox")."""

    def event(self, name: str) -> None:
        """Count anything else by name ("quarantined", "uncertain", "poll_healed", ...)."""
