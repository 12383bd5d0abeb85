"""`deskhand check` names everything of a mapping that does not fit the database, and changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.orders.sql.conftest import Oscar
from tests.support.small_shop import CAME, MAPPING, OPEN, SmallShop

GUARD = MAPPING["cancel"]["statements"][0]


@pytest.fixture
def small(tmp_path: Path) -> SmallShop:
    """Return the small shop."""
    return SmallShop(tmp_path)


async def examined(small: SmallShop, **differences: Any) -> list[str]:
    """Return what is said of the small shop, which is afterwards as it was."""
    before = list(small.db.iterdump())
    adapter = small.open(**differences)
    try:
        return list(await adapter.examine())
    finally:
        await adapter.close()
        assert list(small.db.iterdump()) == before


MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"order__table": "bestellung"}, "orders.sql.order: there is no table bestellung"),
    (
        {"order__total": "sume"},
        "orders.sql.order: the table Bestellungen has no column sume; it has: lfd, nummer, kunde",
    ),
    ({"order__where": {"fort": 0}}, "orders.sql.order: the table Bestellungen has no column fort"),
    ({"order__joins__kam__table": "termine"}, "orders.sql.order.joins.kam: there is no table termine"),
    ({"order__joins__kam__newest": "am"}, "orders.sql.order.joins.kam: the table ereignisse has no column am"),
    ({"order__joins__kam__newest": None}, "orders.sql.order.joins.kam may find several rows of ereignisse"),
    ({"items__price": "kosten"}, "orders.sql.items: the table posten has no column kosten"),
    ({"customer__phone": "handy"}, "orders.sql.customer: the table kunden has no column handy"),
    (
        {"phone_table": {"table": "telefon", "customer": "a", "phone": "b"}},
        "orders.sql.phone_table: there is no table telefon",
    ),
    ({"order__number": "lfd"}, 'orders.sql.order.number is a number in the database: set number_type = "integer"'),
    (
        {"customer__id_type": "integer"},
        'orders.sql.order.customer is text in the database: customer.id_type = "integer"',
    ),
    ({"order__states": {"1": "pending"}}, "order.status is '3', which [orders.sql.order.states] does not name"),
    ({"create_table": False}, "orders.sql.ledger: there is no table deskhand_writes"),
    ({"ledger": "posten"}, "orders.sql.ledger: the table posten has no column key"),
    (
        {"cancel__statements": [GUARD, {"sql": "UPDATE fehlt SET a = 1", "rows": 1}]},
        "orders.sql.cancel.statements[1]: no such",
    ),
    (
        {"cancel__statements": [GUARD, {"sql": "UPDATE posten WHERE", "rows": 1}]},
        "orders.sql.cancel.statements[1]: near",
    ),
    ({"order__where": {"weg": 5}}, "has no order of a customer that it knows"),
]


@pytest.mark.parametrize(("differences", "said"), MISFITS, ids=[said for _, said in MISFITS])
async def test_misfits_are_named(small: SmallShop, differences: dict[str, Any], said: str) -> None:
    """Each name, join, state and statement that does not fit is one sentence."""
    found = await examined(small, **differences)
    assert any(said in sentence for sentence in found), found


async def test_all_misfits_at_once(small: SmallShop) -> None:
    """Several mistakes are told together."""
    found = await examined(small, order__total="sume", items__price="kosten", customer__name="vorname")
    assert len(found) == 3


async def test_what_stands_in_an_order_is_read(small: SmallShop) -> None:
    """The newest order is read for a test, and what makes no sense in it is named."""
    small.set(OPEN, waehrung="Taler")
    assert await examined(small) == [
        "the shop's database makes no sense: orders.sql.order.currency is 'TALER', and no ISO 4217 code such as EUR"
    ]
    small.set(OPEN, waehrung="EUR")
    small.set(CAME, zustand=55)
    (said,) = await examined(small)
    assert "order.status is '55'" in said


async def test_a_view_will_do(small: SmallShop) -> None:
    """A mapping may read a view that the shop's owner made for it."""
    small.db.execute('CREATE VIEW offen AS SELECT * FROM "Bestellungen" WHERE weg = 0')
    assert await examined(small, order__table="offen") == []


@pytest.mark.timeout(600)
async def test_misfits_in_postgresql(postgresql_oscar: Oscar) -> None:
    """There, too, names and statements are held against the database, and no statement is run."""
    guard = "UPDATE order_order SET status = 'x' WHERE id = :order_id AND user_id = :customer_id AND status = :status"
    statements = [{"sql": guard, "rows": 1}, {"sql": "DELETE FROM order_order WHERE nummer = 1", "rows": 1}]
    for differences, said in (
        ({"ledger": "elsewhere.writes", "create_table": False}, "there is no table elsewhere.writes"),
        ({"return": {"statements": statements}}, 'orders.sql.return.statements[1]: column "nummer" does not exist'),
    ):
        adapter = postgresql_oscar.open(**differences)
        found = list(await adapter.examine())
        await adapter.close()
        assert len(found) == 1
        assert said in found[0]
