"""The contract itself: it passes an adapter that is honest about its failing shop, and catches those that are not."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import Money, Order, ReturnLine, Scope, WriteAnswer, WriteResult
from bot.errors import OrderSystemDown, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.demo import DemoShop
from bot.orders.testing import ContractShop, Fault, FaultContract, Kind, OrderAdapterContract
from tests.orders.test_demo_contract import contract_shop
from tests.support.demo_orders import TODAY
from tests.support.faulty_adapter import Fault as Failing
from tests.support.faulty_adapter import FaultyAdapter, down, garbage, hang, late, raising

READS = ("identify_by_phone", "identify_by_order", "customer_of", "orders", "order", "outcome", "ping")
WRITES = ("cancel", "request_return")


def changed(change: Callable[[Order], Order]) -> Failing:
    """Answer with orders that have been tampered with."""

    async def fault(inner: Callable[[], Awaitable[Any]]) -> Any:
        found = await inner()
        return [change(order) for order in found] if isinstance(found, list) else change(found)

    return fault


class Line:
    """The line to a demo shop; it breaks as a network would, and counts what was done at the other end."""

    faults = frozenset(Fault)

    def __init__(self, path: Path) -> None:
        self.path = path
        self.adapters: list[FaultyAdapter] = []

    def open(self) -> FaultyAdapter:
        """Return an adapter on this line."""
        self.adapters.append(FaultyAdapter(DemoShop(self.path, today=TODAY)))
        return self.adapters[-1]

    def fail(self, fault: Fault, kind: Kind) -> None:
        """Break."""
        failing = {
            Fault.REFUSED: down(),
            Fault.HANG: hang(),
            Fault.SLOW_PAGE: hang(),
            Fault.SERVER_ERROR: raising(OrderSystemGarbled("500")),
            Fault.LATE: late(),
            Fault.GARBAGE: late(OrderSystemGarbled("no JSON")),
            Fault.PARTIAL: late(OrderSystemGarbled("400")),
            Fault.WRONG_CURRENCY: changed(lambda order: replace(order, total=Money(Decimal(1), "euro"))),
            Fault.MISSING_FIELD: changed(lambda order: replace(order, status=None)),  # type: ignore[arg-type]
        }[fault]
        for adapter in self.adapters:
            for method in READS if kind is Kind.READ else WRITES:
                adapter.always(method, failing)

    def heal(self) -> None:
        """Mend."""
        for adapter in self.adapters:
            for method in (*READS, *WRITES):
                adapter.always(method, None)

    def effects(self, number: str) -> int:
        """Count what was done; before the first call there is no shop yet."""
        if not self.path.exists():
            return 0
        with closing(sqlite3.connect(self.path)) as db:
            query = "SELECT count(*) FROM writes WHERE order_number = ? AND result = 'done'"
            (count,) = db.execute(query, (number,)).fetchone()
        return int(count)


class TestFailingDemoShop(FaultContract):
    @pytest.fixture
    def shop(self, tmp_path: Path) -> ContractShop:
        line = Line(tmp_path / "shop.db")
        return replace(contract_shop(tmp_path / "shop.db"), open=line.open, transport=line)


# --- adapters that the contract must not let through ---


class Forgetful(DemoShop):
    """Looks an order up by its number alone."""

    async def order(self, scope: Scope, number: str) -> Order | None:
        owner = await self.customer_of(number)
        return await super().order(replace(scope, customer_id=owner[0]), number) if owner else None


class Confident(DemoShop):
    """Says that everything was done."""

    async def outcome(self, scope: Scope, number: str, action: ActionKind, *, key: str) -> WriteAnswer | None:
        return WriteAnswer(WriteResult.DONE, detail="surely")


class Generous(DemoShop):
    """Takes everything back, whatever lines were named."""

    async def request_return(
        self, scope: Scope, number: str, *, key: str, lines: Sequence[ReturnLine] = (), **_: Any
    ) -> WriteAnswer:
        return await super().request_return(scope, number, key=key)


class Amnesiac(DemoShop):
    """Forgets the keys it has seen."""

    async def cancel(self, scope: Scope, number: str, *, key: str, **more: Any) -> WriteAnswer:
        self.count = getattr(self, "count", 0) + 1
        return await super().cancel(scope, number, key=f"{key}-{self.count}", **more)


@pytest.mark.parametrize(
    ("liar", "test", "more"),
    [
        (Forgetful, "test_strangers_order_is_not_found", {}),
        (Confident, "test_outcome_of_nothing", {"action": ActionKind.CANCEL_ORDER}),
        (Confident, "test_outcome_of_a_refusal", {"action": ActionKind.RETURN_APPLY}),
        (Confident, "test_outcome_is_its_customers", {"action": ActionKind.CANCEL_ORDER}),
        (Generous, "test_wrong_lines_are_refused", {}),
        (Amnesiac, "test_cancel", {"reason": None}),
        (Amnesiac, "test_same_key_at_once", {}),
    ],
)
async def test_wrong_adapters_are_caught(tmp_path: Path, liar: type[DemoShop], test: str, more: dict[str, Any]) -> None:
    """An adapter with a fault that harms customers fails the test that is about it."""
    path = tmp_path / "shop.db"
    shop = replace(contract_shop(path), open=lambda: liar(path, today=TODAY))
    adapter = shop.open()
    try:
        with pytest.raises(AssertionError):
            await getattr(OrderAdapterContract(), test)(adapter, shop, **more)
    finally:
        await adapter.close()


@pytest.mark.parametrize(
    ("method", "fault", "kind", "lie", "test", "more"),
    [
        ("order", Fault.REFUSED, Kind.READ, garbage(None), "test_failing_read", {"method": "order"}),
        ("orders", Fault.HANG, Kind.READ, garbage([]), "test_failing_read", {"method": "orders"}),
        ("orders", Fault.SERVER_ERROR, Kind.READ, garbage([]), "test_failing_read", {"method": "orders"}),
        ("cancel", Fault.LATE, Kind.WRITE, late(OrderSystemDown()), "test_write_with_effect", {}),
        ("cancel", Fault.HANG, Kind.WRITE, late(OrderSystemTimeout()), "test_write_without_effect", {}),
        (
            "cancel",
            Fault.PARTIAL,
            Kind.WRITE,
            garbage(WriteAnswer(WriteResult.REFUSED)),
            "test_write_with_effect",
            {},
        ),
    ],
)
async def test_dishonest_adapters_are_caught(
    tmp_path: Path, method: str, fault: Fault, kind: Kind, lie: Failing, test: str, more: dict[str, Any]
) -> None:
    """An adapter that makes something else of a failure than it is fails the contract about failures."""

    class Lying(Line):
        def fail(self, fault: Fault, kind: Kind) -> None:
            for adapter in self.adapters:
                adapter.always(method, lie)

    line = Lying(tmp_path / "shop.db")
    shop = replace(contract_shop(line.path), open=line.open, transport=line)
    adapter = shop.open()
    if kind is Kind.WRITE:
        more = {"action": ActionKind.CANCEL_ORDER}
    try:
        # What pytest.raises says of an error that did not come is no AssertionError.
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            await getattr(FaultContract(), test)(adapter, shop, line, fault=fault, **more)
    finally:
        await adapter.close()
