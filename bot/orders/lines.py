"""Which lines of an order may go back: what every order system would say."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.model import Order, ReturnLine


def wrong_line(order: Order, lines: Sequence[ReturnLine]) -> str | None:
    """Return why these lines cannot be returned, in words for the ledger; None when they can."""
    items = {item.id: item for item in order.items if item.id}
    seen: set[str] = set()
    for line in lines:
        item = items.get(line.item_id)
        if item is None:
            return "the order has no such item"
        if line.item_id in seen:
            return "an item is named twice"
        if not 1 <= line.quantity <= item.quantity:
            return f"{line.quantity} pieces of an item cannot go back, {item.quantity} were ordered"
        if not item.returnable:
            return "an item cannot be returned"
        seen.add(line.item_id)
    return None
