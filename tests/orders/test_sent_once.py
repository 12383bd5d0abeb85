"""A change whose connection breaks is not sent a second time."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import OrderSystemTimeout
from bot.orders.web_calls import WebCalls


async def test_a_change_is_sent_once() -> None:
    """A server that takes a PUT and hangs up has seen it once, and the caller hears that it may have acted."""
    seen: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    calls = WebCalls("shop", f"http://127.0.0.1:{port}", headers={}, timeout_s=5)
    with pytest.raises(OrderSystemTimeout, match="it may have acted"):
        await calls.send("PUT", "/orders/1", changes=True, body={"status": "cancelled"})
    await calls.close()
    server.close()
    assert len(seen) == 1
