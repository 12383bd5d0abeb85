"""The inbox: everything once, in order, until it is done."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.model import Trace
from tests.support.store import Stores, update


async def waiting(store: Stores) -> list[str]:
    """Return the external ids of what was not finished."""
    return [item.external_id for item in await store.inbox.pending()]


async def test_what_came_before_is_left_out(store: Stores) -> None:
    """An update that comes again, in the same batch or a later one, is stored and handed on once."""
    first = await store.inbox.commit([update(1, "a"), update(2, "b"), update(1, "a again")])
    assert [(item.external_id, item.payload) for item in first] == [("1", "a"), ("2", "b")]
    assert [item.external_id for item in await store.inbox.commit([update(2), update(3)])] == ["3"]
    assert list(await store.inbox.commit([])) == []
    assert await waiting(store) == ["1", "2", "3"]


@pytest.mark.parametrize("other", [{"source": "rest"}, {"bot": "2"}])
async def test_the_same_id_from_elsewhere_is_another_update(store: Stores, other: dict[str, str]) -> None:
    """Update ids count per source and per bot: another bot's update 1 is not this bot's."""
    await store.inbox.commit([update(1)])
    assert len(await store.inbox.commit([update(1, **other)])) == 1


async def test_at_once_still_once(store: Stores) -> None:
    """The same update brought by many at the same time, as a webhook may, is handed on to exactly one of them."""
    brought = await asyncio.gather(*(store.inbox.commit([update(n % 10)]) for n in range(100)))
    assert sorted(item.external_id for items in brought for item in items) == sorted(str(n) for n in range(10))


async def test_an_update_finished_long_ago_still_counts_as_seen(store: Stores) -> None:
    """Telegram repeats what it was not told was taken: done or quarantined, it is not done again."""
    done, poison = await store.inbox.commit([update(1), update(2)])
    await store.inbox.done(done.id)
    await store.inbox.failed(poison.id, "ValueError: nonsense", quarantine=True)
    assert list(await store.inbox.commit([update(1), update(2)])) == []


async def test_pending_is_in_order_of_arrival(store: Stores) -> None:
    """What was not finished comes back in the order in which it arrived, whatever its ids are."""
    numbers = [900, 5, 77, 1, 900_000]
    for number in numbers:
        await store.inbox.commit([update(number)])
    items = await store.inbox.pending()
    await store.inbox.done(items[2].id)
    assert await waiting(store) == ["900", "5", "1", "900000"]


async def test_failed_tries_are_counted(store: Stores) -> None:
    """A failed try is remembered with its error, and the update waits for the next; quarantined it waits no more."""
    (item,) = await store.inbox.commit([update(1, "payload")])
    await store.inbox.failed(item.id, "KeyError: " + "x" * 1000, quarantine=False)
    (again,) = await store.inbox.pending()
    assert (again.attempts, again.payload) == (1, "payload")
    await store.inbox.failed(item.id, "KeyError: y", quarantine=True)
    assert await waiting(store) == []
    assert await store.sql("SELECT state, attempts, error, payload FROM inbox") == [
        ("quarantined", 2, "KeyError: y", "payload")
    ]


async def test_any_text_is_kept_as_it_came(store: Stores) -> None:
    """NUL, emoji and right-to-left text survive the way through the inbox unchanged."""
    payload = '{"text": "\\u0000 \U0001f9a6 שלום \\ud800"}' + "\x00" + "x" * 100_000
    await store.inbox.commit([update(1, payload)])
    (item,) = await store.inbox.pending()
    assert item.payload == payload


async def test_old_ids_may_come_again(store: Stores) -> None:
    """After three days a finished update is forgotten, so that Telegram's renewed ids are new messages; not before."""
    finished, unfinished, poison = await store.inbox.commit([update(1), update(2), update(3)])
    await store.inbox.done(finished.id)
    await store.inbox.failed(poison.id, "bad", quarantine=True)
    store.clock.move(days=3)
    await store.inbox.purge()
    assert list(await store.inbox.commit([update(1)])) == []
    store.clock.move(seconds=1)
    await store.inbox.purge()
    assert len(await store.inbox.commit([update(1, "a new message")])) == 1
    assert await store.sql("SELECT external_id, state FROM inbox ORDER BY id") == [
        ("2", "pending"),
        ("3", "quarantined"),
        ("1", "pending"),
    ]
    assert unfinished.id in {item.id for item in await store.inbox.pending()}


async def test_purge_forgets_traces_and_keeps_messages(store: Stores) -> None:
    """How a turn went is forgotten after a month; what was said stays."""
    from bot.domain.model import Author

    thread = await store.thread()
    await store.end(thread, said=((Author.CUSTOMER, "hello"),), trace=Trace(tier="rules"))
    store.clock.move(days=30)
    await store.inbox.purge()
    assert await store.one("SELECT count(*) FROM turns") == 1
    store.clock.move(seconds=1)
    await store.inbox.purge()
    assert await store.one("SELECT count(*) FROM turns") == 0
    assert await store.one("SELECT text FROM messages") == "hello"
