"""Killed at each named moment in the life of a write, and started again: done once, and told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.conversation.crash_points import CrashPoint
from tests.support.process import Town, town
from tests.support.worker import Chatter

DONE = {"cancel_order": "is cancelled", "return_apply": "RMA-"}


async def _asked(place: Town, action: str) -> Chatter:
    """Lead up to the question, and return who is asked."""
    emily = place.customer()
    await emily.asks("/orders", "share your phone number")
    await emily.shares_contact("Which order")
    wishes = {
        "cancel_order": ("pending", "cancel order"),
        "return_apply": ("delivered", "I changed my mind, return all of"),
    }
    state, wish = wishes[action]
    emily.phone.send_text(f"{wish} {place.orders(emily, state)[0]}")
    return emily


def _told(place: Town, emily: Chatter, words: str) -> int:
    return sum(words in text for text in emily.heard())


def _assert_done_once(place: Town, emily: Chatter, action: str) -> None:
    assert [(done, result) for done, _, result in place.writes()] == [(action, "done")]
    assert place.bot.rows("SELECT action, state FROM ledger") == [(action, "done")]
    assert _told(place, emily, DONE[action]) == 1
    place.assert_sound()


@pytest.mark.parametrize(
    ("point", "action"),
    [
        (CrashPoint.AFTER_CONFIRMED, "cancel_order"),
        (CrashPoint.BEFORE_CALL, "cancel_order"),
        (CrashPoint.AFTER_CALL, "cancel_order"),
        (CrashPoint.BEFORE_RECORDED, "cancel_order"),
        (CrashPoint.AFTER_CALL, "return_apply"),
    ],
)
async def test_killed_on_the_way_of_a_yes(tmp_path: Path, point: CrashPoint, action: str) -> None:
    """Wherever the kill comes after the yes, the next life does it with the same key, once, and tells it once."""
    async with town(tmp_path) as place:
        await place.start(dies_at=point)
        emily = await _asked(place, action)
        await emily.hears("Shall I")
        emily.phone.press_label("Yes")
        assert await place.bot.ended() == -9
        (before,) = place.bot.rows("SELECT state FROM ledger")
        assert before == ("confirmed" if point is CrashPoint.AFTER_CONFIRMED else "in_flight",)
        await place.start()
        await emily.hears(DONE[action])
        assert await place.bot.stop() == 0
        _assert_done_once(place, emily, action)


async def test_killed_when_the_question_is_committed(tmp_path: Path) -> None:
    """A question that was committed and not yet sent is sent by the next life, once, and its button works."""
    async with town(tmp_path) as place:
        await place.start(dies_at=CrashPoint.AFTER_PROPOSED)
        emily = await _asked(place, "cancel_order")
        assert await place.bot.ended() == -9
        await place.start()
        await emily.hears("Shall I cancel")
        await emily.presses("Yes", DONE["cancel_order"])
        assert await place.bot.stop() == 0
        assert _told(place, emily, "Shall I cancel") == 1
        _assert_done_once(place, emily, "cancel_order")


@pytest.mark.parametrize("point", [CrashPoint.BEFORE_CALL, CrashPoint.AFTER_CALL, CrashPoint.BEFORE_RECORDED])
async def test_killed_on_the_way_of_an_approval(tmp_path: Path, point: CrashPoint) -> None:
    """An admin's approval that a kill cut off is carried out by the next life, once; everybody hears of it once."""
    async with town(tmp_path, policy='approve_cancellations = "always"') as place:
        await place.start(dies_at=point)
        emily = await _asked(place, "cancel_order")
        await emily.hears("Shall I cancel")
        await emily.presses("Yes", "A person from our team decides")
        await place.admin.hears("Please decide")
        place.admin.phone.press_label("Approve")
        assert await place.bot.ended() == -9
        await place.start()
        await emily.hears("is cancelled")
        await place.admin.hears("approved: cancel")
        assert await place.bot.stop() == 0
        _assert_done_once(place, emily, "cancel_order")
        assert sum("approved: cancel" in text for text in place.admin.heard()) == 1


async def test_killed_between_the_yes_and_asking_a_person(tmp_path: Path) -> None:
    """A yes that was committed before its approval was asked for is gone on with: the admins are asked, once."""
    async with town(tmp_path, policy='approve_cancellations = "always"') as place:
        await place.start(dies_at=CrashPoint.AFTER_CONFIRMED)
        emily = await _asked(place, "cancel_order")
        await emily.hears("Shall I cancel")
        emily.phone.press_label("Yes")
        assert await place.bot.ended() == -9
        await place.start()
        await emily.hears("A person from our team decides")
        await place.admin.presses("Approve", "approved: cancel")
        await emily.hears("is cancelled")
        assert await place.bot.stop() == 0
        _assert_done_once(place, emily, "cancel_order")
        assert sum("Please decide" in text for text in place.admin.heard()) == 1
