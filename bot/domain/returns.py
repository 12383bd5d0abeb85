"""What of an order may go back: for how long after its delivery, and which goods not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bot.domain.model import Money, Order, OrderItem, ReturnLine


class Backward(StrEnum):
    """Why something does not go back."""

    WINDOW_CLOSED = "window_closed"
    NOT_TAKEN = "not_taken"


@dataclass(frozen=True, slots=True)
class ReturnRules:
    """The shop's rules for returns; words are compared without regard to case.

    `window_days` counts from the delivery, `windows` says otherwise for single categories of goods; `not_taken` names
    categories, or single items by their id or name, that never go back.
    """

    window_days: int = 30
    windows: Mapping[str, int] = field(default_factory=dict)
    not_taken: Sequence[str] = ()

    def days(self, order: Order) -> int:
        """Return for how many days after its delivery something of the order can be sent back."""
        windows = [self._days(item) for item in _goods(order) if not self._never(item)]
        return max(windows, default=self.window_days)

    def why_not(self, order: Order, lines: Sequence[ReturnLine], now: datetime) -> Backward | None:
        """Return why these lines do not go back, or the order as a whole where there are none; None when they do."""
        goods = _goods(order)
        if not goods and not lines:
            return self._closed(order, self.window_days, now)
        refused = [self._refusal(order, item, quantity, now) for item, quantity in _asked(goods, lines)]
        # A window that has closed says more than goods that are never taken: something could have gone back.
        return Backward.WINDOW_CLOSED if Backward.WINDOW_CLOSED in refused else next(filter(None, refused), None)

    def takes(self, order: Order, item: OrderItem, now: datetime) -> bool:
        """Whether one line of an order may go back."""
        return self._refusal(order, item, item.quantity, now) is None

    def _refusal(self, order: Order, item: OrderItem | None, quantity: int, now: datetime) -> Backward | None:
        if item is None or not 1 <= quantity <= item.quantity or self._never(item):
            return Backward.NOT_TAKEN
        return self._closed(order, self._days(item), now)

    def _closed(self, order: Order, days: int, now: datetime) -> Backward | None:
        closes = (order.delivered_at or order.placed_at) + timedelta(days=days)
        return Backward.WINDOW_CLOSED if now > closes else None

    def _never(self, item: OrderItem) -> bool:
        called = {_word(item.id), _word(item.name), _word(item.category)}
        return not item.returnable or any(_word(name) in called for name in self.not_taken)

    def _days(self, item: OrderItem) -> int:
        windows = {_word(category): days for category, days in self.windows.items()}
        return windows.get(_word(item.category), self.window_days)


def going_back(order: Order, now: datetime, rules: ReturnRules) -> tuple[ReturnLine, ...]:
    """Return the lines of an order that may go back, where others may not.

    None are returned when all of it may, or nothing, or when the order system does not tell its lines apart by id:
    then the order goes back as a whole, or not at all.
    """
    taken = choices(order, now, rules)
    return () if len(taken) == len(_goods(order)) else tuple(ReturnLine(item.id, item.quantity) for item in taken)


def choices(order: Order, now: datetime, rules: ReturnRules) -> tuple[OrderItem, ...]:
    """Return the items that may go back, one by one; none where the order system does not tell them apart by id."""
    taken = tuple(item for item in _goods(order) if rules.takes(order, item, now))
    return taken if all(item.id for item in taken) else ()


def lines_of(order: Order, lines: Sequence[ReturnLine]) -> tuple[ReturnLine, ...]:
    """Return the lines of a return as an order system is asked for them: none where they are all of the order."""
    asked = {line.item_id: line.quantity for line in lines}
    whole = all(asked.get(item.id) == item.quantity for item in _goods(order))
    return () if whole else tuple(lines)


def amount_of(order: Order, lines: Sequence[ReturnLine] = ()) -> Money:
    """Return what these lines cost, or the order's total where there are none."""
    if not lines:
        return order.total
    prices = {item.id: item.price.amount for item in order.items}
    amount = sum((prices.get(line.item_id, Decimal(0)) * line.quantity for line in lines), Decimal(0))
    return Money(amount, order.total.currency)


def items_of(order: Order, lines: Sequence[ReturnLine]) -> tuple[OrderItem, ...]:
    """Return the items of these lines, in the quantities that go back; all of the order's where there are none."""
    if not lines:
        return order.items
    quantities = {line.item_id: line.quantity for line in lines}
    return tuple(
        OrderItem(item.name, quantities[item.id], item.price, item.id, item.category, item.returnable)
        for item in order.items
        if item.id in quantities
    )


def _asked(goods: Sequence[OrderItem], lines: Sequence[ReturnLine]) -> list[tuple[OrderItem | None, int]]:
    """Return the items that lines name, None for one that is not there, and how many of each; all without lines."""
    if not lines:
        return [(item, item.quantity) for item in goods]
    quantities: Counter[str] = Counter()
    for line in lines:
        quantities[line.item_id] += line.quantity
    ordered = {item.id: item for item in goods if item.id}
    return [(ordered.get(item_id), quantity) for item_id, quantity in quantities.items()]


def _goods(order: Order) -> tuple[OrderItem, ...]:
    """Return what can be sent; a voucher is a line with a negative price."""
    return tuple(item for item in order.items if item.price.amount >= 0)


def _word(text: str) -> str:
    return " ".join(text.split()).casefold()
