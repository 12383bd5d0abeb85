"""One order of an export, out of the line or the lines that tell it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from bot.domain.model import OrderStatus
from bot.orders.csv_columns import TIME_FIELDS, Layout, bare
from bot.orders.csv_options import CsvOptions
from bot.orders.csv_values import Ambiguous, Cell, amount_of, cleaned, currency_in, text_of, time_of
from bot.orders.numbers import plain
from bot.orders.phones import to_e164

_AHEAD = {status: rank for rank, status in enumerate(OrderStatus)}
_ALIKE = ("customer", "email", "total", "currency", "placed")
"""What the lines of one order must not say in two ways, as the state: whose it is, and what is acted upon."""

Fields = dict[str, Cell]
"""Field -> what stands in its column, cleaned; without what is empty."""

Numbered = tuple[int, Fields]
"""A line's number in its file, and its fields."""


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


class FieldReader:
    """Finds the fields in a line, each cell looked at once.

    Of several columns of a field the first that is filled counts; those of `name` are joined, and those of `status` are
    kept apart by line breaks.
    """

    def __init__(self, layout: Layout) -> None:
        self._single = [(name, at) for name, at in layout.places.items() if at and name not in ("name", "status")]
        self._joined = [(name, layout.places.get(name, ()), mark) for name, mark in (("name", " "), ("status", "\n"))]

    def fields(self, cells: Sequence[Cell]) -> Fields:
        """Return what stands in the line, without what is empty."""
        found: Fields = {}
        for name, places in self._single:
            for place in places:
                if (cell := cleaned(cells[place])) != "":
                    found[name] = cell
                    break
        for name, places, mark in self._joined:
            if any(words := [text_of(cleaned(cells[place])) for place in places]):
                found[name] = mark.join(words).strip(" ")
        return found


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
        self._states = layout.states
        self._options = options
        self._mark = mark
        self._month_first = month_first
        self._pattern = options.date_format if "%" in options.date_format else ""
        self._unknown_states = unknown_states

    def read(self, number: str, lines: Sequence[Numbered], *, items_only: bool) -> Entry:
        """Return the order of this (plain) number; what is wrong with it becomes its problem.

        Raises:
            Ambiguous: when it can be read in two ways, and with it the file.
        """
        at, first = lines[0]
        entry = Entry(number, text_of(first["number"]).lstrip("# "), "")
        try:
            rows = [fields for _, fields in lines]
            if items_only:
                return replace(entry, items=self._items(rows, ""))
            entry = replace(entry, customer=self._customer(number, rows))
            return self._told(entry, rows)
        except Ambiguous:
            raise
        except ValueError as error:
            return replace(entry, problem=f"line {at}: {error}")

    def _told(self, entry: Entry, rows: Sequence[Fields]) -> Entry:
        for name in _ALIKE if len(rows) > 1 else ():
            _one_of({text_of(fields.get(name, "")).casefold() for fields in rows}, name)
        total = _first(rows, "total")
        currency = self._currency(rows, total)
        times = {name: self._time(_first(rows, name), name) for name in TIME_FIELDS}
        if times["placed"] is None:
            raise ValueError("placed: is empty")
        return replace(
            entry,
            name=_word(rows, "name"),
            email=_word(rows, "email").casefold(),
            phone=_word(rows, "phone"),
            status=self._status(rows, times),
            placed=times["placed"].isoformat(),
            total=str(self._amount(total, "total")),
            currency=currency,
            shipped=_iso(times["shipped"]),
            delivered=_iso(times["delivered"]),
            expected=_iso(times["expected"]),
            carrier=_word(rows, "carrier") or None,
            tracking=_word(rows, "tracking") or None,
            payment=_word(rows, "payment") or None,
            items=self._items(rows, currency),
        )

    def _customer(self, number: str, rows: Sequence[Fields]) -> str:
        """Return whose order it is: the shop's own id, or who has that e-mail or phone, or nobody but its buyer."""
        known = _word(rows, "customer")
        # Shop systems give a guest the customer 0.
        if known.strip("0"):
            return f"id:{known}"
        if email := _word(rows, "email"):
            return f"email:{email.casefold()}"
        if phone := _word(rows, "phone"):
            return f"phone:{to_e164(phone, self._options.phone_region) or plain(phone)}"
        return f"order:{number}"

    def _status(self, rows: Sequence[Fields], times: Mapping[str, datetime | None]) -> str:
        """Return the state that is furthest along of all that the words and the times tell."""
        if times["cancelled"]:
            return OrderStatus.CANCELLED.value
        told = [OrderStatus.PENDING]
        told += [OrderStatus.SHIPPED] if times["shipped"] else []
        told += [OrderStatus.DELIVERED] if times["delivered"] else []
        columns = zip(*(str(fields["status"]).split("\n") for fields in rows if "status" in fields), strict=True)
        for words in columns:
            word = _one_of(set(words), "status")
            key = bare(word).removeprefix("wc") if word.casefold().startswith("wc-") else bare(word)
            if key and key not in self._states:
                self._unknown_states[word] += 1
                raise ValueError("status: the word is not mapped; add it to orders.csv.states")
            told += [state] if key and (state := self._states[key]) else []
        return max(told, key=_AHEAD.__getitem__).value

    def _currency(self, rows: Sequence[Fields], total: Cell) -> str:
        told = self._options.currency or _word(rows, "currency").upper()
        if len(told) != 3 or not told.isascii() or not told.isalpha():
            raise ValueError("currency: is no ISO 4217 code")
        for cell in (total, _word(rows, "currency")):
            if (found := currency_in(cell)) and found != told:
                raise ValueError(f"currency: is {found}, where {told} belongs")
        return told

    def _items(self, rows: Sequence[Fields], currency: str) -> str:
        items = [self._item(fields, currency) for fields in rows if "item" in fields]
        ids = Counter(item[0] for item in items)
        for place, item in enumerate(items, 1):
            # A line needs a name of its own, and two lines may be of one article.
            if not item[0] or ids[item[0]] > 1:
                item[0] = str(place)
        return json.dumps(items, ensure_ascii=False, separators=(",", ":"))

    def _item(self, fields: Fields, currency: str) -> list[str | int]:
        quantity = self._amount(fields.get("quantity", "1"), "quantity")
        if quantity != quantity.to_integral_value() or not 1 <= quantity <= 1_000_000:
            raise ValueError("quantity: is no whole number from 1 on")
        if "price" in fields:
            price = self._amount(fields["price"], "price")
        else:
            price = self._amount(fields.get("line_total", ""), "price") / quantity
            price = price.quantize(Decimal("0.01"), ROUND_HALF_UP)
        found = currency_in(fields.get("price", fields.get("line_total", "")))
        if currency and found and found != currency:
            raise ValueError(f"price: is in {found}, where {currency} belongs")
        item_id, category = text_of(fields.get("item_id", "")), text_of(fields.get("category", ""))
        return [item_id, text_of(fields["item"]), int(quantity), str(price), category]

    def _amount(self, cell: Cell, name: str) -> Decimal:
        try:
            return amount_of(cell, self._mark)
        except Ambiguous:
            raise
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    def _time(self, cell: Cell, name: str) -> datetime | None:
        if cell == "":
            return None
        try:
            return time_of(cell, self._options.zone, month_first=self._month_first, pattern=self._pattern)
        except Ambiguous:
            raise
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def _first(rows: Sequence[Fields], name: str) -> Cell:
    return next((fields[name] for fields in rows if name in fields), "")


def _word(rows: Sequence[Fields], name: str) -> str:
    return text_of(_first(rows, name))


def _one_of(words: set[str], name: str) -> str:
    """Return what all lines of an order say that say something."""
    if len(words := words - {""}) > 1:
        raise ValueError(f"the lines of the order do not agree on the column for {name}")
    return words.pop() if words else ""


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
