"""One order of an export, out of the line or the lines that tell it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from bot.domain.model import OrderStatus
from bot.orders.csv_columns import TIME_FIELDS, Layout, bare
from bot.orders.csv_options import CsvOptions
from bot.orders.csv_tables import Line
from bot.orders.csv_values import Ambiguous, Cell, amount_of, currency_in, is_empty, text_of, time_of
from bot.orders.numbers import plain
from bot.orders.phones import to_e164

_AHEAD = {status: rank for rank, status in enumerate(OrderStatus)}
_ALIKE = ("customer", "email", "total", "currency", "status", "placed")
"""What the lines of one order must not say in two ways: whose it is, and what is acted upon."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One order as it goes into the index: texts, times in ISO 8601 and UTC, amounts as decimal text.

    `number` is plain, `shown` as the shop writes it; `items` is JSON, rows of id, name, quantity, price and category.
    With a `problem` the order cannot be told; a customer id "" is nobody's.
    """

    number: str
    shown: str
    customer: str
    name: str = ""
    email: str = ""
    phone: str = ""
    status: str = ""
    placed: str = ""
    total: str = ""
    currency: str = ""
    shipped: str | None = None
    delivered: str | None = None
    expected: str | None = None
    carrier: str | None = None
    tracking: str | None = None
    payment: str | None = None
    items: str = "[]"
    problem: str | None = None


class OrderReader:
    """Reads the orders of a file.

    Args:
        mark: the file's decimal mark, "" if nothing told.
        month_first: how the file's dates begin, None if nothing told.
        unknown_states: counts the words for states that are not mapped.
    """

    def __init__(
        self, layout: Layout, options: CsvOptions, mark: str, month_first: bool | None, unknown_states: Counter[str]
    ) -> None:
        self._layout = layout
        self._options = options
        self._mark = mark
        self._month_first = month_first
        self._unknown_states = unknown_states

    def read(self, number: str, lines: Sequence[Line], *, items_only: bool) -> Entry:
        """Return the order of this (plain) number; what is wrong with it becomes its problem.

        Raises:
            Ambiguous: when it can be read in two ways, and with it the file.
        """
        first, cells = lines[0]
        shown = self.text(cells, "number").lstrip("# ")
        entry = Entry(number, shown, "")
        try:
            if items_only:
                return Entry(number, shown, "", items=self._items(lines, ""))
            entry = Entry(number, shown, self._customer(number, lines))
            return self._told(entry, lines)
        except Ambiguous:
            raise
        except ValueError as error:
            return Entry(number, shown, entry.customer, problem=f"line {first}: {error}")

    def _told(self, entry: Entry, lines: Sequence[Line]) -> Entry:
        for name in _ALIKE:
            told = {self.text(cells, name).casefold() for _, cells in lines} - {""}
            if len(told) > 1:
                raise ValueError(f"the lines of the order do not agree on the column for {name}")
        total = self._first(lines, "total")
        currency = self._currency(lines, total)
        times = {name: self._time(lines, name) for name in TIME_FIELDS}
        if times["placed"] is None:
            raise ValueError("placed: is empty")
        return Entry(
            entry.number,
            entry.shown,
            entry.customer,
            name=self._joined(lines, "name"),
            email=self._word(lines, "email").casefold(),
            phone=self._word(lines, "phone"),
            status=self._status(lines, times),
            placed=times["placed"].isoformat(),
            total=str(self._amount(total, "total")),
            currency=currency,
            shipped=_iso(times["shipped"]),
            delivered=_iso(times["delivered"]),
            expected=_iso(times["expected"]),
            carrier=self._word(lines, "carrier") or None,
            tracking=self._word(lines, "tracking") or None,
            payment=self._word(lines, "payment") or None,
            items=self._items(lines, currency),
        )

    def _customer(self, number: str, lines: Sequence[Line]) -> str:
        """Return whose order it is: the shop's own id, or who has that e-mail or phone, or nobody but its buyer."""
        known = self._word(lines, "customer")
        # Shop systems give a guest the customer 0.
        if known.strip("0"):
            return f"id:{known}"
        if email := self._word(lines, "email"):
            return f"email:{email.casefold()}"
        if phone := self._word(lines, "phone"):
            return f"phone:{to_e164(phone, self._options.phone_region) or plain(phone)}"
        return f"order:{number}"

    def _status(self, lines: Sequence[Line], times: Mapping[str, datetime | None]) -> str:
        """Return the state that is furthest along of all that the words and the times tell."""
        if times["cancelled"]:
            return OrderStatus.CANCELLED.value
        told = [OrderStatus.PENDING]
        told += [OrderStatus.SHIPPED] if times["shipped"] else []
        told += [OrderStatus.DELIVERED] if times["delivered"] else []
        for place in self._layout.places.get("status", ()):
            word = next((text_of(cells[place]) for _, cells in lines if not is_empty(cells[place])), "")
            key = bare(word).removeprefix("wc") if word.casefold().startswith("wc-") else bare(word)
            if key and key not in self._layout.states:
                self._unknown_states[word] += 1
                raise ValueError("status: the word is not mapped; add it to orders.csv.states")
            told += [state] if key and (state := self._layout.states[key]) else []
        return max(told, key=_AHEAD.__getitem__).value

    def _currency(self, lines: Sequence[Line], total: Cell) -> str:
        told = self._options.currency or self._word(lines, "currency").upper()
        if len(told) != 3 or not told.isascii() or not told.isalpha():
            raise ValueError("currency: is no ISO 4217 code")
        for cell in (total, self._word(lines, "currency")):
            if (found := currency_in(cell)) and found != told:
                raise ValueError(f"currency: is {found}, where {told} belongs")
        return told

    def _items(self, lines: Sequence[Line], currency: str) -> str:
        items: list[list[str | int]] = []
        for _, cells in lines:
            if name := self.text(cells, "item"):
                items.append(self._item(cells, name, currency))
        ids = Counter(item[0] for item in items)
        for place, item in enumerate(items, 1):
            # A line needs a name of its own, and two lines may be of one article.
            if not item[0] or ids[item[0]] > 1:
                item[0] = str(place)
        return json.dumps(items, ensure_ascii=False, separators=(",", ":"))

    def _item(self, cells: Sequence[Cell], name: str, currency: str) -> list[str | int]:
        quantity = self._amount(self._cell(cells, "quantity") or "1", "quantity")
        if quantity != quantity.to_integral_value() or not 1 <= quantity <= 1_000_000:
            raise ValueError("quantity: is no whole number from 1 on")
        price = self._amount(self._cell(cells, "price") or "0", "price")
        if whole := self._cell(cells, "line_total"):
            price = (self._amount(whole, "line_total") / quantity).quantize(Decimal("0.01"), ROUND_HALF_UP)
        found = currency_in(self._cell(cells, "price") or self._cell(cells, "line_total"))
        if currency and found and found != currency:
            raise ValueError(f"price: is in {found}, where {currency} belongs")
        return [self.text(cells, "item_id"), name, int(quantity), str(price), self.text(cells, "category")]

    # --- of a cell ---

    def _cell(self, cells: Sequence[Cell], name: str) -> Cell:
        return next((cells[at] for at in self._layout.places.get(name, ()) if not is_empty(cells[at])), "")

    def text(self, cells: Sequence[Cell], name: str) -> str:
        """Return what stands in a field's column of a line."""
        return text_of(self._cell(cells, name))

    def _first(self, lines: Sequence[Line], name: str) -> Cell:
        return next((cell for _, cells in lines if (cell := self._cell(cells, name))), "")

    def _word(self, lines: Sequence[Line], name: str) -> str:
        return text_of(self._first(lines, name))

    def _joined(self, lines: Sequence[Line], name: str) -> str:
        places = self._layout.places.get(name, ())
        for _, cells in lines:
            if words := [text_of(cells[place]) for place in places if not is_empty(cells[place])]:
                return " ".join(words)
        return ""

    def _amount(self, cell: Cell, name: str) -> Decimal:
        try:
            return amount_of(cell, self._mark)
        except Ambiguous:
            raise
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def _time(self, lines: Sequence[Line], name: str) -> datetime | None:
        cell = self._first(lines, name)
        if is_empty(cell):
            return None
        pattern = self._options.date_format if "%" in self._options.date_format else ""
        try:
            return time_of(cell, self._options.zone, month_first=self._month_first, pattern=pattern)
        except Ambiguous:
            raise
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
