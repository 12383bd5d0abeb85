"""What an answer means: by the mapping's rules first, then by what its status says of the API itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from bot.domain.model import Money, Order, WriteAnswer, WriteResult
from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.http_client import Answer
from bot.orders.http_mapping import Endpoint, Meaning, Report, Rule
from bot.orders.http_pointer import Nothing, Place
from bot.orders.http_values import MoneyForm, currency, money, optional_text, text_or_none

NO_SUCH_ORDER = WriteAnswer(WriteResult.REFUSED, detail="no such order")

_DETAIL_CHARS = 200
_FAILED = HTTPStatus.INTERNAL_SERVER_ERROR
_NOT_LET_IN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def meaning_of(endpoint: Endpoint, answer: Answer, *, changing: bool) -> Meaning:
    """Return what an answer means.

    Raises:
        OrderSystemDown: it cannot serve now, or does not let us in; surely nothing was done.
        OrderSystemTimeout: it failed on the way of a change, which may have been done.
        OrderSystemGarbled: no rule fits.
    """
    for rule in endpoint.rules:
        if answer.status in rule.statuses and _holds(rule, answer):
            return rule.means
    raise _unruled(endpoint.option, answer, changing)


def check_greeting(answer: Answer) -> None:
    """Raise unless this answer to no question in particular shows that the API is there and lets us in.

    Raises:
        OrderSystemDown: it failed, or keeps us out. What lies at its base address itself does not matter.
    """
    if answer.status in (*_NOT_LET_IN, HTTPStatus.TOO_MANY_REQUESTS) or answer.status >= _FAILED:
        raise _unruled(answer.option, answer, changing=False)


def write_answer(meaning: Meaning, report: Report, answer: Answer, order: Order, form: MoneyForm) -> WriteAnswer:
    """Return the answer to a change, from what it means and what it says.

    Raises:
        OrderSystemDown, OrderSystemTimeout, OrderSystemGarbled: when the change was neither done nor refused.
    """
    if meaning is Meaning.KEY_REUSED:
        raise OrderSystemGarbled(f"{answer.option}: this idempotency key was used for another request")
    if meaning is Meaning.NOT_DONE:
        raise OrderSystemDown(f"{answer.option}: the shop's API did not do it (status {answer.status})")
    if meaning is Meaning.UNCLEAR:
        raise OrderSystemTimeout(f"{answer.option}: the shop's API does not say yet what came of it")
    if meaning is Meaning.NOT_FOUND:
        return WriteAnswer(WriteResult.REFUSED, detail=f"the shop's API knows no such order (status {answer.status})")
    document = answer.document() if answer.body.strip() else None
    details = [said for place in report.detail if (said := optional_text(place, document))]
    detail = "".join(details[:1])[:_DETAIL_CHARS]
    if meaning is Meaning.REFUSED:
        return WriteAnswer(WriteResult.REFUSED, detail=detail or f"refused with status {answer.status}")
    # What is mapped must be there when it was done: a done without its reference may be half of one.
    reference = None if report.reference is None else text_or_none(report.reference, document)
    return WriteAnswer(WriteResult.DONE, reference, _refund(report, document, order, form), detail)


def _refund(report: Report, document: Any, order: Order, form: MoneyForm) -> Money | None:
    place = report.refund
    if place is None or place.read(document) is None:
        return None
    code = order.total.currency
    if report.refund_currency is not None:
        code = currency(report.refund_currency, document)
    if code != order.total.currency:
        where = report.refund_currency if isinstance(report.refund_currency, Place) else place
        raise where.wrong("is not the currency of the order")
    return money(place, document, code, form)


def _holds(rule: Rule, answer: Answer) -> bool:
    if rule.pointer is None:
        return True
    try:
        found = rule.pointer.find(answer.document())
    except OrderSystemGarbled:
        # A page of a server in front of the API, say; no value can stand in it.
        return False
    if found is Nothing.HERE:
        return False
    return _word(found) in rule.values


def _word(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _unruled(option: str, answer: Answer, changing: bool) -> OrderSystemError:
    status = answer.status
    if status in _NOT_LET_IN:
        return OrderSystemDown(
            f"{option}: the shop's API does not let us in (status {status}); check [orders.http.auth] and its rights"
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return OrderSystemDown(f"{option}: the shop's API was asked too often (status 429)")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return OrderSystemGarbled(
            f"{option}: the shop's API redirects (status {status}), which is not followed; give its final address"
        )
    if status >= _FAILED:
        failed = f"{option}: the shop's API failed (status {status})"
        return OrderSystemTimeout(failed) if changing else OrderSystemDown(failed)
    return OrderSystemGarbled(f"{option}: no rule of its answers fits this one (status {status})")
