"""Telegram's limits, on a clock that only a test moves."""

from __future__ import annotations

from bot.telegram.pace import Pace


class Clock:
    """Seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return them."""
        return self.now


def test_a_chat_has_a_burst_and_then_one_a_second() -> None:
    """Three messages at once, then it waits; each second gives one back, and never more than three."""
    clock = Clock()
    pace = Pace(clock)
    for _ in range(3):
        assert pace.cooling() == []
        pace.spend(7)
    assert pace.cooling() == [7]
    assert pace.wait_s() == 1.0
    clock.now = 0.999
    assert pace.cooling() == [7]
    clock.now = 1.0
    assert pace.cooling() == []
    pace.spend(7)
    assert pace.cooling() == [7]
    clock.now = 1000.0
    for _ in range(3):
        assert pace.cooling() == []
        pace.spend(7)
    assert pace.cooling() == [7]


def test_chats_do_not_wait_for_each_other() -> None:
    """One busy chat costs the others nothing but their share of the whole."""
    pace = Pace(Clock())
    for _ in range(3):
        pace.spend(7)
    assert pace.cooling() == [7]
    assert pace.room() == 27


def test_all_together_have_thirty_a_second() -> None:
    """When the whole is used up there is no room for anyone, until time has passed."""
    clock = Clock()
    pace = Pace(clock)
    for chat in range(30):
        pace.spend(chat)
    assert pace.room() == 0
    assert pace.wait_s() == 1 / 30
    clock.now = 0.5
    assert pace.room() == 15
    clock.now = 60.0
    assert pace.room() == 30


def test_quiet_chats_are_forgotten() -> None:
    """Whoever has been quiet for long costs no memory."""
    clock = Clock()
    pace = Pace(clock)
    for chat in range(20):
        for _ in range(3):
            pace.spend(chat)
    assert len(pace.cooling()) == 20
    clock.now = 100.0
    assert (pace.cooling(), pace.room(), pace.wait_s()) == ([], 30, None)
    assert not pace._chats


def test_a_clock_that_stands_still_never_asks_for_no_wait() -> None:
    """Whoever waits is never told to wait for nothing, which would be a loop without a pause."""
    pace = Pace(Clock(), per_chat=1e9, chat_burst=1)
    pace.spend(7)
    assert (pace.wait_s() or 0.0) >= 0.001
