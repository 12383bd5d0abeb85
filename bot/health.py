"""Is everything working? For /healthz, /readyz, /health and `deskhand check`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.domain.ports import HealthItem, LanguageModel
from bot.errors import DeskhandError
from bot.orders.desk import OrderDesk
from bot.store.operations import Operations

LIMIT_S = 3.0


@dataclass(frozen=True, slots=True)
class Health:
    """Looks at each part, all at once, each within a time limit."""

    operations: Operations
    desk: OrderDesk
    models: Sequence[LanguageModel]
    telegram: Callable[[], HealthItem]

    async def items(self) -> Sequence[HealthItem]:
        """Return what was found; only the database and Telegram are fatal."""
        looks = [
            _look("database", self._database, fatal=True),
            _look("orders", self._orders, fatal=False),
            *(_look(f"model {model.name}", model.problem, fatal=False) for model in self.models),
            _look("outbox", self._outbox, fatal=False),
        ]
        return [*await asyncio.gather(*looks), self.telegram()]

    async def _database(self) -> None:
        await self.operations.set_fact("health", f"{time.time():.0f}")

    async def _orders(self) -> None:
        await self.desk.ping()

    async def _outbox(self) -> str | None:
        counts = await self.operations.troubles()
        return ", ".join(f"{count} {state}" for state, count in counts.items()) or None


async def _look(name: str, look: Callable[[], Awaitable[str | None]], *, fatal: bool) -> HealthItem:
    try:
        async with asyncio.timeout(LIMIT_S):
            problem = await look()
    except TimeoutError:
        problem = f"no answer within {LIMIT_S:g} s"
    except DeskhandError as error:
        problem = str(error)
    return HealthItem(name, problem is None, problem or "", fatal)
