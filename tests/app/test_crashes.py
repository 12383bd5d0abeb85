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
    """A customer's wish: what leads up to it, the one step in the middle of which the bot is killed, its result."""

    lead_up: Callable[[Town, Chatter], Awaitable[None]]
    step: Callable[[Town, Chatter], None]
    result: str
    write: str | None = None


async def _verified(town: Town, emily: Chatter) -> None:
    await emily.asks("/orders", "share your phone number")
    await emily.shares_contact("Which order")


async def _asked_to_cancel(town: Town, emily: Chatter) -> None:
    await emily.asks(f"cancel order {town.orders(emily, 'pending')[0]}", "share your phone number")
    await emily.shares_contact("Shall I cancel")


async def _asked_to_return(town: Town, emily: Chatter) -> None:
    await emily.asks(f"I want to return {town.orders(emily, 'delivered')[0]}", "share your phone number")
    await emily.shares_contact("Shall I request")


async def _said_hello(town: Town, emily: Chatter) -> None:
    await emily.asks("/start", "Hello")


def _says(text: str) -> Callable[[Town, Chatter], None]:
    return lambda town, chatter: _sent(chatter.phone.send_text(text))


def _presses(label: str) -> Callable[[Town, Chatter], None]:
    return lambda town, chatter: _sent(chatter.phone.press_label(label))


def _sent(_id: object) -> None:
    """Take no notice of the id."""


def _asks_for_order(town: Town, emily: Chatter) -> None:
    emily.phone.send_text(f"where is order {town.orders(emily, 'shipped', 'delivered')[0]}?")


ERRANDS = {
    "query": Errand(_verified, _asks_for_order, "Ordered on"),
    "cancel": Errand(_asked_to_cancel, _presses("Yes"), "is cancelled", "cancel_order"),
    "return": Errand(_asked_to_return, _presses("Yes"), "RMA-", "return_apply"),
    "faq": Errand(_said_hello, _says("do you ship abroad?"), "Yes, for 9 euros."),
    "handoff": Errand(_said_hello, _says("I want to talk to a human"), "passing this on"),
}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose bot runs."""
    async with town(tmp_path) as found:
        await found.start()
        yield found


def _results(town: Town, emily: Chatter, errand: Errand, after: int) -> int:
    """Count the results that the customer can read in the chat, not those that the bot believes it sent."""
    bodies = town.simulator.messages(emily.id)
    return sum(m["from"]["is_bot"] and m["message_id"] > after and errand.result in m["text"] for m in bodies)


def _fetch(town: Town) -> Awaitable[object]:
    """Return what ends when Telegram has handed out the next update."""
    before = {call.number for call in town.simulator.calls if call.finished}
    return town.simulator.wait_call("getUpdates", lambda call: call.number not in before and bool(call.result))


async def _assert_done_once(town: Town, emily: Chatter, errand: Errand, after: int) -> None:
    """Wait for the result, stop the bot in peace, and look at everything it left behind."""
    await emily.hears(errand.result, after)
    # One more question and answer: whatever else was under way before it, in this chat, has arrived by then.
    await emily.asks("/help", "/human" if errand.result != "passing this on" else "")
    assert await town.bot.stop() == 0
    assert _results(town, emily, errand, after) == 1
    _assert_ledger(town, errand)
    town.assert_sound()


def _assert_ledger(town: Town, errand: Errand) -> None:
    ledger = town.bot.rows("SELECT action, order_number, state FROM ledger")
    if errand.write is None:
        assert (ledger, town.writes()) == ([], [])
    else:
        ((action, number, state),) = ledger
        assert (action, state) == (errand.write, "done")
        assert town.writes() == [(action, number, "done")]


@pytest.mark.parametrize("name", ["query", "cancel", "return", "faq"])
async def test_killed_as_soon_as_the_update_is_fetched(place: Town, name: str) -> None:
    """An update that was fetched, and perhaps not even committed, is answered by the next life, once."""
    errand, emily = ERRANDS[name], place.customer()
    await errand.lead_up(place, emily)
    after, fetched = emily.last_id(), _fetch(place)
    errand.step(place, emily)
    await fetched
    await place.restart()
    await _assert_done_once(place, emily, errand, after)


@pytest.mark.parametrize("name", ["cancel"])
async def test_killed_after_the_answer_took_effect(place: Town, name: str) -> None:
    """An answer that Telegram took, but whose receipt never came back, is not sent a second time."""
    errand, emily = ERRANDS[name], place.customer()
    await errand.lead_up(place, emily)
    after = emily.last_id()
    fault = place.simulator.faults.next("sendMessage", Fault.hang(acts=True), chat_id=emily.id)
    errand.step(place, emily)
    await asyncio.wait_for(fault.hit.wait(), 10)
    await emily.hears(errand.result, after)
    await place.restart()
    await _assert_done_once(place, emily, errand, after)
    assert place.bot.rows("SELECT count(*) FROM outbox WHERE state = 'uncertain'") == [(1,)]


async def test_killed_before_the_answer_took_effect(place: Town) -> None:
    """A call cut off in the middle may have arrived: the work is not done again, and the call is told as uncertain."""
    errand, emily = ERRANDS["cancel"], place.customer()
    await errand.lead_up(place, emily)
    after = emily.last_id()
    fault = place.simulator.faults.next("sendMessage", Fault.hang(), chat_id=emily.id)
    errand.step(place, emily)
    await asyncio.wait_for(fault.hit.wait(), 10)
    await place.restart()
    fault.release.set()
    await emily.asks("/help", "/human")
    assert "uncertain" in (await place.admin.asks("/health", "outbox"))["text"]
    assert await place.bot.stop() == 0
    assert _results(place, emily, errand, after) == 0
    _assert_ledger(place, errand)
    place.assert_sound()


@pytest.mark.parametrize("seed", range(2))
async def test_killed_at_random_instants(place: Town, seed: int) -> None:
    """Killed twice at any instant between the press and the answer, the order is cancelled exactly once."""
    chance = random.Random(seed)
    errand, emily = ERRANDS["cancel" if seed % 2 else "return"], place.customer()
    await errand.lead_up(place, emily)
    after = emily.last_id()
    errand.step(place, emily)
    for _ in range(2):
        # The instant is what is tested here: a pause is the only way to reach any of them.
        await asyncio.sleep(chance.uniform(0.0, 0.05))
        await place.restart()
    await emily.asks("/help", "/human")
    assert await place.bot.stop() == 0
    uncertain = place.bot.rows("SELECT count(*) FROM outbox WHERE state = 'uncertain' AND chat_id = ?", emily.id)
    assert _results(place, emily, errand, after) in ({1} if uncertain == [(0,)] else {0, 1})
    _assert_ledger(place, errand)
    place.assert_sound()


async def test_killed_while_a_person_is_asked_for(place: Town) -> None:
    """The admins get one card, and the customer one promise, although the bot died when it had only heard the wish."""
    errand, emily = ERRANDS["handoff"], place.customer()
    await errand.lead_up(place, emily)
    after, fetched = emily.last_id(), _fetch(place)
    errand.step(place, emily)
    await fetched
    await place.restart()
    await emily.hears(errand.result, after)
    card = await place.admin.hears("needs a person")
    place.admin.phone.send_text("Hello, how can I help?", reply_to=card["message_id"])
    await emily.hears("Hello, how can I help?", after)
    assert await place.bot.stop() == 0
    assert _results(place, emily, errand, after) == 1
    assert sum("needs a person" in text for text in place.admin.heard()) == 1
    assert place.bot.rows("SELECT status FROM threads WHERE address = ?", str(emily.id)) == [("open",)]
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
    emily = place.customer()
    await _verified(place, emily)
    after = emily.last_id()
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
    assert ["Ordered on" in answers[0], *answers[1:]] == [True, *3 * ["Yes, for 9 euros."]]
    place.assert_sound()
