"""The worker: every update to its end, whatever happens in between; nothing lost, nothing blocking the line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.conversation.draft import Listener
from bot.conversation.worker import Worker
from bot.domain.journal import InboxItem, TurnRecord
from bot.domain.model import Author, Incoming, ThreadKey
from bot.errors import StoreBusy
from bot.telegram.post import TelegramPost
from tests.support.attentive import Attentive
from tests.support.replies_said import REPLIES
from tests.support.store import Stores, text, update

ADMIN = 900


@dataclass
class ScriptedTurn:
    """A turn that fails as it was told, and then says hello and closes, on the real store."""

    store: Stores
    fails: list[BaseException] = field(default_factory=list)
    gate: asyncio.Event | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)
    ran: list[int] = field(default_factory=list)

    async def run(self, incoming: Incoming, inbox_id: int, listener: Listener) -> TurnRecord:
        """Fail or close."""
        self.ran.append(inbox_id)
        self.started.set()
        if self.gate:
            await self.gate.wait()
        if self.fails:
            raise self.fails.pop(0)
        opened = await self.store.threads.open(incoming)
        listener.stage("open", 0.5)
        record = TurnRecord(inbox_id, opened.thread, said=((Author.CUSTOMER, incoming.text),))
        await self.store.threads.close(record)
        return record

    def best_language(self, hint: str | None) -> str:
        """Speak whatever is hinted at."""
        return hint or "en"


@dataclass
class Bench:
    """A worker on a real store."""

    store: Stores
    turn: ScriptedTurn
    monitor: Attentive = field(default_factory=Attentive)
    busy: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build it."""

        def show(key: ThreadKey) -> Callable[[], None]:
            self.busy.append(f"{key} on")
            return lambda: self.busy.append(f"{key} off")

        self.worker = Worker(
            self.turn,  # type: ignore[arg-type]
            self.store.inbox,
            TelegramPost((ADMIN,)),
            REPLIES,
            self.monitor,
            self.store.outbox.add,
            show,
        )

    async def arrive(self, number: int = 1) -> InboxItem:
        """Commit an update."""
        (item,) = await self.store.inbox.commit([update(number)])
        return item

    async def idle(self) -> None:
        """Wait until all queues are empty."""
        async with asyncio.timeout(30):
            await self.worker.queues.idle()

    async def states(self) -> list[tuple[Any, ...]]:
        """Return state and attempts of every update."""
        return [tuple(row) for row in await self.store.sql("SELECT state, attempts FROM inbox ORDER BY id")]

    async def outgoing(self) -> dict[int, str]:
        """Return what waits to be sent, by chat."""
        return {item.call.chat_id: item.call.params["text"] for item in await self.store.outbox.take(16, ())}


@pytest.fixture
def bench(store: Stores) -> Bench:
    """Return a worker whose turns succeed."""
    return Bench(store, ScriptedTurn(store))


async def test_a_turn_to_its_end(bench: Bench) -> None:
    """A submitted update runs, its future holds the record, and the customer saw that work was under way."""
    item = await bench.arrive()
    stages: list[tuple[str, float]] = []
    record = await bench.worker.submit(
        item, text(words="hi"), Listener(lambda stage, seconds: stages.append((stage, seconds)))
    )
    assert record.inbox_id == item.id
    assert await bench.states() == [("done", 0)]
    assert stages == [("open", 0.5)]
    await bench.idle()
    assert bench.busy == ["telegram:7 on", "telegram:7 off"]
    assert bench.monitor.depths[0] == ("turns", 1)


async def test_a_threads_turns_in_order(bench: Bench) -> None:
    """Updates of one thread are worked off in the order in which they were submitted."""
    items = [await bench.arrive(number) for number in range(10)]
    for number, item in enumerate(items):
        bench.worker.submit(item, text(words=f"m{number}"))
    await bench.idle()
    opened = await bench.store.threads.open(text())
    assert [message.text for message in opened.history] == [f"m{number}" for number in range(10)]


async def test_the_database_is_waited_for(bench: Bench) -> None:
    """A locked or full database costs no try: the turn waits, and then runs as if nothing had been."""
    bench.turn.fails = [StoreBusy()]
    item = await bench.arrive()
    await bench.worker.submit(item, text())
    assert bench.turn.ran == [item.id, item.id]
    assert await bench.states() == [("done", 0)]
    assert bench.monitor.events == []


async def test_another_error_is_tried_again(bench: Bench) -> None:
    """A turn that fails twice for another reason succeeds at the third try, and the customer never learns of it."""
    bench.turn.fails = [LookupError("a"), ValueError("b")]
    item = await bench.arrive()
    await bench.worker.submit(item, text())
    assert await bench.states() == [("done", 2)]
    assert await bench.outgoing() == {}


async def test_after_three_tries_it_is_put_aside(bench: Bench) -> None:
    """A poison update is quarantined; the customer gets an apology in their language, the admins a note, no details."""
    bench.turn.fails = [LookupError("secret words")] * 3
    item = await bench.arrive()
    with pytest.raises(LookupError):
        await bench.worker.submit(item, text("7", language_hint="es"))
    await bench.idle()
    assert await bench.states() == [("quarantined", 3)]
    said = await bench.outgoing()
    assert said[7] == REPLIES.error("es") != REPLIES.error("en")
    assert f"inbox {item.id}" in said[ADMIN]
    assert "secret" not in "".join(said.values())
    assert bench.monitor.events == ["quarantined"]
    assert bench.busy[-1] == "telegram:7 off"


async def test_the_line_goes_on_behind_a_poison_update(bench: Bench) -> None:
    """The message after one that was put aside is answered."""
    bench.turn.fails = [LookupError()] * 3
    poison, good = await bench.arrive(1), await bench.arrive(2)
    bench.worker.submit(poison, text())
    record = await bench.worker.submit(good, text(words="still there?"))
    assert record.inbox_id == good.id
    assert await bench.states() == [("quarantined", 3), ("done", 0)]


async def test_tries_of_an_earlier_life_count(bench: Bench) -> None:
    """An update that failed twice before the worker was restarted has one try left, so that none kills it for ever."""
    item = await bench.arrive()
    for _ in range(2):
        await bench.store.inbox.failed(item.id, "crash", quarantine=False)
    (resumed,) = await bench.store.inbox.pending()
    bench.turn.fails = [LookupError()]
    with pytest.raises(LookupError):
        await bench.worker.submit(resumed, text())
    await bench.idle()
    assert await bench.states() == [("quarantined", 3)]


async def test_a_mistake_in_what_is_kept_is_put_aside_too(bench: Bench) -> None:
    """An outcome that breaks a rule of the schema is tried three times and not for ever."""

    class Twice(ScriptedTurn):
        async def run(self, incoming: Incoming, inbox_id: int, listener: Listener) -> TurnRecord:
            await bench.store.database.write(
                lambda c: [c.exec_driver_sql("INSERT INTO facts VALUES ('same', '')") for _ in range(2)]
            )
            raise AssertionError

    bench = Bench(bench.store, Twice(bench.store))
    with pytest.raises(Exception, match="UNIQUE"):
        await bench.worker.submit(await bench.arrive(), text())
    await bench.idle()
    assert await bench.states() == [("quarantined", 3)]


async def test_cut_off_is_not_done(bench: Bench) -> None:
    """A turn that parking cuts off leaves its update waiting, untouched, for the next start."""
    bench.turn.gate = asyncio.Event()
    running, waiting = await bench.arrive(1), await bench.arrive(2)
    done = [bench.worker.submit(item, text()) for item in (running, waiting)]
    await bench.turn.started.wait()
    await bench.worker.queues.park(grace_s=0.01)
    assert [item.id for item in await bench.store.inbox.pending()] == [running.id, waiting.id]
    assert await bench.states() == [("pending", 0), ("pending", 0)]
    assert done[0].cancelled()
    assert bench.turn.ran == [running.id]
    assert bench.busy == ["telegram:7 on", "telegram:7 off"]


async def test_cut_off_while_it_waits_for_the_database(bench: Bench) -> None:
    """A turn that waits for a full disk does not hold up the end of the worker."""
    bench.turn.fails = [StoreBusy()] * 100
    bench.worker.submit(await bench.arrive(), text())
    await bench.turn.started.wait()
    await bench.worker.queues.park(grace_s=0.01)
    assert await bench.states() == [("pending", 0)]


async def test_a_caller_who_goes_away(bench: Bench) -> None:
    """When whoever waits for a turn is gone, the turn still finishes."""
    bench.turn.gate = asyncio.Event()
    done = bench.worker.submit(await bench.arrive(), text())
    await bench.turn.started.wait()
    done.cancel()
    bench.turn.gate.set()
    await bench.idle()
    assert await bench.states() == [("done", 0)]


async def test_after_parking_nothing_is_taken(bench: Bench) -> None:
    """What arrives while the worker ends is refused at once, and waits in the inbox."""
    await bench.worker.queues.park(grace_s=1)
    done = bench.worker.submit(await bench.arrive(), text())
    assert done.cancelled()
    assert await bench.states() == [("pending", 0)]


# --- other jobs ---


def scripted(*fails: Exception) -> tuple[Callable[[], Awaitable[None]], list[int]]:
    """Return a job that fails so, and how often it ran."""
    ran: list[int] = []
    left = list(fails)

    async def job() -> None:
        ran.append(1)
        if left:
            raise left.pop(0)

    return job, ran


async def test_a_job_is_done_once_it_ran(bench: Bench) -> None:
    """An admin's command is marked as done behind the job, also when the database had to be waited for."""
    job, ran = scripted(StoreBusy())
    bench.worker.submit_job(("admin", ADMIN), await bench.arrive(), job)
    await bench.idle()
    assert (len(ran), await bench.states()) == (2, [("done", 0)])


async def test_a_failing_job_is_put_aside(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A job that fails three times is quarantined, and the next one of the same admin runs."""
    broken, ran = scripted(*[LookupError()] * 9)
    fine, ran_too = scripted()
    bench.worker.submit_job(("admin", ADMIN), await bench.arrive(1), broken)
    bench.worker.submit_job(("admin", ADMIN), await bench.arrive(2), fine)
    await bench.idle()
    assert (len(ran), len(ran_too)) == (3, 1)
    assert await bench.states() == [("quarantined", 3), ("done", 0)]
    assert "inbox.quarantined" in [record.message for record in caplog.records]


async def test_an_unreadable_update(bench: Bench) -> None:
    """An update that cannot even be read is put aside at once, without an apology to nobody."""
    bench.worker.put_aside(await bench.arrive(), ValueError("not an update"))
    await bench.idle()
    assert await bench.states() == [("quarantined", 1)]
    assert await bench.outgoing() == {}
