"""An order of the API, read through the mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.model import Order, OrderItem, OrderStatus
from bot.orders import http_values as values
from bot.orders.http_mapping import ItemPlaces, ShopMapping
from bot.orders.http_pointer import Place

_STATE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Found:
    """An order, and the id by which the API's other requests know it."""

    order: Order
    api_id: str


def is_theirs(mapping: ShopMapping, document: Any, customer_id: str) -> bool:
    """Whether an order is this customer's, before anything else of it is read.

    Raises:
        OrderSystemGarbled: when the answer does not say whose it is.
    """
    return values.text_or_none(mapping.fields.customer_id, document) == customer_id


def read_order(mapping: ShopMapping, document: Any) -> Found:
    """Return the order that stands in `document`.

    Raises:
        OrderSystemGarbled: naming the pointer of the first thing that is missing or makes no sense.
    """
    places, forms = mapping.fields, mapping.forms
    code = values.currency(places.currency, document)
    order = Order(
        number=values.text(places.number, document),
        customer_id=values.text(places.customer_id, document),
        status=_status(mapping, document),
        placed_at=values.time(places.placed_at, document, forms),
        total=values.money(places.total, document, code, forms.money),
        items=_items(mapping, document, code),
        shipped_at=values.optional_time(places.shipped_at, document, forms),
        delivered_at=values.optional_time(places.delivered_at, document, forms),
        expected_at=values.optional_time(places.expected_at, document, forms),
        carrier=values.optional_text(places.carrier, document),
        tracking=values.optional_text(places.tracking, document),
        payment=values.optional_text(places.payment, document),
    )
    return Found(order, order.number if places.id is None else values.text(places.id, document))


def list_at(place: Place, document: Any) -> list[Any]:
    """Return the list that stands here; one object is a list of one, and null an empty one.

    Raises:
        OrderSystemGarbled: when there is anything else.
    """
    found = place.read(document)
    if found is None:
        return []
    if isinstance(found, dict):
        return [found]
    if not isinstance(found, list):
        raise place.wrong("is neither a list nor an object")
    return found


def _status(mapping: ShopMapping, document: Any) -> OrderStatus:
    places = mapping.fields.status
    word = "+".join(values.text_or_none(place, document) or "" for place in places)
    status = mapping.states.get(word)
    if status is None:
        shown = "".join(letter if letter.isprintable() else "?" for letter in word[:_STATE_CHARS])
        raise places[0].wrong(f'holds the state "{shown}", which orders.http.states does not have')
    return status


def _items(mapping: ShopMapping, document: Any, code: str) -> tuple[OrderItem, ...]:
    place, item = mapping.fields.items, mapping.fields.item
    if place is None or item is None:
        return ()
    found = place.read(document)
    if not isinstance(found, list):
        raise place.wrong("is not a list")
    items = tuple(_item(mapping, item, line, code) for line in found)
    ids = [one.id for one in items if one.id]
    if item.id is not None and len(set(ids)) < len(items):
        raise item.id.wrong("does not tell the lines of an order apart")
    return items


def _item(mapping: ShopMapping, item: ItemPlaces, line: Any, code: str) -> OrderItem:
    quantity = values.whole(item.quantity, line)
    if quantity < 1:
        raise item.quantity.wrong("is not 1 or more")
    return OrderItem(
        name=values.text(item.name, line),
        quantity=quantity,
        price=values.money(item.price, line, code, mapping.forms.money),
        id="" if item.id is None else values.text(item.id, line),
        category=values.optional_text(item.category, line) or "",
        returnable=item.returnable is None or values.truth(item.returnable, line),
    )
