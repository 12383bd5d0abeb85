"""The outbox: one line per chat, in order, each call ending exactly one way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.journal import OutboxCall, OutboxItem
from bot.domain.model import Thread, ThreadStatus
from tests.support.store import Stores, call


def words(items: object) -> list[str]:
    """Return what the items say."""
    return [item.call.params["text"] for item in items]  # type: ignore[attr-defined]


async def taken(store: Stores, limit: int = 16, busy: tuple[int, ...] = ()) -> list[OutboxItem]:
    """Take, and commit that it is being sent."""
    items = list(await store.outbox.take(limit, busy))
    await store.outbox.sending([item.id for item in items])
    return items


async def test_the_oldest_of_each_chat(store: Stores) -> None:
    """Each chat gets its calls one after the other, in order, and chats do not wait for each other."""
    await store.outbox.add([call(1, "1a"), call(1, "1b"), call(2, "2a"), call(3, "3a"), call(2, "2b")])
    assert words(await taken(store)) == ["1a", "2a", "3a"]
    assert words(await taken(store)) == ["1b", "2b"]
    assert await taken(store) == []


async def test_nothing_to_add_is_fine(store: Stores) -> None:
    """Adding no calls adds none, and taking from an empty outbox gives none."""
    await store.outbox.add([])
    assert await taken(store) == []


async def test_busy_chats_are_left_out(store: Stores) -> None:
    """While a call to a chat is on its way, the next one to the same chat waits."""
    await store.outbox.add([call(1, "1a"), call(1, "1b"), call(2, "2a")])
    assert words(await taken(store, busy=(1,))) == ["2a"]
    assert words(await taken(store)) == ["1a"]


async def test_the_limit_takes_the_oldest(store: Stores) -> None:
    """With room for few, the chats that have waited longest come first."""
    await store.outbox.add([call(chat, f"{chat}") for chat in (9, 4, 7, 1)])
    assert words(await taken(store, limit=2)) == ["9", "4"]


async def test_put_back_holds_its_chat_and_no_other(store: Stores) -> None:
    """A call that is to be tried later goes first in its chat then, and until then the chat's others wait behind it."""
    await store.outbox.add([call(1, "1a"), call(1, "1b")])
    (item,) = await taken(store)
    later = store.clock.now() + timedelta(seconds=10)
    await store.outbox.again(item.id, later, "flood")
    await store.outbox.add([call(2, "2a")])
    assert words(await taken(store)) == ["2a"]
    assert await store.outbox.next_due() == later
    store.clock.move(seconds=10)
    (again,) = await taken(store)
    assert (again.call.params["text"], again.attempts) == ("1a", 1)
    assert words(await taken(store)) == ["1b"]


async def test_calls_to_no_chat_do_not_wait_for_each_other(store: Stores) -> None:
    """Answers to button presses of different people: one that is put back does not hold up the rest."""
    await store.outbox.add([OutboxCall(0, "answerCallbackQuery", {"text": str(n)}) for n in range(3)])
    first, *rest = [item for _ in range(3) for item in await taken(store)]
    assert words([first, *rest]) == ["0", "1", "2"]
    await store.outbox.again(first.id, store.clock.now() + timedelta(seconds=10), "unreachable")
    await store.outbox.add([OutboxCall(0, "answerCallbackQuery", {"text": "3"})])
    assert words(await taken(store)) == ["3"]
    store.clock.move(seconds=10)
    assert [item.id for item in await taken(store)] == [first.id]


async def test_ends(store: Stores) -> None:
    """Sent, failed, dropped and uncertain calls are never taken again, and each says how it ended."""
    await store.outbox.add([call(chat) for chat in range(1, 5)])
    sent, failed, dropped, uncertain = await taken(store)
    await store.outbox.sent(sent.id, 501)
    for item, state in ((failed, "failed"), (dropped, "dropped"), (uncertain, "uncertain")):
        await store.outbox.ended(item.id, state, f"it was {state}")
    assert await taken(store) == []
    assert await store.outbox.recover() == 0
    found = await store.sql("SELECT state, error, message_id, ended_at IS NOT NULL, attempts FROM outbox ORDER BY id")
    assert found == [
        ("sent", "", 501, 1, 1),
        ("failed", "it was failed", None, 1, 1),
        ("dropped", "it was dropped", None, 1, 1),
        ("uncertain", "it was uncertain", None, 1, 1),
    ]


async def test_recover_sorts_out_what_was_on_its_way(store: Stores) -> None:
    """After a crash a message that was being sent is uncertain, and what may be repeated waits again, like the rest."""
    repeatable = [
        OutboxCall(2, "editMessageReplyMarkup", {"text": "edit"}),
        OutboxCall(0, "answerCallbackQuery", {"text": "toast"}),
    ]
    await store.outbox.add([call(1, "sending"), *repeatable, call(1, "waiting")])
    assert sorted(words(await taken(store))) == ["edit", "sending", "toast"]
    assert await store.outbox.recover() == 1
    assert await store.one("SELECT state FROM outbox WHERE params LIKE '%sending%'") == "uncertain"
    assert sorted(words(await taken(store))) == ["edit", "toast", "waiting"]


async def test_a_copy_of_a_picture_is_not_repeated(store: Stores) -> None:
    """Whatever makes a new message in a chat is uncertain after a crash, and not sent twice."""
    await store.outbox.add([OutboxCall(1, "copyMessage", {}), OutboxCall(2, "sendPhoto", {})])
    await taken(store)
    assert await store.outbox.recover() == 2
    assert await taken(store) == []


async def test_the_thread_of_an_admins_message(store: Stores) -> None:
    """A message in an admin's chat leads to its thread, by chat and message id together."""
    thread = await store.thread()
    await store.outbox.add([call(900, thread_id=thread.id), call(901, thread_id=thread.id), call(902)])
    for item, message_id in zip(await taken(store), (11, 12, 13), strict=True):
        await store.outbox.sent(item.id, message_id)
    assert await store.outbox.thread_of(900, 11) == thread.id
    assert await store.outbox.thread_of(901, 12) == thread.id
    assert await store.outbox.thread_of(901, 11) is None
    assert await store.outbox.thread_of(902, 13) is None


@pytest.mark.parametrize(("status", "silenced"), [(ThreadStatus.OPEN, True), (ThreadStatus.PENDING, False)])
async def test_a_taken_call_tells_who_owns_its_thread(store: Stores, status: ThreadStatus, silenced: bool) -> None:
    """Whether a person has taken the thread over is looked up when the call is taken, not when it was written."""
    thread: Thread = await store.thread()
    await store.outbox.add([call(7, voice=True, thread_id=thread.id)])
    await store.end(replace(thread, status=status))
    (item,) = await taken(store)
    assert (item.call.voice, item.open_thread) == (True, silenced)


async def test_a_call_keeps_all_it_has(store: Stores) -> None:
    """Parameters come back as they were: nested, in any script, numbers as numbers."""
    given = call(-100123, "“¿Ñ?” \U0001f468\u200d\U0001f469 שלום", voice=True)
    given = replace(given, params={**given.params, "reply_markup": {"inline_keyboard": [[{"text": "✅", "n": 1}]]}})
    await store.outbox.add([given])
    (item,) = await taken(store)
    assert item.call == given
