"""Single orders in an export: those that cannot be told, whose they are, and what the shop says about its columns."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from bot.domain.model import OrderStatus
from bot.errors import OrderSystemGarbled
from bot.orders.testing import scope_of
from tests.support.csv_exports import PLAIN, open_shop, write_export

ANA, BO = scope_of("email:ana@example.com"), scope_of("email:bo@example.com")
HEAD = "number,date,status,email,phone,total,currency,item,quantity,price\n"
FINE = (
    "F-1,2026-11-03,pending,bo@example.com,,9.00,EUR,Cap,1,9.00\nF-2,2026-11-03,pending,bo@example.com,,9.00,EUR,,,\n"
)

SPOILT = {
    "unknown state": "A-1,2026-11-03,on the moon,ana@example.com,,9.00,EUR,Cap,1,9.00\n",
    "no amount": "A-1,2026-11-03,pending,ana@example.com,,free,EUR,Cap,1,9.00\n",
    "no total": "A-1,2026-11-03,pending,ana@example.com,,,EUR,Cap,1,9.00\n",
    "no date": "A-1,,pending,ana@example.com,,9.00,EUR,Cap,1,9.00\n",
    "no such date": "A-1,2026-11-33,pending,ana@example.com,,9.00,EUR,Cap,1,9.00\n",
    "no currency": "A-1,2026-11-03,pending,ana@example.com,,9.00,,Cap,1,9.00\n",
    "odd currency": "A-1,2026-11-03,pending,ana@example.com,,9.00,euros,Cap,1,9.00\n",
    "two currencies": "A-1,2026-11-03,pending,ana@example.com,,9.00 USD,EUR,Cap,1,9.00\n",
    "an item in another currency": "A-1,2026-11-03,pending,ana@example.com,,9.00,EUR,Cap,1,£9.00\n",
    "half an item": "A-1,2026-11-03,pending,ana@example.com,,9.00,EUR,Cap,0.5,9.00\n",
    "two totals": "A-1,2026-11-03,pending,ana@example.com,,9.00,EUR,Cap,1,9.00\n"
    "A-1,2026-11-03,pending,ana@example.com,,8.00,EUR,Pin,1,8.00\n",
    "two states": "A-1,2026-11-03,pending,ana@example.com,,9.00,EUR,Cap,1,9.00\n"
    "A-1,2026-11-03,shipped,ana@example.com,,9.00,EUR,Pin,1,8.00\n",
    "two places": "A-1,2026-11-03,pending,ana@example.com,,9.00,EUR,Cap,1,9.00\n"
    "F-3,2026-11-03,pending,bo@example.com,,9.00,EUR,,,\n"
    "A-1,2026-11-03,pending,ana@example.com,,9.00,EUR,Cap,1,9.00\n",
}


@pytest.mark.parametrize("lines", SPOILT.values(), ids=SPOILT.keys())
async def test_an_order_that_cannot_be_told(tmp_path: Path, lines: str) -> None:
    """An order that makes no sense is an error to its customer, named to the shop, and no trouble to anybody else."""
    write_export(tmp_path / "exports", "orders.csv", HEAD + FINE + lines)
    shop = open_shop(tmp_path, number_shapes=[])
    for call in (shop.order(ANA, "A-1"), shop.orders(ANA, 10), shop.cancel(ANA, "A-1", key="key-1")):
        with pytest.raises(OrderSystemGarbled):
            await call
    assert await shop.order(BO, "A-1") is None
    assert len(await shop.orders(BO, 2)) == 2
    assert await shop.identify_by_order("A-1", email="bo@example.com", phone_last4=None) is None
    assert any("cannot be told" in finding for finding in await shop.examine())
    assert not (tmp_path / "exports" / "deskhand-requests.csv").exists()
    await shop.close()


async def test_lines_of_two_customers(tmp_path: Path) -> None:
    """An order whose lines name two customers is told to neither as the other's."""
    lines = (
        "A-1,2026-11-03,pending,ana@example.com,,9.00,EUR,Cap,1,9.00\n"
        "A-1,2026-11-03,pending,cy@example.com,,9.00,EUR,,,\n"
    )
    write_export(tmp_path / "exports", "orders.csv", HEAD + FINE + lines)
    shop = open_shop(tmp_path, number_shapes=[])
    with pytest.raises(OrderSystemGarbled):
        await shop.order(ANA, "A-1")
    assert await shop.order(scope_of("email:cy@example.com"), "A-1") is None
    assert await shop.identify_by_order("A-1", email="cy@example.com", phone_last4=None) is None
    await shop.close()


async def test_unknown_states_are_named(tmp_path: Path) -> None:
    """The examination names the words that are not mapped; mapped, with any case and accents, they are understood."""
    lines = SPOILT["unknown state"] + "A-2,2026-11-03,En camión,ana@example.com,,9.00,EUR,,,\n"
    write_export(tmp_path / "exports", "orders.csv", HEAD + FINE + lines)
    shop = open_shop(tmp_path, number_shapes=[])
    findings = "\n".join(await shop.examine())
    assert "'on the moon' of 1 lines is not mapped" in findings
    assert "'En camión'" in findings
    await shop.close()
    shop = open_shop(tmp_path, number_shapes=[], states={"On the moon": "ignore", "EN CAMION": "shipped"})
    assert {order.number: order.status for order in await shop.orders(ANA, 10)} == {
        "A-1": OrderStatus.PENDING,
        "A-2": OrderStatus.SHIPPED,
    }
    assert list(await shop.examine()) == []
    await shop.close()


async def test_columns_of_ones_own(tmp_path: Path) -> None:
    """Any headings do when they are named; a name that is in no file is an error with the names that are."""
    text = "Beleg;Kd;Am;Summe;Post;Wann da\n77-1;K9;03.11.2026;1.250,00 €;ana@example.com;07.11.2026\n"
    write_export(tmp_path / "exports", "orders.csv", text)
    columns = {"number": "Beleg", "customer": "Kd", "placed": "Am", "total": "Summe", "email": "Post"}
    options = {"number_shapes": [], "currency": "EUR", "time_zone": "Europe/Berlin"}
    shop = open_shop(tmp_path, columns={**columns, "delivered": "Wann da"}, **options)
    (order,) = await shop.orders(scope_of("id:K9"), 10)
    assert (order.number, str(order.total.amount), order.status) == ("77-1", "1250.00", OrderStatus.DELIVERED)
    assert order.placed_at.isoformat() == "2026-11-02T23:00:00+00:00"
    await shop.close()
    shop = open_shop(tmp_path, columns={**columns, "status": "Zustand"}, **options)
    (finding,) = await shop.examine()
    assert "there is no column 'Zustand' for orders.csv.columns.status" in finding
    assert "Beleg, Kd, Am" in finding
    await shop.close()


async def test_customers_without_an_id(tmp_path: Path) -> None:
    """Whose an order is comes from the id, the e-mail, the phone in any spelling, or from nothing but the order."""
    lines = (
        "A-1,2026-11-03,pending,ANA@example.com,,9.00,EUR,,,\n"
        "A-2,2026-11-04,pending,,600 111 222,9.00,EUR,,,\n"
        "A-3,2026-11-05,pending,,+34 600 11 12 22,9.00,EUR,,,\n"
        "A-4,2026-11-06,pending,,,9.00,EUR,,,\n"
    )
    write_export(tmp_path / "exports", "orders.csv", HEAD + lines)
    shop = open_shop(tmp_path, number_shapes=[])
    found = {number: (await shop.customer_of(number) or ("",))[0] for number in ("A-1", "A-2", "A-3", "A-4")}
    assert found == {
        "A-1": "email:ana@example.com",
        "A-2": "phone:+34600111222",
        "A-3": "phone:+34600111222",
        "A-4": "order:A4",
    }
    assert await shop.identify_by_order("A-4", email="", phone_last4="") is None
    await shop.close()


async def test_an_export_that_proves_nobody(tmp_path: Path) -> None:
    """The shop is told that without e-mail and phone nobody can show who they are."""
    write_export(tmp_path / "exports", "orders.csv", "number,date,total,currency\nA-1,2026-11-03,9.00,EUR\n")
    shop = open_shop(tmp_path, number_shapes=[])
    (finding,) = await shop.examine()
    assert "neither e-mail nor phone" in finding
    await shop.close()


async def test_numbers_of_another_shape(tmp_path: Path) -> None:
    """The examination names a number that has none of the shapes that the shop gave."""
    write_export(tmp_path / "exports", "orders.csv", PLAIN)
    shop = open_shop(tmp_path, number_shapes=[r"\d+"])
    (finding,) = await shop.examine()
    assert "SH-" in finding
    assert "orders.csv.number_shapes" in finding
    await shop.close()


async def test_delivered_after_some_days(tmp_path: Path) -> None:
    """What the export only knows as sent off counts as delivered after the days that the shop names, not before."""
    rows = "A-1,2026-11-01,fulfilled,ana@example.com,{},9.00,EUR\n"
    for sent, days, status in (
        ("2026-11-15 12:00", 5, OrderStatus.DELIVERED),
        ("2026-11-15 12:01", 5, OrderStatus.SHIPPED),
        ("2026-11-01 00:00", 0, OrderStatus.SHIPPED),
    ):
        text = "number,date,status,email,shipped at,total,currency\n" + rows.format(sent)
        write_export(tmp_path / "exports", "orders.csv", text)
        shop = open_shop(tmp_path, number_shapes=[], delivered_after_days=days)
        (order,) = await shop.orders(ANA, 1)
        assert order.status is status
        arrived = datetime.fromisoformat("2026-11-20T12:00:00+00:00") if status is OrderStatus.DELIVERED else None
        assert order.delivered_at == arrived
        await shop.close()


async def test_lines_without_a_number(tmp_path: Path) -> None:
    """Lines that belong to no order are left out and counted."""
    write_export(tmp_path / "exports", "orders.csv", HEAD + FINE + ",2026-11-03,,,,5.00,EUR,Cap,1,5.00\n,,,,,,,,,\n")
    shop = open_shop(tmp_path, number_shapes=[])
    assert list(await shop.examine()) == ["orders.csv: 1 lines have no order number and are left out"]
    await shop.close()
