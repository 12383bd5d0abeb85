"""Asks whether all is well, once at a time and never for long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.domain.ports import HealthItem

log = logging.getLogger(__name__)


class Probe:
    """Shares one round of checks among all who ask meanwhile: a check writes to the disk, and anyone may ask."""

    def __init__(self, health: Callable[[], Awaitable[Sequence[HealthItem]]], limit_s: float) -> None:
        self._health = health
        self._limit_s = limit_s
        self._round: asyncio.Task[Sequence[HealthItem]] | None = None

    async def items(self) -> Sequence[HealthItem]:
        """Return what the checks say; one failed item of their own when they fail or take longer than the limit."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._ask(), name="web.health")
        done, _ = await asyncio.wait({self._round}, timeout=self._limit_s)
        if not done:
            return (HealthItem("health", ok=False, detail=f"the checks did not end within {self._limit_s:g} s"),)
        return self._round.result()

    async def close(self) -> None:
        """Stop a round that hangs."""
        if self._round is not None and not self._round.done():
            self._round.cancel()
            await asyncio.wait({self._round})

    async def _ask(self) -> Sequence[HealthItem]:
        try:
            return await self._health()
        except Exception as error:  # noqa: BLE001 # The edge of a task: a check that breaks is itself a finding.
            log.error("web.health_failed", extra={"error": type(error).__name__})
            return (HealthItem("health", ok=False, detail=f"the checks failed: {type(error).__name__}"),)
