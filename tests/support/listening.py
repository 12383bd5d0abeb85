"""Waiting for what the bot says in its log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def logged(*names: str) -> Iterator[asyncio.Event]:
    """Give what is set when the bot logs one of these events."""
    event, bot = asyncio.Event(), logging.getLogger("bot")

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() in names:
                event.set()

    listener = Listener()
    bot.addHandler(listener)
    try:
        yield event
    finally:
        bot.removeHandler(listener)
