from __future__ import annotations

from pathlib import Path

import pytest

from bot.orders.testing import ContractShop, OrderAdapterContract
from tests.support.csv_exports import PLAIN, open_shop, write_export


class TestCsvShop(OrderAdapterContract):
    @pytest.fixture
    def shop(self, tmp_path: Path) -> ContractShop:
        write_export(tmp_path / "exports", "orders.csv", PLAIN)
        return ContractShop(
            open=lambda: open_shop(tmp_path),
            customer_id="email:ana@example.com",
            name="Ana Ruiz",
            phone="+34600111222",
            email="ana@example.com",
            pending="SH-1003",
            delivered="SH-1001",
            shipped="SH-1002",
            stranger_id="email:bo@example.com",
            strangers_email="bo@example.com",
            strangers_pending="SH-2001",
            strangers_delivered="SH-2002",
            shared_phone="+447700900119",
            tells_refund=False,
            acts_at_once=False,
        )
