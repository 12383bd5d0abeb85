from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.model import OrderStatus
from bot.orders.demo import DemoShop
from bot.orders.testing import ContractShop, OrderAdapterContract
from tests.support.demo_orders import TODAY, orders_of


def newest(customer_id: str, status: OrderStatus) -> str:
    """Return the number of a customer's newest order in this state."""
    return next(order.number for order in orders_of(customer_id) if order.status is status)


def contract_shop(path: Path) -> ContractShop:
    """Return what the contract must know about a demo shop in this file."""
    return ContractShop(
        open=lambda: DemoShop(path, today=TODAY),
        customer_id="cust-01",
        name="Emily Carter",
        phone="+12025550142",
        email="emily.carter@example.com",
        pending=newest("cust-01", OrderStatus.PENDING),
        delivered=newest("cust-01", OrderStatus.DELIVERED),
        shipped=newest("cust-01", OrderStatus.SHIPPED),
        stranger_id="cust-02",
        strangers_email="xiaowen.wang@example.com",
        strangers_pending=newest("cust-02", OrderStatus.PENDING),
        strangers_delivered=newest("cust-02", OrderStatus.DELIVERED),
        shared_phone="+447700900119",
    )


class TestDemoShop(OrderAdapterContract):
    @pytest.fixture
    def shop(self, tmp_path: Path) -> ContractShop:
        return contract_shop(tmp_path / "shop.db")
