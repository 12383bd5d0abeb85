"""What was only suspected is asked, end to end: the customer taps or writes, and nothing is skipped on the way."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.compose import Overrides
from bot.conversation.understanding import TimedTier
from bot.domain.actions import Action, ActionKind
from bot.domain.model import Query, Understood
from bot.domain.ports import OrderAdapter
from bot.errors import PassReason, TierPassed
from bot.orders.demo import DemoShop
from tests.support.faulty_adapter import FaultyAdapter, down
from tests.support.worker import Chatter, World, running, unhurried

QUERY, CANCEL, RETURN, HANDOFF, UNKNOWN = tuple(ActionKind)
NUMBER = re.compile(r"ORD\d{11}")


@dataclass
class Hunch:
    """A tier that is never sure: it suspects what a message's words are listed with, about the only number in it."""

    words: Mapping[str, Mapping[ActionKind, float]] = field(
        default_factory=lambda: {
            "off": {CANCEL: 0.6, UNKNOWN: 0.4},
            "abmelden": {CANCEL: 0.6, UNKNOWN: 0.4},
            "back": {RETURN: 0.6, UNKNOWN: 0.4},
            "rid": {CANCEL: 0.4, RETURN: 0.4, UNKNOWN: 0.2},
            "sure": {CANCEL: 1.0},
        }
    )
    name: str = "hunch"
    kind: str = "scripted"

    async def understand(self, query: Query) -> Understood:
        """Weigh the actions by the words."""
        likely = next((found for word, found in self.words.items() if word in query.text.casefold()), None)
        if likely is None:
            raise TierPassed(PassReason.NO_MATCH)
        numbers = NUMBER.findall(query.text)
        best = max(likely, key=likely.__getitem__)
        action = Action(best, numbers[0] if len(numbers) == 1 else None)
        weights = {kind: likely.get(kind, 0.0) for kind in ActionKind}
        return Understood(action, self.name, confidence=likely[best], likely=weights)


@asynccontextmanager
async def unsure(folder: Path, adapter: OrderAdapter | None = None) -> AsyncIterator[World]:
    """Run a bot that is sure of nothing but what is called so."""
    tiers = [TimedTier(Hunch(), 5.0, dict.fromkeys(ActionKind, 0.9))]
    async with running(folder, adapter=adapter, overrides=Overrides(pace=unhurried(), tiers=tiers)) as world:
        yield world


def labels(message: Mapping[str, Any]) -> list[str]:
    """Return the labels of a message's buttons."""
    return [button["text"] for row in message["reply_markup"]["inline_keyboard"] for button in row]


async def verified(world: World, language: str = "en") -> Chatter:
    """Return a customer who has shown who they are."""
    customer = world.customer(language)
    await customer.asks("/orders")
    await customer.shares_contact("ORD")
    await customer.asks("/reset")
    return customer


async def test_a_stranger_is_asked_first_and_nothing_is_skipped(tmp_path: Path) -> None:
    """Whoever is not known yet says yes to the question, shows who they are, and confirms the summary."""
    async with unsure(tmp_path) as world:
        emily, number = world.customer("en"), world.orders("en", "pending")[0]
        asked = await emily.asks(f"call {number} off maybe", f"Do you want to cancel order {number}?")
        assert labels(asked) == ["✅ Yes, cancel it", "No, I am just asking", "🙋 Talk to a person"]
        trace = await world.trace(emily)
        assert (trace["action"]["action"], trace["decision"]) == ("unknown", "inquire")
        await emily.presses("Yes", "make sure that the order is yours")
        assert await world.ledger(emily) == []
        await emily.shares_contact("Shall I cancel this order?")
        await emily.presses("Yes", f"Order {number} is cancelled")
        (entry,) = await world.ledger(emily)
        assert (entry["action"], entry["order_number"], entry["state"]) == ("cancel_order", number, "done")


@pytest.mark.parametrize("words", ["yes", "yes please", "👍"])
async def test_a_yes_in_words_goes_on(tmp_path: Path, words: str) -> None:
    """A yes that is written is as good as the button."""
    async with unsure(tmp_path) as world:
        emily = world.customer("en")
        await emily.asks("I might call it off", "Do you want to cancel an order?")
        await emily.asks(words, "Before I cancel anything")


async def test_a_no_in_the_customers_language(tmp_path: Path) -> None:
    """'Nein' changes nothing, and says what else can be asked, in German; the next message is understood anew."""
    async with unsure(tmp_path) as world:
        jonas = world.customer("de")
        await jonas.asks("Ich würde mich da gerne wieder abmelden", "Möchten Sie eine Bestellung stornieren?")
        await jonas.asks("nein", "Schreiben Sie einfach in Ihren eigenen Worten")
        assert any("Es wurde nichts storniert" in text for text in jonas.heard())
        assert await world.ledger(jonas) == []
        await jonas.asks("ja", "Ich bin nicht sicher")


async def test_just_asking(tmp_path: Path) -> None:
    """The button that says so declines the proposal, and the help comes with a way to a person."""
    async with unsure(tmp_path) as world:
        emily = await verified(world)
        number = world.orders("en", "pending")[0]
        asked = await emily.asks(f"call {number} off maybe", "Shall I cancel this order?")
        await emily.presses("just asking", "Just write in your own words")
        (entry,) = await world.ledger(emily)
        assert entry["state"] == "declined"
        yes = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        emily.phone.press(asked["message_id"], yes)
        await world.simulator.wait_call(
            "answerCallbackQuery", lambda call: "no longer valid" in call.params.get("text", "")
        )
        await emily.presses("Talk to a person", "passing this on")


async def test_who_is_known_is_asked_once(tmp_path: Path) -> None:
    """Where customer and order are known, the question is the confirmation itself: one tap, and it is done."""
    async with unsure(tmp_path) as world:
        emily = await verified(world)
        number = world.orders("en", "pending")[1]
        asked = await emily.asks(f"call {number} off maybe", "Have I understood you correctly?")
        assert number in asked["text"]
        assert labels(asked) == ["✅ Yes, cancel it", "No, I am just asking", "🙋 Talk to a person"]
        assert (await world.trace(emily))["action"]["action"] == "unknown"
        await emily.asks("yes", f"Order {number} is cancelled")
        (entry,) = await world.ledger(emily)
        assert entry["state"] == "done"


async def test_which_of_several(tmp_path: Path) -> None:
    """Where several orders may be meant, each has its button in the one question; a number will do as well."""
    async with unsure(tmp_path) as world:
        emily = await verified(world)
        first, second = world.orders("en", "pending")
        asked = await emily.asks("I might call it off", "Do you want to cancel an order? Then please choose it")
        assert [NUMBER.findall(label) for label in labels(asked)] == [[first], [second], [], []]
        await emily.asks(second, "Shall I cancel this order?")
        await emily.presses("Yes", f"Order {second} is cancelled")


async def test_a_return_is_asked_about_alike(tmp_path: Path) -> None:
    """A suspected return of which all was said is confirmed in one step."""
    async with unsure(tmp_path) as world:
        lucia = await verified(world, "es")
        number = world.orders("es", "delivered")[0]
        await lucia.asks(f"{number} back, todo, no me gusta", "¿Le he entendido bien?")
        await lucia.presses("Sí", "RMA-")


async def test_a_return_of_which_more_is_to_be_said(tmp_path: Path) -> None:
    """Where the reason is still missing, the suspicion is asked about first, and a yes leads to the next question."""
    async with unsure(tmp_path) as world:
        lucia = await verified(world, "es")
        number = world.orders("es", "delivered")[0]
        await lucia.asks(f"{number} back, todo", "¿Quiere devolver el pedido")
        await lucia.asks("sí", "¿Por qué desea devolverlo?")
        await lucia.presses("He cambiado de opinión", "Motivo: He cambiado de opinión")


async def test_either_or(tmp_path: Path) -> None:
    """Where it may be either write, the customer says which, and the order that was written stays the one."""
    async with unsure(tmp_path) as world:
        emily, number = await verified(world), world.orders("en", "pending")[0]
        asked = await emily.asks(f"get rid of {number}", "What would you like to do")
        assert labels(asked) == ["Cancel an order", "Send something back", "Where is my order?", "🙋 Talk to a person"]
        await emily.presses("Cancel an order", "Shall I cancel this order?")
        await emily.asks(f"get rid of {number}", "What would you like to do")
        await emily.presses("Where is my order", f"Order {number}")
        assert (await world.trace(emily))["decision"] == "show"


async def test_the_last_order_stays_the_last(tmp_path: Path) -> None:
    """'My last order' is remembered over the question and the verification."""
    async with unsure(tmp_path) as world:
        emily, number = world.customer("en"), world.orders("en", "pending")[0]
        await emily.asks("get rid of my last order", "What would you like to do")
        await emily.presses("Cancel an order", "Before I cancel anything")
        answer = await emily.shares_contact("Shall I cancel this order?")
        assert number in answer["text"]


async def test_what_cannot_be_done_is_asked_first(tmp_path: Path) -> None:
    """For an order that is too late to cancel the plain question comes first, and after a yes the reason."""
    async with unsure(tmp_path) as world:
        emily, number = await verified(world), world.orders("en", "shipped")[0]
        await emily.asks(f"call {number} off maybe", f"Do you want to cancel order {number}?")
        await emily.asks("yes", "can no longer be cancelled")


async def test_another_customers_number_is_not_offered(tmp_path: Path) -> None:
    """Somebody else's number and one that does not exist get the same question, without the number, and one answer."""
    async with unsure(tmp_path) as world:
        emily = await verified(world)
        said = []
        for number in (world.orders("zh", "pending")[0], "ORD20200101999"):
            await emily.asks("/reset")
            asked = await emily.asks(f"call {number} off maybe", "Do you want to cancel an order?")
            answer = await emily.asks("yes", "I could not find order")
            said.append((asked["text"], answer["text"].replace(number, "N")))
        assert said[0] == said[1]


async def test_what_was_said_before_is_not_asked(tmp_path: Path) -> None:
    """While the bot waits for a proof in a cancellation, a hint at the same is no reason to ask whether it is meant."""
    async with unsure(tmp_path) as world:
        emily, number = world.customer("en"), world.orders("en", "pending")[0]
        await emily.asks(f"cancel {number}, I am sure", "Before I cancel anything")
        await emily.asks("why, it is just to call it off", "Before I cancel anything")
        await emily.shares_contact("Shall I cancel this order?")


async def test_the_question_needs_no_order_system(tmp_path: Path) -> None:
    """When the order system is away, a known customer is asked all the same, and only a yes needs it."""
    adapter = FaultyAdapter(DemoShop.open(tmp_path / "shop.db"))
    async with unsure(tmp_path, adapter) as world:
        emily = await verified(world)
        adapter.always("orders", down())
        await emily.asks("I might call it off", "Do you want to cancel an order?")
        await emily.asks("yes", "cannot reach our order system")


# --- several numbers ---


async def test_of_several_written_numbers_the_own_ones_are_offered(tmp_path: Path) -> None:
    """Two own numbers and a stranger's in one message: the own two have buttons, the other is passed over."""
    async with unsure(tmp_path) as world:
        emily = await verified(world)
        first, second = world.orders("en", "pending")
        theirs = world.orders("zh", "pending")[0]
        asked = await emily.asks(f"sure: {theirs}, {second} and {first}", "Which order would you like to cancel?")
        assert [NUMBER.findall(label) for label in labels(asked)] == [[second], [first]]
        assert theirs not in asked["text"]
        await emily.presses(first, "Shall I cancel this order?")


async def test_numbers_that_were_written_before_the_verification_count(tmp_path: Path) -> None:
    """Whoever writes two numbers and then shows who they are is asked for one of these two."""
    async with unsure(tmp_path) as world:
        emily = world.customer("en")
        shipped, processed = world.orders("en", "shipped")[0], world.orders("en", "processed")[0]
        await emily.asks(f"sure, {shipped} or {processed}", "Before I cancel anything")
        asked = await emily.shares_contact("Which order would you like to cancel?")
        assert [NUMBER.findall(label) for label in labels(asked)] == [[shipped], [processed]]
        await emily.presses(shipped, "can no longer be cancelled")


async def test_what_the_thread_speaks_of_comes_first(tmp_path: Path) -> None:
    """Orders of which the thread spoke stand before the others, and hide none of them."""
    async with unsure(tmp_path) as world:
        emily = await verified(world)
        first, second = world.orders("en", "pending")
        await emily.asks(f"hello, it is about {second}", "I am not sure")
        asked = await emily.asks("I want it cancelled, I am sure", "Which order would you like to cancel?")
        assert [NUMBER.findall(label) for label in labels(asked)] == [[second], [first]]
