"""Whatever is wrong with a mapping is named with its place and the remedy, before anything is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.orders.registry import load_adapter
from bot.orders.sql import SqlShop
from bot.orders.sql_settings import read_settings
from tests.support import oscar_run
from tests.support.small_shop import MAPPING, SmallShop

GUARD = MAPPING["cancel"]["statements"][0]


@pytest.fixture
def small(tmp_path: Path) -> SmallShop:
    """Return the small shop."""
    return SmallShop(tmp_path)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"url": None}, "orders.sql.url must be a text and is missing"),
    ({"url": "shop.db"}, "orders.sql.url is no address"),
    ({"url": "mysql://shop@localhost/shop"}, "'mysql' is not spoken here; there are sqlite and postgresql"),
    ({"url": "sqlite://"}, "orders.sql.url must name the shop's file"),
    ({"url": "env:NOBODY_SETS_THIS"}, "to come from NOBODY_SETS_THIS, which the environment does not set"),
    ({"mapping": "fehlt.toml"}, "orders.sql.mapping: fehlt.toml cannot be read"),
    ({"mapping": 7}, "orders.sql.mapping must be the name of a TOML file"),
    ({"ordr": {}}, "orders.sql has no option 'ordr'; it has: "),
    ({"timeout_s": 0}, "orders.sql.timeout_s must be a number from 0.1 to 60"),
    ({"timezone": "Berlin"}, "orders.sql.timezone: 'Berlin' is no time zone"),
    ({"number_shapes": "BE"}, "orders.sql.number_shapes must be a list of texts"),
    ({"number_shapes": ["("]}, "orders.sql.number_shapes: '(' is no regular expression"),
    ({"phones": "often"}, "orders.sql.phones must be one of: written, e164"),
    ({"create_table": "yes"}, "orders.sql.create_table must be true or false"),
    ({"order": None}, "orders.sql.order.states must say what each state of the shop means"),
    ({"order": "Bestellungen"}, "orders.sql.order must be a table, such as [orders.sql.order]"),
    ({"order__table": None}, "orders.sql.order.table must be a text and is missing"),
    ({"order__total": None}, "orders.sql.order.total is missing: name the column that holds it"),
    ({"order__total": []}, "orders.sql.order.total is empty"),
    ({"order__total": 7}, "orders.sql.order.total must be a column"),
    ({"order__currency": {"valu": "EUR"}}, "orders.sql.order.currency must be a column"),
    ({"order__number": {"value": "1"}}, "orders.sql.order.number must be one column"),
    ({"order__customer": ["kunde", "lfd"]}, "orders.sql.order.customer must be one column"),
    ({"order__ship": "wann"}, "orders.sql.order has no option 'ship'; it has: "),
    ({"order__carrier": "paket.name"}, "has no join 'paket'; write [orders.sql.order.joins.paket]"),
    ({"order__states__1": "new"}, "orders.sql.order.states.1: 'new' is none of: pending, "),
    ({"order__number_type": "int"}, "orders.sql.order.number_type must be one of: text, plain, integer"),
    ({"order__where": {"weg": {"is": 1}}}, "orders.sql.order.where.weg must be a value"),
    ({"order__where": {"weg": []}}, "orders.sql.order.where.weg must be a text, a number"),
    ({"order__joins__kam__on": {}}, "orders.sql.order.joins.kam.on must say which columns are equal"),
    ({"order__joins__kam__order": "wann"}, "orders.sql.order.joins.kam has no option 'order'"),
    ({"order__joins__ka-m": {}}, "the name of a join is made of letters, digits and _"),
    ({"customer__id_type": "guid"}, "orders.sql.customer.id_type must be one of: integer, text, uuid"),
    ({"cancel__states": ["open"]}, "orders.sql.cancel.states: 'open' is none of"),
    ({"cancel__refund": "half"}, "orders.sql.cancel.refund must be one of: total, none"),
    ({"cancel__reference": "R{id}"}, "orders.sql.cancel.reference may hold {number} and {order_id}"),
    ({"cancel__statements": []}, "orders.sql.cancel.statements needs one that changes the order only while"),
    ({"cancel__statements": {}}, "orders.sql.cancel.statements must be a list of tables"),
    ({"cancel__statements": [{**GUARD, "rows": "any"}]}, "needs one that changes the order only while"),
    ({"cancel__statements": [{**GUARD, "rows": True}]}, "statements[0].rows must be how many rows"),
    (
        {"cancel__statements": [{**GUARD, "sql": "UPDATE b SET zustand = 9 WHERE n = :number"}]},
        "AND kunde = :customer_id",
    ),
    (
        {"cancel__statements": [GUARD, {"sql": "SELECT :nummer", "rows": 1}]},
        "statements[1].sql has no value for :nummer",
    ),
    ({"cancel__statements": [GUARD, {"sql": "SELECT :item_id", "rows": 1}]}, "has no value for :item_id"),
]


@pytest.mark.parametrize(("differences", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_wrong_is_named(small: SmallShop, differences: dict[str, Any], said: str) -> None:
    """Each mistake is refused with a sentence that names the option."""
    with pytest.raises(ValueError, match=r"orders\.sql") as caught:
        small.open(**differences)
    assert said in str(caught.value)


def test_joins_in_a_circle(small: SmallShop) -> None:
    """Joins that lead back to themselves are refused."""
    joins = {
        "a": {"table": "ereignisse", "on": {"bestellung": "b.bestellung"}},
        "b": {"table": "ereignisse", "on": {"bestellung": "a.bestellung"}},
    }
    with pytest.raises(ValueError, match="joined to itself in a circle"):
        small.open(order__joins=joins, order__delivered_at="a.wann")


def test_a_wrong_address_is_not_repeated(small: SmallShop) -> None:
    """An address that cannot be read may hold a password, so the error does not say it."""
    with pytest.raises(ValueError, match="no address") as caught:
        small.open(url="postgresql:/shop:hunter2@host")
    assert "hunter2" not in str(caught.value)


def test_address_from_the_environment(small: SmallShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address may stand in a variable that is named, and relative files start from the configuration's folder."""
    monkeypatch.setenv("SHOP_DATABASE", "sqlite:///laden.db")
    small.open(url="env:SHOP_DATABASE")
    settings = read_settings({**MAPPING, "url": "env:SHOP_DATABASE"}, small.path.parent)
    assert settings.url.database == str(small.path)


def test_options_win_over_the_mapping(small: SmallShop) -> None:
    """What stands in the configuration itself wins over the file that it names."""
    values = {"url": "sqlite:///laden.db", "mapping": str(oscar_run.MAPPING)}
    assert read_settings(values, small.path.parent).zone.key == "UTC"
    assert read_settings({**values, "timezone": "Asia/Tokyo"}, small.path.parent).zone.key == "Asia/Tokyo"


def test_keys_are_honoured_with_a_ledger_only(small: SmallShop) -> None:
    """Whether a write may be sent again is known from the configuration alone, before anything is opened."""
    assert small.open().honours_keys
    assert not small.open(ledger="", create_table=False).honours_keys
    small.db.close()
    small.path.unlink()
    assert isinstance(load_adapter("sql", {**MAPPING, "url": f"sqlite:///{small.path}"}, small.path.parent), SqlShop)
    assert not small.path.exists()
