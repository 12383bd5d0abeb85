"""A WooCommerce shop with the customers that the contract wants, and the adapter over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.orders.testing import ContractShop, Fault, Kind
from bot.orders.woocommerce import WooCommerce
from tests.support.web_faults import body, status
from tests.support.web_server import LocalServer, WebTransport, local_server
from tests.support.woocommerce_server import KEY, SECRET, WooCommerceServer

READS, WRITES = ("GET ",), ("PUT ", "POST ")
EMILY, XIAOWEN = 7, 8
OLDER = 52
"""Emily's older orders: with the newer ones they are more than one page."""


@dataclass(frozen=True)
class Shop:
    """The shop, where it is served, and how an adapter is built for it."""

    woo: WooCommerceServer
    server: LocalServer

    def options(self, **options: Any) -> dict[str, Any]:
        return {
            "url": self.server.url,
            "consumer_key": KEY,
            "consumer_secret": SECRET,
            "return_status": "to-return",
            **options,
        }

    def open(self, **options: Any) -> WooCommerce:
        return WooCommerce.from_options(self.options(**options), Path())

    def contract(self, **options: Any) -> ContractShop:
        return ContractShop(
            open=lambda: self.open(**options),
            customer_id=str(EMILY),
            name="Emily Carter",
            phone="+12025550142",
            email="emily.carter@example.com",
            pending="1063",
            delivered="1061",
            shipped="1062",
            stranger_id=str(XIAOWEN),
            strangers_email="xiaowen.wang@example.com",
            strangers_pending="2001",
            strangers_delivered="2000",
            shared_phone="+447700900119",
            transport=self.transport(),
        )

    def transport(self) -> WebTransport:
        faults = self.woo.faults

        def wrong(**fields: Any) -> Any:
            return self.woo.answering(**fields)

        return WebTransport(
            self.server,
            faults,
            {Kind.READ: READS, Kind.WRITE: WRITES},
            {
                Fault.HANG: faults.hang,
                Fault.SERVER_ERROR: lambda: status(503, {"code": "error"}),
                Fault.LATE: faults.late,
                Fault.GARBAGE: lambda: body(b"<html>Notice: Undefined index", acts=True),
                Fault.PARTIAL: lambda: status(400, {"code": "error", "message": "A plugin stumbled."}, acts=True),
                Fault.WRONG_CURRENCY: lambda: wrong(currency="euro"),
                Fault.MISSING_FIELD: lambda: wrong(total=None),
                Fault.SLOW_PAGE: lambda: faults.hang_where(lambda request: request.query.get("page", "1") != "1"),
            },
            lambda number: sum(order == int(number) for order, _ in self.woo.changes),
        )


@asynccontextmanager
async def woocommerce_shop() -> AsyncIterator[Shop]:
    """Serve the shop while a test runs."""
    woo = WooCommerceServer()
    woo.add_customer(EMILY, "Emily Carter", "emily.carter@example.com", "(202) 555-0142")
    woo.add_customer(XIAOWEN, "Xiaowen Wang", "xiaowen.wang@example.com", "+86 138 0013 8000", "CN")
    woo.add_customer(9, "Oliver Hart", "oliver.hart@example.com", "07700 900119", "GB")
    woo.add_customer(10, "Amelia Hart", "amelia.hart@example.com", "+44 7700 900119", "GB")
    for number in range(OLDER):
        woo.add_order(1000 + number, EMILY, "refunded", f"2026-0{1 + number // 9}-{10 + number % 9}T09:00:00")
    woo.add_order(1061, EMILY, "completed", "2026-10-05T12:00:00")
    woo.add_order(1062, EMILY, "shipped", "2026-11-01T12:00:00")
    woo.add_order(1063, EMILY, "processing", "2026-11-20T12:00:00")
    woo.add_order(2000, XIAOWEN, "completed", "2026-10-07T12:00:00")
    woo.add_order(2001, XIAOWEN, "processing", "2026-11-21T12:00:00")
    woo.add_order(2002, 9, "processing", "2026-11-22T12:00:00")
    woo.add_order(2003, 10, "processing", "2026-11-22T13:00:00")
    woo.add_order(2004, 0, "processing", "2026-11-23T12:00:00")
    async with local_server(woo.app(), woo.faults) as server:
        yield Shop(woo, server)
