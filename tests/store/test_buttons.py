"""Buttons: opaque, single use, bound to their thread, and gone with their group."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import Button, ButtonKind, Thread
from tests.support.store import NOON, Stores, button, offer, proposal


@pytest.fixture
async def thread(store: Stores) -> Thread:
    """Return a thread with a yes and a no in one group, and a button of another group."""
    made = await store.thread()
    buttons = (button("yes"), button("no"), button("other", "h"))
    await store.end(made, replies=offer(*buttons))
    return made


async def press(store: Stores, thread: Thread, token: str, inbox_id: int = 100) -> Button | None:
    """Press a button now."""
    return await store.threads.press(token, thread.id, inbox_id, store.clock.now())


async def test_exactly_one_of_many_presses_counts(store: Stores, thread: Thread) -> None:
    """Pressed fifty times at once, a button works for one of them."""
    pressed = await asyncio.gather(*(press(store, thread, "yes", number) for number in range(1, 51)))
    assert [found for found in pressed if found] == [button("yes")]


async def test_yes_and_no_at_once(store: Stores, thread: Thread) -> None:
    """Of the buttons of one question, pressed at the same moment, one works."""
    pressed = await asyncio.gather(*(press(store, thread, token, n) for n, token in enumerate(["yes", "no"] * 20, 1)))
    assert len([found for found in pressed if found]) == 1


async def test_the_same_update_may_press_again(store: Stores, thread: Thread) -> None:
    """After a crash the update that pressed runs again, and gets the same button; no other update does."""
    first = await press(store, thread, "yes", 100)
    assert first is not None
    assert await press(store, thread, "yes", 100) == first
    assert await press(store, thread, "yes", 101) is None
    assert await press(store, thread, "no", 100) is None


async def test_a_group_is_used_up_together(store: Stores, thread: Thread) -> None:
    """With one button pressed its question is answered; another question's buttons still work."""
    assert await press(store, thread, "no")
    assert await press(store, thread, "yes", 101) is None
    assert await press(store, thread, "other", 102)


async def test_another_threads_button_does_nothing(store: Stores, thread: Thread) -> None:
    """A token pressed from another thread is unknown there, and still works in its own."""
    other = await store.thread("8")
    assert await press(store, other, "yes") is None
    assert await press(store, thread, "yes")


@pytest.mark.parametrize("token", ["", "unknown", "yes ", "YES", "'; DROP TABLE buttons; --", "x" * 5000, "\x00", "٣"])
async def test_a_forged_token_does_nothing(store: Stores, thread: Thread, token: str) -> None:
    """Whatever a client sends instead of a token is simply unknown."""
    assert await press(store, thread, token) is None
    assert await press(store, thread, "yes")


async def test_buttons_expire(store: Stores) -> None:
    """A button works until its time is over, and not at that moment; one without a time works for ever."""
    thread = await store.thread()
    ends = NOON + timedelta(minutes=15)
    await store.end(
        thread, replies=offer(button("a", "a", expires_at=ends), button("b", "b"), button("c", "c", expires_at=ends))
    )
    store.clock.move(minutes=15, seconds=-1)
    assert await press(store, thread, "a")
    store.clock.move(seconds=1)
    assert await press(store, thread, "c") is None
    store.clock.move(days=365)
    assert await press(store, thread, "b")


async def test_pressed_in_time_stays_pressed(store: Stores) -> None:
    """An update that pressed in time and was cut off by a crash may finish after the button's time is over."""
    thread = await store.thread()
    await store.end(thread, replies=offer(button(expires_at=NOON + timedelta(minutes=15))))
    assert await press(store, thread, "yes", 100)
    store.clock.move(hours=1)
    assert await press(store, thread, "yes", 100)


async def test_a_yes_in_words_uses_up_the_buttons(store: Stores) -> None:
    """When a proposal begins by a word, the buttons that asked the same are void; in another thread they are not."""
    thread, other = await store.thread(), await store.thread("8")
    await store.end(thread, replies=offer(button("t", "k1")), ledger=(proposal(thread, "k1"),))
    await store.end(other, replies=offer(button("u", "k1")))
    assert await store.ledger.confirm("k1", 50, needs_approval=False)
    assert await press(store, thread, "t") is None
    assert await press(store, other, "u")


async def test_a_button_comes_back_whole(store: Stores) -> None:
    """Label, kind, data, action and time are what they were."""
    thread = await store.thread()
    given = Button("✅ نعم", "t", ButtonKind.CHOOSE_ORDER, "g", "ORD-1", ActionKind.RETURN_APPLY, NOON + timedelta(1))
    await store.end(thread, replies=offer(given))
    assert await press(store, thread, "t") == given
