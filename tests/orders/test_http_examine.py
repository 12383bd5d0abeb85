"""What `deskhand check` says of a mapping that does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.errors import OrderSystemDown
from bot.orders.http import HttpShop
from bot.orders.testing import Fault, Kind
from tests.support.http_mappings import changed, flat, nested, without
from tests.support.http_shop import HttpShopServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpShopServer]:
    """The shop behind the adapter."""
    with HttpShopServer(tmp_path / "shop.db") as server:
        yield server


async def examined(options: dict[str, Any]) -> list[str]:
    """Return what is said of a mapping."""
    shop = HttpShop.from_options(options, Path())
    try:
        return list(await shop.examine())
    finally:
        await shop.close()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("fields.total", "/sum", '"/sum" (orders.http.fields.total) leads nowhere'),
        ("fields.tracking", "/parcel/number", '"/parcel/number" (orders.http.fields.tracking) leads nowhere'),
        (
            "fields.delivered_at",
            "/times/delivered",
            '"/times/delivered" (orders.http.fields.delivered_at) leads nowhere',
        ),
        ("fields.item.price", "/price", '"/price" (orders.http.fields.item.price) leads nowhere'),
        ("fields.items", "/rows", '"/rows" (orders.http.fields.items) leads nowhere'),
        ("fields.customer_id", "/owner", '"/owner" (orders.http.fields.customer_id) is missing'),
        ("states.packed", None, 'holds the state "packed", which orders.http.states does not have'),
        ("times", "iso8601", '"/times/created" (orders.http.fields.placed_at) is no ISO 8601 time'),
        ("orders.at", "/orders", '"/orders" (orders.http.orders.at) is missing'),
        ("order.at", "/order", '"/order" (orders.http.order.at) is missing'),
        ("order.path", "/customers/{customer_id}/order/{number}", "does not find an order that is listed"),
        ("number.match", "([A-Z]{9})()", "orders.http.number.match does not fit the order numbers"),
        ("by_number.email", "/email", '"/email" (orders.http.by_number.email) leads nowhere'),
        ("by_number.path", "/owners/{number}", "orders.http.by_number does not find the customer"),
        ("by_phone.phone", "/phone", '"/phone" (orders.http.by_phone.phone) leads nowhere'),
        ("check.phone", "+12025550143", "orders.http.by_phone does not find the customer"),
        ("check.customer_id", "99", "has no orders: name one who has some"),
        ("check", None, "name a customer who has some, as orders.http.check.customer_id"),
    ],
)
async def test_what_does_not_map(server: HttpShopServer, path: str, value: Any, said: str) -> None:
    """A pointer that leads nowhere, a state that is not mapped, a path that is wrong: each is said in a sentence."""
    found = await examined(changed(nested(server.origin), path, value))
    assert any(said in sentence for sentence in found), found
    assert all(method == "GET" for method, _, _ in server.requests)


async def test_several_at_once(server: HttpShopServer) -> None:
    """All pointers that lead nowhere are named in one go."""
    options = changed(changed(nested(server.origin), "fields.carrier", "/a"), "fields.item.category", "/b")
    found = await examined(options)
    assert ['"/a"' in found[0], '"/b"' in found[1], len(found)] == [True, True, 2]


async def test_list_that_is_not_filtered(server: HttpShopServer) -> None:
    """A list that holds others' orders, too, is named as one whose filter does not work."""
    server.execute("UPDATE orders SET customer = 8 WHERE customer <> 7")
    options = without(without(nested(server.origin), "by_phone"), "check.phone")
    options = changed(options, "fields.customer_id", "/id")
    options = changed(options, "check.customer_id", "7")
    found = await examined(options)
    assert any("lists other customers' orders, too" in sentence for sentence in found)


async def test_numbers_without_their_country(server: HttpShopServer) -> None:
    """Telephone numbers that cannot be compared, for want of a country, are named with the remedy."""
    options = changed(flat(server.origin), "check.phone", "+12025550142")
    assert await examined(options) == []
    (said,) = await examined(changed(options, "phone_region", ""))
    assert "set orders.http.phone_region" in said


async def test_down(server: HttpShopServer) -> None:
    """An API that is not there is an error, as for every other call."""
    server.fail(Fault.REFUSED, Kind.READ)
    with pytest.raises(OrderSystemDown):
        await examined(nested(server.origin))
