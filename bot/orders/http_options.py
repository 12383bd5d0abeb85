"""Reads `[orders.http]` into a mapping, and says everything that is wrong with it at once."""

from __future__ import annotations

import base64
import re
import zoneinfo
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlsplit

from bot.domain.model import OrderStatus, Reason
from bot.orders.http_endpoints import (
    cancel_of,
    listing_of,
    lookup_of,
    outcome_of,
    ping_of,
    return_of,
)
from bot.orders.http_mapping import (
    Auth,
    Example,
    ItemPlaces,
    Limits,
    NumberForm,
    OrderPlaces,
    ShopMapping,
)
from bot.orders.http_table import Table
from bot.orders.http_values import Forms, MoneyForm, TimeForm

NAME = "orders.http"


class AuthKind(StrEnum):
    """How the API knows us."""

    NONE = "none"
    BEARER = "bearer"
    BASIC = "basic"
    HEADER = "header"
    QUERY = "query"


def read_mapping(options: Mapping[str, Any]) -> ShopMapping:
    """Return the mapping that the options hold.

    Raises:
        ValueError: naming every option that is unknown, missing or wrong, with what would be right.
    """
    problems: list[str] = []
    root = Table(options, NAME, problems)
    mapping = _mapping(root)
    root.done()
    if problems:
        raise ValueError("; ".join(dict.fromkeys(problems)))
    return mapping


def _mapping(root: Table) -> ShopMapping:
    honours_keys = root.truth("honours_keys", False)
    fields = _fields(root.required_table("fields"))
    has_ids = fields.item is not None and fields.item.id is not None
    by_phone, by_number = lookup_of(root, "by_phone"), lookup_of(root, "by_number")
    if by_phone is None and by_number is None:
        root.wrong("by_number", "or by_phone is required: without them no customer can be known")
    return ShopMapping(
        base_url=_base_url(root),
        auth=_auth(root),
        limits=_limits(root),
        number_shapes=_shapes(root),
        number=_number(root),
        honours_keys=honours_keys,
        guest_ids=frozenset(root.texts("guest_ids")),
        phone_region=_region(root),
        forms=_forms(root),
        states=_states(root),
        reasons=_reasons(root),
        fields=fields,
        orders=listing_of(root, "orders", ("customer_id", "limit"), ("customer_id",)),
        newest_first=root.truth("newest_first", False),
        order=listing_of(root, "order", ("customer_id", "number"), ("customer_id", "number")),
        by_phone=by_phone,
        by_number=by_number,
        cancel=cancel_of(root, honours_keys),
        request_return=return_of(root, honours_keys, has_ids),
        outcome=outcome_of(root),
        ping=ping_of(root),
        example=_example(root),
    )


def _base_url(root: Table) -> str:
    text = root.resolved("base_url", root.text("base_url"))
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed or not text.isascii() or re.search(r"\s", text):
        root.wrong("base_url", 'must be an address such as "https://shop.example/api/v1"')
    elif parts.username or parts.password or "?" in text or "#" in text:
        root.wrong("base_url", "must hold neither a user nor a query: secrets go into [orders.http.auth]")
    return text.rstrip("/")


def _auth(root: Table) -> Auth:
    headers = _fixed_headers(root)
    table = root.table("auth")
    if table is None:
        return Auth(headers)
    kind = table.choice("kind", AuthKind, AuthKind.NONE)
    if "kind" not in table:
        table.wrong("kind", f"is required, one of: {', '.join(kind.value for kind in AuthKind)}")
    token, name = table.secret("token"), table.text("name", "")
    user, password = table.secret("user"), table.secret("password")
    table.done()
    needed = {AuthKind.BEARER: ("token",), AuthKind.BASIC: ("user", "password")}.get(kind, ("name", "token"))
    for key in () if kind is AuthKind.NONE else needed:
        if key not in table:
            table.wrong(key, f"is required for kind = {kind.value!r}")
    if kind is AuthKind.QUERY:
        return Auth(headers, {name: quote(token, safe="")})
    if kind is AuthKind.BEARER:
        headers["Authorization"] = f"Bearer {token}"
    elif kind is AuthKind.BASIC:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    elif kind is AuthKind.HEADER:
        headers[name] = token
    return Auth(headers)


def _fixed_headers(root: Table) -> dict[str, str]:
    found = root.header_templates("headers", ())
    return {name: root.resolved(f"headers.{name}", template.text) for name, template in found.items()}


def _limits(root: Table) -> Limits:
    return Limits(
        connect_s=root.number("connect_s", 2.0, 0.1, 60),
        total_s=root.number("total_s", 6.0, 0.1, 120),
        max_answer_bytes=root.whole("max_answer_bytes", 1 << 20, 1024, 64 << 20),
    )


def _shapes(root: Table) -> tuple[str, ...]:
    shapes = root.texts("number_shapes")
    for shape in shapes:
        try:
            re.compile(shape)
        except re.error as error:
            root.wrong("number_shapes", f"holds {shape!r}, which is no regular expression: {error}")
    if not shapes:
        root.wrong("number_shapes", "is required: regular expressions of the order numbers, such as ['SO-[0-9]{6}']")
    return shapes


def _number(root: Table) -> NumberForm:
    table = root.table("number")
    if table is None:
        return NumberForm()
    match, write = table.text("match"), table.text("write")
    table.done()
    try:
        pattern = re.compile(match)
        # Only a substitution parses what is to be written; a group that the pattern lacks is an error then.
        pattern.sub(write, "")
    except (re.error, IndexError) as error:
        table.wrong("match", rf"and write do not fit: {error}, such as match = '(SO)([0-9]+)', write = '\1-\2'")
        return NumberForm()
    return NumberForm(pattern, write)


def _region(root: Table) -> str:
    region = root.text("phone_region", "")
    if region and not re.fullmatch(r"[A-Z]{2}", region):
        root.wrong("phone_region", 'must be a country of two capital letters, such as "DE"')
    return region


def _forms(root: Table) -> Forms:
    name, zone = root.text("zone", ""), None
    if name:
        try:
            zone = zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            root.wrong("zone", 'must be a name of the IANA list, such as "Europe/Berlin"')
    times = root.choice("times", TimeForm, TimeForm.ISO)
    return Forms(times, root.choice("money", MoneyForm, MoneyForm.DECIMAL), zone)


def _states(root: Table) -> dict[str, OrderStatus]:
    values = root.get("states")
    words = [status.value for status in OrderStatus]
    if not isinstance(values, Mapping) or not values:
        root.wrong(
            "states", f"is required: a table of the API's words for a state, each with one of {', '.join(words)}"
        )
        return {}
    for word, status in values.items():
        if status not in words:
            root.wrong(f"states.{word}", f"must be one of: {', '.join(words)}")
    return {word: OrderStatus(status) for word, status in values.items() if status in words}


def _reasons(root: Table) -> dict[Reason, str]:
    table = root.table("reasons")
    if table is None:
        return {reason: reason.value for reason in Reason}
    reasons = {reason: table.text(reason.value, reason.value) for reason in Reason}
    table.done()
    return reasons


def _fields(table: Table) -> OrderPlaces:
    items, item = table.optional_place("items"), table.table("item")
    if (items is None) != (item is None):
        table.wrong("items", f"and the table [{table.option('item')}] belong together: one says where the lines stand")
    currency = table.currency("currency")
    if currency is None and "currency" not in table:
        table.wrong("currency", 'is required: a code such as "EUR", or a JSON pointer to one')
    places = OrderPlaces(
        number=table.place("number"),
        customer_id=table.place("customer_id"),
        status=table.places("status"),
        placed_at=table.place("placed_at"),
        total=table.place("total"),
        currency=currency or "EUR",
        id=table.optional_place("id"),
        shipped_at=table.optional_place("shipped_at"),
        delivered_at=table.optional_place("delivered_at"),
        expected_at=table.optional_place("expected_at"),
        carrier=table.optional_place("carrier"),
        tracking=table.optional_place("tracking"),
        payment=table.optional_place("payment"),
        items=items,
        item=None if item is None else _item(item),
    )
    table.done()
    return places


def _item(table: Table) -> ItemPlaces:
    places = ItemPlaces(
        name=table.place("name"),
        quantity=table.place("quantity"),
        price=table.place("price"),
        id=table.optional_place("id"),
        category=table.optional_place("category"),
        returnable=table.optional_place("returnable"),
    )
    table.done()
    return places


def _example(root: Table) -> Example | None:
    table = root.table("check")
    if table is None:
        return None
    example = Example(table.text("customer_id"), table.text("phone", ""))
    table.done()
    return example
