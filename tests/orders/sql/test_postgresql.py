"""What only PostgreSQL has: its types, its rules, its functions, its rights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.model import Money, OrderStatus, WriteResult
from bot.errors import OrderSystemGarbled
from bot.orders.sql import SqlShop
from bot.orders.testing import scope_of
from tests.orders.sql.conftest import Oscar
from tests.support.postgresql import PostgresqlServer

pytestmark = pytest.mark.timeout(600)

ADA = "0b1e0b7e-6c9f-4a52-9a1c-3f1e5d0a7b01"
MINE = scope_of(ADA)
DATABASE = "typed"

SCHEMA = f"""
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('open', 'sent', 'void');
CREATE TABLE shop.people (id UUID PRIMARY KEY, name TEXT, mail TEXT);
CREATE TABLE shop."Orders" (
    id BIGINT PRIMARY KEY, number BIGINT UNIQUE, person UUID REFERENCES shop.people, state shop.state,
    at TIMESTAMP, cents BIGINT, money CHAR(5) DEFAULT 'EUR',
    warehouse INT, UNIQUE (warehouse) DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION shop.void(wanted BIGINT, who UUID) RETURNS SETOF BIGINT LANGUAGE sql AS $$
    UPDATE shop."Orders" SET state = 'void' WHERE number = wanted AND person = who AND state = 'open' RETURNING id $$;
CREATE FUNCTION shop.no() RETURNS TRIGGER LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'not on a Sunday'; END $$;
INSERT INTO shop.people VALUES ('{ADA}', 'Ada Berg', 'ada@example.org');
INSERT INTO shop."Orders" VALUES (8000000000, 9000000001, '{ADA}', 'open', '2024-07-01 12:00', 4497, 'EUR', 1),
    (2, 9000000002, '{ADA}', 'sent', '2024-06-01 12:00', 1, 'EUR', 2);
"""

ORDER = {
    "table": "shop.Orders",
    "id": "id",
    "number": "number",
    "number_type": "integer",
    "customer": "person",
    "status": "state",
    "placed_at": "at",
    "total": "cents",
    "currency": "money",
    "where": {"state": ["open", "sent", "void"]},
    "states": {"open": "pending", "sent": "shipped", "void": "cancelled"},
}
VOID = {"sql": "SELECT shop.void(:number, :customer_id) AS state", "rows": 1}
UPDATE = """UPDATE shop."Orders" SET state = 'void', warehouse = {warehouse}
    WHERE id = :order_id AND person = :customer_id AND state = :status::shop.state"""


@pytest.fixture
def typed(postgresql_server: PostgresqlServer) -> Iterator[PostgresqlServer]:
    """Return the server, with a shop in it that has every kind of column."""
    postgresql_server.make(DATABASE)
    with postgresql_server.connect(DATABASE) as connection:
        connection.execute(SCHEMA)
    yield postgresql_server
    postgresql_server.drop(DATABASE)


def opened(server: PostgresqlServer, *statements: dict[str, Any], **options: Any) -> SqlShop:
    """Return an adapter that cancels with these statements."""
    values = {
        "url": server.url(DATABASE),
        "timezone": "Europe/Berlin",
        "money_digits": 2,
        "create_table": True,
        "ledger": "shop.keys",
        "order": ORDER,
        "customer": {"table": "shop.people", "id": "id", "id_type": "uuid", "name": "name", "email": "mail"},
        "cancel": {"refund": "total", "statements": list(statements or [VOID])},
    }
    return SqlShop.from_options({**values, **options}, Path())


async def test_types(typed: PostgresqlServer) -> None:
    """UUIDs, enums, large numbers, times without a zone and padded text fit as they are."""
    adapter = opened(typed)
    assert list(await adapter.examine()) == []
    order = await adapter.order(MINE, "#9000000001")
    await adapter.close()
    assert order is not None
    assert (order.number, order.customer_id, order.status) == ("9000000001", ADA, OrderStatus.PENDING)
    assert order.placed_at == datetime(2024, 7, 1, 10, tzinfo=UTC)
    assert order.total == Money(Decimal("44.97"), "EUR")


async def test_a_function_of_the_shop(typed: PostgresqlServer) -> None:
    """A statement may call a function of the shop's own; how many rows it returns tells whether it did anything."""
    adapter = opened(typed)
    done = await adapter.cancel(MINE, "9000000001", key="key-1")
    assert (done.result, done.refund) == (WriteResult.DONE, Money(Decimal("44.97"), "EUR"))
    assert await adapter.cancel(MINE, "9000000001", key="key-1") == done
    assert (await adapter.cancel(MINE, "9000000002", key="key-2")).result is WriteResult.REFUSED
    await adapter.close()


@pytest.mark.parametrize(
    ("warehouse", "rule", "said"),
    [
        # Two orders of one place in the warehouse: a rule that PostgreSQL looks at in the commit.
        (2, "", "duplicate key"),
        (
            1,
            'CREATE TRIGGER no BEFORE UPDATE ON shop."Orders" FOR EACH ROW EXECUTE FUNCTION shop.no()',
            "not on a Sunday",
        ),
    ],
)
async def test_rules_of_the_shop(typed: PostgresqlServer, warehouse: int, rule: str, said: str) -> None:
    """What a constraint, even one of the commit, or a trigger forbids is refused, leaves nothing, and stays refused."""
    with typed.connect(DATABASE) as connection:
        connection.execute(rule or "SELECT 1")
    adapter = opened(typed, {"sql": UPDATE.format(warehouse=warehouse), "rows": 1})
    answer = await adapter.cancel(MINE, "9000000001", key="key-1")
    assert answer.result is WriteResult.REFUSED
    assert said in answer.detail
    assert await adapter.cancel(MINE, "9000000001", key="key-1") == answer
    order = await adapter.order(MINE, "9000000001")
    assert order is not None
    assert order.status is OrderStatus.PENDING
    await adapter.close()


async def test_values_are_not_repeated(typed: PostgresqlServer) -> None:
    """What the database says of an error is told without the rows that it shows."""
    with typed.connect(DATABASE) as connection:
        connection.execute("ALTER TABLE shop.people RENAME mail TO post")
    adapter = opened(typed)
    with pytest.raises(OrderSystemGarbled) as caught:
        await adapter.identify_by_order("9000000001", email="ada@example.org", phone_last4=None)
    await adapter.close()
    assert "mail does not exist" in str(caught.value)
    assert "ada@" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_the_rights_that_are_documented(postgresql_oscar: Oscar, postgresql_server: PostgresqlServer) -> None:
    """A user with the rights of docs/orders-sql.md, and no others, is enough for everything in django-oscar."""
    page = (Path(__file__).parents[3] / "docs" / "orders-sql.md").read_text(encoding="utf-8")
    blocks = [part.partition("```")[0] for part in page.split("```sql\n")[1:]]
    table = next(block for block in blocks if block.startswith("CREATE TABLE"))
    rights = next(block for block in blocks if block.startswith("CREATE ROLE"))
    name = postgresql_oscar.database.rpartition("/")[2]
    with postgresql_server.connect(name) as connection:
        connection.execute(table + rights)  # type: ignore[call-overload] (the page's own words)
    url = postgresql_server.url(name).replace("shopkeeper", "deskhand")
    adapter, numbers = postgresql_oscar.open(url=url, create_table=False), postgresql_oscar.numbers
    mine = scope_of(numbers["customer"])
    assert list(await adapter.examine()) == []
    assert await adapter.identify_by_phone("+12025550142") is not None
    answers = [
        await adapter.cancel(mine, numbers["pending"], key="key-1"),
        await adapter.request_return(mine, numbers["delivered"], key="key-2"),
    ]
    await adapter.close()
    assert [answer.result for answer in answers] == [WriteResult.DONE, WriteResult.DONE]
