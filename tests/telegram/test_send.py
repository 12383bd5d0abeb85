"""The sender: it always ends when it is told to, and nothing that was not sent is called uncertain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.domain.journal import OutboxCall
from bot.simulator import Simulator
from bot.simulator.faults import Fault
from bot.tasks import Tasks
from bot.telegram.client import TelegramClient
from bot.telegram.send import Sender
from bot.web.metrics import PrometheusMonitor
from tests.support.listening import logged
from tests.support.simulator import ANA, TOKEN, WEI
from tests.support.store import Stores
from tests.support.worker import unhurried

HELLO = OutboxCall(ANA.id, "sendMessage", {"chat_id": ANA.id, "text": "hello"})


@asynccontextmanager
async def sending(store: Stores) -> AsyncIterator[tuple[Simulator, Sender, Tasks]]:
    """Run a sender; what it sends arrives in a simulator that Ana and Wei have written to."""
    simulator = Simulator(TOKEN, [ANA, WEI])
    for person in (ANA, WEI):
        simulator.person(person.id).send_text("hi")
    async with simulator.serve() as base_url, TelegramClient(TOKEN, base_url) as client:
        sender, tasks = Sender(client, store.outbox, store.clock, PrometheusMonitor(), unhurried()), Tasks()
        tasks.start("sender", sender.run)
        yield simulator, sender, tasks
        await tasks.stop_all()


async def _states(store: Stores) -> list[str]:
    rows = await store.database.read(lambda c: c.exec_driver_sql("SELECT state FROM outbox ORDER BY id").fetchall())
    return [str(state) for (state,) in rows]


@pytest.mark.parametrize("steps", range(8))
async def test_it_ends_however_the_bell_rings(store: Stores, steps: int) -> None:
    """A stop that comes together with the bell is not swallowed, at whatever step of the loop the two meet."""
    async with sending(store) as (_, sender, tasks):
        while not sender._wake._waiters:  # type: ignore[attr-defined]
            await _states(store)
        sender.wake()
        for _ in range(steps):
            await asyncio.sleep(0)
        await asyncio.wait_for(tasks.stop("sender"), 5)


@pytest.mark.parametrize("steps", range(0, 60, 5))
async def test_drained_at_any_moment_nothing_is_uncertain(store: Stores, steps: int) -> None:
    """Told to stop at any step between taking a call and sending it, the sender still sends it."""
    async with sending(store) as (simulator, sender, _):
        await store.outbox.add([HELLO])
        sender.wake()
        for _ in range(steps):
            await asyncio.sleep(0)
        await sender.drain(5.0)
        assert [m["text"] for m in simulator.messages(ANA.id) if m["from"]["is_bot"]] == ["hello"]
    assert await _states(store) == ["sent"]


async def test_a_drain_leaves_what_hangs(store: Stores) -> None:
    """A call that gets no answer does not hold up the stop; it stays to be told as uncertain at the next start."""
    async with sending(store) as (simulator, sender, _):
        hung = simulator.faults.next("sendMessage", Fault.hang())
        await store.outbox.add([HELLO])
        sender.wake()
        await hung.hit.wait()
        await asyncio.wait_for(sender.drain(0.05), 5)
    assert await _states(store) == ["sending"]
    assert await store.outbox.recover() == 1
    assert await _states(store) == ["uncertain"]


async def test_one_chat_waits_and_the_others_do_not(store: Stores) -> None:
    """While a message to one hangs, the next one to the same chat waits behind it, and everybody else is served."""
    async with sending(store) as (simulator, sender, _):
        hung = simulator.faults.next("sendMessage", Fault.hang(), chat_id=ANA.id)
        second = OutboxCall(ANA.id, "sendMessage", {"chat_id": ANA.id, "text": "second"})
        await store.outbox.add([HELLO, second, OutboxCall(WEI.id, "sendMessage", {"chat_id": WEI.id, "text": "x"})])
        sender.wake()
        await hung.hit.wait()
        await simulator.wait_message(WEI.id, "x")
        assert not any(m["from"]["is_bot"] for m in simulator.messages(ANA.id))
        hung.release.set()
        await simulator.wait_message(ANA.id, "second")
        assert [m["text"] for m in simulator.messages(ANA.id)][-2:] == ["hello", "second"]


async def test_a_call_that_breaks_in_the_library_ends(store: Stores) -> None:
    """A call that no library can make does not stay under way for ever, and the next one is made."""
    odd = OutboxCall(ANA.id, "sendMessage", {"chat_id": ANA.id, "text": "\ud800"})
    async with sending(store) as (simulator, sender, _):
        await store.outbox.add([odd, HELLO])
        sender.wake()
        await simulator.wait_message(ANA.id, "hello")
        await sender.drain(5.0)
    states = await _states(store)
    assert states[1] == "sent"
    assert states[0] in ("uncertain", "failed", "sent")


async def test_an_edit_may_be_repeated(store: Stores) -> None:
    """What does no harm twice is tried again even when its outcome is unknown."""
    async with sending(store) as (simulator, sender, _):
        message = simulator.person(ANA.id)._world.post(simulator.world.chat(ANA.id), simulator.bot, {"text": "?"})
        edit = {"chat_id": ANA.id, "message_id": message.id, "text": "done"}
        simulator.faults.next("editMessageText", Fault.drop())
        await store.outbox.add([OutboxCall(ANA.id, "editMessageText", edit)])
        with logged("send.again") as put_back:
            sender.wake()
            await asyncio.wait_for(put_back.wait(), 10)
        store.clock.move(seconds=10)
        sender.wake()
        await simulator.wait_message(ANA.id, "done")
        await sender.drain(5.0)
    assert await _states(store) == ["sent"]
