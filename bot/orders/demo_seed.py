"""Invents the demo shop's orders: the same for the same moment, and always in all the states one wants to try."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from bot.domain.model import Money, Order, OrderItem, OrderStatus
from bot.orders.demo_people import (
    GOODS,
    LOCAL_GOODS,
    NOT_TAKEN_BACK,
    PROFILES,
    WHOLE_CURRENCIES,
    Profile,
    payment_of,
)

SPECIAL_NUMBER = "ORD20241112001"

PENDING, PROCESSED, SHIPPED, DELIVERED, CANCELLED, RETURN_REQUESTED, RETURNED = OrderStatus


@dataclass(frozen=True, slots=True)
class Past:
    """An order in a plan: in what state it is, and between how many days ago it was placed."""

    status: OrderStatus
    youngest: int
    oldest: int


# Delivery takes at most 8 days, so an order of 10 to 24 days ago arrived within a window of 14 to 30 days, and one
# of 70 or more arrived outside any usual one.
_RECENT = Past(DELIVERED, 10, 14)
_OLD = Past(DELIVERED, 70, 500)
_COMMON = (
    Past(SHIPPED, 4, 7),
    _RECENT,
    _OLD,
    _OLD,
    _OLD,
    Past(CANCELLED, 40, 300),
    Past(RETURN_REQUESTED, 15, 24),
    Past(RETURNED, 60, 300),
)
PLANS = {
    "usual": (Past(PENDING, 0, 1), Past(PROCESSED, 2, 3), *_COMMON, Past(DELIVERED, 17, 22), Past(CANCELLED, 8, 30)),
    # Two orders that can be cancelled: 'cancel my order' must ask which, 'cancel my last order' need not.
    "eager": (Past(PENDING, 0, 0), Past(PENDING, 1, 1), Past(PROCESSED, 2, 3), *_COMMON, _OLD, _OLD),
    # Nothing can be cancelled any more, and the only order that can go back is clear.
    "calm": (Past(SHIPPED, 2, 3), *_COMMON, _OLD, _OLD),
    "special": (Past(PENDING, 0, 1), *_COMMON, _OLD, Past(CANCELLED, 8, 30)),
    "new": (Past(PROCESSED, 2, 3),),
    "none": (),
}


def invent_orders(today: datetime) -> list[Order]:
    """Return all orders of all customers, oldest first; `today` is aware and in UTC, and counts to the full hour."""
    today = today.replace(minute=0, second=0, microsecond=0)
    random = Random("deskhand")  # noqa: S311 - The demo is meant to be the same each time.
    drafts = [
        _draft(random, profile, past, today, number)
        for profile in PROFILES
        for number, past in _numbered(profile, PLANS[profile.plan])
    ]
    drafts.sort(key=lambda order: order.placed_at)
    return list(_with_numbers(drafts))


def _numbered(profile: Profile, plan: tuple[Past, ...]) -> Iterator[tuple[str, Past]]:
    """Give the first shipped order of the special plan its number; the others get theirs from their date."""
    special = SPECIAL_NUMBER if profile.plan == "special" else ""
    for past in plan:
        yield (special if past.status is SHIPPED else ""), past
        special = "" if past.status is SHIPPED else special


def _draft(random: Random, profile: Profile, past: Past, today: datetime, number: str) -> Order:
    # At least an hour ago, so that 'today' is never in the future.
    age = timedelta(days=random.randint(past.youngest, past.oldest), minutes=random.randint(60, 900))
    placed_at = today - age
    items = tuple(_items(random, profile))
    total = sum((item.price.amount * item.quantity for item in items), Decimal(0))
    paid = Money(total, profile.currency)
    order = Order(number, profile.id, past.status, placed_at, paid, items, payment=payment_of(profile.id))
    return _on_its_way(random, order, profile, today)


def _on_its_way(random: Random, order: Order, profile: Profile, today: datetime) -> Order:
    if order.status in (PENDING, CANCELLED):
        return order
    if order.status is PROCESSED:
        return replace(order, expected_at=today + timedelta(days=random.randint(3, 6)))
    shipped_at = order.placed_at + timedelta(hours=random.randint(8, 40))
    order = replace(
        order, shipped_at=shipped_at, carrier=profile.carrier, tracking=f"TRK{random.randint(10**9, 10**10 - 1)}"
    )
    if order.status is SHIPPED:
        return replace(order, expected_at=today + timedelta(days=random.randint(1, 4)))
    return replace(order, delivered_at=shipped_at + timedelta(hours=random.randint(30, 144)))


def _items(random: Random, profile: Profile) -> Iterator[OrderItem]:
    goods = GOODS + LOCAL_GOODS.get(profile.language, ()) * 3
    bought = random.sample(list(dict.fromkeys(random.choices(goods, k=12))), random.choice((1, 1, 2, 3)))
    for place, (name, euros, category) in enumerate(bought, 1):
        quantity = random.randint(1, 3) if euros < 30 else 1
        price = Money(_price(euros * profile.rate, profile.currency), profile.currency)
        yield OrderItem(name, quantity, price, str(place), category, returnable=category not in NOT_TAKEN_BACK)


def _price(amount: float, currency: str) -> Decimal:
    if currency in WHOLE_CURRENCIES:
        return Decimal(max(1, round(amount / 100)) * 100)
    return Decimal(str(amount)).quantize(Decimal("0.01"))


def _with_numbers(orders: list[Order]) -> Iterator[Order]:
    """Number the orders of each day from 001 on, passing over the number that is taken."""
    counts: Counter[str] = Counter()
    for order in orders:
        if order.number:
            yield order
            continue
        day = f"{order.placed_at:%Y%m%d}"
        counts[day] += 1
        if f"ORD{day}{counts[day]:03}" == SPECIAL_NUMBER:
            counts[day] += 1
        yield replace(order, number=f"ORD{day}{counts[day]:03}")
