"""Reads the tables of `[orders.http]` that describe requests, and what their answers mean."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from bot.domain.actions import ActionKind
from bot.orders.http_mapping import (
    Endpoint,
    Listing,
    Lookup,
    Meaning,
    Outcome,
    Paging,
    PagingKind,
    PersonPlaces,
    Report,
    Rule,
    Write,
)
from bot.orders.http_pointer import Place, Pointer
from bot.orders.http_table import Table
from bot.orders.http_template import names_in

_READING = (Meaning.FOUND, Meaning.NOT_FOUND)
_WRITING = (
    Meaning.DONE,
    Meaning.REFUSED,
    Meaning.NOT_FOUND,
    Meaning.KEY_REUSED,
    Meaning.NOT_DONE,
    Meaning.UNCLEAR,
)
_READING_BACK = (Meaning.DONE, Meaning.REFUSED, Meaning.NOT_FOUND, Meaning.UNCLEAR)

# What a status means where the mapping has no rule for it.
_USUAL_READ = {200: Meaning.FOUND, 404: Meaning.NOT_FOUND, 410: Meaning.NOT_FOUND}
_USUAL_WRITE = {
    200: Meaning.DONE,
    201: Meaning.DONE,
    204: Meaning.DONE,
    404: Meaning.NOT_FOUND,
    409: Meaning.REFUSED,
    410: Meaning.NOT_FOUND,
    422: Meaning.REFUSED,
}
_USUAL_READ_BACK = {404: Meaning.NOT_FOUND}

_CANCEL = ("customer_id", "number", "id", "key", "reason")


class ReadMethod(StrEnum):
    """How a question may be asked: some APIs search by POST."""

    GET = "GET"
    POST = "POST"


class WriteMethod(StrEnum):
    """How a change may be asked for."""

    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


def listing_of(root: Table, key: str, allowed: Collection[str], needed: Collection[str]) -> Listing:
    """Read the endpoint that answers with orders; it must be there."""
    table = root.required_table(key)
    listing = _listing(table, allowed)
    if key in root:
        _needs(table, listing.endpoint, needed)
    table.done()
    return listing


def lookup_of(root: Table, key: str) -> Lookup | None:
    """Read the endpoint that finds a customer `by_phone` or `by_number`; None when it is left out."""
    table = root.table(key)
    if table is None:
        return None
    by_number = key == "by_number"
    allowed = ("number",) if by_number else ("phone", "phone_digits")
    listing = _listing(table, allowed)
    if not set(allowed) & set(_placeholders(listing.endpoint)):
        table.wrong("path", f"and the rest of this request do not hold {{{allowed[0]}}}")
    places = PersonPlaces(
        customer_id=table.place("customer_id"),
        name=table.optional_place("name"),
        phone=table.optional_place("phone") if by_number else table.place("phone"),
        email=table.optional_place("email") if by_number else None,
        number=table.place("number") if by_number else None,
    )
    if by_number and places.phone is None and places.email is None:
        table.wrong("email", "or phone is required: a customer proves by one of them whose order it is")
    table.done()
    return Lookup(listing, places)


def cancel_of(root: Table, honours_keys: bool) -> Write | None:
    """Read how an order is cancelled; None when the API cannot."""
    table = root.table("cancel")
    if table is None:
        return None
    write = Write(_write_endpoint(table, _CANCEL, honours_keys), _report(table))
    table.done()
    return write


def return_of(root: Table, honours_keys: bool, has_ids: bool) -> Write | None:
    """Read how a return is opened; None when the API cannot."""
    table = root.table("return")
    if table is None:
        return None
    endpoint = _write_endpoint(table, (*_CANCEL, "lines"), honours_keys)
    line = table.json("line", ("item_id", "quantity"))
    if (line is None) != ("lines" not in set(names_in(endpoint.body))):
        table.wrong("line", 'and a "{lines}" in the body belong together: one is the form of each line in the other')
    if line is not None and not has_ids:
        table.wrong("line", "needs fields.item.id: without it the lines of an order cannot be told apart")
    write = Write(endpoint, _report(table), line)
    table.done()
    return write


def outcome_of(root: Table) -> Outcome | None:
    """Read how it is asked what a key came to; None when the order's state must tell."""
    table = root.table("outcome")
    if table is None:
        return None
    endpoint = _endpoint(
        table, ReadMethod, ReadMethod.GET, ("customer_id", "number", "key"), _READING_BACK, _USUAL_READ_BACK
    )
    _needs(table, endpoint, ("key",))
    if not any(rule.means is Meaning.DONE for rule in endpoint.rules):
        table.wrong("answers", 'needs a rule with means = "done": nothing else tells that the write was done')
    outcome = Outcome(endpoint, _report(table), table.place("number"), table.place("action"), _actions(table))
    table.done()
    return outcome


def _actions(table: Table) -> dict[ActionKind, str]:
    words = table.table("actions")
    if words is None:
        return {ActionKind.CANCEL_ORDER: "cancel", ActionKind.RETURN_APPLY: "return"}
    actions = {
        ActionKind.CANCEL_ORDER: words.text("cancel", "cancel"),
        ActionKind.RETURN_APPLY: words.text("return", "return"),
    }
    words.done()
    return actions


def ping_of(root: Table) -> Endpoint | None:
    """Read what is asked to see whether the API is there."""
    table = root.table("ping")
    if table is None:
        return None
    endpoint = _endpoint(
        table, ReadMethod, ReadMethod.GET, (), (Meaning.FOUND,), {200: Meaning.FOUND, 204: Meaning.FOUND}
    )
    table.done()
    return endpoint


def _listing(table: Table, allowed: Collection[str]) -> Listing:
    endpoint = _endpoint(table, ReadMethod, ReadMethod.GET, allowed, _READING, _USUAL_READ)
    at = table.optional_place("at") or Place(table.option("at"), Pointer(""))
    return Listing(endpoint, at, _paging(table.table("paging")))


def _endpoint(
    table: Table,
    methods: type[ReadMethod | WriteMethod],
    method: ReadMethod | WriteMethod,
    allowed: Collection[str],
    meanings: Collection[Meaning],
    usual: dict[int, Meaning],
) -> Endpoint:
    return Endpoint(
        option=table.path,
        method=table.choice("method", methods, method).value,
        path=table.path_template("path", allowed),
        query=table.templates("query", allowed),
        headers=table.header_templates("headers", allowed),
        body=table.json("body", allowed),
        rules=_rules(table, meanings, usual),
    )


def _write_endpoint(table: Table, allowed: Collection[str], honours_keys: bool) -> Endpoint:
    endpoint = _endpoint(table, WriteMethod, WriteMethod.POST, allowed, _WRITING, _USUAL_WRITE)
    _needs(table, endpoint, ("customer_id", *(("key",) if honours_keys else ())))
    if not {"number", "id"} & set(_placeholders(endpoint)):
        table.wrong("path", "and the rest of this request hold neither {number} nor {id}: which order is meant?")
    return endpoint


def _needs(table: Table, endpoint: Endpoint, needed: Collection[str]) -> None:
    missing = sorted(set(needed) - set(_placeholders(endpoint)))
    remedy = {
        "customer_id": "every request names the customer, by a header of its own where no filter is known",
        "key": "honours_keys and [orders.http.outcome] rest on it",
        "number": "which order is meant?",
    }
    for name in missing:
        table.wrong("path", f"and query, headers and body do not hold {{{name}}}: {remedy[name]}")


def _placeholders(endpoint: Endpoint) -> list[str]:
    bodies = (endpoint.path, dict(endpoint.query), dict(endpoint.headers), endpoint.body)
    return [name for body in bodies for name in names_in(body)]


def _rules(table: Table, meanings: Collection[Meaning], usual: dict[int, Meaning]) -> tuple[Rule, ...]:
    own = [rule for one in table.tables("answers") if (rule := _rule(one, meanings)) is not None]
    # A status for which the mapping has a rule has no usual meaning any more: what no rule fits is then unclear.
    taken = {status for rule in own for status in rule.statuses}
    rest = [Rule(frozenset([status]), means) for status, means in usual.items() if status not in taken]
    return (*own, *rest)


def _rule(table: Table, meanings: Collection[Meaning]) -> Rule | None:
    statuses = table.get("status")
    means, words = table.get("means"), [meaning.value for meaning in meanings]
    place, values = table.optional_place("pointer"), table.texts("values")
    table.done()
    if not isinstance(statuses, list) or not statuses or not all(_is_status(status) for status in statuses):
        table.wrong("status", "must be a list of HTTP statuses, such as [409]")
        return None
    if means not in words:
        table.wrong("means", f"must be one of: {', '.join(words)}")
        return None
    if (place is None) != (not values):
        table.wrong("values", "and pointer belong together: the rule holds if one of the values stands there")
    return Rule(frozenset(statuses), Meaning(means), None if place is None else place.pointer, frozenset(values))


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 200 <= value <= 599


def _paging(table: Table | None) -> Paging:
    if table is None:
        return Paging()
    kind = table.choice("kind", PagingKind, PagingKind.NONE)
    place, parameter = table.optional_place("pointer"), table.text("parameter", "")
    paging = Paging(
        kind=kind,
        parameter=parameter,
        first=table.whole("first", 1, 0, 1),
        size=table.whole("size", 0, 0, 10_000),
        place=place,
        max_pages=table.whole("max_pages", 20, 1, 1000),
    )
    table.done()
    if kind in (PagingKind.PAGE, PagingKind.CURSOR) and not parameter:
        table.wrong("parameter", f"is required for kind = {kind.value!r}: what the query calls it")
    if kind in (PagingKind.CURSOR, PagingKind.URL) and place is None:
        table.wrong("pointer", f"is required for kind = {kind.value!r}: where the answer holds it")
    return paging


def _report(table: Table) -> Report:
    return Report(
        reference=table.optional_place("reference"),
        refund=table.optional_place("refund"),
        refund_currency=table.currency("refund_currency"),
        detail=table.optional_places("detail"),
    )
