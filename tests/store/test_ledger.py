"""The ledger on the disk: each step once and forward only, with what is asked for, who agreed, and when."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.ledger import FOLLOWS, fingerprint
from bot.domain.model import (
    Button,
    ButtonKind,
    LedgerEntry,
    LedgerState,
    MessageRef,
    Money,
    Reason,
    ReturnLine,
    WriteAnswer,
    WriteResult,
)
from tests.support.store import NOON, Stores, button, proposal

S = LedgerState
ENDS = [S.DONE, S.REFUSED, S.UNKNOWN]


async def fly(store: Stores, key: str = "k1", admin: int | None = None) -> bool:
    """Confirm and take off."""
    await store.ledger.confirm(key, 9, needs_approval=False)
    return await store.ledger.take_off(key, admin)


async def entry_of(store: Stores, key: str = "k1") -> LedgerEntry:
    """Return an entry that is there."""
    entry = await store.ledger.entry(key)
    assert entry is not None
    return entry


async def test_all_of_a_proposal_comes_back(store: Stores) -> None:
    """What is asked for survives the way through the database, and still matches its fingerprint."""
    thread = await store.thread()
    asked = replace(
        proposal(thread, "k1"),
        reason=Reason.DOES_NOT_FIT,
        lines=(ReturnLine("1", 2), ReturnLine("ä", 1)),
        amount=Money(Decimal("12.50"), "EUR"),
        note="The zip “sticks”",
        photo=MessageRef(7, 9),
    )
    asked = replace(asked, digest=fingerprint(asked))
    await store.end(thread, ledger=(asked,))
    found = await entry_of(store)
    assert found == replace(asked, at=NOON, entered={S.PROPOSED: NOON})
    assert fingerprint(found) == found.digest
    assert await store.ledger.entry("unknown") is None


@pytest.mark.parametrize("state", ENDS)
async def test_each_step_is_kept_with_its_time(store: Stores, state: LedgerState) -> None:
    """Proposed, confirmed, in flight, ended: when each was entered, by whom, and what the order system answered."""
    thread = await store.thread()
    await store.end(thread, ledger=(proposal(thread, "k1"),))
    confirmed = store.clock.move(seconds=5)
    assert await store.ledger.confirm("k1", 9, needs_approval=True)
    sent = store.clock.move(seconds=5)
    assert await store.ledger.take_off("k1", 900)
    ended = store.clock.move(seconds=5)
    answer = WriteAnswer(WriteResult.REQUESTED, "RMA-1", Money(Decimal("1.00"), "EUR"), "later")
    flying = await entry_of(store)
    await store.end(thread, ledger=(replace(flying, state=state, detail="said so", answer=answer, settled_by=901),))
    (found,) = await store.operations.ledger(thread.id)
    assert found == await entry_of(store)
    assert found.entered == {S.PROPOSED: NOON, S.CONFIRMED: confirmed, S.IN_FLIGHT: sent, state: ended}
    assert (found.state, found.at, found.detail, found.answer) == (state, ended, "said so", answer)
    assert (found.confirmed_by, found.needs_approval, found.approved_by, found.settled_by) == (9, True, 900, 901)


async def test_a_yes_counts_once(store: Stores) -> None:
    """Of fifty that confirm the same proposal at once, one does; and one takes off."""
    thread = await store.thread()
    await store.end(thread, ledger=(proposal(thread, "k1"),))
    confirmed = await asyncio.gather(*(store.ledger.confirm("k1", n, needs_approval=False) for n in range(50)))
    assert sorted(confirmed) == [False] * 49 + [True]
    flown = await asyncio.gather(*(store.ledger.take_off("k1") for _ in range(50)))
    assert sorted(flown) == [False] * 49 + [True]
    assert not await store.ledger.confirm("unknown", 1, needs_approval=False)
    assert not await store.ledger.take_off("unknown")


async def bring(store: Stores, state: LedgerState) -> LedgerEntry:
    """Return an entry that has come to this state by its ordinary way."""
    thread = await store.thread()
    await store.end(thread, ledger=(proposal(thread, "k1"),))
    if state in (S.CONFIRMED, S.IN_FLIGHT, *ENDS):
        await store.ledger.confirm("k1", 9, needs_approval=False)
    if state in (S.IN_FLIGHT, *ENDS):
        await store.ledger.take_off("k1")
    if state not in (S.PROPOSED, S.CONFIRMED, S.IN_FLIGHT):
        await store.end(thread, ledger=(replace(await entry_of(store), state=state),))
    return await entry_of(store)


@pytest.mark.parametrize("state", list(LedgerState))
@pytest.mark.parametrize("wanted", [state for state in LedgerState if state is not S.PROPOSED])
async def test_only_forward(store: Stores, state: LedgerState, wanted: LedgerState) -> None:
    """Whatever is asked of the store, an entry moves only to a state that follows its own."""
    entry = await bring(store, state)
    assert entry.state is state
    if wanted is S.CONFIRMED:
        await store.ledger.confirm("k1", 10, needs_approval=False)
    elif wanted is S.IN_FLIGHT:
        await store.ledger.take_off("k1")
    else:
        thread = await store.thread()
        await store.end(thread, ledger=(replace(entry, state=wanted),))
    assert (await entry_of(store)).state is (wanted if wanted in FOLLOWS[state] else state)


@pytest.mark.parametrize("held", [S.IN_FLIGHT, S.UNKNOWN])
async def test_one_write_at_a_time_for_an_order(store: Stores, held: LedgerState) -> None:
    """While a write of an order is in flight or unknown, no other takes off for it, from any conversation."""
    entry = await bring(store, held)
    other = await store.thread("8")
    same, another = proposal(other, "same"), replace(proposal(other, "other"), order_number="ORD2")
    for key, asked in (("same", same), ("other", another)):
        await store.end(other, ledger=(asked,))
        await store.ledger.confirm(key, 9, needs_approval=False)
    assert await store.ledger.under_way("c-1", "ORD2")
    assert not await store.ledger.take_off("same")
    assert await store.ledger.take_off("other")
    await store.end(await store.thread(), ledger=(replace(entry, state=S.REFUSED),))
    assert await store.ledger.take_off("same")


async def test_what_is_under_way(store: Stores) -> None:
    """An order's write is under way from the yes to its end, and for its own customer and number only."""
    thread = await store.thread()
    await store.end(thread, ledger=(proposal(thread, "k1"),))
    assert await store.ledger.under_way("c-1", "ORD1") is None
    await fly(store)
    assert await store.ledger.under_way("c-1", "ORD1") == await entry_of(store)
    assert await store.ledger.under_way("c-2", "ORD1") is None
    assert await store.ledger.under_way("c-1", "ORD2") is None
    await store.end(thread, ledger=(replace(await entry_of(store), state=S.DONE),))
    assert await store.ledger.under_way("c-1", "ORD1") is None


async def test_the_latest(store: Stores) -> None:
    """The newest first; of one order, however it is written; in one state; and no more than was asked for."""
    thread = await store.thread()
    for key, number in (("a", "#x1"), ("b", "X1"), ("c", "X12")):
        store.clock.move(minutes=1)
        await store.end(thread, ledger=(replace(proposal(thread, key), order_number=number),))

    async def keys(limit: int = 10, number: str = "", state: LedgerState | None = None) -> list[str]:
        return [entry.key for entry in await store.ledger.latest(limit, number=number, state=state)]

    assert await keys() == ["c", "b", "a"]
    assert await keys(2) == ["c", "b"]
    assert await keys(number=" #x1 ") == await keys(number="X1") == ["b", "a"]
    assert await keys(number="%") == []
    assert await keys(state=S.PROPOSED) == ["c"]
    assert await keys(state=S.DECLINED, number="x1") == ["b", "a"]


async def test_what_is_overdue(store: Stores) -> None:
    """What was confirmed, asked for, or sent, too long ago comes back, each by its own time; nothing else does."""
    for address, key in (("1", "sent"), ("2", "asked"), ("3", "left"), ("4", "open"), ("5", "done")):
        thread = await store.thread(address)
        await store.end(thread, ledger=(replace(proposal(thread, key), order_number=key),))
    for key in ("sent", "left", "done"):
        await store.ledger.confirm(key, 9, needs_approval=False)
    await store.ledger.confirm("asked", 9, needs_approval=True)
    for key in ("sent", "done"):
        await store.ledger.take_off(key)
    await store.end(await store.thread("5"), ledger=(replace(await entry_of(store, "done"), state=S.DONE),))
    early = NOON - timedelta(seconds=1)

    async def keys(**moments: object) -> set[str]:
        given = {"confirmed": early, "asked": early, "sent": early} | moments
        return {entry.key for entry in await store.ledger.overdue(**given)}  # type: ignore[arg-type]

    assert await keys() == set()
    assert await keys(sent=NOON) == {"sent"}
    assert await keys(asked=NOON) == {"asked"}
    assert await keys(confirmed=NOON) == {"left"}


# --- admins' buttons ---


async def test_an_admins_button_is_theirs_alone(store: Stores) -> None:
    """It tells its admin which thread it is about, and works for nobody else, the customer least of all."""
    thread = await store.thread()
    mine = Button("Approve", "t", ButtonKind.APPROVE, "g", "k1", admin=900)
    await store.end(thread, buttons=(mine, replace(mine, token="u", admin=901)))
    assert await store.ledger.thread_of("t", 900) == thread.key
    assert await store.ledger.thread_of("t", 901) is None
    assert await store.ledger.thread_of("x", 900) is None
    assert await store.threads.press("t", thread.id, 1, NOON) is None
    assert await store.threads.press_as_admin("t", 901, 2, NOON) is None
    assert await store.threads.press_as_admin("t", 900, 3, NOON) == mine
    assert await store.threads.press_as_admin("t", 900, 3, NOON) == mine, "the same update, after a crash"
    assert await store.threads.press_as_admin("u", 901, 4, NOON) is None, "it was decided"


async def test_a_customers_button_is_no_admins(store: Stores) -> None:
    """An admin cannot press what was offered to a customer."""
    thread = await store.thread()
    await store.end(thread, buttons=(button(),))
    assert await store.ledger.thread_of("yes", 900) is None
    assert await store.threads.press_as_admin("yes", 900, 1, NOON) is None
