"""A shop at Shopify with the customers that the contract wants, and the adapter over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.orders.shopify import Shopify
from bot.orders.testing import ContractShop, Fault, Kind
from tests.support.shopify_server import AFTER, TOKEN, ShopifyServer, add_lines, internal_error
from tests.support.web_faults import body, edited, status
from tests.support.web_server import LocalServer, WebTransport, local_server

READS, WRITES = ("query ",), ("mutation ",)
EMILY, XIAOWEN = 7, 8


@dataclass(frozen=True)
class Shop:
    """The shop, where it is served, and how an adapter is built for it."""

    shopify: ShopifyServer
    server: LocalServer

    def open(self, **options: Any) -> Shopify:
        given = {"shop": self.server.url, "access_token": TOKEN, "job_s": 0.2, **options}
        return Shopify.from_options({name: value for name, value in given.items() if value is not None}, Path())

    def contract(self, **options: Any) -> ContractShop:
        return ContractShop(
            open=lambda: self.open(**options),
            customer_id=str(EMILY),
            name="Emily Carter",
            phone="+12025550142",
            email="emily.carter@example.com",
            pending="#1063",
            delivered="#1061",
            shipped="#1062",
            stranger_id=str(XIAOWEN),
            strangers_email="xiaowen.wang@example.com",
            strangers_pending="#2001",
            strangers_delivered="#2000",
            shared_phone="+447700900119",
            transport=self.transport(),
        )

    def transport(self) -> WebTransport:
        faults = self.shopify.faults
        return WebTransport(
            self.server,
            faults,
            {Kind.READ: READS, Kind.WRITE: WRITES},
            {
                Fault.HANG: faults.hang,
                Fault.SERVER_ERROR: lambda: status(503, {"errors": "Service Unavailable"}),
                Fault.LATE: faults.late,
                Fault.GARBAGE: lambda: body(b'{"data": {"orderCa', acts=True),
                Fault.PARTIAL: lambda: status(200, internal_error(), acts=True),
                Fault.WRONG_CURRENCY: lambda: edited(lambda text: text.replace('"EUR"', '"euro"')),
                Fault.MISSING_FIELD: lambda: edited(lambda text: text.replace('"totalPriceSet"', '"gone"')),
                Fault.SLOW_PAGE: lambda: faults.hang_where(lambda request: request[AFTER] is not None),
            },
            lambda number: sum(name == number for name, _ in self.shopify.changes),
        )


@asynccontextmanager
async def shopify_shop() -> AsyncIterator[Shop]:
    """Serve the shop while a test runs."""
    shopify = ShopifyServer()
    shopify.add_customer(EMILY, "Emily Carter", "emily.carter@example.com", "+12025550142")
    shopify.add_customer(XIAOWEN, "Xiaowen Wang", "xiaowen.wang@example.com", "+8613800138000")
    shopify.add_customer(9, "Oliver Hart", "oliver.hart@example.com", None)
    shopify.add_customer(10, "Amelia Hart", "amelia.hart@example.com", None)
    for number in range(8):
        shopify.add_order(1000 + number, EMILY, f"2026-08-1{number}", "DELIVERED", returnStatus="RETURNED")
    add_lines(shopify.add_order(1060, EMILY, "2026-09-20", "DELIVERED"), 70)
    shopify.add_order(1061, EMILY, "2026-10-05", "DELIVERED")
    shopify.add_order(1062, EMILY, "2026-11-01", "IN_TRANSIT")
    shopify.add_order(1063, EMILY, "2026-11-20")
    shopify.add_order(10630, EMILY, "2026-11-19")
    shopify.add_order(2000, XIAOWEN, "2026-10-07", "DELIVERED")
    shopify.add_order(2001, XIAOWEN, "2026-11-21")
    for number, customer in ((2002, 9), (2003, 10)):
        shopify.add_order(number, customer, "2026-11-22", billingAddress={"phone": "+447700900119"})
    shopify.add_order(2004, 0, "2026-11-23")
    async with local_server(shopify.app(), shopify.faults) as server:
        yield Shop(shopify, server)
