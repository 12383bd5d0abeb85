"""What went wrong with a call, sorted by what is known: surely not sent, maybe sent, refused for good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bot.errors import MaybeSent, NotSent, Rejected, TransportError
from bot.simulator import Simulator
from bot.simulator.faults import Fault
from bot.telegram.client import TelegramClient
from tests.support.simulator import ANA, TOKEN

HELLO = {"chat_id": ANA.id, "text": "hello"}


@asynccontextmanager
async def connected(timeout_s: float = 15.0) -> AsyncIterator[tuple[Simulator, TelegramClient]]:
    """Give a simulator that Ana has written to, and a client of it."""
    simulator = Simulator(TOKEN, [ANA])
    simulator.person(ANA.id).send_text("hi")
    async with simulator.serve() as base_url, TelegramClient(TOKEN, base_url, timeout_s=timeout_s) as client:
        yield simulator, client


FAULTS: dict[str, tuple[Callable[[], Fault], type[TransportError]]] = {
    "429": (lambda: Fault.too_many(17), NotSent),
    "429 without a time": (lambda: Fault.error(429, "Too Many Requests"), NotSent),
    "401": (lambda: Fault.error(401, "Unauthorized"), NotSent),
    "404": (lambda: Fault.error(404, "Not Found"), NotSent),
    "409": (lambda: Fault.error(409, "Conflict: terminated by other getUpdates request"), NotSent),
    "413": (lambda: Fault.error(413, "Request Entity Too Large"), NotSent),
    "400": (lambda: Fault.error(400, "Bad Request: chat not found"), Rejected),
    "403": (lambda: Fault.error(403, "Forbidden: bot was blocked by the user"), Rejected),
    "500": (Fault.internal_error, MaybeSent),
    "502": (Fault.bad_gateway, MaybeSent),
    "503": (lambda: Fault.error(503, "Service Unavailable"), MaybeSent),
    "dropped": (Fault.drop, MaybeSent),
    "dropped afterwards": (lambda: Fault.drop(acts=True), MaybeSent),
    "garbled": (Fault.garbled, MaybeSent),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_failures_are_sorted(name: str) -> None:
    """Each failure becomes exactly one of the three, and never one that could lead to a second message."""
    fault, kind = FAULTS[name]
    async with connected() as (simulator, client):
        simulator.faults.next("sendMessage", fault())
        with pytest.raises(TransportError) as caught:
            await client.call("sendMessage", HELLO)
        assert type(caught.value) is kind
        assert TOKEN not in str(caught.value)
        if name == "429":
            assert isinstance(caught.value, NotSent)
            assert caught.value.retry_after_s == 17
        assert (await client.call("sendMessage", HELLO))["text"] == "hello"


async def test_a_server_that_never_answers() -> None:
    """No answer in time may mean anything."""
    async with connected(timeout_s=0.1) as (simulator, client):
        simulator.faults.next("sendMessage", Fault.hang())
        with pytest.raises(MaybeSent):
            await client.call("sendMessage", HELLO)


async def test_a_server_that_is_not_there(free_port: Callable[[], int]) -> None:
    """A refused connection surely carried nothing."""
    async with TelegramClient(TOKEN, f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(NotSent):
            await client.call("sendMessage", HELLO)


async def test_a_token_that_telegram_does_not_know() -> None:
    """It is named without being shown, and is tried again at leisure."""
    async with Simulator(TOKEN).serve() as base_url, TelegramClient("4242:wrong", base_url) as client:
        with pytest.raises(NotSent) as caught:
            await client.call("getMe")
        assert caught.value.retry_after_s == 60
        assert "4242:wrong" not in str(caught.value)


async def test_proxies_of_the_environment_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY would take even calls to this machine."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with connected() as (_, client):
        assert (await client.call("getMe"))["id"] == 4242


async def test_a_renewed_polling_leaves_sending_alone() -> None:
    """While polling gets new connections, a message on its way goes on, and both work afterwards."""
    async with connected() as (simulator, client):
        on_its_way = simulator.faults.next("sendMessage", Fault.hang())
        sending = asyncio.create_task(client.call("sendMessage", HELLO))
        await on_its_way.hit.wait()
        await client.renew()
        on_its_way.release.set()
        assert (await sending)["text"] == "hello"
        assert len(await client.call("getUpdates")) == 1


async def test_methods_that_the_library_does_not_know() -> None:
    """A method is called by its name, whatever the library's age, and what the server says is sorted all the same."""
    async with connected() as (_, client):
        with pytest.raises(NotSent):
            await client.call("sendTelepathy", {"thought": "x"})
