from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.model import OrderStatus
from bot.orders.demo import DemoShop
from tests.support.demo_orders import TODAY, orders_of
from tests.support.order_contract import ContractShop, OrderAdapterContract


def newest(customer_id: str, status: OrderStatus) -> str:
    """Return the number of a customer's newest order in this state."""
    return next(order.number for order in orders_of(customer_id) if order.status is status)


class TestDemoShop(OrderAdapterContract):
    @pytest.fixture
    def shop(self, tmp_path: Path) -> ContractShop:
        return ContractShop(
            open=lambda: DemoShop(tmp_path / "shop.db", today=TODAY),
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
