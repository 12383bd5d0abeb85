"""Many messages at once, many customers at once, and the same update many times."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

from bot.simulator import Person
from tests.support.worker import Chatter, World, running


def _message(chatter: Chatter, **content: Any) -> dict[str, Any]:
    """Return a message of somebody's own private chat."""
    person = chatter.phone.person
    return {"message_id": 10**6, "date": 1, "from": person.user(), "chat": person.chat(), **content}


async def _still_answers(world: World) -> None:
    """Check that the bot answers somebody else, and that nothing is left lying about."""
    await world.customer("de").asks("/help", "/human")
    await world.app.worker.queues.idle()


async def test_a_burst_keeps_its_order(tmp_path: Path) -> None:
    """Thirty messages of one customer are answered one by one, as they were written."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        sent = ["/help" if random.Random(n).random() < 0.5 else "/start" for n in range(30)]
        for text in sent:
            emily.phone.send_text(text)
        await world.simulator.wait_call("sendMessage", count=30)
        assert ["/start" if "I am the assistant" in text else "/help" for text in emily.heard()] == sent


async def test_a_hundred_threads_side_by_side(tmp_path: Path) -> None:
    """A hundred customers at once each get their own answer."""
    async with running(tmp_path) as world:
        crowd = [Person(20_000 + n, f"Guest{n}") for n in range(100)]
        for person in crowd:
            world.simulator.add_person(person)
        chatters = [Chatter(world.simulator, person.id) for person in crowd]
        for chatter in chatters:
            chatter.phone.send_text("/start")
        await asyncio.gather(*(chatter.hears(f"Guest{n}") for n, chatter in enumerate(chatters)))
        assert {len(chatter.heard()) for chatter in chatters} == {1}


async def test_updates_that_come_again_and_again(tmp_path: Path) -> None:
    """Each update delivered one to five times, in any order, has one effect."""
    chance = random.Random(7)
    async with running(tmp_path) as world:
        people = [world.customer(language) for language in ("en", "de", "es", "ru")]
        updates = [
            {"update_id": 5_000 + n, "message": _message(people[n % 4], text="/help", message_id=10**6 + n)}
            for n in range(24)
        ]
        copies = [update for update in updates for _ in range(chance.randint(1, 5))]
        chance.shuffle(copies)
        for update in copies:
            people[0].phone.raw(update)
        await world.simulator.wait_call("sendMessage", count=24)
        await _still_answers(world)
        assert sum(len(chatter.heard()) for chatter in people) == 25
