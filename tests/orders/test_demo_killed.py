from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from bot.domain.model import OrderStatus, WriteResult
from bot.orders.demo import DemoShop
from bot.orders.demo_people import ENGLISH
from tests.support.demo_orders import TODAY, orders_of
from tests.support.scopes import scope_of


def _run(*arguments: str) -> int:
    command = [sys.executable, "-m", "tests.support.kill_demo_shop", *arguments]
    return subprocess.run(command, check=False, timeout=60).returncode


def _kill_after(lines: int, path: Path) -> None:
    """Kill a shop that cancels everything when it has begun with so many orders."""
    command = [sys.executable, "-m", "tests.support.kill_demo_shop", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline()
        process.kill()


def _recorded_keys(path: Path) -> set[str]:
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    keys = {key for (key,) in db.execute("SELECT key FROM writes")}
    db.close()
    return keys


async def test_killed_at_every_statement(tmp_path: Path) -> None:
    """Killed before any statement of a cancellation, an order is untouched or cancelled with its key, never between."""
    pristine = tmp_path / "pristine.db"
    shop = DemoShop(pristine, today=TODAY)
    await shop.ping()
    await shop.close()
    number = orders_of(ENGLISH)[0].number
    killed = 0
    while True:
        path = tmp_path / f"killed-{killed + 1}.db"
        shutil.copy(pristine, path)
        status = _run(str(path), ENGLISH, number, "key-1", str(killed + 1))
        if status == 0:
            break
        assert status == -signal.SIGKILL
        killed += 1
        await _check_after_kill(path, ENGLISH, number, "key-1")
    assert killed >= 5, "begin, look up, change, record and commit were all reached"


async def test_killed_at_any_instant(path: Path) -> None:
    """Killed while it cancels one order after the other, a shop has each untouched or cancelled with its key."""
    shop = DemoShop(path, today=TODAY)
    pending = [(p.id, o.number) for p in await shop.people() for o in p.orders if o.status is OrderStatus.PENDING]
    await shop.close()
    for lines in (1, 2, 3, 2, 1):
        _kill_after(lines, path)
        for customer_id, number in pending:
            await _check_after_kill(path, customer_id, number, f"key-{number}", go_on=False)
    assert _run(str(path)) == 0
    assert _recorded_keys(path) == {f"key-{number}" for _, number in pending}


async def _check_after_kill(path: Path, customer_id: str, number: str, key: str, go_on: bool = True) -> None:
    shop = DemoShop(path, today=TODAY)
    order = await shop.order(scope_of(customer_id), number)
    assert order is not None
    assert order.status in (OrderStatus.PENDING, OrderStatus.CANCELLED)
    assert (order.status is OrderStatus.CANCELLED) == (key in _recorded_keys(path))
    if go_on:
        answer = await shop.cancel(scope_of(customer_id), number, key=key)
        assert (answer.result, answer.refund) == (WriteResult.DONE, order.total)
    await shop.close()
