"""What a mapping reads, of a shop that keeps everything in its own way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.model import Money, OrderStatus
from bot.errors import OrderSystemError, OrderSystemGarbled
from bot.orders.sql import SqlShop
from bot.orders.testing import ContractShop, OrderAdapterContract, scope_of
from tests.support.small_shop import ADA, BOB, CAME, MINE, OPEN, THEIRS, SmallShop


@pytest.fixture
def small(tmp_path: Path) -> SmallShop:
    """Return the small shop."""
    return SmallShop(tmp_path)


@asynccontextmanager
async def opened(small: SmallShop, **differences: Any) -> AsyncIterator[SqlShop]:
    """Open an adapter for as long as the block lasts."""
    adapter = small.open(**differences)
    try:
        yield adapter
    finally:
        await adapter.close()


async def test_everything_is_read(small: SmallShop) -> None:
    """Cents, numbers for states, local times, constants and joined rows all come back as the bot knows them."""
    async with opened(small) as adapter:
        order = await adapter.order(MINE, CAME)
    assert order is not None
    assert (order.number, order.customer_id, order.status) == (CAME, ADA, OrderStatus.DELIVERED)
    assert order.placed_at == datetime(2024, 1, 10, 8, 30, tzinfo=UTC)
    assert order.delivered_at == datetime(2024, 1, 12, 17, 0, tzinfo=UTC)
    assert (order.total, order.carrier) == (Money(Decimal("20.00"), "EUR"), "DHL")
    assert [(item.id, item.name, item.quantity, item.price.amount) for item in order.items] == [
        ("2", "Kamm", 1, Decimal("8.00")),
        ("3", "Tuch", 2, Decimal("6.00")),
    ]


@pytest.mark.parametrize(
    "number", [OPEN, "be 2024 0017", "#BE20240017", "BE.2024.0017", " be-2024-0017 ", "ＢＥ２０２４００１７"]
)
async def test_numbers_in_any_spelling(small: SmallShop, number: str) -> None:
    """A number that the shop writes with separators is found in whatever way a customer writes it."""
    async with opened(small) as adapter:
        order = await adapter.order(MINE, number)
        assert order is not None
        assert order.number == OPEN
        assert await adapter.customer_of(number) == (ADA, "Ada Berg")
        assert await adapter.order(THEIRS, number) is None


async def test_numbers_that_are_numbers(small: SmallShop) -> None:
    """Where order numbers are whole numbers in the database, only that number finds one."""
    async with opened(small, order__number="lfd", order__number_type="integer") as adapter:
        order = await adapter.order(MINE, "#2")
        assert order is not None
        assert order.number == "2"
        for wild in ("02", "2.0", "2e0", "9" * 30, CAME):
            assert await adapter.order(MINE, wild) is None, wild


async def test_rows_that_do_not_count(small: SmallShop) -> None:
    """What the mapping's conditions leave out does not exist: a deleted order, a customer who is barred."""
    small.set(OPEN, weg=1)
    small.db.execute("UPDATE kunden SET gesperrt = 1 WHERE uid = ?", (BOB,))
    async with opened(small) as adapter:
        assert await adapter.order(MINE, OPEN) is None
        assert [order.number for order in await adapter.orders(MINE, 10)] == [CAME]
        assert await adapter.customer_of("BE-2024/0001") is None
        assert await adapter.identify_by_phone("+49305550177") is None


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"weg": [0, 1]}, 2),
        ({"weg": {"not": [1, 2]}}, 2),
        ({"weg": {"null": True}}, 0),
        ({"weg": {"null": False}}, 2),
        ({"waehrung": "CHF"}, 0),
        ({"waehrung": {"not": "CHF"}}, 2),
    ],
)
async def test_conditions(small: SmallShop, where: dict[str, Any], found: int) -> None:
    """A column may be one of some values, none of them, empty or not."""
    async with opened(small, order__where=where) as adapter:
        assert len(await adapter.orders(MINE, 10)) == found


async def test_an_empty_value_is_not_a_forbidden_one(small: SmallShop) -> None:
    """A condition that forbids a value keeps the rows that have none."""
    small.set(OPEN, weg=None)
    async with opened(small, order__where={"weg": {"not": 1}}) as adapter:
        assert len(await adapter.orders(MINE, 10)) == 2


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2024-07-01 12:00:00", datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ("2024-07-01T12:00:00Z", datetime(2024, 7, 1, 12, tzinfo=UTC)),
        ("2024-07-01T12:00:00.5+05:30", datetime(2024, 7, 1, 6, 30, 0, 500000, tzinfo=UTC)),
        ("2024-07-01", datetime(2024, 6, 30, 22, tzinfo=UTC)),
        (1719828000, datetime(2024, 7, 1, 10, tzinfo=UTC)),
    ],
)
async def test_times(small: SmallShop, raw: object, expected: datetime) -> None:
    """A time is read as text, as a day or as seconds since 1970; without a zone it is the shop's."""
    small.set(OPEN, wann=raw)
    async with opened(small) as adapter:
        order = await adapter.order(MINE, OPEN)
    assert order is not None
    assert order.placed_at == expected


@pytest.mark.parametrize(
    ("raw", "digits", "expected"),
    [
        (4497, 2, "44.97"),
        (44.97, 0, "44.97"),
        (0.1 + 0.2, 0, "0.30"),
        (45, 0, "45"),
        ("44.970", 0, "44.970"),
        (5000, 0, "5000"),
    ],
)
async def test_amounts(small: SmallShop, raw: object, digits: int, expected: str) -> None:
    """Amounts are exact, whether they are kept as cents, as fractions or as text."""
    small.set(OPEN, summe=raw)
    async with opened(small, money_digits=digits) as adapter:
        order = await adapter.order(MINE, OPEN)
    assert order is not None
    assert str(order.total.amount) == expected


@pytest.mark.parametrize(
    ("column", "raw", "named"),
    [
        ("zustand", 7, "order.status is '7', which [orders.sql.order.states] does not name"),
        ("zustand", None, "order.status is ''"),
        ("waehrung", "Euro", "order.currency is 'EURO'"),
        ("waehrung", None, "order.currency is empty"),
        ("summe", "viel", "order.total is not an amount"),
        ("summe", None, "order.total is not an amount"),
        ("summe", "NaN", "order.total is not an amount"),
        ("wann", "gestern", "order.placed_at is not a time"),
        ("wann", None, "order.placed_at is empty"),
        ("wann", 10**30, "order.placed_at is not a time"),
    ],
)
async def test_what_makes_no_sense_is_named(small: SmallShop, column: str, raw: Any, named: str) -> None:
    """An order that makes no sense is an error that names the field, in a list as well, and is never left out."""
    small.set(OPEN, **{column: raw if raw != 10**30 else 1e30})
    async with opened(small) as adapter:
        for call in (adapter.order(MINE, OPEN), adapter.orders(MINE, 10)):
            with pytest.raises(OrderSystemGarbled) as caught:
                await call
            assert named in str(caught.value)
        assert await adapter.order(MINE, CAME) is not None


@pytest.mark.parametrize(
    ("column", "raw"), [("stueck", 0), ("stueck", 1.5), ("stueck", None), ("was", " "), ("preis", None)]
)
async def test_lines_that_make_no_sense(small: SmallShop, column: str, raw: object) -> None:
    """So is an order with a line that makes none."""
    small.db.execute(f"UPDATE posten SET {column} = ? WHERE lfd = 1", (raw,))
    async with opened(small) as adapter:
        with pytest.raises(OrderSystemGarbled, match=r"orders\.sql\.items\."):
            await adapter.order(MINE, OPEN)


async def test_two_orders_of_one_number(small: SmallShop) -> None:
    """Two orders whose numbers differ only in what nobody types are not taken for one another."""
    small.set(CAME, nummer="BE-20240017")
    async with opened(small) as adapter:
        with pytest.raises(OrderSystemGarbled):
            await adapter.order(MINE, OPEN)
        with pytest.raises(OrderSystemGarbled):
            await adapter.cancel(MINE, OPEN, key="key-1")
    assert small.rows('SELECT count(*) FROM "Bestellungen" WHERE zustand = 9') == [(0,)]


@pytest.mark.parametrize(
    ("phone", "customer"),
    [("+491715550142", ADA), ("+49305550177", BOB), ("+491715550143", None), ("+11715550142", None), ("0171555", None)],
)
async def test_phones_as_people_write_them(small: SmallShop, phone: str, customer: str | None) -> None:
    """A number that the shop keeps with spaces, slashes and no country is the same number."""
    async with opened(small) as adapter:
        found = await adapter.identify_by_phone(phone)
    assert (found and found[0]) == customer


async def test_a_phone_of_two_identifies_nobody(small: SmallShop) -> None:
    """A number that two customers have, each in another spelling, is nobody's."""
    small.db.execute("UPDATE kunden SET tel = '+49 171 5550142' WHERE uid = ?", (BOB,))
    async with opened(small) as adapter:
        assert await adapter.identify_by_phone("+491715550142") is None


async def test_a_phone_among_very_many_identifies_nobody(small: SmallShop) -> None:
    """Where too many numbers end alike to look at them all, nobody is identified."""
    small.db.execute("BEGIN")
    small.db.executemany(
        "INSERT INTO kunden VALUES (?, 'x', 'x@example.org', ?, 0)",
        [(f"id-{index}", f"+49171{index:03}550142") for index in range(300)],
    )
    small.db.execute("COMMIT")
    async with opened(small) as adapter:
        assert await adapter.identify_by_phone("+491715550142") is None


async def test_a_shop_without_phones(small: SmallShop) -> None:
    """Where the mapping names no telephone number, nobody is identified by one."""
    async with opened(small, customer__phone=None) as adapter:
        assert await adapter.identify_by_phone("+491715550142") is None
        assert await adapter.identify_by_order(OPEN, email=None, phone_last4="0142") is None
        assert await adapter.identify_by_order(OPEN, email="ada@example.org", phone_last4=None) == ADA


async def test_an_empty_secret_opens_nothing(small: SmallShop) -> None:
    """A customer without e-mail and telephone is not identified by nothing."""
    small.db.execute("UPDATE kunden SET mail = '', tel = NULL WHERE uid = ?", (ADA,))
    async with opened(small) as adapter:
        for email, last4 in (("", None), (" ", None), (None, ""), (None, "0000")):
            assert await adapter.identify_by_order(OPEN, email=email, phone_last4=last4) is None


@pytest.mark.parametrize("id_type", ["text", "uuid", "integer"])
@pytest.mark.parametrize("wild", ["nobody", "%", "1 OR 1=1", "\x00", "\ud800", "9" * 400, "-", "１", ADA.upper() + " "])
async def test_wild_customers(small: SmallShop, id_type: str, wild: str) -> None:
    """Whatever a customer id looks like, it has no orders unless it is one."""
    async with opened(small, customer__id_type=id_type) as adapter:
        assert list(await adapter.orders(scope_of(wild), 10)) == []
        assert await adapter.order(scope_of(wild), OPEN) is None
        assert (await adapter.cancel(scope_of(wild), OPEN, key="key-1")).result.value == "refused"


async def test_without_items(small: SmallShop) -> None:
    """A shop that does not map its lines has orders all the same."""
    async with opened(small, items=None) as adapter:
        order = await adapter.order(MINE, OPEN)
    assert order is not None
    assert order.items == ()


class TestSmallShop(OrderAdapterContract):
    """The small shop passes the contract as well."""

    @pytest.fixture
    def shop(self, small: SmallShop) -> ContractShop:
        extra = [(4, "BE-2024/0020", ADA, 2), (5, "BE-2024/0021", BOB, 3)]
        for row in extra:
            small.db.execute(
                'INSERT INTO "Bestellungen" (lfd, nummer, kunde, zustand, wann, summe) VALUES (?,?,?,?,?,5)',
                (*row, "2024-03-01"),
            )
        small.db.execute(
            "INSERT INTO kunden VALUES ('a', 'A', 'a@x', '+447700900119', 0), ('b', 'B', 'b@x', '+44 7700 900119', 0)"
        )
        return ContractShop(
            open=small.open,
            customer_id=ADA,
            name="Ada Berg",
            phone="+491715550142",
            email="ada@example.org",
            pending=OPEN,
            delivered=CAME,
            shipped="BE-2024/0020",
            stranger_id=BOB,
            strangers_email="bob@example.org",
            strangers_pending="BE-2024/0001",
            strangers_delivered="BE-2024/0021",
            shared_phone="+447700900119",
        )


def spoil_file(small: SmallShop) -> None:
    """Write something else over it."""
    small.db.close()
    small.path.write_bytes(b"This is no database at all. " * 200)


def remove_file(small: SmallShop) -> None:
    """Take it away."""
    small.db.close()
    small.path.unlink()


@pytest.mark.parametrize("spoil", [spoil_file, remove_file])
async def test_no_database(small: SmallShop, spoil: Callable[[SmallShop], None]) -> None:
    """A file that is missing, or is something else, is an error and not an empty shop, and none is made."""
    spoil(small)
    async with opened(small) as adapter:
        for call in (adapter.ping(), adapter.orders(MINE, 5), adapter.cancel(MINE, OPEN, key="key-1")):
            if spoil is spoil_file and call.__name__ == "ping":
                call.close()
                continue
            with pytest.raises(OrderSystemError):
                await call
    assert small.path.exists() == (spoil is spoil_file)
