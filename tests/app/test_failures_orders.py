"""The order system fails in every way it can: the customer and the admins are told the truth, nothing is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.demo import ADMIN_ID
from bot.errors import OrderSystemGarbled
from bot.orders.demo import DemoShop
from tests.support.faulty_adapter import Fault, FaultyAdapter, Inner, down, garbage, hang, late, raising
from tests.support.rows import rows
from tests.support.scopes import scope_of
from tests.support.worker import Chatter, World, running

QUICK = {"timeout_s": 0.2}
DOWN, CANCELLED, UNKNOWN = "cannot reach our order system", "is cancelled", "could not get a confirmation"


@dataclass
class Shop:
    """A bot with a faulty order system, and a customer of it."""

    world: World
    adapter: FaultyAdapter
    emily: Chatter
    number: str
    folder: Path

    def writes(self) -> list[tuple[str, str]]:
        """Return what the shop really did: (order number, result)."""
        return [(n, r) for n, r in rows(self.folder / "shop.db", "SELECT order_number, result FROM writes")]

    async def ledger(self) -> tuple[str, str]:
        """Return the state and the detail of the only ledger entry."""
        (entry,) = await self.world.ledger(self.emily)
        return entry["state"], entry["detail"]

    async def confirm(self, expecting: str) -> str:
        """Ask for a cancellation, press yes, and return the answer that holds the words."""
        await self.emily.asks(f"cancel {self.number}", "share your phone number")
        await self.emily.shares_contact("Shall I cancel")
        answer = await self.emily.presses("Yes", expecting)
        return str(answer["text"])


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[Shop]:
    """Run a bot around a faulty adapter."""
    adapter = FaultyAdapter(DemoShop.open(folder / "shop.db"))
    async with running(folder, adapter=adapter, orders=QUICK) as world:
        yield Shop(world, adapter, world.customer("en"), world.orders("en", "pending")[0], folder)


READ_FAULTS: dict[str, Callable[[], Fault]] = {
    "down": down,
    "hangs": hang,
    "nonsense": lambda: garbage({"status": "🤷"}),
    "breaks": lambda: raising(ZeroDivisionError("an adapter's own mistake")),
}


@pytest.mark.parametrize("name", READ_FAULTS)
async def test_a_question_to_an_order_system_that_fails(tmp_path: Path, name: str) -> None:
    """The customer is told that it cannot be reached, the admins too, and afterwards the same question is answered."""
    async with shop(tmp_path) as place:
        await place.emily.asks(f"where is {place.number}?")
        await place.emily.shares_contact("Ordered on")
        place.adapter.always("order", READ_FAULTS[name]())
        await place.emily.asks(f"where is {place.number}?", DOWN)
        await place.world.admin.hears("order system did not answer")
        place.adapter.always("order", None)
        await place.emily.asks(f"where is {place.number}?", "Ordered on")


async def test_a_verification_while_the_order_system_is_down(tmp_path: Path) -> None:
    """A contact shared while nobody can look it up counts as no failed try, and works when shared again."""
    async with shop(tmp_path) as place:
        place.adapter.always("identify_by_phone", down())
        await place.emily.asks("/orders", "share your phone number")
        for _ in range(6):
            await place.emily.shares_contact(DOWN)
        place.adapter.always("identify_by_phone", None)
        await place.emily.shares_contact("Which order")


async def test_an_adapter_that_answers_another_customers_order(tmp_path: Path) -> None:
    """Another customer's order is withheld, and reads like one that does not exist."""
    async with shop(tmp_path) as place:
        theirs = place.world.orders("zh", "shipped")[0]
        wang = next(p for p in place.world.customers if p.language == "zh")
        customer = await place.adapter.inner.identify_by_phone(wang.phone)
        assert customer
        await place.emily.asks(f"where is {theirs}?")
        unknown = await place.emily.shares_contact("could not find")
        place.adapter.plan("order", garbage(await place.adapter.inner.order(scope_of(*customer), theirs)))
        withheld = await place.emily.asks(f"where is {theirs}?", "could not find")
        assert withheld["text"] == unknown["text"]


async def test_a_write_to_an_order_system_that_is_down(tmp_path: Path) -> None:
    """Surely nothing was done: the customer hears so, the ledger says refused, the admins know."""
    async with shop(tmp_path) as place:
        place.adapter.always("cancel", down())
        await place.confirm(DOWN)
        await place.world.admin.hears("was left as it is")
        assert (await place.ledger())[0] == "refused"
        assert place.writes() == []


@pytest.mark.parametrize(
    "fault",
    [late, lambda: late(OrderSystemGarbled()), lambda: late(ConnectionResetError())],
    ids=["timeout", "garbled", "torn"],
)
async def test_a_write_whose_answer_is_lost_is_looked_up(tmp_path: Path, fault: Callable[[], Fault]) -> None:
    """It was done, though no answer came: the order system is asked, and the customer hears that it is done."""
    async with shop(tmp_path) as place:
        place.adapter.always("cancel", fault())
        await place.confirm(CANCELLED)
        assert (await place.ledger())[0] == "done"
        assert place.writes() == [(place.number, "done")]


LOST = {"hangs": hang, "nonsense": lambda: garbage(None)}


@pytest.mark.parametrize("name", LOST)
async def test_a_write_without_an_answer_goes_to_a_person(tmp_path: Path, name: str) -> None:
    """Where nobody can know whether it was done, the customer hears just that, and a person is asked to look."""
    async with shop(tmp_path) as place:
        place.adapter.always("cancel", LOST[name]())
        place.adapter.always("outcome", raising(OrderSystemGarbled("it cannot be told")))
        await place.confirm(UNKNOWN)
        await place.world.admin.hears(f"Please check order {place.number}")
        assert (await place.ledger())[0] == "unknown"
        place.adapter.always("cancel", None)
        await place.emily.asks("yes")
        await place.emily.asks(f"cancel {place.number}", "already under way")
        assert place.writes() == []
        assert not any("✅ Order" in text for text in place.emily.heard())


@pytest.mark.parametrize("name", LOST)
async def test_a_write_that_surely_had_no_effect_is_sent_again(tmp_path: Path, name: str) -> None:
    """Read back and found to have had no effect, a write is sent once more with the same key, and done."""
    async with shop(tmp_path) as place:
        place.adapter.honours_keys = False
        place.adapter.plan("cancel", LOST[name]())
        await place.confirm(CANCELLED)
        assert (await place.ledger())[0] == "done"
        assert place.writes() == [(place.number, "done")]
        sent = [call for call in place.adapter.calls if call[0] == "cancel"]
        assert [call[1:] for call in sent] == [sent[0][1:]] * 2


async def test_a_write_that_never_has_an_effect_is_given_up(tmp_path: Path) -> None:
    """Sent twice with the same key, each time surely without effect, it is given up, and nobody has to look."""
    async with shop(tmp_path) as place:
        place.adapter.honours_keys = False
        place.adapter.always("cancel", garbage(None))
        await place.confirm(DOWN)
        assert (await place.ledger())[0] == "refused"
        assert place.adapter.tries("cancel") == 2
        assert place.writes() == []


@pytest.mark.parametrize(
    ("label", "told", "state"),
    [("It was done", CANCELLED, "done"), ("It was not done", "was not cancelled", "refused")],
)
async def test_a_person_tells_what_became_of_a_write(tmp_path: Path, label: str, told: str, state: str) -> None:
    """An admin's button settles what nobody could know, once; the customer is told, and the ledger knows by whom."""
    async with shop(tmp_path) as place:
        place.adapter.always("cancel", hang())
        place.adapter.always("outcome", down())
        await place.confirm(UNKNOWN)
        await place.world.admin.hears(f"Please check order {place.number}")
        after = place.emily.last_id()
        place.world.admin.phone.press_label(label)
        await place.emily.hears(told, after)
        await place.world.admin.hears("has checked")
        assert await place.ledger() == (state, "a person has checked it")
        assert rows(place.folder / "deskhand.db", "SELECT settled_by FROM ledger") == [(ADMIN_ID,)]
        place.adapter.always("cancel", None)
        if state == "refused":
            await place.emily.asks(f"cancel {place.number}", "Shall I cancel")


async def test_a_write_that_was_done_is_told_even_if_the_shop_goes_down_then(tmp_path: Path) -> None:
    """What the order system has confirmed is said, whatever becomes of it the moment after."""
    async with shop(tmp_path) as place:

        async def act_and_go_down(inner: Inner) -> object:
            answer = await inner()
            place.adapter.always("order", down())
            return answer

        place.adapter.plan("cancel", act_and_go_down)
        await place.confirm(CANCELLED)
        assert (await place.ledger())[0] == "done"


@pytest.mark.parametrize("second_life", ["healthy", "down"])
async def test_stopped_in_the_middle_of_a_write(
    tmp_path: Path, second_life: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped while the shop acts, the bot takes the same write up again with the same key and claims nothing false."""
    acted = asyncio.Event()
    monkeypatch.setattr("bot.app.PARK_S", 0.1)

    async def act_and_hang(inner: Inner) -> None:
        await inner()
        acted.set()
        await hang()(inner)

    first = FaultyAdapter(DemoShop.open(tmp_path / "shop.db"))
    first.plan("cancel", act_and_hang)
    async with running(tmp_path, adapter=first, orders={"timeout_s": 60.0}) as world:
        emily, number = world.customer("en"), world.orders("en", "pending")[0]
        await emily.asks(f"cancel {number}", "share your phone number")
        await emily.shares_contact("Shall I cancel")
        emily.phone.press_label("Yes")
        await asyncio.wait_for(acted.wait(), 10)
    assert rows(tmp_path / "deskhand.db", "SELECT state FROM ledger") == [("in_flight",)]

    second = FaultyAdapter(DemoShop.open(tmp_path / "shop.db"))
    if second_life == "down":
        second.always("cancel", down())
        second.always("outcome", down())
    async with running(tmp_path, adapter=second) as world:
        emily = world.customer("en")
        await emily.hears(CANCELLED if second_life == "healthy" else UNKNOWN)
        (entry,) = await world.ledger(emily)
        assert entry["state"] == ("done" if second_life == "healthy" else "unknown")
    keys = {call[2]["key"] for adapter in (first, second) for call in adapter.calls if call[0] == "cancel"}
    assert len(keys) == 1
    assert rows(tmp_path / "shop.db", "SELECT order_number, result FROM writes") == [(number, "done")]
