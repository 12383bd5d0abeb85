"""The wish is said again while its summary waits for a yes: what is true by then is said, and never nothing."""

from __future__ import annotations

from pathlib import Path

from tests.support.returning import shop
from tests.support.rows import connect
from tests.support.store import SetClock

SUMMARY = "Shall I cancel this order?"


async def test_a_summary_that_is_too_old_is_shown_anew(tmp_path: Path) -> None:
    """Whoever says again what they want once the summary's time is over gets a new one, and its yes counts."""
    clock = SetClock()
    async with shop(tmp_path, clock=clock) as place:
        number = place.world.orders("en", "pending")[0]
        await place.emily.asks(f"cancel order {number}", SUMMARY)
        clock.move(minutes=20)
        await place.emily.asks(f"cancel order {number}", SUMMARY)
        assert [state for state, _ in place.proposed()] == ["declined", "proposed"]
        await place.emily.asks("yes", "is cancelled")


async def test_an_order_that_was_shipped_is_not_asked_about_again(tmp_path: Path) -> None:
    """Whoever says again what has become too late is told so, and is not asked for a yes that could do nothing."""
    async with shop(tmp_path) as place:
        number = place.world.orders("en", "pending")[0]
        await place.emily.asks(f"cancel order {number}", SUMMARY)
        db = connect(tmp_path / "shop.db")
        db.execute("UPDATE orders SET status = 'shipped' WHERE number = ?", (number,))
        db.close()
        await place.emily.asks(f"cancel order {number}", "can no longer be cancelled (status: shipped)")
        assert await place.waiting() == "nothing"
        assert [state for state, _ in place.proposed()] == ["declined"]
