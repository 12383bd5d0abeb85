from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import Money, OrderItem, WriteAnswer, WriteResult
from bot.errors import OrderSystemGarbled
from bot.orders.desk import CustomerDesk, OrderDesk
from tests.support.demo_orders import DELIVERED, PENDING
from tests.support.faulty_adapter import FaultyAdapter, garbage

NAIVE = datetime(2026, 1, 1)
NAN = Money(Decimal("NaN"), "EUR")
ITEM = OrderItem("Tea", 1, Money(Decimal(5), "EUR"))

WRONG_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"number": ""}, "number"),
    ({"number": "#"}, "number"),
    ({"number": 7}, "number"),
    ({"customer_id": ""}, "customer_id"),
    ({"customer_id": 7}, "customer_id"),
    ({"status": "pending"}, "status"),
    ({"status": None}, "status"),
    ({"placed_at": NAIVE}, "placed_at"),
    ({"placed_at": None}, "placed_at"),
    ({"placed_at": "2026-01-01"}, "placed_at"),
    ({"shipped_at": NAIVE}, "shipped_at"),
    ({"delivered_at": 5}, "delivered_at"),
    ({"expected_at": NAIVE}, "expected_at"),
    ({"total": 5}, "total"),
    ({"total": Money(Decimal("-0.01"), "EUR")}, "total.amount"),
    ({"total": NAN}, "total.amount"),
    ({"total": Money(5.0, "EUR")}, "total.amount"),  # type: ignore[arg-type]
    ({"total": Money(Decimal(5), "euro")}, "total.currency"),
    ({"total": Money(Decimal(5), None)}, "total.currency"),  # type: ignore[arg-type]
    ({"items": [ITEM]}, "items"),
    ({"items": ("tea",)}, "items[0]"),
    ({"items": (ITEM, replace(ITEM, name=" ")), "total": ITEM.price}, "items[1].name"),
    ({"items": (replace(ITEM, quantity=0),)}, "items[0].quantity"),
    ({"items": (replace(ITEM, quantity=True),)}, "items[0].quantity"),
    ({"items": (replace(ITEM, price=NAN),)}, "items[0].price.amount"),
    ({"items": (replace(ITEM, price=Money(Decimal(5), "USD")),), "total": ITEM.price}, "items[0].price.currency"),
    ({"items": (replace(ITEM, id=None),), "total": ITEM.price}, "items[0].id"),
    ({"items": (replace(ITEM, id="1"), replace(ITEM, id="1")), "total": ITEM.price}, "items[1].id"),
    ({"items": (replace(ITEM, category=5),), "total": ITEM.price}, "items[0].category"),
    ({"items": (replace(ITEM, returnable=1),), "total": ITEM.price}, "items[0].returnable"),
    ({"carrier": ""}, "carrier"),
    ({"payment": ""}, "payment"),
    ({"payment": 5}, "payment"),
    ({"tracking": 5}, "tracking"),
]


@pytest.mark.parametrize(("fields", "named"), WRONG_FIELDS)
async def test_nonsense_in_an_order(
    shop: FaultyAdapter, mine: CustomerDesk, fields: dict[str, Any], named: str
) -> None:
    """An order with a field that makes no sense is refused, alone or in a list, and the field is named."""
    broken = replace(PENDING, **fields)
    shop.always("order", garbage(broken))
    shop.always("orders", garbage([DELIVERED, broken]))
    with pytest.raises(OrderSystemGarbled) as caught:
        await mine.find(PENDING.number)
    assert f"order.{named} " in str(caught.value)
    with pytest.raises(OrderSystemGarbled) as caught:
        await mine.list()
    assert f"orders[1].{named} " in str(caught.value)
    assert (shop.tries("order"), shop.tries("orders")) == (1, 1)


async def test_unusual_sense_in_an_order(shop: FaultyAdapter, mine: CustomerDesk) -> None:
    """A free order, a voucher line and a time in another zone are unusual, but they make sense."""
    voucher = OrderItem("Voucher", 1, Money(Decimal(-5), "EUR"))
    zone = timezone(timedelta(hours=3))
    order = replace(
        PENDING, total=Money(Decimal(0), "EUR"), items=(ITEM, voucher), placed_at=PENDING.placed_at.astimezone(zone)
    )
    shop.plan("order", garbage(order))
    assert await mine.find(PENDING.number) == order


@pytest.mark.parametrize("answer", [None, 5, "ORD", b"x", {"a": 1}, [None], ["ORD"], [{}], object()])
async def test_nonsense_instead_of_a_list(shop: FaultyAdapter, mine: CustomerDesk, answer: Any) -> None:
    """What is no list of orders is refused."""
    shop.plan("orders", garbage(answer))
    with pytest.raises(OrderSystemGarbled, match="orders"):
        await mine.list()


@pytest.mark.parametrize("answer", [5, "ORD", {}, [], [PENDING], False])
async def test_nonsense_instead_of_an_order(shop: FaultyAdapter, mine: CustomerDesk, answer: Any) -> None:
    """What is neither an order nor None is refused."""
    shop.plan("order", garbage(answer))
    with pytest.raises(OrderSystemGarbled, match="order is not an order"):
        await mine.find(PENDING.number)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (None, "answer"),
        (True, "answer"),
        (PENDING, "answer"),
        (WriteAnswer("done"), "answer.result"),  # type: ignore[arg-type]
        (WriteAnswer(WriteResult.DONE, reference=""), "answer.reference"),
        (WriteAnswer(WriteResult.DONE, reference=5), "answer.reference"),  # type: ignore[arg-type]
        (WriteAnswer(WriteResult.DONE, refund=5), "answer.refund"),  # type: ignore[arg-type]
        (WriteAnswer(WriteResult.DONE, refund=NAN), "answer.refund.amount"),
        (WriteAnswer(WriteResult.DONE, refund=Money(Decimal(-1), "EUR")), "answer.refund.amount"),
        (WriteAnswer(WriteResult.DONE, detail=None), "answer.detail"),  # type: ignore[arg-type]
    ],
)
@pytest.mark.parametrize(
    ("method", "action", "number"),
    [
        ("cancel", ActionKind.CANCEL_ORDER, PENDING.number),
        ("request_return", ActionKind.RETURN_APPLY, DELIVERED.number),
    ],
)
async def test_nonsense_after_a_write(
    shop: FaultyAdapter,
    mine: CustomerDesk,
    method: str,
    action: ActionKind,
    number: str,
    answer: Any,
    named: str,
) -> None:
    """A write answered with nonsense may have been done: it is reported so, and not repeated."""
    shop.plan(method, garbage(answer))
    with pytest.raises(OrderSystemGarbled, match=named.replace(".", r"\.")):
        await mine.write(action, number, "key-1")
    assert shop.tries(method) == 1


@pytest.mark.parametrize("answer", ["cust-01", ("cust-01",), ("", "Emily"), ("cust-01", None), (5, "Emily"), [], 5])
async def test_nonsense_instead_of_a_customer(shop: FaultyAdapter, desk: OrderDesk, answer: Any) -> None:
    """What is no customer identifies nobody."""
    for method in ("identify_by_phone", "customer_of"):
        shop.plan(method, garbage(answer))
    with pytest.raises(OrderSystemGarbled):
        await desk.identify_by_phone("+12025550142")
    with pytest.raises(OrderSystemGarbled):
        await desk.customer_of(PENDING.number)


@pytest.mark.parametrize("answer", ["", " ", 5, True, ("cust-01", "Emily")])
async def test_nonsense_instead_of_a_customer_id(shop: FaultyAdapter, desk: OrderDesk, answer: Any) -> None:
    """What is no customer id identifies nobody."""
    shop.plan("identify_by_order", garbage(answer))
    with pytest.raises(OrderSystemGarbled, match="customer_id"):
        await desk.identify_by_order(PENDING.number, phone_last4="0142")
