"""What a person of the shop has to agree to: asked with buttons, decided once, told to the customer either way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.compose import Overrides
from bot.demo import ADMIN_ID
from bot.orders.demo import DemoShop
from bot.simulator import Person
from tests.support.faulty_adapter import FaultyAdapter, down
from tests.support.rows import rows
from tests.support.store import SetClock
from tests.support.worker import Chatter, World, running, unhurried

OTHER_ADMIN = 990_002
ALWAYS = {"approve_cancellations": "always", "approve_returns": "above 1 XTS"}
WAITS, CANCELLED, NOT_APPROVED = "A person from our team decides", "is cancelled", "did not approve"


@dataclass
class Desk:
    """A bot whose admins decide, a customer of it, and an order of theirs."""

    world: World
    adapter: FaultyAdapter
    emily: Chatter
    number: str
    folder: Path

    @property
    def admins(self) -> tuple[Chatter, Chatter]:
        """Those who decide."""
        return self.world.admin, Chatter(self.world.simulator, OTHER_ADMIN)

    async def confirmed(self) -> dict[str, Any]:
        """Let the customer say yes, and return what the first admin is asked."""
        await self.emily.asks(f"cancel {self.number}", "share your phone number")
        await self.emily.shares_contact("Shall I cancel")
        await self.emily.presses("Yes", WAITS)
        return await self.world.admin.hears("Please decide")

    def entries(self) -> list[tuple[Any, ...]]:
        """Return the ledger: (state, detail, who approved or refused)."""
        return rows(self.folder / "deskhand.db", "SELECT state, detail, approved_by FROM ledger")

    def writes(self) -> list[tuple[Any, ...]]:
        """Return what the shop did."""
        return rows(self.folder / "shop.db", "SELECT order_number, result FROM writes")


@asynccontextmanager
async def desk(folder: Path, clock: SetClock | None = None, **policy: Any) -> AsyncIterator[Desk]:
    """Run a bot with two admins."""
    adapter = FaultyAdapter(DemoShop.open(folder / "shop.db"))
    overrides = Overrides(pace=unhurried(), clock=clock) if clock else Overrides(pace=unhurried())
    settings = {"admins": {"ids": [ADMIN_ID, OTHER_ADMIN]}, "policy": {**ALWAYS, **policy}}
    async with running(folder, adapter=adapter, overrides=overrides, **settings) as world:
        world.simulator.add_person(Person(OTHER_ADMIN, "Olga", role="admin"))
        yield Desk(world, adapter, world.customer("en"), world.orders("en", "pending")[0], folder)


async def test_an_approval_does_it_once(tmp_path: Path) -> None:
    """With the order's facts beside the buttons, an admin approves; it is done once, and everybody hears of it."""
    async with desk(tmp_path) as place:
        asked = await place.confirmed()
        assert place.number in asked["text"]
        assert "Total:" in asked["text"]
        assert place.entries() == [("confirmed", "", None)]
        assert place.writes() == []
        after = place.emily.last_id()
        place.world.admin.phone.press_label("Approve")
        await place.emily.hears(CANCELLED, after)
        for admin in place.admins:
            await admin.hears("approved: cancel")
        ((state, _, approved_by),) = place.entries()
        assert (state, approved_by) == ("done", ADMIN_ID)
        assert place.writes() == [(place.number, "done")]


async def test_a_refusal_is_told_and_nothing_is_done(tmp_path: Path) -> None:
    """An admin refuses: the customer hears it, the order stays, and the ledger says who said no."""
    async with desk(tmp_path) as place:
        await place.confirmed()
        after = place.emily.last_id()
        place.world.admin.phone.press_label("Refuse")
        await place.emily.hears(NOT_APPROVED, after)
        assert place.entries() == [("refused", "not approved", ADMIN_ID)]
        assert place.writes() == []


async def test_two_admins_decide_at_once(tmp_path: Path) -> None:
    """Fifty presses of both admins, for and against: the first one counts, every other is told that it was decided."""
    async with desk(tmp_path) as place:
        await place.confirmed()
        first, second = place.admins
        theirs = await second.hears("Please decide")
        mine = next(m for m in place.world.simulator.messages(first.id) if "Please decide" in m.get("text", ""))
        approve = mine["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        refuse = theirs["reply_markup"]["inline_keyboard"][1][0]["callback_data"]
        queries = [first.phone.press(mine["message_id"], approve) for _ in range(25)]
        queries += [second.phone.press(theirs["message_id"], refuse) for _ in range(25)]
        for query in queries:
            await place.world.simulator.wait_call(
                "answerCallbackQuery", lambda call, query=query: call.params["callback_query_id"] == query
            )
        await place.world.app.worker.queues.idle()
        told = [CANCELLED in text or NOT_APPROVED in text for text in place.emily.heard()]
        assert sum(told) == 1
        ((state, _, _),) = place.entries()
        assert len(place.writes()) == (state == "done")


async def test_an_admins_button_in_other_hands(tmp_path: Path) -> None:
    """Pressed by a customer, or by another admin than its own, a button decides nothing and still works for its own."""
    async with desk(tmp_path) as place:
        asked = await place.confirmed()
        token = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        for thief in (place.emily, place.admins[1]):
            hello = await thief.asks("/start")
            query = thief.phone.press(hello["message_id"], token)
            await place.world.simulator.wait_call(
                "answerCallbackQuery", lambda call, query=query: call.params["callback_query_id"] == query
            )
        assert place.entries() == [("confirmed", "", None)]
        place.world.admin.phone.press_label("Approve")
        await place.emily.hears(CANCELLED)


async def test_an_approval_after_a_restart(tmp_path: Path) -> None:
    """What was asked before a restart can be decided after it."""
    async with desk(tmp_path) as place:
        asked = await place.confirmed()
    token = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    async with desk(tmp_path) as place:
        hello = await place.world.admin.asks("/help", "/ledger")
        place.world.admin.phone.press(hello["message_id"], token)
        await place.emily.hears(CANCELLED)
        assert place.writes() == [(place.number, "done")]


async def test_nobody_decides_in_time(tmp_path: Path) -> None:
    """After its hours the request lapses, politely; an approval that comes then does nothing."""
    clock = SetClock()
    async with desk(tmp_path, clock, approval_hours=2) as place:
        asked = await place.confirmed()
        clock.move(hours=1, minutes=59)
        await place.world.app.upkeep.look_after()
        await place.world.app.worker.queues.idle()
        assert place.entries()[0][0] == "confirmed"
        clock.move(minutes=1)
        await place.world.app.upkeep.look_after()
        await place.emily.hears("nobody could decide")
        await place.world.admin.hears("nobody decided in time")
        token = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        query = place.world.admin.phone.press(asked["message_id"], token)
        await place.world.simulator.wait_call(
            "answerCallbackQuery", lambda call: call.params["callback_query_id"] == query and "already" in str(call)
        )
        assert place.entries() == [("expired", "nobody decided in time", None)]
        assert place.writes() == []
        await place.emily.asks(f"cancel {place.number}", "Shall I cancel")


async def test_the_same_wish_while_a_person_decides(tmp_path: Path) -> None:
    """Asked again for the same order, the bot says that it is under way, and asks nobody a second time."""
    async with desk(tmp_path) as place:
        await place.confirmed()
        await place.emily.asks(f"please cancel {place.number}", "already under way")
        assert len(place.entries()) == 1
        assert sum("Please decide" in text for text in place.world.admin.heard()) == 1


async def test_the_order_changed_while_a_person_decided(tmp_path: Path) -> None:
    """An order that was shipped meanwhile is not cancelled by an approval; customer and admins hear why."""
    async with desk(tmp_path) as place:
        await place.confirmed()
        _ship(place)
        after = place.emily.last_id()
        place.world.admin.phone.press_label("Approve")
        await place.emily.hears("can no longer be cancelled", after)
        await place.world.admin.hears("too_late_to_cancel")
        assert place.writes() == []


def _ship(place: Desk) -> None:
    rows(place.folder / "shop.db", "UPDATE orders SET status = 'shipped' WHERE number = ?", place.number)


async def test_another_amount_than_was_agreed_to(tmp_path: Path) -> None:
    """An order whose amount changed after the customer's yes is never sent: the fingerprint does not match."""
    async with desk(tmp_path) as place:
        await place.confirmed()
        rows(place.folder / "shop.db", "UPDATE orders SET total = '9999.00' WHERE number = ?", place.number)
        place.world.admin.phone.press_label("Approve")
        await place.emily.hears("has changed since I asked you")
        assert place.entries() == [("refused", "changed", ADMIN_ID)]
        assert place.adapter.tries("cancel") == 0


async def test_an_approval_while_the_order_system_is_down(tmp_path: Path) -> None:
    """Nothing is done and nothing lost: the admins are asked again, and the next approval does it."""
    async with desk(tmp_path) as place:
        await place.confirmed()
        place.adapter.always("order", down())
        after = place.world.admin.last_id()
        place.world.admin.phone.press_label("Approve")
        await place.world.admin.hears("did not answer", after)
        assert place.entries() == [("confirmed", "", None)]
        place.adapter.always("order", None)
        place.world.admin.phone.press_label("Approve")
        await place.emily.hears(CANCELLED)


@pytest.mark.parametrize("ends", ["/unlink", "/revoke 1"])
async def test_an_approval_for_somebody_who_is_verified_no_more(tmp_path: Path, ends: str) -> None:
    """Without the customer's own right nothing is done; the customer may ask again, and the admins hear why."""
    async with desk(tmp_path) as place:
        await place.confirmed()
        (place.emily if ends == "/unlink" else place.world.admin).phone.send_text(ends)
        await place.emily.hears("I no longer show you any orders")
        place.world.admin.phone.press_label("Approve")
        await place.emily.hears("just ask again")
        await place.world.admin.hears("nobody is verified")
        assert place.writes() == []


@pytest.mark.parametrize(("rule", "asks"), [("above 99999 EUR", False), ("above 0 EUR", True), ("above 1 XTS", True)])
async def test_above_an_amount(tmp_path: Path, rule: str, asks: bool) -> None:
    """Only above the amount a person is asked, and always where the currencies differ."""
    async with desk(tmp_path, approve_cancellations=rule) as place:
        currency = rows(tmp_path / "shop.db", "SELECT currency FROM orders WHERE number = ?", place.number)[0][0]
        await place.emily.asks(f"cancel {place.number}", "share your phone number")
        await place.emily.shares_contact("Shall I cancel")
        needed = asks or currency not in rule
        await place.emily.presses("Yes", WAITS if needed else CANCELLED)


async def test_the_ledger_in_telegram(tmp_path: Path) -> None:
    """An admin reads the newest entries, those of an order, and those in a state, with who agreed."""
    async with desk(tmp_path) as place:
        assert "Nothing stands in the ledger" in (await place.world.admin.asks("/ledger", "ledger"))["text"]
        await place.confirmed()
        waiting = await place.world.admin.asks("/ledger", f"cancel {place.number}")
        assert "waits for an approval" in waiting["text"]
        place.world.admin.phone.press_label("Approve")
        await place.emily.hears(CANCELLED)
        for asked in (f"/ledger #{place.number.lower()}", "/ledger done", "/ledger 1"):
            told = (await place.world.admin.asks(asked, "sent to the order system"))["text"]
            assert f"cancel {place.number}" in told
            assert f"(admin {ADMIN_ID})" in told
            assert "the customer said yes" in told
        for asked in ("/ledger unknown", "/ledger ORD0"):
            await place.world.admin.asks(asked, "Nothing stands in the ledger")
