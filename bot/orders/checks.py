"""Does an adapter's answer make sense? Each check returns what it was given, or names the field that is wrong.

The messages name fields and never their values, for they may end up in a log.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from bot.domain.model import Money, Order, OrderItem, OrderStatus, WriteAnswer, WriteResult
from bot.errors import OrderSystemGarbled
from bot.orders.numbers import plain

_CURRENCY = re.compile(r"[A-Z]{3}")


def checked_orders(answer: object) -> list[Order]:
    """Check a list of orders.

    Raises:
        OrderSystemGarbled: naming the first field that is wrong.
    """
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        raise _wrong("orders", "not a list")
    return [checked_order(order, f"orders[{index}]") for index, order in enumerate(answer)]


def checked_order(answer: object, where: str = "order") -> Order:
    """Check one order.

    Raises:
        OrderSystemGarbled: naming the first field that is wrong.
    """
    if not isinstance(answer, Order):
        raise _wrong(where, "not an order")
    number = _text(answer.number, f"{where}.number")
    if not plain(number):
        raise _wrong(f"{where}.number", "has neither letters nor digits")
    _text(answer.customer_id, f"{where}.customer_id")
    if not isinstance(answer.status, OrderStatus):
        raise _wrong(f"{where}.status", "unknown")
    _times(answer, where)
    if _money(answer.total, f"{where}.total").amount < 0:
        raise _wrong(f"{where}.total.amount", "negative")
    _items(answer.items, f"{where}.items", answer.total.currency)
    for name in ("carrier", "tracking", "payment"):
        _text_or_none(getattr(answer, name), f"{where}.{name}")
    return answer


def checked_answer(answer: object) -> WriteAnswer:
    """Check the answer to a cancel or a return.

    Raises:
        OrderSystemGarbled: naming the first field that is wrong.
    """
    if not isinstance(answer, WriteAnswer):
        raise _wrong("answer", "not an answer to a write")
    if not isinstance(answer.result, WriteResult):
        raise _wrong("answer.result", "neither done, refused nor requested")
    _text_or_none(answer.reference, "answer.reference")
    if answer.refund is not None and _money(answer.refund, "answer.refund").amount < 0:
        raise _wrong("answer.refund.amount", "negative")
    if not isinstance(answer.detail, str):
        raise _wrong("answer.detail", "not text")
    return answer


def checked_identity(answer: object) -> tuple[str, str] | None:
    """Check the (customer id, name) that belongs to a phone number; the name may be empty.

    Raises:
        OrderSystemGarbled: naming the first field that is wrong.
    """
    if answer is None:
        return None
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise _wrong("identity", "not a pair of customer id and name")
    customer_id, name = answer
    if not isinstance(name, str):
        raise _wrong("identity.name", "not text")
    return checked_customer_id(customer_id), name


def checked_sentences(answer: object) -> list[str]:
    """Check what an examination found.

    Raises:
        OrderSystemGarbled: when it is not a list of texts.
    """
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        raise _wrong("examination", "not a list")
    return [_text(sentence, f"examination[{index}]") for index, sentence in enumerate(answer)]


def checked_customer_id(answer: object) -> str:
    """Check a customer id.

    Raises:
        OrderSystemGarbled: when it is not a text, or empty.
    """
    return _text(answer, "customer_id")


def _times(order: Order, where: str) -> None:
    _time(order.placed_at, f"{where}.placed_at")
    for name in ("shipped_at", "delivered_at", "expected_at"):
        value = getattr(order, name)
        if value is not None:
            _time(value, f"{where}.{name}")


def _time(value: object, where: str) -> None:
    if not isinstance(value, datetime):
        raise _wrong(where, "not a time")
    if value.utcoffset() is None:
        raise _wrong(where, "a time without its zone")


def _items(items: object, where: str, currency: str) -> None:
    if not isinstance(items, tuple):
        raise _wrong(where, "not a tuple")
    ids: set[str] = set()
    for index, item in enumerate(items):
        place = f"{where}[{index}]"
        _item(item, place, currency)
        if item.id in ids:
            raise _wrong(f"{place}.id", "that of another line")
        # Without an id of its own a line cannot be mistaken for another.
        ids |= {item.id} - {""}


def _item(item: object, where: str, currency: str) -> None:
    if not isinstance(item, OrderItem):
        raise _wrong(where, "not an item")
    _text(item.name, f"{where}.name")
    if not isinstance(item.quantity, int) or isinstance(item.quantity, bool) or item.quantity < 1:
        raise _wrong(f"{where}.quantity", "not a whole number from 1 on")
    # A voucher is a line with a negative price, so only the total must not be below zero.
    if _money(item.price, f"{where}.price").currency != currency:
        raise _wrong(f"{where}.price.currency", "not that of the order")
    for name in ("id", "category"):
        if not isinstance(getattr(item, name), str):
            raise _wrong(f"{where}.{name}", "not text")
    if not isinstance(item.returnable, bool):
        raise _wrong(f"{where}.returnable", "neither true nor false")


def _money(value: object, where: str) -> Money:
    if not isinstance(value, Money):
        raise _wrong(where, "not an amount of money")
    if not isinstance(value.amount, Decimal) or not value.amount.is_finite():
        raise _wrong(f"{where}.amount", "not a finite decimal number")
    if not isinstance(value.currency, str) or not _CURRENCY.fullmatch(value.currency):
        raise _wrong(f"{where}.currency", "not an ISO 4217 code")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "not text")
    if not value.strip():
        raise _wrong(where, "empty")
    return value


def _text_or_none(value: object, where: str) -> None:
    if value is not None:
        _text(value, where)


def _wrong(where: str, what: str) -> OrderSystemGarbled:
    return OrderSystemGarbled(f"the order system's answer makes no sense: {where} is {what}")
