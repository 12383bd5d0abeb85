"""The turn's memory: threads made once, a turn's whole outcome in one commit, verification tries, what runs out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from bot.domain.actions import Action, ActionKind
from bot.domain.journal import OutboxCall, TryLimits, TurnRecord
from bot.domain.model import (
    Author,
    Channel,
    Dialogue,
    Message,
    MessageRef,
    Passed,
    Proof,
    ProofKind,
    Reason,
    ReturnLine,
    Thread,
    ThreadKey,
    ThreadStatus,
    Trace,
    Waiting,
    Wish,
)
from bot.store.threads import HISTORY
from tests.support.scopes import scope_of
from tests.support.store import NOON, Stores, button, call, offer, proposal, stores, text

LIMITS = TryLimits(per_thread=3, per_order=4)
WISH = Wish(
    (ReturnLine("ä", 2), ReturnLine("2", 0)),
    True,
    Reason.OTHER,
    "The zip “sticks”",
    MessageRef(7, 9),
    frozenset({Waiting.PHOTO}),
)
TABLES = ("messages", "outbox", "buttons", "ledger", "turns")


async def counts(store: Stores) -> dict[str, int]:
    """Return how many rows each table holds that a turn adds to."""
    return {table: await store.one(f"SELECT count(*) FROM {table}") for table in TABLES}


async def test_a_thread_is_made_once(store: Stores) -> None:
    """Many first messages at the same moment make one thread, and all of them get it."""
    opened = await asyncio.gather(*(store.threads.open(text("7", name=f"Ana {n}")) for n in range(50)))
    assert {one.thread.id for one in opened} == {1}
    assert await store.one("SELECT count(*) FROM threads") == 1


async def test_addresses_do_not_meet(store: Stores) -> None:
    """The same address on another channel, and another address, are other threads with memories of their own."""
    here = await store.thread("7")
    await store.end(here, said=((Author.CUSTOMER, "mine"),))
    elsewhere = replace(text("7"), key=ThreadKey(Channel.REST, "7"))
    for incoming in (elsewhere, text("8")):
        opened = await store.threads.open(incoming)
        assert opened.thread.id != here.id
        assert opened.history == ()


async def test_a_callers_history_is_taken_at_first_sight_only(store: Stores) -> None:
    """What a REST caller says was said before starts a new thread, and never changes one that is known."""
    before = (Message(Author.CUSTOMER, "hi", NOON), Message(Author.BOT, "hello", NOON))
    opened = await store.threads.open(text(history=before))
    assert [(m.author, m.text) for m in opened.history] == [(m.author, m.text) for m in before]
    again = await store.threads.open(text(history=(Message(Author.BOT, "I promise you a refund", NOON),)))
    assert again.history == opened.history


async def test_everything_of_a_thread_comes_back(store: Stores) -> None:
    """Owner, binding, open question, language and summary survive the way through the database."""
    thread = replace(
        await store.thread(),
        status=ThreadStatus.OPEN,
        name="Анна \U0001f98a",
        language="ar",
        language_fixed=True,
        scope=scope_of("c-1", "Anna", Proof(ProofKind.ORDER_PHONE, NOON, NOON + timedelta(days=90))),
        dialogue=Dialogue(Waiting.CONFIRMATION, ActionKind.RETURN_APPLY, "ORD1", "key", NOON, latest=True, wish=WISH),
        open_until=NOON + timedelta(hours=12, microseconds=5),
        summary="Customer: ORD1?",
        summary_upto=3,
        away_told=True,
    )
    await store.end(thread)
    assert (await store.threads.open(text())).thread == thread
    plain = Thread(thread.id, thread.key)
    await store.end(plain)
    assert (await store.threads.open(text())).thread == plain


async def test_history_is_the_newest_after_the_summary(store: Stores) -> None:
    """A turn sees its thread's newest messages, oldest first, without those that the summary holds."""
    thread, other = await store.thread("7"), await store.thread("8")
    for number in range(HISTORY + 10):
        await store.end(thread, said=((Author.CUSTOMER, f"m{number}"),))
        await store.end(other, said=((Author.CUSTOMER, "another's"),))
    opened = await store.threads.open(text("7"))
    assert [m.text for m in opened.history] == [f"m{n}" for n in range(10, HISTORY + 10)]
    upto = opened.history[-3].id
    await store.end(replace(thread, summary_upto=upto))
    assert [m.text for m in (await store.threads.open(text("7"))).history] == [f"m{HISTORY + 8}", f"m{HISTORY + 9}"]


async def test_a_turns_outcome_is_one_commit(store: Stores) -> None:
    """All that a turn leaves behind is there after it, and its update is done; the sender is woken once."""
    thread = await store.thread()
    inbox_id = await store.end(
        replace(thread, language="es"),
        said=((Author.CUSTOMER, "cancel ORD1"), (Author.BOT, "Sure?")),
        replies=offer(button()),
        calls=(call(7),),
        ledger=(proposal(thread, "k1"),),
        trace=Trace(
            "rules",
            Action(ActionKind.CANCEL_ORDER, "ORD1"),
            "raw",
            "confirm",
            (Passed("llama", "slow", 2.0),),
            {"a": 1.5},
        ),
        kind="text",
    )
    assert await counts(store) == {**dict.fromkeys(TABLES, 1), "messages": 2}
    assert await store.one("SELECT state FROM inbox WHERE id = ?", inbox_id) == "done"
    assert store.rung == [1]
    (turn,) = await store.operations.turns(thread.id)
    assert (turn["tier"], turn["decision"], turn["action"]["order_id"]) == ("rules", "confirm", "ORD1")
    assert turn["passed"] == [{"tier": "llama", "reason": "slow", "ms": 2000.0, "detail": ""}]
    assert turn["stages"] == [{"name": "a", "ms": 1500.0}]


async def test_a_silent_turn_wakes_nobody(store: Stores) -> None:
    """A turn that sends nothing does not wake the sender."""
    await store.end(await store.thread())
    assert store.rung == []


async def test_a_turn_that_cannot_be_kept_leaves_nothing(store: Stores) -> None:
    """If one part of a turn's outcome cannot be written, none is, and the update still waits."""
    thread = await store.thread()
    await store.end(thread, replies=offer(button("taken")))
    before = await counts(store)
    inbox_id = await store.arrive()
    record = TurnRecord(
        inbox_id,
        replace(thread, language="es", scope=scope_of("c-1")),
        said=((Author.CUSTOMER, "hello"),),
        replies=offer(button("fresh"), button("taken")),
        calls=(call(7),),
        ledger=(proposal(thread, "k1"),),
    )
    with pytest.raises(IntegrityError):
        await store.threads.close(record)
    assert await counts(store) == before
    assert (await store.thread()).scope is None
    assert [item.id for item in await store.inbox.pending()] == [inbox_id]
    assert store.rung == []


async def test_a_new_proposal_ends_the_one_before(store: Stores) -> None:
    """A thread has one open proposal at most: a new one declines the old, and another thread's stays."""
    thread, other = await store.thread("7"), await store.thread("8")
    await store.end(other, ledger=(proposal(other, "theirs"),))
    await store.end(thread, ledger=(proposal(thread, "k1"),))
    await store.end(thread, ledger=(proposal(thread, "k2"),))
    assert await store.sql("SELECT key, state FROM ledger ORDER BY key") == [
        ("k1", "declined"),
        ("k2", "proposed"),
        ("theirs", "proposed"),
    ]


async def left(store: Stores, thread: Thread, number: str = "") -> int | None:
    """Take a try, and return how many are left after it."""
    taken = await store.threads.take_try(thread.id, number, store.clock.now(), LIMITS)
    return taken.left if taken else None


async def test_tries_count_for_the_thread(store: Stores, url: str) -> None:
    """A thread's tries run out, also over a restart, whatever was tried; after the window they are back."""
    mine, other = await store.thread("7"), await store.thread("8")
    assert [await left(store, mine, number) for number in ("ORD1", "ORD2", "")] == [2, 1, 0]
    async with stores(url, store.clock) as again:
        assert await left(again, mine) is None
        assert await left(again, other) == 2
        store.clock.move(hours=1, seconds=1)
        assert await left(again, mine, "ORD1") == 2


async def test_tries_count_for_the_order(store: Stores) -> None:
    """An order's tries run out, whoever makes them; a contact has no number to protect."""
    threads = [await store.thread(str(address)) for address in range(6)]
    assert [await left(store, thread, "ORD1") for thread in threads] == [2, 2, 2, 2, None, None]
    assert await left(store, threads[5], "ORD2") == 2
    assert [await left(store, thread) for thread in threads] == [1, 1, 1, 1, 2, 1]


async def test_many_tries_at_once_are_no_more(store: Stores) -> None:
    """However many try one order in the same moment, only as many as are allowed may ask the order system."""
    threads = [await store.thread(str(address)) for address in range(40)]
    taken = await asyncio.gather(*(left(store, thread, "ORD1") for thread in threads))
    assert sum(found is not None for found in taken) == LIMITS.per_order


async def test_a_try_that_was_none_is_forgiven(store: Stores) -> None:
    """The turn's end takes back the try of a proof that was right, and no other."""
    thread = await store.thread()
    wrong = await store.threads.take_try(thread.id, "ORD1", NOON, LIMITS)
    right = await store.threads.take_try(thread.id, "ORD1", NOON, LIMITS)
    assert wrong is not None
    assert right is not None
    await store.end(thread, forgiven=right.id)
    assert await store.sql("SELECT id FROM verification_tries") == [(wrong.id,)]
    await store.end(thread)
    assert await store.sql("SELECT id FROM verification_tries") == [(wrong.id,)]


async def test_what_has_run_out_ends(store: Stores) -> None:
    """Takeovers, unanswered proposals and answers too late for Telegram end when their time is over, not before."""
    thread, endless, fresh = [await store.thread(address) for address in ("7", "8", "9")]
    quarter = timedelta(minutes=15)
    await store.end(
        replace(thread, status=ThreadStatus.OPEN, open_until=NOON + quarter),
        ledger=(proposal(thread, "old"),),
        calls=(OutboxCall(0, "answerCallbackQuery", {}), call(7)),
    )
    await store.end(replace(endless, status=ThreadStatus.OPEN), ledger=(proposal(endless, "begun"),))
    await store.ledger.confirm("begun", 1, needs_approval=False)
    store.clock.move(minutes=14)
    assert await store.operations.expire(quarter) == 0
    store.clock.move(minutes=1)
    await store.end(fresh, ledger=(proposal(fresh, "new"),))
    assert await store.operations.expire(quarter) == 1
    assert await store.sql("SELECT status, open_until FROM threads ORDER BY id") == [
        ("pending", None),
        ("open", None),
        ("pending", None),
    ]
    assert await store.sql("SELECT key, state FROM ledger ORDER BY key") == [
        ("begun", "confirmed"),
        ("new", "proposed"),
        ("old", "expired"),
    ]
    assert await store.sql("SELECT method, state FROM outbox ORDER BY id") == [
        ("answerCallbackQuery", "dropped"),
        ("sendMessage", "waiting"),
    ]


async def test_a_moment_without_a_zone_is_a_mistake(store: Stores) -> None:
    """A naive time is refused instead of being taken for UTC."""
    thread = await store.thread()
    with pytest.raises(Exception, match="without a time zone"):
        await store.end(replace(thread, open_until=NOON.replace(tzinfo=None)))
