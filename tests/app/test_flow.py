"""What is asked before a cancellation or a return, end to end: by buttons, in words, and both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.domain.model import WHOLE_ONLY, WriteAnswer, WriteResult
from bot.orders.demo import DemoShop
from tests.support.faulty_adapter import FaultyAdapter, garbage
from tests.support.returning import GUIDE, NOVEL, SEVERAL, SWEATER, shop
from tests.support.simulator import JPEG_640_480

WHAT, HOW_MANY, WHY = "What would you like to send back?", "How many of these", "Why would you like to send it back?"
PHOTO, SUMMARY, SENTENCE = "Please send a photo", "Shall I request the return", "Please tell us in a sentence"


def labels(message: dict[str, Any]) -> list[str]:
    """Return the labels of a message's buttons."""
    return [button["text"] for row in message["reply_markup"]["inline_keyboard"] for button in row]


async def test_all_by_buttons(tmp_path: Path) -> None:
    """Items are picked one by one and counted, the reason is given, the photo skipped, and the summary agreed to."""
    async with shop(tmp_path) as place:
        emily, number = place.emily, place.number(*SEVERAL)
        asked = await emily.asks(f"I want to return {number}", WHAT)
        assert labels(asked)[:4] == ["☐ 3 × Travel guide", "☐ 2 × Crime novel", "☐ 1 × Merino sweater", "All of it"]
        await emily.presses(GUIDE, WHAT)
        picked = await emily.presses(NOVEL, WHAT)
        assert labels(picked)[:2] == ["☑ 3 × Travel guide", "☑ 2 × Crime novel"]
        await emily.presses(NOVEL, WHAT)
        await emily.presses("That is all", HOW_MANY)
        await emily.presses("2", WHY)
        await emily.presses("It is damaged", PHOTO)
        summary = (await emily.presses("Skip", SUMMARY))["text"]
        assert "• 2 × Travel guide" in summary.partition("Only this goes back:")[2]
        assert "Reason: It is damaged" in summary
        assert "Paid with: PayPal" in summary
        assert "is decided when it has arrived" in summary
        await emily.presses("Yes", "RMA-")
        assert place.returned() == {GUIDE: 2}
        assert place.written() == [(number, "done", "damaged")]


async def test_all_in_words(tmp_path: Path) -> None:
    """The same without a button: names pick the goods, digits count them, plain words give the reason."""
    async with shop(tmp_path) as place:
        emily, number = place.emily, place.number(*SEVERAL)
        await emily.asks(f"I want to return {number}", WHAT)
        await emily.asks("the novels and the sweater", HOW_MANY)
        await emily.asks("7", "I did not quite get that")
        await emily.asks("1", WHY)
        await emily.asks("they are too small", SUMMARY)
        await emily.asks("yes", "RMA-")
        assert place.returned() == {NOVEL: 1, SWEATER: 1}
        assert place.written() == [(number, "done", "does_not_fit")]


@pytest.mark.parametrize(("words", "goods"), [("1 and 3", {GUIDE, SWEATER}), ("everything", {GUIDE, NOVEL, SWEATER})])
async def test_places_and_all(tmp_path: Path, words: str, goods: set[str]) -> None:
    """A number is a place in the list; 'everything' is all of it, in full."""
    async with shop(tmp_path) as place:
        emily = place.emily
        await emily.asks(f"I want to return {place.number(*SEVERAL)}", WHAT)
        if words == "everything":
            await emily.asks(words, WHY)
        else:
            await emily.asks(words, HOW_MANY)
            await emily.asks("3", WHY)
        summary = (await emily.presses("I changed my mind", SUMMARY))["text"].partition("Only this goes back:")
        assert {name for name in SEVERAL if name in (summary[2] or summary[0])} == goods
        assert bool(summary[1]) == (words != "everything")


async def test_one_piece_needs_only_a_reason(tmp_path: Path) -> None:
    """Of an order of one piece nothing but the reason is asked; a wish that says it goes to the summary at once."""
    async with shop(tmp_path) as place:
        emily, number = place.emily, place.number("Wireless earbuds")
        await emily.asks(f"I want to return {number}", WHY)
        await emily.asks("changed my mind", SUMMARY)
        await emily.asks("no", "no return was requested")
        await emily.asks(f"I want to return {number}, I do not like it", SUMMARY)
        assert [state for state, _ in place.proposed()] == ["declined", "proposed"]


async def test_what_cannot_go_back_is_shown_and_not_offered(tmp_path: Path) -> None:
    """Goods that are never taken back are named as such, and have no button; the only other ones need no picking."""
    async with shop(tmp_path, not_returnable=[NOVEL]) as place:
        asked = await place.emily.asks(f"I want to return {place.number(*SEVERAL)}", WHAT)
        assert NOVEL in asked["text"].partition("This cannot be sent back:")[2]
        assert not any(NOVEL in label for label in labels(asked))
        await place.emily.presses("No, do not return it", "no return was requested")
        number = place.number("Vitamin D3, 90 tablets", "Winter coat")
        await place.emily.asks(f"I want to return {number}", WHY)
        summary = await place.emily.presses("It does not fit", SUMMARY)
        assert "Winter coat" in summary["text"].partition("Only this goes back:")[2]


async def test_another_reason_is_kept_in_the_customers_words(tmp_path: Path) -> None:
    """'Another reason' asks for a sentence; it stands in the summary, in the ledger, and is shown to the admins."""
    async with shop(tmp_path) as place:
        await place.emily.asks(f"I want to return {place.number('Wireless earbuds')}", WHY)
        await place.emily.presses("Another reason", SENTENCE)
        summary = await place.emily.asks("My sister already gave me the very same", SUMMARY)
        assert "In your words: My sister already gave me the very same" in summary["text"]
        await place.emily.presses("Yes", "RMA-")
        await place.world.admin.hears("My sister already gave me")
        ((state, arguments),) = place.proposed()
        assert (state, json.loads(arguments)["reason"]) == ("done", "other")
        assert json.loads(arguments)["note"] == "My sister already gave me the very same"


async def test_words_that_are_no_listed_reason_are_one(tmp_path: Path) -> None:
    """A reason in words that nobody listed is kept as it was written."""
    async with shop(tmp_path) as place:
        await place.emily.asks(f"I want to return {place.number('Wireless earbuds')}", WHY)
        summary = await place.emily.asks("My ears are shaped oddly, sadly", SUMMARY)
        assert "In your words: My ears are shaped oddly, sadly" in summary["text"]


async def test_a_photo_is_shown_to_the_admins(tmp_path: Path) -> None:
    """A photo that was asked for is kept with the proposal, and the admins see it once the customer has said yes."""
    async with shop(tmp_path) as place:
        emily, admin = place.emily, place.world.admin
        await emily.asks(f"I want to return {place.number('Wireless earbuds')}, they are broken", PHOTO)
        sent = emily.phone.send_photo(JPEG_640_480, "The left one is cracked")
        summary = await emily.hears(SUMMARY, sent)
        assert "Your photo is attached" in summary["text"]
        assert "In your words: The left one is cracked" in summary["text"]
        before = place.world.simulator.messages(admin.id)
        assert not any("photo" in message for message in before)
        await emily.presses("Yes", "RMA-")
        await place.world.simulator.wait_call("copyMessage", lambda call: call.params["message_id"] == sent)


async def test_a_photo_that_the_shop_insists_on(tmp_path: Path) -> None:
    """Where there is no return without a photo there is no way around it, but a no ends it."""
    async with shop(tmp_path, return_photo_required=True) as place:
        asked = await place.emily.asks(f"I want to return {place.number('Wireless earbuds')}, they are broken", PHOTO)
        assert "Skip this" not in labels(asked)
        await place.emily.asks("I have no photo", PHOTO)
        await place.emily.asks("no", "no return was requested")
        assert place.proposed() == []


async def test_a_shop_that_asks_for_nothing(tmp_path: Path) -> None:
    """Without a reason asked for, a return of one piece is confirmed at once."""
    async with shop(tmp_path, ask_return_reason=False) as place:
        await place.emily.asks(f"I want to return {place.number('Wireless earbuds')}", SUMMARY)


@pytest.mark.parametrize(("answer", "reason"), [("It takes too long", "arrived_late"), ("Skip this", None)])
async def test_the_reason_of_a_cancellation(tmp_path: Path, answer: str, reason: str | None) -> None:
    """Where the shop wants it, it is asked for, and may be skipped."""
    async with shop(tmp_path, ask_cancel_reason=True) as place:
        number = place.number("Smartphone 128 GB", status="pending")
        await place.emily.asks(f"cancel order {number}", "Why would you like to cancel it?")
        await place.emily.presses(answer, "Shall I cancel this order?")
        await place.emily.presses("Yes", "is cancelled")
        assert place.written() == [(number, "done", reason)]


async def test_a_shop_that_takes_whole_orders_only(tmp_path: Path) -> None:
    """Where the order system refuses single lines, all of the order is offered, and sent only after another yes."""
    adapter = FaultyAdapter(DemoShop.open(tmp_path / "shop.db"))
    adapter.plan("request_return", garbage(WriteAnswer(WriteResult.REFUSED, detail=WHOLE_ONLY)))
    async with shop(tmp_path, adapter=adapter) as place:
        await place.emily.asks(f"I want to return the sweater of {place.number(*SEVERAL)}, it does not fit", SUMMARY)
        after = place.emily.last_id()
        await place.emily.presses("Yes", "only as a whole")
        summary = await place.emily.hears(SUMMARY, after)
        assert "Only this goes back" not in summary["text"]
        assert (adapter.tries("request_return"), place.written()) == (1, [])
        await place.emily.asks("yes", "RMA-")
        assert place.returned() == {}
        assert [state for state, _ in place.proposed()] == ["refused", "done"]


NEVER = {"Hand cream", "Vitamin D3, 90 tablets", "Throat lozenges", "First-aid kit", "Digital thermometer"}
SPOKEN = {
    "zh": ("我要退货", "损坏", "跳过"),
    "es": ("quiero devolver el pedido", "Está dañado", "Omitir"),
    "ru": ("хочу вернуть заказ", "Товар повреждён", "Пропустить"),
    "de": ("Ich möchte zurückgeben:", "Es ist beschädigt", "Überspringen"),
    "fr": ("je veux retourner la commande", "endommagé", "Passer"),
    "ar": ("أريد إرجاع الطلب", "تالف", "تخطي"),
    "hi": ("मुझे वापस करना है ऑर्डर", "खराब", "छोड़ें"),
}


@pytest.mark.parametrize("language", SPOKEN)
async def test_in_every_language(tmp_path: Path, language: str) -> None:
    """The whole flow in each language the bot speaks: a button or a typed word for each answer."""
    wish, reason, skip = SPOKEN[language]
    async with shop(tmp_path) as place:
        customer = place.world.customer(language)
        person = next(person for person in place.world.customers if person.id == customer.id)
        orders = (order for order in person.orders if order["status"] == "delivered")
        number = next(order["number"] for order in orders if set(order["items"]) - NEVER)
        place.emily.id = customer.id
        await customer.asks("/orders")
        await customer.shares_contact("ORD")
        await customer.asks("/reset")
        await customer.asks(f"{wish} {number}")
        while (step := await place.waiting()) != "reason":
            assert step in ("items", "quantity")
            await customer.presses("1" if step == "quantity" else "")
            if await place.waiting() == "items":
                await customer.presses(place.world.app.brain.replies.no_more_items_button(language))
        await customer.asks(reason)
        assert await place.waiting() == "photo"
        await customer.asks(skip)
        assert await place.waiting() == "confirmation"


async def test_an_order_by_its_goods(tmp_path: Path) -> None:
    """'The earbuds' is the order that holds them; goods of several orders are a question among those."""
    async with shop(tmp_path) as place:
        asked = await place.emily.asks("I want to return my wireless earbuds", WHY)
        assert await place.waiting() == "reason"
        await place.emily.presses("No, do not return it", "no return was requested")
        asked = await place.emily.asks("I want to return the travel guide", "Which order would you like to return?")
        orders = [place.number(*SEVERAL), place.number(GUIDE, "Hand cream")]
        assert all(number in asked["text"] for number in orders)
        assert place.number("Wireless earbuds") not in asked["text"]


@pytest.mark.parametrize("words", ["yes", ""])
async def test_a_return_in_the_place_of_a_cancellation(tmp_path: Path, words: str) -> None:
    """What was delivered cannot be cancelled; that it be returned is offered, and a yes or the button takes it up."""
    async with shop(tmp_path) as place:
        number = place.number("Wireless earbuds")
        await place.emily.asks(f"please cancel order {number}", "Would you like to return it instead?")
        await (place.emily.asks(words, WHY) if words else place.emily.presses("Send something back", WHY))
