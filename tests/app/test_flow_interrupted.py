"""What comes between while a return is talked about: second thoughts, corrections, questions, restarts, and time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import Town, town
from tests.support.returning import GUIDE, NOVEL, SEVERAL, SWEATER, Shop, introduce, number_of, shop
from tests.support.rows import connect
from tests.support.simulator import JPEG_640_480
from tests.support.store import SetClock
from tests.support.worker import Chatter

BUDS = "Wireless earbuds"
QUESTIONS = {
    "items": "What would you like to send back?",
    "quantity": "How many of these",
    "reason": "Why would you like to send it back?",
    "note": "Please tell us in a sentence",
    "photo": "Please send a photo",
    "confirmation": "Shall I request the return",
}
# How a question is come to, and what answers it and all that follow, the last answer being the yes.
LEAD_UP = {
    "items": ["I want to return {several}"],
    "quantity": ["I want to return the novels of {several}"],
    "reason": ["I want to return {buds}"],
    "note": ["I want to return {buds}", "another reason"],
    "photo": ["I want to return {buds}, they are broken"],
    "confirmation": ["I want to return {buds}, I do not like them"],
}
ANSWERS = {
    "items": ["the sweater", "it does not fit", "yes"],
    "quantity": ["2", "I changed my mind", "yes"],
    "reason": ["I changed my mind", "yes"],
    "note": ["They hum whenever I am near the sea", "yes"],
    "photo": ["skip", "yes"],
    "confirmation": ["yes"],
}
steps = pytest.mark.parametrize("step", QUESTIONS)


async def come_to(place: Shop, step: str) -> dict[str, Any]:
    """Talk until the question of a step is asked, and return it."""
    numbers = {"several": place.number(*SEVERAL), "buds": place.number(BUDS)}
    *before, last = LEAD_UP[step]
    for words in before:
        await place.emily.asks(words.format(**numbers))
    asked = await place.emily.asks(last.format(**numbers), QUESTIONS[step])
    assert await place.waiting() == step
    return asked


async def answer_the_rest(place: Shop, step: str) -> None:
    """Answer the open question and those that follow, to the end."""
    *answers, yes = ANSWERS[step]
    for words in answers:
        await place.emily.asks(words)
    await place.emily.asks(yes, "RMA-")
    assert [result for _, result, _ in place.written()] == ["done"]


@steps
async def test_a_change_of_mind(tmp_path: Path, step: str) -> None:
    """A no at any question ends it, nothing is written, and a yes that comes later means nothing."""
    async with shop(tmp_path) as place:
        await come_to(place, step)
        if step == "photo":
            # To a photo a no is no answer to the return itself.
            await place.emily.asks("no", QUESTIONS["confirmation"])
        await place.emily.asks("no, don't", "no return was requested")
        await place.emily.asks("yes", "I am not sure what you need")
        assert place.written() == []


@steps
async def test_a_question_in_between(tmp_path: Path, step: str) -> None:
    """A question is answered from the FAQ, the open question is asked again, and the return goes on."""
    async with shop(tmp_path) as place:
        await come_to(place, step)
        sent = place.emily.phone.send_text("How long does a refund take?")
        answer = await place.emily.hears("Five to seven working days", sent)
        again = await place.emily.hears(QUESTIONS[step], answer["message_id"])
        assert again["reply_markup"]["inline_keyboard"]
        assert await place.waiting() == step
        await answer_the_rest(place, step)


@steps
async def test_another_order_is_asked_about_in_between(tmp_path: Path, step: str) -> None:
    """'Where is order …?' is answered, and the open question is asked again."""
    async with shop(tmp_path) as place:
        await come_to(place, step)
        (shipped,) = place.world.orders("en", "shipped")
        sent = place.emily.phone.send_text(f"where is my order {shipped}, has it been shipped?")
        card = await place.emily.hears("Tracking number", sent)
        await place.emily.hears(QUESTIONS[step], card["message_id"])
        assert (await place.world.trace(place.emily))["action"]["order_id"] == shipped
        await answer_the_rest(place, step)


@steps
async def test_a_person_is_asked_for_in_between(tmp_path: Path, step: str) -> None:
    """Whoever asks for a person gets one, and the question is void."""
    async with shop(tmp_path) as place:
        await come_to(place, step)
        await place.emily.asks("I want to talk to a human", "passing this on")
        assert await place.waiting() == "nothing"


@asynccontextmanager
async def bot_process(folder: Path) -> AsyncIterator[tuple[Town, Chatter]]:
    """Run the bot as a process of its own that can be killed; it knows Emily."""
    async with town(folder, policy="return_window_days = 3650") as place:
        await place.start()
        emily = place.customer()
        await introduce(emily)
        yield place, emily


@steps
async def test_killed_at_any_question(tmp_path: Path, step: str) -> None:
    """Killed at any question and started again, the bot goes on with the answer to it."""
    async with bot_process(tmp_path) as (place, emily):
        several, buds = (number_of(place.customers, emily, *goods) for goods in (SEVERAL, (BUDS,)))
        for words in LEAD_UP[step]:
            await emily.asks(words.format(several=several, buds=buds))
        await emily.hears(QUESTIONS[step])
        await place.restart()
        *answers, yes = ANSWERS[step]
        for words in answers:
            await emily.asks(words)
        await emily.asks(yes, "RMA-")
        assert [result for _, _, result in place.writes()] == ["done"]


async def test_a_button_works_after_a_kill(tmp_path: Path) -> None:
    """The buttons of a question that was asked before the kill still answer it, and what was picked is kept."""
    async with bot_process(tmp_path) as (place, emily):
        await emily.asks(f"I want to return {number_of(place.customers, emily, *SEVERAL)}", QUESTIONS["items"])
        await emily.presses(SWEATER, QUESTIONS["items"])
        await place.restart()
        await emily.presses("That is all", QUESTIONS["reason"])
        await emily.presses("It does not fit", QUESTIONS["confirmation"])
        await emily.presses("Yes", "RMA-")
        assert place.bot.rows("SELECT item_id FROM returned_lines", file="shop.db") == [("3",)]


@steps
async def test_it_lapses_politely(tmp_path: Path, step: str) -> None:
    """An answer that comes an hour later changes nothing, and is told that the question was too old."""
    clock = SetClock()
    async with shop(tmp_path, clock=clock) as place:
        await come_to(place, step)
        clock.move(hours=1)
        await place.emily.asks("yes", "too old to be answered")
        assert await place.waiting() == "nothing"
        assert place.written() == []


async def test_the_buttons_of_an_old_question_do_nothing(tmp_path: Path) -> None:
    """A button of a question that was answered in words meanwhile is no longer valid, and changes nothing."""
    async with shop(tmp_path) as place:
        asked = await come_to(place, "reason")
        damaged = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        await place.emily.asks("I changed my mind", QUESTIONS["confirmation"])
        place.emily.phone.press(asked["message_id"], damaged)
        await place.world.simulator.wait_call(
            "answerCallbackQuery", lambda call: "no longer valid" in call.params.get("text", "")
        )
        await place.emily.asks("yes", "RMA-")
        assert [reason for _, _, reason in place.written()] == ["changed_mind"]


async def test_a_greeting_and_nonsense_in_between(tmp_path: Path) -> None:
    """A hello is answered, what nobody understands is owned up to, and each time the question is asked again."""
    async with shop(tmp_path) as place:
        await come_to(place, "items")
        sent = place.emily.phone.send_text("hello")
        hello = await place.emily.hears("Hello!", sent)
        await place.emily.hears(QUESTIONS["items"], hello["message_id"])
        sent = place.emily.phone.send_text("blubb blubb")
        owned = await place.emily.hears("I did not quite get that", sent)
        await place.emily.hears(QUESTIONS["items"], owned["message_id"])


# --- corrections ---


@asynccontextmanager
async def sweater_proposed(folder: Path) -> AsyncIterator[Shop]:
    """Run a bot that has proposed the return of a sweater, one of three kinds of goods."""
    async with shop(folder) as place:
        number = place.number(*SEVERAL)
        await place.emily.asks(f"I want to return the sweater of {number}, it does not fit", QUESTIONS["confirmation"])
        yield place


async def test_other_goods_instead(tmp_path: Path) -> None:
    """'The novels instead' at the summary changes the goods; the old yes is dead, the reason stays."""
    async with sweater_proposed(tmp_path) as place:
        emily = place.emily
        old = place.world.simulator.messages(emily.id)[-1]
        await emily.asks("no, the novels instead", QUESTIONS["quantity"])
        emily.phone.press(old["message_id"], old["reply_markup"]["inline_keyboard"][0][0]["callback_data"])
        await place.world.simulator.wait_call("answerCallbackQuery", lambda call: "text" in call.params)
        summary = await emily.asks("1", QUESTIONS["confirmation"])
        assert "1 × Crime novel" in summary["text"].partition("Only this goes back:")[2]
        assert "Reason: It does not fit" in summary["text"]
        await emily.asks("yes", "RMA-")
        assert place.returned() == {NOVEL: 1}
        assert [state for state, _ in place.proposed()] == ["declined", "done"]


async def test_another_number_instead(tmp_path: Path) -> None:
    """Another order number in the middle is the order that is meant; the goods are asked anew, the reason is not."""
    async with sweater_proposed(tmp_path) as place:
        number = place.number(BUDS)
        summary = await place.emily.asks(f"no, {number}", QUESTIONS["confirmation"])
        assert number in summary["text"]
        assert "Reason: It does not fit" in summary["text"]
        await place.emily.asks("yes", "RMA-")
        assert [order for order, _, _ in place.written()] == [number]


async def test_goods_of_another_order_instead(tmp_path: Path) -> None:
    """Goods that are in another order only lead to that one."""
    async with sweater_proposed(tmp_path) as place:
        summary = await place.emily.asks("the earbuds instead", QUESTIONS["confirmation"])
        assert place.number(BUDS) in summary["text"]


async def test_no_the_other_one(tmp_path: Path) -> None:
    """Of two orders that can be cancelled, 'no, the other one' means the other, and the first is not cancelled."""
    async with shop(tmp_path) as place:
        first, second = place.world.orders("en", "pending")
        await place.emily.asks(f"cancel order {first}", "Shall I cancel this order?")
        summary = await place.emily.asks("no, the other one", "Shall I cancel this order?")
        assert second in summary["text"]
        await place.emily.asks("yes", "is cancelled")
        assert [order for order, _, _ in place.written()] == [second]


async def test_the_other_one_of_several(tmp_path: Path) -> None:
    """Where there are several others, the customer chooses among those."""
    async with sweater_proposed(tmp_path) as place:
        asked = await place.emily.asks("no, the other one", "Which order would you like to return?")
        assert place.number(*SEVERAL) not in asked["text"]
        await place.emily.asks("yes")
        assert place.written() == []


async def test_a_photo_at_the_summary(tmp_path: Path) -> None:
    """A photo that nobody asked for is attached all the same."""
    async with sweater_proposed(tmp_path) as place:
        sent = place.emily.phone.send_photo(JPEG_640_480)
        summary = await place.emily.hears(QUESTIONS["confirmation"], sent)
        assert "Your photo is attached" in summary["text"]
        assert "1 × Merino sweater" in summary["text"].partition("Only this goes back:")[2]
        assert [state for state, _ in place.proposed()] == ["declined", "proposed"]


async def test_the_wish_said_again(tmp_path: Path) -> None:
    """Whoever says again that they want what is talked about is asked the same question, not from the start."""
    async with sweater_proposed(tmp_path) as place:
        await place.emily.asks("I want to return it", QUESTIONS["confirmation"])
        assert [state for state, _ in place.proposed()] == ["proposed"]


async def test_the_order_changes_meanwhile(tmp_path: Path) -> None:
    """The order is read anew at each step: one that was sent back otherwise meanwhile is not asked about further."""
    async with shop(tmp_path) as place:
        await come_to(place, "items")
        db = connect(tmp_path / "shop.db")
        db.execute("UPDATE orders SET status = 'returned' WHERE number = ?", (place.number(*SEVERAL),))
        db.close()
        await place.emily.asks(GUIDE, "has already been returned")
        assert await place.waiting() == "nothing"


async def test_another_wish_takes_over(tmp_path: Path) -> None:
    """A cancellation of another order in the middle of a return is gone on with; the return is not."""
    async with shop(tmp_path) as place:
        await come_to(place, "reason")
        number = place.world.orders("en", "pending")[0]
        await place.emily.asks(f"please cancel my order {number} instead", "Shall I cancel this order?")
        await place.emily.asks("yes", "is cancelled")
        assert [order for order, _, _ in place.written()] == [number]
