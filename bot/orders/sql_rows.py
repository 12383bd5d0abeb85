"""What a shop's database holds, as the bot's own words. What makes no sense is named with its place in the mapping."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from sqlalchemy import RowMapping

from bot.domain.model import Money, Order, OrderItem, OrderStatus
from bot.errors import OrderSystemGarbled
from bot.orders.sql_mapping import Constant, TableMap
from bot.orders.sql_settings import SqlSettings

_DECIMALS = 6
_WORD_CHARS = 40


class Reader:
    """Reads rows as the queries return them. Every method raises OrderSystemGarbled, naming the field."""

    def __init__(self, settings: SqlSettings) -> None:
        self._settings = settings

    def order(self, row: RowMapping, lines: Sequence[RowMapping]) -> Order:
        """Return an order with its lines."""
        fields = _Fields(self._settings.orders, row)
        currency = fields.currency("currency")
        return Order(
            number=fields.text("number"),
            customer_id=fields.text("customer"),
            status=self.status(row),
            placed_at=self._required_time(fields, "placed_at"),
            total=Money(self._amount(fields, "total"), currency),
            items=tuple(self._item(line, currency) for line in lines),
            shipped_at=self._time(fields, "shipped_at"),
            delivered_at=self._time(fields, "delivered_at"),
            expected_at=self._time(fields, "expected_at"),
            carrier=fields.text_or_none("carrier"),
            tracking=fields.text_or_none("tracking"),
            payment=fields.text_or_none("payment"),
        )

    def status(self, row: RowMapping) -> OrderStatus:
        """Return an order's state."""
        fields = _Fields(self._settings.orders, row)
        raw = fields.raw("status")
        word = "" if raw is None else str(raw)
        status = self._settings.states.get(word)
        if status is None:
            fields.wrong("status", f"{word[:_WORD_CHARS]!r}, which [orders.sql.order.states] does not name")
        return status

    def _item(self, row: RowMapping, currency: str) -> OrderItem:
        assert self._settings.items is not None
        fields = _Fields(self._settings.items, row)
        returnable = fields.raw("returnable")
        return OrderItem(
            name=fields.text("name"),
            quantity=fields.whole("quantity"),
            price=Money(self._amount(fields, "price"), currency),
            id=fields.text("id"),
            category=fields.text_or_none("category") or "",
            returnable=True if returnable is None else bool(returnable),
        )

    def _amount(self, fields: _Fields, name: str) -> Decimal:
        return fields.decimal(name).scaleb(-self._settings.money_digits)

    def _required_time(self, fields: _Fields, name: str) -> datetime:
        found = self._time(fields, name)
        if found is None:
            fields.wrong(name, "empty")
        return found

    def _time(self, fields: _Fields, name: str) -> datetime | None:
        raw = fields.raw(name)
        if raw is None or raw == "":
            return None
        try:
            return as_time(raw, self._settings.zone)
        except (ValueError, OverflowError, OSError):
            fields.wrong(name, "not a time")


class _Fields:
    """One row, by the names of the mapping."""

    def __init__(self, mapping: TableMap, row: RowMapping) -> None:
        self._mapping = mapping
        self._row = row

    def wrong(self, field: str, what: str) -> NoReturn:
        raise OrderSystemGarbled(f"the shop's database makes no sense: {self._mapping.where}.{field} is {what}")

    def raw(self, field: str) -> Any:
        place = self._mapping.fields.get(field, ())
        values = [
            each.value if isinstance(each, Constant) else self._row[f"{field}_{index}"]
            for index, each in enumerate(place)
        ]
        if len(values) <= 1:
            return values[0] if values else None
        return " ".join(str(value).strip() for value in values if value is not None and str(value).strip())

    def text(self, field: str) -> str:
        found = self.text_or_none(field)
        if found is None:
            self.wrong(field, "empty")
        return found

    def text_or_none(self, field: str) -> str | None:
        raw = self.raw(field)
        return None if raw is None else str(raw).strip() or None

    def currency(self, field: str) -> str:
        found = self.text(field).upper()
        if not (len(found) == 3 and found.isascii() and found.isalpha()):
            self.wrong(field, f"{found[:_WORD_CHARS]!r}, and no ISO 4217 code such as EUR")
        return found

    def decimal(self, field: str) -> Decimal:
        raw = self.raw(field)
        try:
            # A float is an exact amount that went through a binary one: SQLite has no other fractions.
            value = round(Decimal(repr(raw)), _DECIMALS) if isinstance(raw, float) else Decimal(str(raw))
        except InvalidOperation:
            self.wrong(field, "not an amount")
        if isinstance(raw, bool) or not value.is_finite():
            self.wrong(field, "not an amount")
        return _without_empty_places(value) if isinstance(raw, float) else value

    def whole(self, field: str) -> int:
        value = self.decimal(field)
        if value != value.to_integral_value() or value < 1:
            self.wrong(field, "not a whole number from 1 on")
        return int(value)


def customer_of(mapping: TableMap, row: RowMapping) -> tuple[str, str, str]:
    """Return a customer's id, name and e-mail; the name and the e-mail may be empty."""
    fields = _Fields(mapping, row)
    return fields.text("id"), fields.text_or_none("name") or "", fields.text_or_none("email") or ""


def text_of(mapping: TableMap, field: str, row: RowMapping) -> str:
    """Return one field as text, empty if it is NULL."""
    return _Fields(mapping, row).text_or_none(field) or ""


def as_time(raw: object, zone: tzinfo) -> datetime:
    """Return a time in UTC, however a database keeps it: as such, as ISO 8601 text, or as seconds since 1970.

    Args:
        zone: where a time without a zone is read.

    Raises:
        ValueError, OverflowError, OSError: when it is none of these.
    """
    if isinstance(raw, bool):
        raise ValueError("not a time")
    if isinstance(raw, int | float | Decimal):
        return datetime.fromtimestamp(float(raw), UTC)
    if isinstance(raw, str):
        raw = datetime.fromisoformat(raw.strip())
    elif isinstance(raw, date) and not isinstance(raw, datetime):
        raw = datetime.combine(raw, time())
    if not isinstance(raw, datetime):
        raise ValueError("not a time")
    return (raw if raw.utcoffset() is not None else raw.replace(tzinfo=zone)).astimezone(UTC)


def _without_empty_places(value: Decimal) -> Decimal:
    """Return an amount without the zeros that rounding put behind it, but with its cents."""
    short = value.normalize()
    return short if int(short.as_tuple().exponent) < -2 else short.quantize(Decimal("0.01"))
