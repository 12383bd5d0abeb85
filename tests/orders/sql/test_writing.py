"""The statements of a mapping: all of them or none, once, and only as long as the shop's rules allow it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import WHOLE_ONLY, Money, OrderStatus, Reason, ReturnLine, WriteResult
from bot.errors import OrderSystemDown, OrderSystemGarbled
from bot.orders.sql import SqlShop
from tests.support.small_shop import CAME, MAPPING, MINE, OPEN, SmallShop

GUARD = MAPPING["cancel"]["statements"][0]
EVERYTHING = (
    'SELECT * FROM "Bestellungen"',
    "SELECT * FROM ereignisse",
    "SELECT * FROM retouren",
    "SELECT * FROM retourposten",
)


@pytest.fixture
def small(tmp_path: Path) -> SmallShop:
    """Return the small shop."""
    return SmallShop(tmp_path)


@pytest.fixture
async def adapter(small: SmallShop) -> AsyncIterator[SqlShop]:
    """Return the small shop's adapter."""
    adapter = small.open()
    yield adapter
    await adapter.close()


def everything(small: SmallShop) -> list[Any]:
    """Return all that a write could change."""
    return [small.rows(query) for query in EVERYTHING]


async def test_all_statements_run(small: SmallShop, adapter: SqlShop) -> None:
    """Every statement of a return runs with its values, those for lines once for each, and gives its own reference."""
    answer = await adapter.request_return(MINE, CAME, key="key-1", reason=Reason.DOES_NOT_FIT)
    assert (answer.result, answer.reference, answer.refund) == (WriteResult.DONE, "R1", None)
    assert small.rows("SELECT bestellung, grund FROM retouren") == [(2, "does_not_fit")]
    assert small.rows("SELECT * FROM retourposten") == [(1, 2, 1), (1, 3, 2)]
    assert small.rows("SELECT key, customer_id, order_number, action FROM deskhand_writes") == [
        ("key-1", MINE.customer_id, "BE20240009", ActionKind.RETURN_APPLY.value)
    ]


async def test_time_of_a_write(small: SmallShop, adapter: SqlShop) -> None:
    """The time that statements are given is the shop's own, in the form in which it keeps times."""
    await adapter.cancel(MINE, OPEN, key="key-1")
    ((at,),) = small.rows("SELECT wann FROM ereignisse WHERE art = 'storno'")
    order = await adapter.order(MINE, OPEN)
    assert order is not None
    assert order.status is OrderStatus.CANCELLED
    assert len(at) == len("2024-07-01 12:00:00.000000")
    assert at[10] == " "


async def test_single_lines(small: SmallShop, adapter: SqlShop) -> None:
    """Of the lines that go back only those are written down, and their price alone is paid back."""
    refunding = small.open(**{"return__refund": "total"})
    answer = await refunding.request_return(MINE, CAME, key="key-1", lines=[ReturnLine("3", 1)])
    await refunding.close()
    assert answer.refund == Money(Decimal("6.00"), "EUR")
    assert small.rows("SELECT posten, stueck FROM retourposten") == [(3, 1)]


async def test_single_lines_without_a_statement_for_them(small: SmallShop) -> None:
    """A mapping that cannot take back single lines refuses them, and does not take back everything instead."""
    adapter = small.open(**{"return__statements": MAPPING["return"]["statements"][:2]})
    before = everything(small)
    answer = await adapter.request_return(MINE, CAME, key="key-1", lines=[ReturnLine("3", 1)])
    assert (answer.result, answer.detail) == (WriteResult.REFUSED, WHOLE_ONLY)
    assert everything(small) == before
    await adapter.close()


async def test_what_cannot_go_back_stays(small: SmallShop) -> None:
    """When a whole order goes back, lines that the shop never takes back are left out."""
    small.db.execute("UPDATE posten SET hygiene = 1 WHERE lfd = 2")
    small.db.execute("CREATE VIEW retournierbar AS SELECT *, NOT hygiene AS geht FROM posten")
    adapter = small.open(items__table="retournierbar", items__returnable="geht")
    assert (await adapter.request_return(MINE, CAME, key="key-1")).result is WriteResult.DONE
    assert small.rows("SELECT posten FROM retourposten") == [(3,)]
    await adapter.close()


@pytest.mark.parametrize(
    ("sql", "rows", "said"),
    [
        ("UPDATE posten SET stueck = 0 WHERE bestellung = 4711", 1, "statement 2 changed 0 rows, not 1"),
        ("DELETE FROM posten", 1, "statement 2 changed 3 rows, not 1"),
        ("SELECT 1 WHERE :order_id = 0", 1, "statement 2 changed 0 rows, not 1"),
        ('UPDATE "Bestellungen" SET zustand = 77 WHERE lfd = :order_id', 1, "the shop's database refused it"),
        ("INSERT INTO kunden (uid) SELECT uid FROM kunden", "any", "the shop's database refused it"),
    ],
)
async def test_partly_done_is_not_done(small: SmallShop, sql: str, rows: int | str, said: str) -> None:
    """When a later statement misses its rows or breaks a rule, nothing stands, and it is refused for good."""
    small.db.execute(
        'CREATE TRIGGER regel BEFORE UPDATE ON "Bestellungen" WHEN NEW.zustand = 77 '
        "BEGIN SELECT RAISE(ABORT, 'so nicht'); END"
    )
    adapter = small.open(cancel__statements=[GUARD, {"sql": sql, "rows": rows}])
    before = everything(small), small.rows("SELECT * FROM posten")
    answer = await adapter.cancel(MINE, OPEN, key="key-1")
    assert answer.result is WriteResult.REFUSED
    assert answer.refund is None
    assert said in answer.detail
    assert (everything(small), small.rows("SELECT * FROM posten")) == before
    assert await adapter.cancel(MINE, OPEN, key="key-1") == answer
    assert await adapter.outcome(MINE, OPEN, ActionKind.CANCEL_ORDER, key="key-1") == answer
    await adapter.close()


async def test_the_order_goes_on_in_between(small: SmallShop) -> None:
    """An order that the shop itself sends off just before, unseen by the state that is mapped, is not cancelled."""
    adapter = small.open(order__status={"value": "1"})
    small.set(OPEN, zustand=2)
    assert (await adapter.cancel(MINE, OPEN, key="key-1")).result is WriteResult.REFUSED
    assert small.rows('SELECT zustand FROM "Bestellungen" WHERE lfd = 1') == [(2,)]
    await adapter.close()


async def test_statement_that_cannot_run(small: SmallShop) -> None:
    """A statement over a table that does not exist is an error that names it, and leaves nothing behind."""
    adapter = small.open(cancel__statements=[GUARD, {"sql": "INSERT INTO fehlt VALUES (1)", "rows": 1}])
    before = everything(small)
    with pytest.raises(OrderSystemGarbled, match="fehlt"):
        await adapter.cancel(MINE, OPEN, key="key-1")
    assert everything(small) == before
    assert await adapter.outcome(MINE, OPEN, ActionKind.CANCEL_ORDER, key="key-1") is None
    await adapter.close()


async def test_nothing_to_change_with(small: SmallShop) -> None:
    """A mapping without statements only reads: every write is refused, and no table is made."""
    adapter = small.open(cancel=None, **{"return": None})
    for answer in (await adapter.cancel(MINE, OPEN, key="k"), await adapter.request_return(MINE, CAME, key="k")):
        assert answer.result is WriteResult.REFUSED
    assert small.rows("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'deskhand%'") == [(0,)]
    assert list(await adapter.examine()) == []
    await adapter.close()


async def test_ledger_is_made_by_hand(small: SmallShop) -> None:
    """Without the table of keys nothing is changed, and the error says how to make it; made so, it serves."""
    adapter = small.open(create_table=False)
    before = everything(small)
    with pytest.raises(OrderSystemGarbled, match=r"deskhand_writes is missing.*docs/orders-sql\.md"):
        await adapter.cancel(MINE, OPEN, key="key-1")
    assert await adapter.outcome(MINE, OPEN, ActionKind.CANCEL_ORDER, key="key-1") is None
    assert everything(small) == before
    page = (Path(__file__).parents[3] / "docs" / "orders-sql.md").read_text(encoding="utf-8")
    small.db.executescript(
        "CREATE TABLE deskhand_writes" + page.partition("CREATE TABLE deskhand_writes")[2].partition("```")[0]
    )
    assert (await adapter.cancel(MINE, OPEN, key="key-1")).result is WriteResult.DONE
    await adapter.close()


@pytest.mark.parametrize(
    "answer", ["", "[]", "{}", '{"result": "perhaps", "reference": null, "refund": null, "detail": ""}']
)
async def test_spoilt_ledger(small: SmallShop, adapter: SqlShop, answer: str) -> None:
    """An answer in the ledger that makes no sense is an error, and the write is not done again."""
    await adapter.cancel(MINE, OPEN, key="key-1")
    small.db.execute("UPDATE deskhand_writes SET answer = ?", (answer,))
    before = everything(small)
    with pytest.raises(OrderSystemGarbled):
        await adapter.cancel(MINE, OPEN, key="key-1")
    assert everything(small) == before


async def test_locked_database(small: SmallShop) -> None:
    """While another program writes, a write is down and did nothing, questions are answered, and later it is done."""
    adapter = small.open(timeout_s=0.3)
    small.db.execute("BEGIN IMMEDIATE")
    with pytest.raises(OrderSystemDown):
        await adapter.cancel(MINE, OPEN, key="key-1")
    await adapter.close()
    adapter = small.open()
    assert await adapter.order(MINE, OPEN) is not None
    small.db.execute("ROLLBACK")
    assert await adapter.outcome(MINE, OPEN, ActionKind.CANCEL_ORDER, key="key-1") is None
    assert (await adapter.cancel(MINE, OPEN, key="key-1")).result is WriteResult.DONE
    await adapter.close()


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


async def test_endless_question(small: SmallShop) -> None:
    """A question that never ends is broken off, and the next one is answered."""
    small.db.execute(f'CREATE VIEW langsam AS SELECT * FROM "Bestellungen" WHERE ({ENDLESS}) > 0')
    adapter = small.open(order__table="langsam", timeout_s=2)
    for _ in range(2):
        with pytest.raises(OrderSystemDown):
            await adapter.orders(MINE, 5)
    await adapter.ping()
    await adapter.close()


async def test_endless_write(small: SmallShop) -> None:
    """A statement that never ends is broken off, all before it is taken back, and the order is free for the shop."""
    adapter = small.open(cancel__statements=[GUARD, {"sql": ENDLESS, "rows": 1}], timeout_s=2)
    before = everything(small)
    with pytest.raises(OrderSystemDown):
        await adapter.cancel(MINE, OPEN, key="key-1")
    # It comes to its turn behind the statement that was broken off.
    assert await adapter.outcome(MINE, OPEN, ActionKind.CANCEL_ORDER, key="key-1") is None
    assert everything(small) == before
    small.set(OPEN, zustand=2)
    await adapter.close()


async def test_caller_goes_away(small: SmallShop) -> None:
    """A write whose caller gives up while the database is held by another program is never done afterwards."""
    adapter = small.open(timeout_s=60)
    await adapter.ping()
    small.db.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(adapter.cancel(MINE, OPEN, key="key-1"))
    await adapter.ping()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    small.db.execute("ROLLBACK")
    assert await adapter.outcome(MINE, OPEN, ActionKind.CANCEL_ORDER, key="key-1") is None
    assert small.rows('SELECT zustand FROM "Bestellungen" WHERE lfd = 1') == [(1,)]
    await adapter.close()


async def test_closed_in_the_middle(small: SmallShop) -> None:
    """Closing while a write hangs does not wait for it, and nothing of it stays."""
    adapter = small.open(cancel__statements=[GUARD, {"sql": ENDLESS, "rows": 1}], timeout_s=60)
    await adapter.ping()
    hanging = asyncio.create_task(adapter.cancel(MINE, OPEN, key="key-1"))
    await adapter.ping()
    await adapter.close()
    with pytest.raises(OrderSystemDown):
        await hanging
    with sqlite3.connect(small.path) as other:
        assert other.execute('SELECT zustand FROM "Bestellungen" WHERE lfd = 1').fetchone() == (1,)
    other.close()
