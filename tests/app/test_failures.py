"""Telegram fails in every way it can: what surely did not arrive is sent again, what may have arrived never is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import App
from bot.compose import Overrides
from bot.config import load
from bot.demo import TOKEN
from bot.simulator import Person, Simulator
from bot.simulator.faults import Fault
from tests.support.listening import logged
from tests.support.rows import rows
from tests.support.worker import Chatter, World, defaults, running, unhurried

FAULTS: dict[str, Callable[[], Fault]] = {
    "500": Fault.internal_error,
    "500 after the effect": lambda: Fault.internal_error(acts=True),
    "502": Fault.bad_gateway,
    "502 after the effect": lambda: Fault.bad_gateway(acts=True),
    "dropped": Fault.drop,
    "dropped after the effect": lambda: Fault.drop(acts=True),
    "garbled": lambda: Fault.garbled(acts=False),
    "garbled after the effect": Fault.garbled,
}


class TestClock:
    """The real time, and what a test adds to it."""

    __test__ = False

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC) + self.ahead


def answers(chatter: Chatter, words: str) -> int:
    """Count the bot's messages in a chat that hold the words."""
    return sum(words in text for text in chatter.heard())


def outbox(folder: Path, state: str) -> int:
    """Count the calls that ended like this."""
    ((count,),) = rows(folder / "deskhand.db", "SELECT count(*) FROM outbox WHERE state = ?", state)
    return int(count)


@pytest.mark.parametrize("name", FAULTS)
async def test_what_may_have_arrived_is_never_sent_again(tmp_path: Path, name: str) -> None:
    """A failure that may have come after the effect leaves one message at most, and one uncertain call to look at."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        world.simulator.faults.next("sendMessage", FAULTS[name]())
        emily.phone.send_text("/start")
        await emily.asks("/help", "/human")
        assert "1 uncertain" in (await world.admin.asks("/health", "outbox"))["text"]
        assert answers(emily, "I am the assistant") == ("after" in name)
    assert (outbox(tmp_path, "uncertain"), outbox(tmp_path, "waiting")) == (1, 0)


@pytest.mark.parametrize(
    ("fault", "wait_s"),
    [(Fault.too_many(7), 7), (Fault.error(401, "Unauthorized"), 60), (Fault.error(429, "Too Many Requests"), 2)],
    ids=["429", "401", "429 without a time"],
)
async def test_what_surely_did_not_arrive_is_sent_when_due(tmp_path: Path, fault: Fault, wait_s: int) -> None:
    """A refusal is waited out, not longer than it asks for, and then the message arrives once, before later ones."""
    clock = TestClock()
    async with running(tmp_path, overrides=Overrides(clock=clock, pace=unhurried())) as world:
        emily = world.customer("en")
        world.simulator.faults.next("sendMessage", fault)
        emily.phone.send_text("/start")
        emily.phone.send_text("/help")
        await world.simulator.wait_call("sendMessage", lambda call: call.status == fault.status)
        await world.admin.asks("/stats", "outbox waiting")
        assert emily.heard() == []
        clock.ahead += timedelta(seconds=wait_s)
        await emily.hears("/human")
        assert ["I am the assistant" in text for text in emily.heard()] == [True, False]


async def test_a_customer_who_blocked_the_bot_holds_nobody_up(tmp_path: Path) -> None:
    """A message to somebody who blocked the bot ends as failed; unblocked, the customer is answered again."""
    async with running(tmp_path) as world:
        emily, wang = world.customer("en"), world.customer("zh")
        refused = world.simulator.faults.next(
            "sendMessage", Fault.error(403, "Forbidden: bot was blocked by the user"), chat_id=emily.id
        )
        emily.phone.send_text("/start")
        await refused.hit.wait()
        emily.phone.block()
        await wang.asks("/start")
        emily.phone.block(False)
        await emily.asks("/help", "/human")
    assert (outbox(tmp_path, "failed"), outbox(tmp_path, "uncertain")) == (1, 0)


async def test_a_failing_poll_loses_nothing(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """Whatever becomes of a poll's answer, each message is answered, once and in order."""
    conflict = Fault.error(409, "Conflict: terminated by other getUpdates request")
    others = {"429": lambda: Fault.too_many(1), "409": lambda: conflict}
    async with running(tmp_path) as world:
        emily = world.customer("en")
        for name, fault in {**FAULTS, **others}.items():
            with subtests.test(name):
                heard = len(emily.heard())
                world.simulator.faults.next("getUpdates", fault())
                emily.phone.send_text("/start")
                await emily.hears("/human", emily.phone.send_text("/help"))
                assert ["I am the assistant" in text for text in emily.heard()[heard:]] == [True, False]


async def test_a_poll_that_hangs_is_noticed_and_healed(tmp_path: Path) -> None:
    """A connection that died in silence is given up and replaced, while answers go on being sent."""
    patience = Overrides(pace=unhurried(), poll_silence_s=0.2)
    async with running(tmp_path, overrides=patience, telegram={"poll_timeout_s": 1}) as world:
        emily = world.customer("en")
        hung = world.simulator.faults.next("getUpdates", Fault.hang())
        emily.phone.send_text("/start")
        await emily.hears("I am the assistant")
        await hung.hit.wait()
        await emily.asks("/help", "/human")
        assert "poll_healed: 1" in (await world.admin.asks("/stats", "poll_healed"))["text"]


async def test_ids_that_start_anew_are_not_hidden(tmp_path: Path) -> None:
    """After an idle week Telegram's ids restart anywhere, also below those before: such an update is answered, too."""
    async with running(tmp_path, telegram={"poll_timeout_s": 1}) as world:
        emily = world.customer("en")
        await emily.asks("/start", "I am the assistant")
        await world.simulator.wait_call("getUpdates", lambda call: call.result == [])
        after = emily.last_id()
        message = {"message_id": after + 1, "date": 1, "from": emily.phone.person.user()}
        message |= {"chat": emily.phone.person.chat(), "text": "/help"}
        emily.phone.raw({"update_id": 5, "message": message})
        await emily.hears("/human", after)


# --- at the start ---


async def _health(app: App) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http, http.get(f"{app.url}/healthz") as response:
        items = (await response.json())["items"]
        return {"status": response.status, **{item["name"]: item for item in items}}


async def test_telegram_unreachable_at_the_start(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """Without Telegram the bot starts all the same and says so at /healthz; as soon as Telegram answers it works."""
    port = free_port()
    settings = load(None, {}, defaults=defaults(tmp_path, f"http://127.0.0.1:{port}"))
    simulator = Simulator(TOKEN, [Person(7, "Ana")])
    with logged("telegram.unreachable") as unreachable:
        async with App.open(settings, Overrides(pace=unhurried())) as app:
            await asyncio.wait_for(unreachable.wait(), 10)
            health = await _health(app)
            assert health["status"] == 503
            assert "not reached since the start" in health["telegram"]["detail"]
            assert health["database"]["ok"]
            async with simulator.serve(port=port):
                await Chatter(simulator, 7).asks("/start", "I am the assistant")
                assert (await _health(app))["status"] == 200


async def test_a_token_that_is_refused_for_a_while(tmp_path: Path) -> None:
    """A 401 at the greeting does not end the bot: it asks again."""
    simulator = Simulator(TOKEN)
    simulator.faults.next("deleteWebhook", Fault.error(401, "Unauthorized"))
    simulator.faults.next("setMyCommands", Fault.error(400, "Bad Request: chat not found"), times=3)
    async with running(tmp_path, simulator=simulator) as world:
        await world.customer("en").asks("/start", "I am the assistant")


# --- a person takes over ---


async def _with_card(world: World) -> tuple[Chatter, int]:
    """Return the customer, after a handoff and a hand-back, and the admin's message about them."""
    emily = world.customer("en")
    await emily.asks("I want to talk to a human", "passing this on")
    card = await world.admin.hears("needs a person")
    await world.admin.asks("/handback 1", "with the bot again")
    await emily.hears("answering again")
    return emily, int(card["message_id"])


async def _takeover(world: World, emily: Chatter, card: int, step: Callable[[], object]) -> None:
    """Let the bot decide something while an earlier message is on its way, and an admin answer before it is sent."""
    on_its_way = world.simulator.faults.next("sendMessage", Fault.hang(), chat_id=emily.id)
    emily.phone.send_text("/help")
    await on_its_way.hit.wait()
    step()
    await world.admin.asks("/stats", "Figures")
    await world.app.worker.queues.idle()
    world.admin.phone.send_text("It is me now.", reply_to=card)
    await world.admin.asks("/stats", "Figures")
    await world.app.worker.queues.idle()
    on_its_way.release.set()
    await emily.hears("It is me now.")


async def test_the_bots_words_are_dropped_when_a_person_takes_over(tmp_path: Path) -> None:
    """An answer that was decided before a person took over, but not sent yet, is not sent any more."""
    async with running(tmp_path) as world:
        emily, card = await _with_card(world)
        await _takeover(world, emily, card, lambda: emily.phone.send_text("/start"))
        assert "I am the assistant" not in "".join(emily.heard())
    assert outbox(tmp_path, "dropped") == 1


async def test_a_fact_reaches_the_customer_in_spite_of_a_takeover(tmp_path: Path) -> None:
    """That an order was cancelled is told even when a person has taken over in the meantime."""
    async with running(tmp_path) as world:
        emily, card = await _with_card(world)
        number = world.orders("en", "pending")[0]
        await emily.asks(f"cancel {number}", "share your phone number")
        await emily.shares_contact("Shall I cancel")
        await _takeover(world, emily, card, lambda: emily.phone.press_label("Yes"))
        assert answers(emily, "is cancelled") == 1
