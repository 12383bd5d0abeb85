"""What the contract must know about the shop behind an adapter, and how that shop fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

import pytest

from bot.domain.model import Proof, ProofKind, Scope, WriteResult
from bot.domain.ports import OrderAdapter

UNKNOWN_NUMBER = "ZZZ99999999999"
PROOF = Proof(ProofKind.CONTACT, datetime(2026, 1, 1, tzinfo=UTC), expires=None)


def scope_of(customer_id: str, name: str = "") -> Scope:
    """Return the scope of a customer who was verified before the test began."""
    return Scope(customer_id, name, PROOF)


class Fault(StrEnum):
    """How a request to the order system goes wrong. The first three change nothing, the next three do all the same."""

    REFUSED = "refused"
    """Nobody listens: the connection is refused."""
    HANG = "hang"
    """No answer ever comes, and nothing is done."""
    SERVER_ERROR = "server_error"
    """A 5xx, and nothing is done."""
    LATE = "late"
    """It is done, but no answer ever comes."""
    GARBAGE = "garbage"
    """It is done, but the answer makes no sense: no JSON, half of it, or another thing than was asked for."""
    PARTIAL = "partial"
    """It is done, or the main part of it, but the answer says that it failed (WooCommerce's refund with its 400)."""
    WRONG_CURRENCY = "wrong_currency"
    """A read succeeds, but an order's currency is none ("euro", nothing) or its lines have another one."""
    MISSING_FIELD = "missing_field"
    """A read succeeds, but an order lacks its number, its total or its state."""
    SLOW_PAGE = "slow_page"
    """The first page of a listing comes, the second never."""


class Kind(StrEnum):
    """Which requests a fault meets."""

    READ = "read"
    WRITE = "write"


class FaultyTransport(Protocol):
    """The fake order system of an adapter's test, told to fail. It stands where the network would."""

    faults: Collection[Fault]
    """Those that it can bring about; the tests of the others are skipped."""

    def fail(self, fault: Fault, kind: Kind) -> None:
        """From now on every request of this kind meets the fault: one that reads, or one that changes something."""

    def heal(self) -> None:
        """From now on all is well."""

    def effects(self, number: str) -> int:
        """Return how often this order was really cancelled, or a return of it really opened."""


@dataclass(frozen=True)
class ContractShop:
    """What the suite must know about the data behind an adapter. Every call of `open` reaches the same data.

    The customer's phone is theirs alone and they have at least three orders; `shared_phone` belongs to two others. At
    least one line of the delivered order can be returned, and its lines have ids.

    Args:
        tells_refund: a cancellation's answer says what is paid back, which is the order's total.
        acts_at_once: after a write the order is in its new state; false where a person works requests off later, and
            writes are answered REQUESTED.
        takes_lines: single lines can be returned; where they cannot, such a return must be refused, not widened.
    """

    open: Callable[[], OrderAdapter]
    customer_id: str
    name: str
    phone: str
    email: str
    pending: str
    delivered: str
    shipped: str
    stranger_id: str
    strangers_email: str
    strangers_pending: str
    strangers_delivered: str
    shared_phone: str
    unknown_phone: str = "+12025550199"
    tells_refund: bool = True
    acts_at_once: bool = True
    takes_lines: bool = True
    transport: FaultyTransport | None = None

    @property
    def mine(self) -> Scope:
        """The customer's scope."""
        return scope_of(self.customer_id, self.name)

    @property
    def taken(self) -> WriteResult:
        """What a write comes to that is not refused."""
        return WriteResult.DONE if self.acts_at_once else WriteResult.REQUESTED

    @property
    def theirs(self) -> Scope:
        """The stranger's scope."""
        return scope_of(self.stranger_id)


def spellings(number: str) -> list[str]:
    """Return ways in which customers write an order number."""
    full_width = "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in number)
    return [
        number.lower(),
        f"#{number}",
        f"  {number} ",
        f"{number[:3]} {number[3:]}",
        f"\u2068{number}\u2069",
        full_width,
    ]


class WithAdapter:
    """Opens the shop for a test, and closes it."""

    @pytest.fixture
    async def adapter(self, shop: ContractShop) -> AsyncIterator[OrderAdapter]:
        """Return the shop's adapter."""
        adapter = shop.open()
        yield adapter
        await adapter.close()
