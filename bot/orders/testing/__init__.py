"""The contract of an order adapter as test classes, for pytest with pytest-asyncio in its mode `auto`.

    from bot.orders.testing import ContractShop, OrderAdapterContract

    class TestMyShop(OrderAdapterContract):
        @pytest.fixture
        def shop(self, tmp_path):
            return ContractShop(open=lambda: MyShop(tmp_path), customer_id="7", ...)

An adapter that talks over a network inherits `FaultContract` as well, and gives the shop a `FaultyTransport`: the fake
of its order system, which can be told to fail. Only tests import this package; it needs pytest.
"""

from __future__ import annotations

import pytest

# Before they are imported: a failing assertion in them then says what the values were.
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in ("shop", "reads", "writes", "outcomes", "faults")))

from bot.orders.testing.faults import FaultContract  # noqa: E402 (after the line above)
from bot.orders.testing.outcomes import OutcomeContract  # noqa: E402 (after the line above)
from bot.orders.testing.reads import ReadContract  # noqa: E402 (after the line above)
from bot.orders.testing.shop import (  # noqa: E402 (after the line above)
    ContractShop,
    Fault,
    FaultyTransport,
    Kind,
    scope_of,
)
from bot.orders.testing.writes import WriteContract  # noqa: E402 (after the line above)

__all__ = ["ContractShop", "Fault", "FaultContract", "FaultyTransport", "Kind", "OrderAdapterContract", "scope_of"]


class OrderAdapterContract(ReadContract, WriteContract, OutcomeContract):
    """What every order adapter must do."""
