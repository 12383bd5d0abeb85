"""The file of requests: what a person reads in it, what a spreadsheet does to it, and what a crash leaves of it."""

from __future__ import annotations

import asyncio
import csv
import io
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import OrderStatus, Reason, ReturnLine, WriteResult
from bot.errors import OrderSystemDown
from bot.orders.csv_files import CsvShop
from bot.orders.csv_outbox import HEADINGS, harmless
from bot.orders.testing import scope_of
from tests.support.csv_exports import PLAIN, open_shop, write_export

ANA, BO = scope_of("email:ana@example.com"), scope_of("email:bo@example.com")
CANCEL = ActionKind.CANCEL_ORDER


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with an export in it."""
    write_export(tmp_path / "shop" / "exports", "orders.csv", PLAIN)
    return tmp_path / "shop"


@pytest.fixture
def outbox(base: Path) -> Path:
    """Where requests go."""
    return base / "exports" / "deskhand-requests.csv"


@pytest.fixture
async def shop(base: Path) -> AsyncIterator[CsvShop]:
    """The adapter over it."""
    shop = open_shop(base)
    yield shop
    await shop.close()


def rows_of(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """Read the outbox as a spreadsheet does."""
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def save(path: Path, content: bytes | None) -> None:
    """Save the outbox as another program does; None takes it away."""
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def saved(path: Path) -> bytes | None:
    """Return what is in the outbox, None if there is none."""
    return path.read_bytes() if path.exists() else None


def block(path: Path, blocked: bool) -> None:
    """Put something in the place of the outbox that nobody can write to, or take it away."""
    if blocked:
        path.mkdir()
    else:
        path.rmdir()


async def test_what_a_person_reads(shop: CsvShop, outbox: Path) -> None:
    """A request is one line with all that is needed to carry it out; the answer says that nothing is carried out."""
    cancel = await shop.cancel(ANA, "#sh 1003", key="key-1", reason=Reason.CHANGED_MIND)
    back = await shop.request_return(
        ANA, "SH-1001", key="key-2", reason=Reason.DOES_NOT_FIT, lines=[ReturnLine("SO-1", 1)]
    )
    assert (cancel.result, cancel.reference, cancel.refund) == (WriteResult.REQUESTED, "CANCEL-SH1003", None)
    assert cancel.detail == "request written"
    assert back.reference == "RETURN-SH1001"
    assert (saved(outbox) or b"").startswith('\ufeff"time"'.encode())
    assert rows_of(outbox) == [
        {
            "time": "2026-11-20 12:00",
            "reference": "CANCEL-SH1003",
            "action": "cancel",
            "order": "SH-1003",
            "customer": "Ana Ruiz",
            "contact": "ana@example.com",
            "items": "all",
            "reason": "changed mind",
            "key": "key-1",
            "done": "",
        },
        {
            "time": "2026-11-20 12:00",
            "reference": "RETURN-SH1001",
            "action": "return",
            "order": "SH-1001",
            "customer": "Ana Ruiz",
            "contact": "ana@example.com",
            "items": "1 × Socks",
            "reason": "does not fit",
            "key": "key-2",
            "done": "",
        },
    ]


async def test_what_the_customer_is_shown_meanwhile(shop: CsvShop, base: Path) -> None:
    """A return that was asked for is seen at the order; a cancellation is not until an export shows it."""
    await shop.cancel(ANA, "SH-1003", key="key-1")
    await shop.request_return(ANA, "SH-1001", key="key-2")
    found = {order.number: order.status for order in await shop.orders(ANA, 10)}
    assert found["SH-1003"] is OrderStatus.PENDING
    assert found["SH-1001"] is OrderStatus.RETURN_REQUESTED
    newer = PLAIN.replace("18 08:15,pending", "18 08:15,cancelled").replace("10:00,delivered", "10:00,returned")
    write_export(base / "exports", "orders.csv", newer, age_s=50)
    found = {order.number: order.status for order in await shop.orders(ANA, 10)}
    assert found["SH-1003"] is OrderStatus.CANCELLED
    assert found["SH-1001"] is OrderStatus.RETURNED


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+34 600", "'+34 600"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r\n=1", "'=1"),
        (" =1", "'=1"),
        ("＝1", "'＝1"),
        ("Ana\nRuiz", "Ana Ruiz"),
        ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
        ("Ana = Ruiz", "Ana = Ruiz"),
    ],
)
def test_no_formula(text: str, cell: str) -> None:
    """What a customer or a product is called never becomes a formula, nor a second line."""
    assert harmless(text) == cell


async def test_no_formula_reaches_the_file(base: Path, outbox: Path) -> None:
    """A customer who is called like a formula is written as text."""
    write_export(base / "exports", "orders.csv", PLAIN.replace("Ana Ruiz", "\"=cmd|' /C calc'!A0\""))
    shop = open_shop(base)
    await shop.cancel(ANA, "SH-1003", key="=key")
    await shop.close()
    (row,) = rows_of(outbox)
    assert (row["customer"], row["key"]) == ("'=cmd|' /C calc'!A0", "'=key")


async def test_a_line_that_a_person_took_out(shop: CsvShop, base: Path, outbox: Path) -> None:
    """A line that is gone is not written again under its key, and no second time under another."""
    first = await shop.cancel(ANA, "SH-1003", key="key-1")
    save(outbox, None)
    assert await shop.cancel(ANA, "SH-1003", key="key-1") == first
    assert (await shop.cancel(ANA, "SH-1003", key="key-2")).result is WriteResult.REFUSED
    assert saved(outbox) is None
    (finding,) = await shop.examine()
    assert finding.startswith("the request CANCEL-SH1003 (cancel_order) is not in deskhand-requests.csv any more")
    write_export(base / "exports", "orders.csv", PLAIN.replace("18 08:15,pending", "18 08:15,cancelled"), age_s=50)
    assert list(await shop.examine()) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16", "cp1252"])
async def test_a_spreadsheet_saved_it(shop: CsvShop, outbox: Path, encoding: str) -> None:
    """After a spreadsheet gave it another encoding, separator and order of columns, lines are added in its way."""
    await shop.cancel(ANA, "SH-1003", key="key-1")
    text = "Done;Note;Key;Reference;Order\r\nyes;größer;key-1;CANCEL-SH1003;SH-1003"
    save(outbox, text.encode(encoding))
    await shop.cancel(BO, "SH-2001", key="key-2")
    lines = (saved(outbox) or b"").decode(encoding).splitlines()
    assert lines[:2] == text.splitlines()
    assert lines[2:] == ['"";"";"key-2";"CANCEL-SH2001";"SH-2001"']
    assert list(await shop.examine()) == []


async def test_not_the_outbox(shop: CsvShop, outbox: Path) -> None:
    """A file without its headings is left alone, and nothing counts as asked for until it is mended."""
    save(outbox, b"my,notes\n1,2\n")
    with pytest.raises(OrderSystemDown, match="no columns reference and key"):
        await shop.cancel(ANA, "SH-1003", key="key-1")
    assert saved(outbox) == b"my,notes\n1,2\n"
    save(outbox, None)
    assert await shop.outcome(ANA, "SH-1003", CANCEL, key="key-1") is None
    assert (await shop.cancel(ANA, "SH-1003", key="key-1")).result is WriteResult.REQUESTED
    assert len(rows_of(outbox)) == 1


async def test_the_outbox_cannot_be_written(shop: CsvShop, base: Path, outbox: Path) -> None:
    """When the line cannot be written nothing was asked for, and the same key asks once it can."""
    block(outbox, True)
    with pytest.raises(OrderSystemDown, match="close it in the spreadsheet"):
        await shop.cancel(ANA, "SH-1003", key="key-1")
    block(outbox, False)
    assert await shop.outcome(ANA, "SH-1003", CANCEL, key="key-1") is None
    assert (await shop.cancel(ANA, "SH-1003", key="key-2")).result is WriteResult.REQUESTED
    assert (await shop.cancel(ANA, "SH-1003", key="key-1")).result is WriteResult.REFUSED
    assert [row["key"] for row in rows_of(outbox)] == ["key-2"]


async def test_another_delimiter(base: Path, outbox: Path) -> None:
    """A new outbox has the separator that the shop's spreadsheet expects."""
    shop = open_shop(base, outbox_delimiter=";")
    await shop.cancel(ANA, "SH-1003", key="key-1")
    await shop.close()
    assert tuple(rows_of(outbox, ";")[0]) == HEADINGS


async def test_many_at_once_over_two_adapters(base: Path, outbox: Path) -> None:
    """Of forty requests for one order, with other keys and over two connections, one line is written."""
    shops = [open_shop(base), open_shop(base)]
    calls = [shops[n % 2].request_return(ANA, "SH-1001", key=f"key-{n}") for n in range(40)]
    results = [answer.result for answer in await asyncio.gather(*calls)]
    assert results.count(WriteResult.REQUESTED) == 1
    assert len(rows_of(outbox)) == 1
    for shop in shops:
        await shop.close()


# --- killed ---


def run_doomed(base: Path, where: str, count: int) -> int:
    """Ask for the cancellation in a process that is killed on the way; return how it ended."""
    command = [sys.executable, "-m", "tests.support.kill_csv_shop", str(base), where, str(count)]
    return subprocess.run(command, check=False, timeout=60).returncode


async def assert_once(base: Path, outbox: Path, others: list[str]) -> None:
    """What was asked for before the kill is told; asked for again, it is there exactly once, and whole."""
    shop = open_shop(base)
    told = await shop.outcome(ANA, "SH-1003", CANCEL, key="key-1")
    answer = await shop.cancel(ANA, "SH-1003", key="key-1")
    assert answer.result is WriteResult.REQUESTED
    assert told in (None, answer)
    assert await shop.outcome(ANA, "SH-1003", CANCEL, key="key-1") == answer
    await shop.close()
    rows = rows_of(outbox)
    assert [row["key"] for row in rows] == [*others, "key-1"]
    assert all(len(row) == len(HEADINGS) and None not in row.values() for row in rows)


@pytest.mark.parametrize("earlier", [False, True], ids=["the first request", "a later request"])
async def test_killed_in_mid_line(base: Path, outbox: Path, earlier: bool) -> None:
    """Killed after any number of bytes of the line, the request is read back truly, and written once in the end."""
    if earlier:
        shop = open_shop(base)
        await shop.cancel(BO, "SH-2001", key="key-0")
        await shop.close()
    pristine = base.with_name("pristine")
    shutil.copytree(base, pristine)
    count = 0
    while run_doomed(base, "byte", count) == -signal.SIGKILL:
        await assert_once(base, outbox, ["key-0"] if earlier else [])
        shutil.rmtree(base)
        shutil.copytree(pristine, base)
        count += 19
    assert count > 100, "most of the line was on the disk"


async def test_killed_at_every_statement(base: Path, outbox: Path) -> None:
    """Killed before any statement of the record, the request is read back truly, and written once in the end."""
    pristine = base.with_name("pristine")
    shutil.copytree(base, pristine)
    killed = 0
    while run_doomed(base, "statement", killed + 1) == -signal.SIGKILL:
        killed += 1
        await assert_once(base, outbox, [])
        shutil.rmtree(base)
        shutil.copytree(pristine, base)
    assert killed >= 8, "the plan, the line and what became of it were all reached"


async def test_another_key_after_a_kill(base: Path, outbox: Path) -> None:
    """A request that was killed before its line, and is said to have had no effect, never comes back by itself."""
    assert run_doomed(base, "byte", 0) == -signal.SIGKILL
    shop = open_shop(base)
    assert await shop.outcome(ANA, "SH-1003", CANCEL, key="key-1") is None
    assert (await shop.cancel(ANA, "SH-1003", key="key-2")).result is WriteResult.REQUESTED
    assert (await shop.cancel(ANA, "SH-1003", key="key-1")).result is WriteResult.REFUSED
    assert [row["key"] for row in rows_of(outbox)] == ["key-2"]
    await shop.close()
