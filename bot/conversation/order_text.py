"""An order in words: its status, its card, its line in a list.

What the order system and the customer's profile say is quoted, never trusted: `harmless` takes out whatever could
change the look of the rest, and `isolate` keeps directions apart.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.model import Money, Order, OrderItem, OrderStatus

NUMBER_CHARS, NAME_CHARS, ITEM_CHARS = 64, 64, 80
LABEL_CHARS = 60
LISTED_ITEMS, LISTED_ORDERS = 20, 30
# Telegram takes 4096 UTF-16 units; a list leaves room for what is said around it.
LIST_UNITS = 2_600

_MARKS = {
    OrderStatus.PENDING: "🕓",
    OrderStatus.PROCESSED: "📦",
    OrderStatus.SHIPPED: "🚚",
    OrderStatus.DELIVERED: "✅",
    OrderStatus.CANCELLED: "❌",
    OrderStatus.RETURN_REQUESTED: "↩️",
    OrderStatus.RETURNED: "↩️",
}
_ARRIVING = (OrderStatus.PENDING, OrderStatus.PROCESSED, OrderStatus.SHIPPED)
_JOINERS = "\u200c\u200d"
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"


class TextCatalogue(Protocol):
    """One language's messages, dates and amounts."""

    def gettext(self, message: str) -> str:
        """Return the translation of `message`."""

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        """Return the translation in the plural form for `count`."""

    def date(self, dt: datetime, timezone: str) -> str:
        """Return the day of an aware moment in `timezone`."""

    def short_date(self, dt: datetime, timezone: str) -> str:
        """Return the same in fewer letters."""

    def money(self, money: Money) -> str:
        """Return an amount with its currency."""

    def isolate(self, text: str) -> str:
        """Keep `text` from mixing its direction with its surroundings."""


@dataclass(frozen=True, slots=True)
class OrderText:
    """Writes orders in one language, with dates in the shop's timezone."""

    words: TextCatalogue
    timezone: str

    def card(self, order: Order) -> str:
        """Return all that the customer may want to know about an order."""
        head = (self._title(order), self._status_line(order))
        return "\n".join([*head, "", *self._contents(order), "", *self._journey(order)])

    def summary(self, order: Order) -> str:
        """Return what an order is about, without its journey: for the question before a write."""
        return "\n".join([self._title(order), self._placed(order), *self._contents(order)])

    def line(self, order: Order) -> str:
        """Return an order in at most 60 characters; the total goes first when they do not suffice, then the date."""
        number = quoted(self.words, order.number, 40)
        status = self.status(order.status)
        date = self.words.short_date(order.placed_at, self.timezone)
        for parts in ((number, date, status, self.amount(order.total)), (number, date, status), (number, status)):
            line = " · ".join(parts)
            if len(line) <= LABEL_CHARS:
                return line
        return quoted(self.words, order.number, LABEL_CHARS - 2)

    def lines(self, orders: Sequence[Order]) -> str:
        """Return a list of orders, cut where it gets too long for one message."""
        # A right-to-left translation of this begins with a mark that turns the line, which else begins with a number.
        template = self.words.gettext("%(mark)s %(order)s")
        listed = (template % {"mark": _MARKS[order.status], "order": self.line(order)} for order in orders)
        shown = fitting(listed, LISTED_ORDERS)
        if more := len(orders) - len(shown):
            cut = self.words.ngettext("… and %(count)s more order", "… and %(count)s more orders", more)
            shown.append(cut % {"count": more})
        return "\n".join(shown)

    def items(self, items: Sequence[OrderItem]) -> list[str]:
        """Return a line for each item, cut where they get too long for one message."""
        template = self.words.gettext("• %(quantity)s × %(item)s")
        shown = fitting((template % self._item(item, ITEM_CHARS) for item in items), LISTED_ITEMS)
        if more := len(items) - len(shown):
            cut = self.words.ngettext("… and %(count)s more item", "… and %(count)s more items", more)
            shown.append(cut % {"count": more})
        return shown

    def numbered_items(self, items: Sequence[OrderItem]) -> list[str]:
        """Return a line for each item, with its place."""
        template = self.words.gettext("%(place)s. %(quantity)s × %(item)s")
        lines = (template % {"place": place, **self._item(item, ITEM_CHARS)} for place, item in enumerate(items, 1))
        return fitting(lines, LISTED_ITEMS)

    def item(self, item: OrderItem) -> str:
        """Return an item, short enough for a button."""
        return self.words.gettext("%(quantity)s × %(item)s") % self._item(item, LABEL_CHARS - 12)

    def _item(self, item: OrderItem, limit: int) -> dict[str, object]:
        return {"quantity": item.quantity, "item": quoted(self.words, item.name, limit)}

    def paid_with(self, order: Order) -> str:
        """Return the line that says how an order was paid; "" where nobody knows."""
        return self._named(self.words.gettext("Paid with: %(name)s"), order.payment)

    def status(self, status: OrderStatus) -> str:
        """Return a status in words that follow "order"."""
        say = self.words.gettext
        return {
            OrderStatus.PENDING: say("placed"),
            OrderStatus.PROCESSED: say("being packed"),
            OrderStatus.SHIPPED: say("shipped"),
            OrderStatus.DELIVERED: say("delivered"),
            OrderStatus.CANCELLED: say("cancelled"),
            OrderStatus.RETURN_REQUESTED: say("return requested"),
            OrderStatus.RETURNED: say("returned"),
        }[status]

    def amount(self, money: Money) -> str:
        """Return an amount of money."""
        return self.words.isolate(self.words.money(money))

    def number(self, number: str) -> str:
        """Return an order number, fit to stand in a sentence."""
        return quoted(self.words, number, NUMBER_CHARS)

    def expected(self, order: Order) -> str:
        """Return the line that says when a parcel should arrive; "" where nobody knows or it has arrived."""
        if order.expected_at is None or order.status not in _ARRIVING:
            return ""
        return self._dated(self.words.gettext("Expected on: %(date)s"), order.expected_at)

    def _title(self, order: Order) -> str:
        return self.words.gettext("Order %(number)s") % {"number": self.number(order.number)}

    def _status_line(self, order: Order) -> str:
        status = self.words.gettext("Status: %(status)s") % {"status": self.status(order.status)}
        return f"{_MARKS[order.status]} {status}"

    def _placed(self, order: Order) -> str:
        return self._dated(self.words.gettext("Ordered on: %(date)s"), order.placed_at)

    def _contents(self, order: Order) -> list[str]:
        """Return the lines of what was bought, and the total."""
        say = self.words.gettext
        total = say("Total: %(amount)s") % {"amount": self.amount(order.total)}
        if not order.items:
            return [total]
        shown = self.items(order.items)
        pieces = sum(item.quantity for item in order.items)
        heading = self.words.ngettext("%(count)s item:", "%(count)s items:", pieces) % {"count": pieces}
        return [heading, *shown, total]

    def _journey(self, order: Order) -> list[str]:
        """Return when it was ordered, shipped and delivered, and by whom."""
        say = self.words.gettext
        known = (
            self._placed(order),
            self._dated(say("Shipped on: %(date)s"), order.shipped_at),
            self.expected(order),
            self._dated(say("Delivered on: %(date)s"), order.delivered_at),
            self._named(say("Carrier: %(name)s"), order.carrier),
            self._named(say("Tracking number: %(name)s"), order.tracking),
        )
        return [line for line in known if line]

    def _dated(self, template: str, moment: datetime | None) -> str:
        return template % {"date": self.words.date(moment, self.timezone)} if moment else ""

    def _named(self, template: str, name: str | None) -> str:
        shown = quoted(self.words, name or "", NUMBER_CHARS)
        return template % {"name": shown} if shown else ""


def harmless(text: str, limit: int) -> str:
    """Return a name on one line, of at most `limit` characters, without any that are not seen; "" when none is left.

    Controls, direction overrides and isolates, lone surrogates and private characters go; the joiners that Hindi and
    Persian words are spelled with stay.
    """
    line = " ".join(text[: limit * 4].split())
    kept = "".join(c for c in line if c in _JOINERS or c == " " or _is_seen(c)).strip(" " + _JOINERS)
    if not any(unicodedata.category(c)[0] in "LNPS" for c in kept):
        return ""
    return kept if len(kept) <= limit else kept[: limit - 1].rstrip() + "…"


def _is_seen(character: str) -> bool:
    """Tell a letter, mark, digit or sign from what takes no ink: controls, formats, surrogates, odd spaces, fillers."""
    return unicodedata.category(character)[0] not in "CZ" and character not in _BLANKS


def quoted(words: TextCatalogue, text: str, limit: int) -> str:
    """Return someone else's text, fit to stand in a sentence of this language; "" when nothing is left of it."""
    shown = harmless(text, limit)
    return words.isolate(shown) if shown else ""


def fitting(lines: Iterable[str], limit: int) -> list[str]:
    """Return the first lines: at most `limit`, and no more than a message can hold."""
    shown: list[str] = []
    units = 0
    for line in lines:
        units += len(line.encode("utf-16-le")) // 2 + 1
        if len(shown) == limit or units > LIST_UNITS:
            break
        shown.append(line)
    return shown
