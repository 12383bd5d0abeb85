"""What lies in the folder: whole and half files, old and new ones, and those that make no sense."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from bot.domain.model import OrderStatus
from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled
from bot.orders.csv_files import CsvShop
from bot.orders.csv_folder import Folder
from bot.orders.csv_options import read_options
from bot.orders.testing import scope_of
from tests.support.csv_exports import OPTIONS, PLAIN, open_shop, write_export

ANA = scope_of("email:ana@example.com")
SMALL = "number;date;status;e-mail;total;currency\nA-1;2026-11-03;pending;ana@example.com;1.234,50;EUR\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of exports, empty."""
    (tmp_path / "exports").mkdir()
    return tmp_path / "exports"


@pytest.fixture
async def shop(tmp_path: Path, folder: Path) -> AsyncIterator[CsvShop]:
    """An adapter over the folder, whose numbers may be of any shape."""
    shop = open_shop(tmp_path, number_shapes=[])
    yield shop
    await shop.close()


def rename(path: Path, name: str) -> None:
    """Call it otherwise."""
    path.rename(path.with_name(name))


async def statuses(shop: CsvShop) -> dict[str, OrderStatus]:
    """Return the states of Ana's orders by number."""
    return {order.number: order.status for order in await shop.orders(ANA, 100)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_encodings_and_delimiters(shop: CsvShop, folder: Path, encoding: str, delimiter: str) -> None:
    """An export is read whatever encoding and separator it was written with."""
    row = ["A-1", "2026-11-03", "pending", "Zoë Güell", "ana@example.com", '"1.234,50"', "EUR"]
    text = f"sep={delimiter}\r\n" + delimiter.join(["Number", "Date", "Status", "Name", "E-Mail", "Total", "Currency"])
    write_export(folder, "orders.csv", f"{text}\r\n{delimiter.join(row)}\r\n", encoding=encoding)
    (order,) = await shop.orders(ANA, 10)
    assert (order.number, str(order.total.amount)) == ("A-1", "1234.50")
    assert await shop.customer_of("a1") == ("email:ana@example.com", "Zoë Güell")


async def test_excel(tmp_path: Path, folder: Path) -> None:
    """An Excel file is read by its cells: numbers, dates, and numbers that are names."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Our orders"])
    sheet.append(["Order No", "Date", "Status", "Email", "Total", "Currency", "Item", "Qty", "Unit Price"])
    sheet.append([1001, datetime(2026, 11, 3, 14, 5), "shipped", "ana@example.com", 0.1 + 0.2, "EUR", "Pin", 3, 0.1])
    sheet.append([None, None])
    sheet.append([1002.0, datetime(2026, 11, 4), "pending", "ana@example.com", 1234, "EUR", None, None, None])
    book.save(folder / "orders.xlsx")
    shop = open_shop(tmp_path, number_shapes=[], time_zone="Europe/Madrid")
    newer, older = await shop.orders(ANA, 10)
    assert (newer.number, str(newer.total.amount), newer.items) == ("1002", "1234", ())
    assert (older.number, str(older.total.amount)) == ("1001", "0.3")
    assert older.placed_at.isoformat() == "2026-11-03T13:05:00+00:00"
    assert [(item.name, item.quantity, str(item.price.amount)) for item in older.items] == [("Pin", 3, "0.1")]
    await shop.close()


async def test_the_newest_file_tells(shop: CsvShop, folder: Path) -> None:
    """Several exports are one: an order is what the newest file says of it, and only what that says."""
    older = PLAIN.replace("SH-1003,2026-11-18 08:15,pending", "SH-1003,2026-11-18 08:15,processed")
    write_export(folder, "b-older.csv", older, age_s=200)
    write_export(folder, "a-newer.csv", SMALL + "SH-1001;2026-11-01;returned;bo@example.com;59,90;EUR\n", age_s=100)
    assert await statuses(shop) == {
        "SH-1003": OrderStatus.PROCESSED,
        "SH-1002": OrderStatus.SHIPPED,
        "A-1": OrderStatus.PENDING,
    }
    assert await shop.order(ANA, "SH-1001") is None
    moved = await shop.order(scope_of("email:bo@example.com"), "SH-1001")
    assert moved is not None
    assert (moved.status, moved.items) == (OrderStatus.RETURNED, ())


async def test_read_again_when_changed(shop: CsvShop, folder: Path) -> None:
    """A file that is replaced, added or taken away is noticed at the next question."""
    write_export(folder, "one.csv", SMALL, age_s=90)
    assert await statuses(shop) == {"A-1": OrderStatus.PENDING}
    write_export(folder, "one.csv", SMALL.replace("pending", "shipped"), age_s=80)
    assert await statuses(shop) == {"A-1": OrderStatus.SHIPPED}
    two = write_export(folder, "two.csv", SMALL.replace("A-1", "A-2"), age_s=70)
    assert await statuses(shop) == {"A-1": OrderStatus.SHIPPED, "A-2": OrderStatus.PENDING}
    two.unlink()
    assert await statuses(shop) == {"A-1": OrderStatus.SHIPPED}


async def test_no_export(shop: CsvShop, folder: Path) -> None:
    """Without any export every call says what is missing; an empty folder later is one whose export is replaced."""
    for call in (shop.ping(), shop.orders(ANA, 10), shop.cancel(ANA, "A-1", key="k"), shop.customer_of("A-1")):
        with pytest.raises(OrderSystemDown, match="no whole export"):
            await call
    assert "no whole export" in (await shop.examine())[0]
    path = write_export(folder, "one.csv", SMALL)
    assert await statuses(shop) == {"A-1": OrderStatus.PENDING}
    path.unlink()
    assert await statuses(shop) == {"A-1": OrderStatus.PENDING}


async def test_no_folder(shop: CsvShop, folder: Path) -> None:
    """A folder that goes away is said by ping, while the last good export still answers."""
    write_export(folder, "one.csv", SMALL)
    await shop.ping()
    rename(folder, "away")
    assert await statuses(shop) == {"A-1": OrderStatus.PENDING}
    with pytest.raises(OrderSystemDown, match="cannot be read"):
        await shop.ping()
    assert "cannot be read" in (await shop.examine())[0]
    rename(folder.with_name("away"), folder.name)
    await shop.ping()


BROKEN = {
    "empty": "",
    "one line": "hello\n",
    "no number": "date;total;currency\n2026-11-03;1;EUR\n",
    "no currency": "number;date;total\nA-1;2026-11-03;1,50\n",
    "torn line": SMALL + "A-2;2026-11-03;pend",
    "torn quote": SMALL + 'A-2;2026-11-03;"pending',
    "too many cells": SMALL + "A-2;2026-11-03;pending;x@example.com;1;EUR;and;more\n",
    "zeros": SMALL + "\0" * 100,
    "days or months": SMALL.replace("2026-11-03", "03/11/2026"),
    "thousands or decimals": SMALL.replace("1.234,50", "1.234"),
    "both marks": SMALL + "A-2;2026-11-03;pending;ana@example.com;12.50;EUR\n",
    "nothing makes sense": SMALL.replace("1.234,50", "free"),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_export_keeps_the_last_good_one(
    shop: CsvShop, folder: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An export that makes no sense is logged once and named by ping and by the examination; the old one answers."""
    write_export(folder, "orders.csv", SMALL, age_s=90)
    await shop.ping()
    write_export(folder, "orders.csv", text, age_s=80)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert await statuses(shop) == {"A-1": OrderStatus.PENDING}
    assert [record.message for record in caplog.records] == ["orders.csv.broken"]
    with pytest.raises(OrderSystemGarbled, match=r"orders\.csv is not used"):
        await shop.ping()
    (finding,) = await shop.examine()
    assert finding.startswith("orders.csv is not used: ")
    write_export(folder, "orders.csv", SMALL.replace("pending", "shipped"), age_s=70)
    assert await statuses(shop) == {"A-1": OrderStatus.SHIPPED}
    await shop.ping()


async def test_a_broken_excel_file(shop: CsvShop, folder: Path) -> None:
    """An Excel file that is none, or half of one, is broken like any other."""
    book = openpyxl.Workbook()
    book.active.append(["Order No", "Date", "Total", "Currency"])
    book.save(folder / "whole.xlsx")
    content = (folder / "whole.xlsx").read_bytes()
    for broken in (b"PK", content[: len(content) // 2], SMALL.encode()):
        (folder / "whole.xlsx").write_bytes(broken)
        with pytest.raises(OrderSystemDown, match="Excel"):
            await shop.ping()


async def test_unfinished_files_are_passed_over(shop: CsvShop, folder: Path) -> None:
    """Names under which programs copy and edit are no exports, and neither are folders and the outbox."""
    write_export(folder, "orders.csv", SMALL)
    for name in (".orders.csv", "~$orders.csv", "orders.csv.part", "new.csv.crdownload", "deskhand-requests.csv"):
        write_export(folder, name, "no export\n")
    (folder / "old.csv").mkdir()
    assert await statuses(shop) == {"A-1": OrderStatus.PENDING}
    await shop.ping()


def test_a_file_is_taken_when_it_is_quiet(tmp_path: Path, folder: Path) -> None:
    """A file counts when nobody has written to it for a while, by its own time or by what was seen of it."""
    now, elapsed = [1_000_000.0], [0.0]
    looking = Folder(read_options({**OPTIONS, "settle_s": 5}, tmp_path), lambda: now[0], lambda: elapsed[0])
    path = write_export(folder, "orders.csv", SMALL)

    def is_quiet(mtime: float) -> bool:
        os.utime(path, (mtime, mtime))
        return looking.look()[0].quiet

    assert is_quiet(now[0] - 5)
    assert not is_quiet(now[0] - 4)
    # A copy with a time ahead of this machine's clock is quiet once it has lain there for long enough.
    assert not is_quiet(now[0] + 3600)
    elapsed[0] += 5
    assert is_quiet(now[0] + 3600)
    path.write_text(SMALL * 2)
    assert not is_quiet(now[0] + 3600)


async def test_a_file_that_grows_is_not_taken(tmp_path: Path, folder: Path) -> None:
    """A file that is still being copied is left alone, and what was read before it still answers."""
    write_export(folder, "orders.csv", SMALL, age_s=90)
    shop = open_shop(tmp_path, number_shapes=[], settle_s=30)
    assert await statuses(shop) == {"A-1": OrderStatus.PENDING}
    write_export(folder, "orders.csv", SMALL.replace("pending", "shipped"), age_s=0)
    assert await statuses(shop) == {"A-1": OrderStatus.PENDING}
    await shop.ping()
    await shop.close()


async def test_the_first_file_is_still_written(tmp_path: Path, folder: Path) -> None:
    """Before there is any whole export, the one that is on its way is named."""
    write_export(folder, "orders.csv", SMALL, age_s=0)
    shop = open_shop(tmp_path, settle_s=30)
    with pytest.raises(OrderSystemDown, match=r"orders\.csv was written to just now"):
        await shop.ping()
    await shop.close()


async def test_questions_are_answered_while_a_file_is_read(tmp_path: Path, folder: Path) -> None:
    """A new export that takes long to read holds nobody up: the old one answers until all of the new one is in."""
    write_export(folder, "orders.csv", SMALL, age_s=90)
    shop = CsvShop(read_options({**OPTIONS, "number_shapes": []}, tmp_path), patience_s=0)
    assert await statuses(shop) == {"A-1": OrderStatus.PENDING}
    rows = "".join(f"B-{n};2026-11-03;shipped;bo@example.com;1,50;EUR\n" for n in range(3000))
    write_export(folder, "orders.csv", SMALL.replace("pending", "shipped") + rows, age_s=80)
    seen = {(await statuses(shop))["A-1"]}
    while seen != {OrderStatus.PENDING, OrderStatus.SHIPPED}:
        seen.add((await statuses(shop))["A-1"])
    await shop.close()


async def test_closed_while_a_file_is_read(tmp_path: Path, folder: Path) -> None:
    """Closing in the middle of an export ends at once, and nothing is left behind."""
    write_export(folder, "orders.csv", SMALL, age_s=90)
    shop = CsvShop(read_options({**OPTIONS, "number_shapes": []}, tmp_path), patience_s=0)
    await shop.ping()
    rows = "".join(f"B-{n};2026-11-03;shipped;bo@example.com;1,50;EUR\n" for n in range(3000))
    write_export(folder, "orders.csv", SMALL + rows, age_s=80)
    await shop.ping()
    await shop.close()
    with pytest.raises(OrderSystemError):
        await shop.ping()
