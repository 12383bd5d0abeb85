"""Killed at the worst moments and started again, the bot finishes what it had begun, once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.simulator.faults import Fault
from tests.support.process import Town, town
from tests.support.worker import API_KEY, Chatter

HEADERS = {"Authorization": f"Bearer {API_KEY}"}


@dataclass(frozen=True)
class Errand:
    """A customer's wish: the one step in the middle of which the bot is killed, and the words of its result.

    `lead_up` is asked before, and answered with `question`; `write` is what the shop does for it.
    """

    step: Callable[[Town, Chatter], object]
    result: str
    lead_up: Callable[[Town, Chatter], str] | None = None
    question: str = ""
    write: str = ""


ERRANDS = {
    "query": Errand(
        lambda town, emily: emily.phone.send_text(f"where is order {town.orders(emily, 'shipped')[0]}?"),
        "Tracking number",
    ),
    "faq": Errand(lambda town, emily: emily.phone.send_text("do you ship abroad?"), "Yes, for 9 euros."),
    "cancel": Errand(
        lambda town, emily: emily.phone.press_label("Yes"),
        "is cancelled",
        lambda town, emily: f"cancel order {town.orders(emily, 'pending')[0]}",
        "Shall I cancel",
        "cancel_order",
    ),
    "return": Errand(
        lambda town, emily: emily.phone.press_label("Yes"),
        "RMA-",
        lambda town, emily: f"I changed my mind, return all of {town.orders(emily, 'delivered')[0]}",
        "Shall I request",
        "return_apply",
    ),
    "handoff": Errand(lambda town, emily: emily.phone.send_text("I want to talk to a human"), "passing this on"),
}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose bot runs and knows its customer Emily."""
    async with town(tmp_path) as found:
        await found.start()
        await found.customer().asks("/orders", "share your phone number")
        await found.customer().shares_contact("Which order")
        yield found


def _results(town: Town, emily: Chatter, errand: Errand, after: int) -> int:
    """Count the results that the customer can read in the chat, not those that the bot believes it sent."""
    bodies = town.simulator.messages(emily.id)
    return sum(m["from"]["is_bot"] and m["message_id"] > after and errand.result in m["text"] for m in bodies)


def _fetch(town: Town) -> Awaitable[object]:
    """Return what ends when Telegram has handed out the next update."""
    before = {call.number for call in town.simulator.calls if call.finished}
    return town.simulator.wait_call("getUpdates", lambda call: call.number not in before and bool(call.result))


async def _prepare(town: Town, errand: Errand) -> tuple[Chatter, int]:
    """Lead up to the step; return the customer and the chat's newest message."""
    emily = town.customer()
    if errand.lead_up:
        await emily.asks(errand.lead_up(town, emily), errand.question)
    return emily, emily.last_id()


def _uncertain(town: Town) -> int:
    """Count the messages to customers of which nobody knows whether they arrived."""
    query = "SELECT count(*) FROM outbox WHERE state = 'uncertain' AND chat_id = ?"
    return int(town.bot.rows(query, town.customer().id)[0][0])


def _assert_ledger(town: Town, *errands: Errand) -> None:
    """Check that the shop did each write once, and that the ledger says so."""
    ledger = town.bot.rows("SELECT action, order_number, state FROM ledger ORDER BY proposed_at")
    assert [(action, state) for action, _, state in ledger] == [(one.write, "done") for one in errands]
    assert sorted(town.writes()) == sorted((action, number, "done") for action, number, _ in ledger)


async def test_killed_as_soon_as_the_update_is_fetched(place: Town) -> None:
    """An update that was fetched, and perhaps not even committed, is answered by the next life, once."""
    told = []
    for errand in ERRANDS.values():
        emily, after = await _prepare(place, errand)
        fetched = _fetch(place)
        errand.step(place, emily)
        await fetched
        await place.restart()
        await emily.hears(errand.result, after)
        told.append((errand, after))
    card = await place.admin.hears("needs a person")
    place.admin.phone.send_text("Hello, how can I help?", reply_to=card["message_id"])
    await emily.hears("Hello, how can I help?", after)
    assert await place.bot.stop() == 0
    assert [_results(place, emily, errand, after) for errand, after in told] == [1] * len(ERRANDS)
    assert sum("needs a person" in text for text in place.admin.heard()) == 1
    assert place.bot.rows("SELECT status FROM threads WHERE address = ?", str(emily.id)) == [("open",)]
    _assert_ledger(place, ERRANDS["cancel"], ERRANDS["return"])
    place.assert_sound()


async def test_killed_while_an_answer_is_on_its_way(place: Town) -> None:
    """A call that was cut off may have arrived: it is told as uncertain and never repeated, and the work stays done."""
    for errand, acts in ((ERRANDS["cancel"], True), (ERRANDS["return"], False)):
        emily, after = await _prepare(place, errand)
        fault = place.simulator.faults.next("sendMessage", Fault.hang(acts=acts), chat_id=emily.id)
        errand.step(place, emily)
        await asyncio.wait_for(fault.hit.wait(), 10)
        if acts:
            await emily.hears(errand.result, after)
        await place.restart()
        fault.release.set()
        # Whatever else was on its way in this chat arrives before the answer to a later question.
        await emily.asks("/help", "/human")
        assert _results(place, emily, errand, after) == acts
    assert "2 uncertain" in (await place.admin.asks("/health", "outbox"))["text"]
    assert await place.bot.stop() == 0
    _assert_ledger(place, ERRANDS["cancel"], ERRANDS["return"])
    place.assert_sound()


async def test_killed_at_random_instants(place: Town) -> None:
    """Killed at any instant between the press and the answer, the shop acts once, and the customer hears of it once."""
    chance = random.Random(20261123)
    for errand in (ERRANDS["cancel"], ERRANDS["return"]):
        before = _uncertain(place)
        emily, after = await _prepare(place, errand)
        errand.step(place, emily)
        for _ in range(2):
            # The instant is what is tested here: a pause is the only way to reach any of them.
            await asyncio.sleep(chance.uniform(0.0, 0.05))
            await place.restart()
        await emily.asks("/help", "/human")
        assert _results(place, emily, errand, after) in ({0, 1} if _uncertain(place) > before else {1})
    assert await place.bot.stop() == 0
    _assert_ledger(place, ERRANDS["cancel"], ERRANDS["return"])
    place.assert_sound()


# --- REST ---


async def _say(http: aiohttp.ClientSession, message: str) -> dict[str, Any]:
    async with http.post("/v1/chat", json={"message": message, "thread": "t1"}) as response:
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


async def _begin(http: aiohttp.ClientSession, message: str) -> aiohttp.ClientResponse:
    """Ask for a stream, and return it once a first stage has ended: the turn is under way."""
    body = {"message": message, "thread": "t1"}
    response = await http.post("/v1/chat", json=body, headers={"Accept": "text/event-stream"})
    assert (await response.content.readline()).startswith(b"event: stage")
    return response


async def _said(town: Town) -> list[tuple[str, str]]:
    """Return the thread of the REST tests, as (author, text)."""
    query = (
        "SELECT m.author, m.text FROM messages m JOIN threads t ON t.id = m.thread_id"
        " WHERE t.channel = 'rest' ORDER BY m.id"
    )
    return town.bot.rows(query)


async def test_a_rest_turn_survives_a_kill(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """A yes by REST, cut off by a kill in the middle of its turn, is carried out once; the thread holds the answer."""
    async with town(tmp_path, free_port()) as place, aiohttp.ClientSession(place.url, headers=HEADERS) as http:
        await place.start()
        emily = place.customer()
        number = place.orders(emily, "pending")[0]
        await _say(http, f"cancel {number}, my e-mail is {place.person(emily).email}")
        asked = await _said(place)
        with place.shop_locked():
            cut_off = await _begin(http, "yes")
            await place.bot.kill()
            cut_off.close()
        await place.start()
        answer = await _say(http, f"status of {number}")
        assert "cancelled" in answer["content"].casefold()
        assert await place.bot.stop() == 0
        new = (await _said(place))[len(asked) :]
        assert [author for author, _ in new] == ["customer", "bot", "customer", "bot"]
        assert new[0] == ("customer", "yes")
        assert "is cancelled" in new[1][1]
        assert place.writes() == [("cancel_order", number, "done")]
        assert place.bot.rows("SELECT state FROM ledger") == [("done",)]
        place.assert_sound()


# --- SIGTERM ---


async def test_sigterm_parks_what_is_unfinished(place: Town) -> None:
    """Told to stop while a turn hangs and messages wait, it ends in time, and the next life answers all, in order."""
    emily, after = place.customer(), place.customer().last_id()
    with place.shop_locked():
        emily.phone.send_text(f"where is order {place.orders(emily, 'shipped')[0]}?")
        for _ in range(3):
            emily.phone.send_text("do you ship abroad?")
        # The bot is seen typing when a turn takes long.
        await place.simulator.wait_call("sendChatAction")
        assert await place.bot.stop() == 0
    await place.start()
    await place.simulator.wait_call("sendMessage", lambda call: "for 9 euros" in call.params["text"], count=3)
    assert await place.bot.stop() == 0
    answers = [m["text"] for m in place.simulator.messages(emily.id) if m["from"]["is_bot"] and m["message_id"] > after]
    assert ["Tracking number" in answers[0], *answers[1:]] == [True, *3 * ["Yes, for 9 euros."]]
    place.assert_sound()
