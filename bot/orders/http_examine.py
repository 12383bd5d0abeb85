"""Does the mapping fit this API? Reads one customer's orders, changes nothing, and names what does not map."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Protocol

from bot.domain.model import Order
from bot.errors import OrderSystemGarbled
from bot.orders.checks import checked_order
from bot.orders.http_lookup import owners_of
from bot.orders.http_mapping import Example, Listing, Lookup, ShopMapping
from bot.orders.http_pointer import Nothing, Place
from bot.orders.http_reading import is_theirs, read_order
from bot.orders.http_template import Values

_EXAMPLES = 20


class Reader(Protocol):
    """Asks the API."""

    async def all(self, listing: Listing, values: Values) -> Sequence[Any]:
        """Return the objects of a list as they came."""


async def examine(mapping: ShopMapping, reader: Reader) -> list[str]:
    """Return a sentence for each thing that does not map.

    Raises:
        OrderSystemDown, OrderSystemTimeout: when the API cannot be asked.
    """
    example = mapping.example
    if example is None:
        return ["No order was read: name a customer who has some, as orders.http.check.customer_id"]
    found: list[str] = []
    await _told(found, lambda: _orders(mapping, reader, example, found))
    await _told(found, lambda: _phone(mapping, reader, example, found))
    return list(dict.fromkeys(found))


async def _told(found: list[str], look: Callable[[], Awaitable[None]]) -> None:
    try:
        await look()
    except OrderSystemGarbled as error:
        found.append(_sentence(str(error)))


async def _orders(mapping: ShopMapping, reader: Reader, example: Example, found: list[str]) -> None:
    listed = await reader.all(mapping.orders, {"customer_id": example.customer_id, "limit": _EXAMPLES})
    theirs = [one for one in listed if is_theirs(mapping, one, example.customer_id)]
    if len(theirs) < len(listed):
        found.append("orders.http.orders lists other customers' orders, too: its filter by {customer_id} does not work")
    if not theirs:
        found.append("The customer of orders.http.check.customer_id has no orders: name one who has some")
        return
    found.extend(_leading_nowhere(_places(mapping.fields), theirs))
    if mapping.fields.items is not None and mapping.fields.item is not None:
        lists = [mapping.fields.items.pointer.find(one) for one in theirs]
        lines = [line for one in lists if isinstance(one, list) for line in one]
        found.extend(_leading_nowhere(_places(mapping.fields.item), lines) if lines else ())
    orders: list[Order] = []
    for one in theirs:
        try:
            orders.append(checked_order(read_order(mapping, one).order))
        except OrderSystemGarbled as error:
            found.append(_sentence(str(error)))
    if orders:
        await _one(mapping, reader, example, max(orders, key=lambda order: order.placed_at), found)


async def _one(mapping: ShopMapping, reader: Reader, example: Example, order: Order, found: list[str]) -> None:
    """Look the newest order up by its number, both for its customer and for somebody who must still prove it."""
    written = mapping.number.written(order.number)
    if written is None:
        found.append("orders.http.number.match does not fit the order numbers of this shop")
        return
    alone = await reader.all(mapping.order, {"customer_id": example.customer_id, "number": written})
    same = [read_order(mapping, one).order for one in alone if is_theirs(mapping, one, example.customer_id)]
    if not any(one == order for one in same):
        what = "tells an order otherwise than orders.http.orders" if same else "does not find an order that is listed"
        found.append(f"orders.http.order {what}: {_difference(order, same)}")
    if mapping.by_number is not None:
        await _lookup(reader, mapping.by_number, {"number": written}, example, found)


async def _phone(mapping: ShopMapping, reader: Reader, example: Example, found: list[str]) -> None:
    if mapping.by_phone is not None and example.phone:
        values = {"phone": example.phone, "phone_digits": example.phone.removeprefix("+")}
        people = await _lookup(reader, mapping.by_phone, values, example, found)
        if people and not owners_of(mapping, mapping.by_phone, people, example.phone):
            found.append(
                "orders.http.by_phone finds people, but none with the number orders.http.check.phone:"
                ' write that like "+4930123456", and set orders.http.phone_region if the API leaves the country out'
            )


async def _lookup(reader: Reader, lookup: Lookup, values: Values, example: Example, found: list[str]) -> Sequence[Any]:
    option = lookup.listing.endpoint.option
    people = await reader.all(lookup.listing, values)
    found.extend(_leading_nowhere(_places(lookup.places), people))
    place = lookup.places.customer_id
    if example.customer_id not in [str(place.pointer.find(one)) for one in people]:
        found.append(f"{option} does not find the customer of orders.http.check.customer_id")
    return people


def _leading_nowhere(places: Iterator[Place], documents: Sequence[Any]) -> list[str]:
    """Name the places that lead nowhere in all of these."""
    return [
        f'"{place.pointer.text}" ({place.option}) leads nowhere in all {len(documents)} objects that were read'
        for place in places
        if documents and all(place.pointer.find(one) is Nothing.HERE for one in documents)
    ]


def _places(table: Any) -> Iterator[Place]:
    for field in fields(table):
        value = getattr(table, field.name)
        yield from (one for one in (value if isinstance(value, tuple) else [value]) if isinstance(one, Place))


def _difference(order: Order, same: Sequence[Order]) -> str:
    if not same:
        return "check its path, at and answers"
    other = same[0]
    return ", ".join(field.name for field in fields(order) if getattr(order, field.name) != getattr(other, field.name))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
