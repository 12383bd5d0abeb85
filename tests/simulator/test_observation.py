"""Faults, limits and what tests can see of the calls."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from bot.simulator import Fault, Limits, Simulator
from tests.simulator.conftest import Clock
from tests.support.simulator import TOKEN, Api


async def send(api: Api, text: str = "hi", chat_id: int = 7) -> dict[str, object]:
    """Send a text; return the whole answer."""
    return await api.call("sendMessage", chat_id=chat_id, text=text)


async def test_status_faults_strike_once_and_only_their_chat(simulator: Simulator, api: Api) -> None:
    """A fault hits as many calls of its method and chat as were asked for, without effect, and then is over."""
    simulator.faults.next("sendMessage", Fault.internal_error(), times=2, chat_id=7)
    assert (await send(api, chat_id=8))["ok"]
    first, second, third = await send(api), await send(api), await send(api)
    assert (first["error_code"], second["description"], third["ok"]) == (500, "Internal Server Error", True)
    assert len(simulator.messages(7)) == 1
    assert [(call.status, call.took_effect) for call in simulator.calls] == [
        (200, True),
        (500, False),
        (500, False),
        (200, True),
    ]


async def test_429_says_when_to_come_back(simulator: Simulator, api: Api) -> None:
    """An ordered 429 carries retry_after as Telegram's does."""
    simulator.faults.next("sendMessage", Fault.too_many(3))
    answer = await send(api)
    assert answer["parameters"] == {"retry_after": 3}
    assert answer["description"] == "Too Many Requests: retry after 3"


@pytest.mark.parametrize("acts", [False, True])
async def test_a_dropped_connection_may_have_acted(simulator: Simulator, api: Api, acts: bool) -> None:
    """A drop gives no answer; whether the message was sent is the test's choice, and is recorded."""
    simulator.faults.next("sendMessage", Fault.drop(acts=acts))
    with pytest.raises(aiohttp.ClientError):
        await send(api)
    (call,) = await simulator.wait_call("sendMessage")
    assert (call.took_effect, call.status) == (acts, None)
    assert len(simulator.messages(7)) == int(acts)


async def test_garbled_json_breaks_off(simulator: Simulator, api: Api) -> None:
    """A garbled answer is 200 and no JSON, though the message was sent."""
    simulator.faults.next("sendMessage", Fault.garbled())
    async with api.session.post(f"{api.base}/bot{TOKEN}/sendMessage", json={"chat_id": 7, "text": "x"}) as response:
        assert response.status == 200
        with pytest.raises(json.JSONDecodeError):
            json.loads(await response.text())
    assert len(simulator.messages(7)) == 1


async def test_a_hang_lasts_until_released(simulator: Simulator, api: Api) -> None:
    """A hanging call gives no answer and has no effect until it is released; then it goes on as if nothing was."""
    fault = simulator.faults.next("sendMessage", Fault.hang())
    sending = asyncio.create_task(send(api))
    await asyncio.wait_for(fault.hit.wait(), 5)
    assert simulator.messages(7) == []
    fault.release.set()
    assert (await sending)["ok"]


async def test_a_hang_after_the_effect(simulator: Simulator, api: Api) -> None:
    """A hang that acts first shows the message in the chat while the caller still waits."""
    simulator.faults.next("sendMessage", Fault.hang(acts=True))
    sending = asyncio.create_task(send(api, "seen"))
    assert (await simulator.wait_message(7, "seen"))["text"] == "seen"
    assert not sending.done()
    simulator.faults.clear()
    assert (await sending)["ok"]


async def test_a_slow_answer_comes(simulator: Simulator, api: Api) -> None:
    """A slow answer is right, and a release makes it come at once."""
    fault = simulator.faults.next("*", Fault.slow(60))
    sending = asyncio.create_task(send(api))
    await simulator.wait_call("sendMessage")
    fault.release.set()
    assert (await sending)["ok"]


async def test_the_server_stops_in_spite_of_hanging_calls() -> None:
    """Stopping ends hanging calls, polls and streams at once."""
    simulator = Simulator(TOKEN, [])
    fault = simulator.faults.next("getMe", Fault.hang())
    async with aiohttp.ClientSession() as session, asyncio.timeout(10):
        async with simulator.serve() as base:
            api = Api(session, base)
            hanging = asyncio.create_task(api.call("getMe"))
            polling = asyncio.create_task(api.call("getUpdates", timeout=50))
            await fault.hit.wait()
            await simulator.wait_polling()
        assert (await polling)["result"] == []
        assert (await hanging)["ok"]


async def test_limits_hold_per_chat_and_in_all(simulator: Simulator, api: Api, clock: Clock) -> None:
    """Over a limit a call is refused with the seconds to wait, and passes when they are over."""
    simulator.limits = Limits(per_chat_per_s=1, total_per_s=2)
    assert (await send(api))["ok"]
    assert (await send(api))["parameters"] == {"retry_after": 1}
    assert (await send(api, chat_id=8))["ok"]
    assert (await send(api, chat_id=9))["error_code"] == 429
    assert await api.result("sendChatAction", chat_id=7, action="typing")
    clock.now += 1
    assert (await send(api))["ok"]


async def test_waiting_for_calls_and_messages(simulator: Simulator, api: Api) -> None:
    """Waits count what was, see what comes, look past a mark, and tell what happened instead when they fail."""
    await send(api, "one")
    waiting = asyncio.create_task(simulator.wait_call("sendMessage", lambda call: "o" in call.params["text"], count=2))
    edited = asyncio.create_task(simulator.wait_message(7, lambda body: body["text"] == "three"))
    sent = await api.result("sendMessage", chat_id=7, text="two")
    assert [call.params["text"] for call in await waiting] == ["one", "two"]
    await api.result("editMessageText", chat_id=7, message_id=sent["message_id"], text="three")
    assert (await edited)["message_id"] == sent["message_id"]
    with pytest.raises(TimeoutError, match="last messages were \\['one', 'three'\\]"):
        await simulator.wait_message(7, after=sent["message_id"], timeout=0.01)
    with pytest.raises(TimeoutError, match="the last calls were sendMessage"):
        await simulator.wait_call("sendMessage", since=2, timeout=0.01)


async def test_an_observers_mistake_is_its_own(simulator: Simulator, api: Api) -> None:
    """A predicate that fails breaks the test that waits, not the bot's call."""
    waiting = asyncio.create_task(simulator.wait_message(7, lambda body: bool(body["caption"])))
    await asyncio.sleep(0)
    assert (await send(api))["ok"]
    with pytest.raises(KeyError):
        await waiting


async def test_calls_are_not_hoarded() -> None:
    """Without recording only the latest calls are kept."""
    simulator = Simulator(TOKEN, [], record_calls=False)
    for _ in range(1100):
        simulator.log.start("getMe", {}, 0.0)
    assert (len(simulator.calls), simulator.calls[-1].number) == (1000, 1099)


def test_buttons_are_pressed_by_their_label(simulator: Simulator) -> None:
    """The newest button of a label is pressed, and a missing one names those there are."""
    ana = simulator.person(7)
    chat = simulator.world.chat(7)
    for data in ("old", "new"):
        markup = {"inline_keyboard": [[{"text": "Yes, cancel", "callback_data": data}]]}
        simulator.world.post(chat, simulator.bot, {"text": "?", "reply_markup": markup})
    ana.press_label("Yes")
    assert simulator.pending[-1]["callback_query"]["data"] == "new"
    with pytest.raises(LookupError, match="No button says 'No'; there are: Yes, cancel, Yes, cancel"):
        ana.press_label("No")
    with pytest.raises(LookupError, match="There is no person 99"):
        simulator.person(99)
