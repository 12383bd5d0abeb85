"""A process that cancels orders of a demo shop until it is killed; run as `python -m tests.support.kill_demo_shop`.

kill_demo_shop PATH CUSTOMER NUMBER KEY STATEMENT   kills itself before that statement of the cancellation, from 1
kill_demo_shop PATH                                 cancels everything, and says on a line of its own what is next
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from datetime import UTC, datetime

from bot.domain.model import OrderStatus
from bot.orders.demo import DemoShop
from tests.support.scopes import scope_of


class DoomedShop(DemoShop):
    """Kills its process before that statement after the ones of opening; None means never."""

    left: int | None = None

    def _count(self, _: str) -> None:
        if self.left is not None:
            self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        connection.set_trace_callback(self._count)
        return connection


async def cancel_one(path: str, customer_id: str, number: str, key: str, statement: int) -> None:
    """Cancel one order, and be killed before that statement if there are so many."""
    shop = DoomedShop(path, today=datetime.now(UTC))
    await shop.ping()
    shop.left = statement
    await shop.cancel(scope_of(customer_id), number, key=key)
    await shop.close()


async def cancel_all(path: str) -> None:
    """Cancel every pending order."""
    shop = DemoShop.open(path)
    for person in await shop.people():
        for order in person.orders:
            if order.status is OrderStatus.PENDING:
                print(order.number, flush=True)
                await shop.cancel(scope_of(person.id), order.number, key=f"key-{order.number}")
    await shop.close()


if __name__ == "__main__":
    if len(sys.argv) == 2:
        asyncio.run(cancel_all(sys.argv[1]))
    else:
        asyncio.run(cancel_one(*sys.argv[1:5], statement=int(sys.argv[5])))
