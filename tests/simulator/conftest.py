"""A running simulator, and clients for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from telegram import Bot

from bot.simulator import Simulator
from tests.support.simulator import ADMIN, ANA, TOKEN, WEI, Api, ptb_bot


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give the simulator's clock."""
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Simulator:
    """Give a simulator with three people."""
    return Simulator(TOKEN, [ANA, WEI, ADMIN], clock=clock, first_message_id=1, first_update_id=100)


@pytest.fixture
async def base(simulator: Simulator) -> AsyncIterator[str]:
    """Give the address of the running simulator."""
    async with simulator.serve() as address:
        yield address


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give an HTTP client."""
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
def api(base: str, session: aiohttp.ClientSession) -> Api:
    """Give a bare client of the Bot API."""
    return Api(session, base)


@pytest.fixture
async def ptb(base: str) -> AsyncIterator[Bot]:
    """Give python-telegram-bot's client."""
    async with ptb_bot(base) as bot:
        yield bot
