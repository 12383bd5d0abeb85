"""Double taps, updates that come again and in another order, and shops where a person does it: one effect each."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.compose import Overrides
from bot.conversation.rulings import LOST_AFTER
from bot.domain.model import Order, OrderItem, WriteAnswer, WriteResult
from bot.orders.demo import DemoShop
from tests.support.faulty_adapter import FaultyAdapter, Inner, down, garbage
from tests.support.rows import rows
from tests.support.store import SetClock
from tests.support.worker import Chatter, World, running, unhurried

CANCELLED = "is cancelled"


async def _asked(world: World) -> tuple[Chatter, dict[str, Any], str]:
    """Bring a customer to the question, and return them, the question, and the token of its yes."""
    emily = world.customer("en")
    await emily.asks(f"cancel {world.orders('en', 'pending')[0]}", "share your phone number")
    asked = await emily.shares_contact("Shall I cancel")
    return emily, asked, str(asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"])


def _assert_once(folder: Path, emily: Chatter) -> None:
    assert rows(folder / "shop.db", "SELECT result FROM writes") == [("done",)]
    assert rows(folder / "deskhand.db", "SELECT state FROM ledger") == [("done",)]
    assert sum(CANCELLED in text for text in emily.heard()) == 1


async def test_fifty_taps_at_once(tmp_path: Path) -> None:
    """The first tap counts; the order is cancelled once and told once, and every tap gets its answer."""
    async with running(tmp_path) as world:
        emily, asked, yes = await _asked(world)
        queries = {emily.phone.press(asked["message_id"], yes) for _ in range(50)}
        await world.simulator.wait_call(
            "answerCallbackQuery", lambda call: call.params["callback_query_id"] in queries, count=50
        )
        await emily.hears(CANCELLED)
        await world.app.worker.queues.idle()
        _assert_once(tmp_path, emily)


@pytest.mark.parametrize("seed", range(3))
async def test_updates_come_again_and_in_another_order(tmp_path: Path, seed: int) -> None:
    """Taps on yes and a yes in words, each delivered one to five times and in any order, cancel once."""
    chance = random.Random(seed)
    async with running(tmp_path) as world:
        emily, asked, yes = await _asked(world)
        user, chat = emily.phone.person.user(), asked["chat"]
        taps = [
            {"callback_query": {"id": f"q{n}", "from": user, "message": asked, "chat_instance": "1", "data": yes}}
            for n in range(10)
        ]
        words = [
            {"message": {"message_id": 10_000 + n, "date": 1, "from": user, "chat": chat, "text": "yes"}}
            for n in range(5)
        ]
        first = emily.phone.raw({"poll_answer": {}}) + 1
        updates = [{"update_id": first + n, **body} for n, body in enumerate([*taps, *words])]
        line = [update for update in updates for _ in range(chance.randint(1, 5))]
        chance.shuffle(line)
        for update in line:
            emily.phone.raw(update)
        await emily.hears(CANCELLED)
        await world.simulator.wait_call(
            "answerCallbackQuery", lambda call: str(call.params["callback_query_id"]).startswith("q"), count=10
        )
        await world.app.worker.queues.idle()
        _assert_once(tmp_path, emily)


async def test_a_yes_said_again_and_again(tmp_path: Path) -> None:
    """Whoever says yes five times has said it to one question: the other orders stay as they are."""
    async with running(tmp_path) as world:
        emily, _, _ = await _asked(world)
        await emily.asks("yes", CANCELLED)
        for _ in range(4):
            await emily.asks("yes", "not sure what you need")
        _assert_once(tmp_path, emily)


async def test_two_conversations_of_one_customer_at_once(tmp_path: Path) -> None:
    """A yes by Telegram and one from another conversation, for the same order: one of them does it."""
    async with running(tmp_path) as world:
        emily, asked, yes = await _asked(world)
        number = world.orders("en", "pending")[0]
        await world.app.store.database.write(
            lambda connection: connection.exec_driver_sql(
                "INSERT INTO ledger (key, thread_id, customer_id, action, order_number, state, detail, arguments,"
                " digest, needs_approval, proposed_at, in_flight_at) SELECT 'elsewhere', thread_id, customer_id,"
                " action, order_number, 'in_flight', '', arguments, digest, 0, proposed_at, '2100-01-01 00:00:00'"
                " FROM ledger"
            )
        )
        emily.phone.press(asked["message_id"], yes)
        await emily.hears("already under way")
        assert rows(tmp_path / "shop.db", "SELECT 1 FROM writes WHERE order_number = ?", number) == []


# --- where a person carries it out ---


@pytest.mark.parametrize("answered", ["at once", "read back"])
async def test_what_is_only_asked_for_is_not_told_as_done(tmp_path: Path, answered: str) -> None:
    """Where the shop's own people do it, the customer hears 'asked for', and the ledger counts it as done by that."""
    adapter = FaultyAdapter(DemoShop.open(tmp_path / "shop.db"))
    handed_in = garbage(WriteAnswer(WriteResult.REQUESTED, "REQ-1", detail="line 1 of requests.csv"))
    adapter.always("cancel", handed_in if answered == "at once" else garbage("lost"))
    adapter.always("outcome", handed_in)
    async with running(tmp_path, adapter=adapter) as world:
        emily, _, _ = await _asked(world)
        told = await emily.presses("Yes", "asked our team to cancel")
        assert "REQ-1" in told["text"]
        assert "✅" not in told["text"]
        (entry,) = await world.ledger(emily)
        assert entry["state"] == "done"
        assert entry["detail"] == "REQ-1 line 1 of requests.csv asked for, a person carries it out"


# --- a part of an order ---


async def test_what_may_go_back_of_an_order_goes_back(tmp_path: Path) -> None:
    """Of an order with goods that are never taken back, exactly the rest is asked about, sent, and kept."""
    adapter = FaultyAdapter(DemoShop.open(tmp_path / "shop.db"))

    async def with_a_gift_card(inner: Inner) -> Order:
        order: Order = await inner()
        mug = OrderItem("Blue mug", 2, order.total, "1")
        return replace(order, items=(mug, OrderItem("Gift card", 1, order.total, "2", "Gift cards")))

    adapter.always("order", with_a_gift_card)
    adapter.always("request_return", garbage(WriteAnswer(WriteResult.DONE, "RMA-1")))
    async with running(tmp_path, adapter=adapter, policy={"not_returnable": ["gift cards"]}) as world:
        emily, number = world.customer("en"), world.orders("en", "delivered")[0]
        await emily.asks(f"I changed my mind, return all of {number}", "share your phone number")
        asked = await emily.shares_contact("Only this goes back")
        assert asked["text"].partition("Only this goes back")[2].count("•") == 1
        await emily.presses("Yes", "RMA-1")
        (call,) = [call for call in adapter.calls if call[0] == "request_return"]
        assert [(line.item_id, line.quantity) for line in call[2]["lines"]] == [("1", 2)]


async def test_goods_that_are_never_taken_back(tmp_path: Path) -> None:
    """An order of such goods alone is refused with that reason, and a person is offered."""
    adapter = FaultyAdapter(DemoShop.open(tmp_path / "shop.db"))

    async def only_cream(inner: Inner) -> Order:
        order: Order = await inner()
        return replace(order, items=(OrderItem("Hand cream", 1, order.total, "1"),))

    adapter.always("order", only_cream)
    async with running(tmp_path, adapter=adapter, policy={"not_returnable": ["hand cream"]}) as world:
        emily, number = world.customer("en"), world.orders("en", "delivered")[0]
        await emily.asks(f"I want to return {number}", "share your phone number")
        await emily.shares_contact("cannot be sent back")


# --- what nobody works on any more ---


async def _left(world: World, state: str, clock: SetClock) -> None:
    """Leave the only entry in a state, as an update would that was put aside, and let its time pass."""
    await world.app.store.database.write(
        lambda connection: connection.exec_driver_sql(
            "UPDATE ledger SET state = ?, confirmed_at = proposed_at, in_flight_at = proposed_at", (state,)
        )
    )
    clock.move(seconds=(LOST_AFTER if state == "in_flight" else timedelta(minutes=15)).total_seconds())
    await world.app.upkeep.look_after()


@pytest.mark.parametrize(
    ("state", "told", "ends"),
    [("in_flight", CANCELLED, "done"), ("confirmed", "too old to be answered", "expired")],
)
async def test_a_write_that_was_left_behind(tmp_path: Path, state: str, told: str, ends: str) -> None:
    """One in flight is read back and gone on with; one that was never sent lapses; the customer hears either way."""
    clock = SetClock()
    async with running(tmp_path, overrides=Overrides(pace=unhurried(), clock=clock)) as world:
        emily, _, _ = await _asked(world)
        await _left(world, state, clock)
        await emily.hears(told)
        await world.app.worker.queues.idle()
        assert (await world.ledger(emily))[0]["state"] == ends
        await world.app.upkeep.look_after()
        await world.app.worker.queues.idle()
        assert sum(told in text for text in emily.heard()) == 1


@pytest.mark.parametrize(
    ("before", "told"),
    [("shipped", "can no longer be cancelled"), ("down", "cannot reach our order system")],
)
async def test_left_behind_without_effect(tmp_path: Path, before: str, told: str) -> None:
    """A write that surely had no effect is looked at anew before it is sent again: it may be too late, or not work."""
    adapter, clock = FaultyAdapter(DemoShop.open(tmp_path / "shop.db")), SetClock()
    async with running(tmp_path, adapter=adapter, overrides=Overrides(pace=unhurried(), clock=clock)) as world:
        emily, _, _ = await _asked(world)
        if before == "shipped":
            rows(tmp_path / "shop.db", "UPDATE orders SET status = 'shipped'")
        else:
            adapter.always("order", down())
        await _left(world, "in_flight", clock)
        await emily.hears(told)
        await world.app.worker.queues.idle()
        assert (await world.ledger(emily))[0]["state"] == "refused"
        assert adapter.tries("cancel") == 0


@pytest.mark.parametrize("change", ["customer_id = NULL, proof_kind = NULL", "proof_expires = '2020-01-01 00:00:00'"])
async def test_left_behind_by_somebody_who_is_verified_no_more(tmp_path: Path, change: str) -> None:
    """Without the customer's own right nobody asks the order system: a person looks."""
    clock = SetClock()
    async with running(tmp_path, overrides=Overrides(pace=unhurried(), clock=clock)) as world:
        emily, _, _ = await _asked(world)
        await world.app.store.database.write(
            lambda connection: connection.exec_driver_sql(f"UPDATE threads SET {change}")
        )
        await _left(world, "in_flight", clock)
        await emily.hears("could not get a confirmation")
        await world.admin.hears("nobody is verified")


async def test_an_entry_that_was_tampered_with_is_never_sent(tmp_path: Path) -> None:
    """An entry that says something else than was agreed to goes to a person when in flight, and is refused before."""
    clock = SetClock()
    async with running(tmp_path, overrides=Overrides(pace=unhurried(), clock=clock)) as world:
        emily, _, _ = await _asked(world)
        other = world.orders("en", "pending")[-1]
        await world.app.store.database.write(
            lambda connection: connection.exec_driver_sql("UPDATE ledger SET order_number = ?", (f"{other[:-1]}7",))
        )
        await _left(world, "in_flight", clock)
        await world.admin.hears("does not match its fingerprint")
        await emily.hears("could not get a confirmation")
    assert rows(tmp_path / "shop.db", "SELECT 1 FROM writes") == []
