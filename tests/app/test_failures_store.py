"""The database is locked, full or read-only for a while: no update is lost, and every customer is answered after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from bot.orders.demo import DemoShop
from bot.simulator.faults import Fault
from tests.support.faulty_adapter import FaultyAdapter, slow
from tests.support.listening import logged
from tests.support.rows import connect, rows
from tests.support.worker import World, running


@asynccontextmanager
async def failing(world: World, folder: Path) -> AsyncIterator[None]:
    """Let every write of the bot fail at once: another process holds the database, and the writer has no patience."""
    await _pragma(world, "busy_timeout=1")
    with closing(connect(folder / "deskhand.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def _pragma(world: World, pragma: str) -> None:
    await world.app.store.database.write(lambda connection: connection.exec_driver_sql(f"PRAGMA {pragma}"))


def _count(folder: Path, table: str, state: str) -> int:
    ((count,),) = rows(folder / "deskhand.db", f"SELECT count(*) FROM {table} WHERE state = ?", state)
    return int(count)


async def test_locked_by_another_process(tmp_path: Path) -> None:
    """While somebody else holds the database nothing is acknowledged; when they let go, all is answered in order."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        await emily.asks("/start", "I am the assistant")
        with closing(connect(tmp_path / "deskhand.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            emily.phone.send_text("/help")
            await world.simulator.wait_call("getUpdates", lambda call: "/help" in str(call.result))
            emily.phone.send_text("/language")
            assert len(world.simulator.pending) == 2
            other.execute("ROLLBACK")
        await emily.hears("Which language")
        assert ["/human" in text for text in emily.heard()] == [False, True, False]


async def test_a_full_disk_loses_no_update(tmp_path: Path) -> None:
    """What does not fit any more stays with Telegram; with space again it is answered, once."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        await emily.asks("/start", "I am the assistant")
        await _pragma(world, "max_page_count=1")
        polls = len(world.simulator.calls)
        emily.phone.send_text("x" * 32_000)
        await world.simulator.wait_call("getUpdates", lambda call: bool(call.result), count=2, since=polls)
        assert len(world.simulator.pending) == 1
        after = emily.last_id()
        await _pragma(world, "max_page_count=1000000")
        await emily.hears("", after)
        await emily.asks("/help", "/human")
    assert _count(tmp_path, "inbox", "pending") == 0


async def test_a_turn_that_cannot_be_stored_is_finished_later_once(tmp_path: Path) -> None:
    """The shop has acted, the disk fails, and heals: the customer hears of it once, and the shop acted once."""
    entered, go = asyncio.Event(), asyncio.Event()
    adapter = FaultyAdapter(DemoShop.open(tmp_path / "shop.db"))
    async with running(tmp_path, adapter=adapter) as world:
        emily, number = world.customer("en"), world.orders("en", "pending")[0]
        await emily.asks(f"cancel {number}", "share your phone number")
        await emily.shares_contact("Shall I cancel")
        adapter.plan("cancel", slow(go, entered))
        emily.phone.press_label("Yes")
        await asyncio.wait_for(entered.wait(), 10)
        with logged("turn.store_failed") as failed:
            async with failing(world, tmp_path):
                go.set()
                await asyncio.wait_for(failed.wait(), 10)
        await emily.hears("is cancelled")
        await emily.asks("/help", "/human")
        assert sum("is cancelled" in text for text in emily.heard()) == 1
        (entry,) = await world.ledger(emily)
        assert entry["state"] == "done"
        assert (adapter.tries("cancel"), adapter.tries("outcome")) == (1, 1), "it is read back, not done again"
    assert rows(tmp_path / "shop.db", "SELECT order_number, result FROM writes") == [(number, "done")]


async def test_what_was_sent_is_marked_as_sent_when_the_disk_heals(tmp_path: Path) -> None:
    """A message that Telegram took while the disk failed does not become uncertain, and is not sent again."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        taken = world.simulator.faults.next("sendMessage", Fault.hang())
        emily.phone.send_text("/start")
        await taken.hit.wait()
        async with failing(world, tmp_path):
            taken.release.set()
            await emily.hears("I am the assistant")
        await emily.asks("/help", "/human")
        assert len(emily.heard()) == 2
    assert (_count(tmp_path, "outbox", "sent"), _count(tmp_path, "outbox", "sending")) == (2, 0)


async def test_a_refused_call_is_not_lost_when_the_disk_fails_as_well(tmp_path: Path) -> None:
    """Surely unsent and not to be written down at that moment: it is still sent once the disk heals."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        on_its_way = world.simulator.faults.next("sendMessage", Fault.hang())
        emily.phone.send_text("/start")
        await on_its_way.hit.wait()
        world.simulator.faults.next("sendMessage", Fault.too_many(1))
        emily.phone.send_text("/help")
        await world.admin.asks("/stats", "Figures")
        await world.app.worker.queues.idle()
        async with failing(world, tmp_path):
            on_its_way.release.set()
            await emily.hears("I am the assistant")
        await emily.hears("/human")
    assert (_count(tmp_path, "outbox", "uncertain"), _count(tmp_path, "outbox", "sending")) == (0, 0)


async def test_an_admins_answer_survives_a_failing_disk(tmp_path: Path) -> None:
    """An operator's words that could not be stored at first reach the customer when the disk heals."""
    async with running(tmp_path) as world:
        emily, admin = world.customer("en"), world.admin
        await emily.asks("I want to talk to a human", "passing this on")
        card = await admin.hears("needs a person")
        hung = world.simulator.faults.next("sendMessage", Fault.hang(), chat_id=emily.id)
        admin.phone.send_text("first", reply_to=card["message_id"])
        await hung.hit.wait()
        async with failing(world, tmp_path):
            admin.phone.send_text("second", reply_to=card["message_id"])
            await world.simulator.wait_call("getUpdates", lambda call: "second" in str(call.result))
            hung.release.set()
        await emily.hears("second")
        assert [text for text in emily.heard() if text in ("first", "second")] == ["first", "second"]
