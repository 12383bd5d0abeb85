from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import OrderStatus
from bot.domain.policy import Decision, Rules, choose, decide
from bot.domain.returns import ReturnRules
from bot.orders.checks import checked_orders
from bot.orders.demo import DemoShop
from bot.orders.demo_people import CHINESE, ENGLISH, PROFILES, SPANISH
from bot.orders.demo_seed import SPECIAL_NUMBER, invent_orders
from bot.orders.phones import to_e164
from tests.support.demo_orders import EMILY, TODAY, orders_of
from tests.support.scopes import scope_of

DAYS = [TODAY, datetime(2024, 11, 12, 0, 10, tzinfo=UTC), datetime(2027, 3, 1, 23, 59, tzinfo=UTC)]


@pytest.fixture
async def shop(path: Path) -> AsyncIterator[DemoShop]:
    """A shop, made at its first call."""
    shop = DemoShop(path, today=TODAY)
    yield shop
    await shop.close()


def test_seed_is_deterministic() -> None:
    """The same moment gives the same shop, order for order."""
    assert invent_orders(TODAY) == invent_orders(TODAY)
    assert invent_orders(TODAY) != invent_orders(TODAY + timedelta(days=1))


@pytest.mark.parametrize("today", DAYS)
def test_seed_makes_sense(today: datetime) -> None:
    """About 200 well-formed orders with different numbers in all states, and no event after today or out of order."""
    orders = checked_orders(invent_orders(today))
    assert 180 <= len(orders) <= 220
    assert len({order.number for order in orders}) == len(orders)
    assert set(Counter(order.status for order in orders)) == set(OrderStatus)
    for order in orders:
        assert order.total.amount == sum(item.price.amount * item.quantity for item in order.items) > 0
        events = [order.placed_at, order.shipped_at, order.delivered_at]
        known = [event for event in events if event is not None]
        assert known == sorted(known)
        assert known[-1] <= today
        assert order.expected_at is None or order.expected_at > today
        if order.number != SPECIAL_NUMBER:
            assert order.number.startswith(f"ORD{order.placed_at:%Y%m%d}")


@pytest.mark.parametrize("today", DAYS)
@pytest.mark.parametrize("days", [14, 30])
def test_every_decision_can_be_tried(today: datetime, days: int) -> None:
    """Whatever day the shop is made, its orders lead to every decision that the policy can make about one."""
    rules = Rules(ReturnRules(days))
    orders = invent_orders(today)
    seen = {
        (action, decide(action, scope_of(order.customer_id), order, confirmed=False, now=today, rules=rules))
        for order in orders
        for action in (ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY)
    }
    assert {decision for action, decision in seen if action is ActionKind.CANCEL_ORDER} == {
        Decision.CONFIRM,
        Decision.ALREADY,
        Decision.TOO_LATE_TO_CANCEL,
    }
    assert {decision for action, decision in seen if action is ActionKind.RETURN_APPLY} == {
        Decision.CONFIRM,
        Decision.ALREADY,
        Decision.IS_CANCELLED,
        Decision.NOT_DELIVERED_YET,
        Decision.WINDOW_CLOSED,
        Decision.NOT_RETURNABLE,
    }


@pytest.mark.parametrize("today", DAYS)
def test_special_orders(today: datetime) -> None:
    """The orders that the README's examples speak of are there, and lead where the examples say."""
    rules = Rules()
    (special,) = [order for order in orders_of(CHINESE, today) if order.number == SPECIAL_NUMBER]
    assert special.status is OrderStatus.SHIPPED
    assert special.carrier
    assert special.tracking
    english = orders_of(ENGLISH, today)
    assert english[0].status is OrderStatus.PENDING
    assert choose(ActionKind.CANCEL_ORDER, english, latest=False, now=today, rules=rules)[0] is Decision.CHOOSE
    spanish = orders_of(SPANISH, today)
    decision, fitting = choose(ActionKind.RETURN_APPLY, spanish, latest=False, now=today, rules=rules)
    assert (decision, len(fitting)) == (Decision.SHOW, 1)
    assert choose(ActionKind.CANCEL_ORDER, spanish, latest=False, now=today, rules=rules)[0] is Decision.NONE_FIT


async def test_people(shop: DemoShop) -> None:
    """The demo page gets 20 people of many languages, with phones that count as numbers, and their orders."""
    people = await shop.people()
    assert [person.id for person in people] == [profile.id for profile in PROFILES]
    assert len({person.language for person in people}) >= 12
    assert sum(len(person.orders) for person in people) == len(invent_orders(TODAY))
    assert [person.id for person in people if not person.orders] == ["cust-18"]
    for person in people:
        assert to_e164(person.phone.removeprefix("+"), None) == person.phone
        assert person.email.endswith(("@example.com", "@example.org"))
        assert list(person.orders) == orders_of(person.id)


async def test_options(tmp_path: Path) -> None:
    """The path in the configuration starts from its own folder, and an absolute one is taken as it is."""
    for option, expected in [("a/shop.db", tmp_path / "a" / "shop.db"), (str(tmp_path / "b.db"), tmp_path / "b.db")]:
        shop = DemoShop.from_options({"path": option}, tmp_path)
        await shop.ping()
        await shop.close()
        assert expected.exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [({"pth": "x"}, "pth"), ({"path": 5}, "path"), ({"path": " "}, "path"), ({"path": None}, "path")],
)
def test_wrong_options(tmp_path: Path, options: dict[str, object], named: str) -> None:
    """An option that is unknown or of the wrong type is named."""
    with pytest.raises(ValueError, match=named):
        DemoShop.from_options(options, tmp_path)


async def test_cancelled_call_leaves_the_shop_usable(shop: DemoShop) -> None:
    """A caller who gives up, as on a time-out, does not disturb the calls after it."""
    call = asyncio.create_task(shop.orders(EMILY, 5))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await shop.orders(EMILY, 100) == orders_of(ENGLISH)
