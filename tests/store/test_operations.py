"""What admins see and do, the FAQ, and small facts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.domain.model import Author, Channel, FaqEntry, LedgerState, ThreadKey, ThreadStatus
from tests.support.store import Stores, call, proposal, update


async def test_threads_newest_first(store: Stores) -> None:
    """The threads that moved last come first, with when, and what was said last."""
    for address in ("1", "2", "3", "1"):
        store.clock.move(minutes=1)
        thread = await store.thread(address)
        await store.end(thread, said=((Author.CUSTOMER, f"from {address}"), (Author.BOT, f"to {address}")))
    found = await store.operations.threads(2)
    assert [(thread.key.address, words) for thread, _, words in found] == [("1", "to 1"), ("3", "to 3")]
    assert found[0][1] == store.clock.now()


async def test_a_silent_thread_is_listed_too(store: Stores) -> None:
    """A thread in which nothing was said yet has no last words."""
    thread = await store.thread()
    assert [(found.id, words) for found, _, words in await store.operations.threads(5)] == [(thread.id, "")]


async def test_finding_a_thread(store: Stores) -> None:
    """A thread is found by its id and by its address; one that was never seen is not."""
    thread = await store.thread("7")
    assert await store.operations.thread(thread.id) == thread
    assert await store.operations.thread_by_key(thread.key) == thread
    assert await store.operations.thread(thread.id + 1) is None
    assert await store.operations.thread_by_key(ThreadKey(Channel.REST, "7")) is None


async def test_messages_are_the_newest_oldest_first(store: Stores) -> None:
    """An admin sees a thread's last messages in order, those in the summary too."""
    thread = await store.thread()
    for number in range(5):
        await store.end(replace(thread, summary_upto=100), said=((Author.CUSTOMER, f"m{number}"),))
    found = await store.operations.messages(thread.id, 3)
    assert [message.text for message in found] == ["m2", "m3", "m4"]
    assert await store.operations.messages(thread.id + 1, 3) == []


async def test_an_operators_answer_is_one_commit(store: Stores) -> None:
    """The thread's new owner, the words, the call and the update's end are written together."""
    thread = await store.thread()
    inbox_id = await store.arrive()
    taken = replace(thread, status=ThreadStatus.OPEN)
    await store.operations.update_thread(taken, [call(7, "It is me")], [(Author.OPERATOR, "It is me")], inbox_id)
    assert await store.operations.thread(thread.id) == taken
    (said,) = await store.operations.messages(thread.id, 5)
    assert (said.author, said.text) == (Author.OPERATOR, "It is me")
    assert len(await store.outbox.take(5, ())) == 1
    assert await store.inbox.pending() == []


async def test_counts(store: Stores) -> None:
    """The figures count threads, ledger, outbox and inbox by state, and all messages."""
    thread, other = await store.thread("1"), await store.thread("2")
    await store.end(thread, said=((Author.CUSTOMER, "a"),), ledger=(proposal(thread, "k"),), calls=(call(1), call(2)))
    await store.end(replace(other, status=ThreadStatus.OPEN), ledger=(proposal(other, "l"),))
    await store.end(other, ledger=(proposal(other, "l", LedgerState.DECLINED),))
    (waiting,) = await store.inbox.commit([update("waiting")])
    await store.outbox.sent(1, 5)
    assert waiting.id
    assert await store.operations.counts() == {
        "threads.pending": 2,
        "ledger.proposed": 1,
        "ledger.declined": 1,
        "outbox.sent": 1,
        "outbox.waiting": 1,
        "inbox.done": 3,
        "inbox.pending": 1,
        "messages": 1,
    }


async def test_troubles_of_the_last_day(store: Stores) -> None:
    """Messages of the last day that may not have arrived are counted; older ones no longer."""
    await store.outbox.add([call(1), call(2)])
    await store.outbox.ended(1, "uncertain", "")
    assert await store.operations.troubles() == {"uncertain": 1}
    store.clock.move(days=1, seconds=1)
    assert await store.operations.troubles() == {}


async def test_facts(store: Stores) -> None:
    """A fact is remembered, replaced, and unknown until then, also when many set it at once."""
    assert await store.operations.get_fact("paused") is None
    await asyncio.gather(*(store.operations.set_fact("paused", str(number)) for number in range(20)))
    assert await store.operations.get_fact("paused") in {str(number) for number in range(20)}
    await store.operations.set_fact("paused", "true")
    assert await store.operations.get_fact("paused") == "true"
    assert await store.one("SELECT count(*) FROM facts") == 1


async def test_the_faq_is_replaced_whole(store: Stores) -> None:
    """New entries take the place of all old ones, in their order; nobody ever sees half of them."""
    old = [FaqEntry("en", (f"q{number}",), f"a{number}") for number in range(50)]
    await store.operations.replace(old)
    new = [FaqEntry("ar", ("كم؟", 'say "hi"\n'), "مرحبا")]

    async def look() -> set[int]:
        return {len(await store.operations.all()) for _ in range(20)}

    seen, _, seen_too = await asyncio.gather(look(), store.operations.replace(new), look())
    assert seen | seen_too <= {50, 1}
    assert [replace(entry, id=0) for entry in await store.operations.all()] == new
    await store.operations.replace([])
    assert await store.operations.all() == []


async def test_the_ledger_of_a_thread(store: Stores) -> None:
    """A thread's own entries, the newest first."""
    thread, other = await store.thread("1"), await store.thread("2")
    for key in ("a", "b"):
        store.clock.move(minutes=1)
        await store.end(thread, ledger=(proposal(thread, key),))
    await store.end(other, ledger=(proposal(other, "c"),))
    assert [(e.key, e.state) for e in await store.operations.ledger(thread.id)] == [
        ("b", LedgerState.PROPOSED),
        ("a", LedgerState.DECLINED),
    ]
