"""Updates that make no sense are put aside, one by one, and never stop the ones that do."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

from tests.support.listening import logged
from tests.support.rows import rows
from tests.support.worker import World, running

JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**70, "", "0", "x" * 5000, "\ud800", "\x00", [], {}, [[]], [None],
    {"id": None}, {"id": "7", "type": 7}, [{"a": [{"b": 1}]}],
)  # fmt: skip


# A service message: nobody wrote it, and nobody waits for an answer.
CHANGED = {"message_auto_delete_timer_changed": {"message_auto_delete_time": 5}}


def _bases(world: World) -> list[dict[str, Any]]:
    """Return one sound update of each kind that the bot takes."""
    person, owner = world.customer("en").phone.person, world.admin.phone.person
    frame = {"message_id": 10**6, "date": 1, "from": person.user(), "chat": person.chat()}
    file = {"file_id": "f", "file_unique_id": "u"}
    contact = {"phone_number": "491", "first_name": "E", "user_id": person.id}
    admins = {**frame, "from": owner.user(), "chat": owner.chat(), "text": "answer", "reply_to_message": frame}
    member = {"user": world.simulator.bot, "status": "member"}
    change = {"chat": person.chat(), "from": person.user(), "date": 1, "old_chat_member": member}
    return [
        {"message": {**frame, "text": "/help", "entities": [{"type": "bot_command", "offset": 0, "length": 5}]}},
        {"message": {**frame, "text": "where is my order?"}},
        {"message": {**frame, "contact": contact}},
        {"message": {**frame, "photo": [{**file, "width": 1, "height": 1}], "caption": "where is my order?"}},
        {"message": {**frame, "poll": {"id": "1"}}},
        {"message": admins},
        {"message": {**admins, "text": "/thread 1"}},
        {"edited_message": {**frame, "text": "changed", "edit_date": 2}},
        {"callback_query": {"id": "1", "from": person.user(), "message": frame, "chat_instance": "1", "data": "x"}},
        {"my_chat_member": {**change, "new_chat_member": member}},
    ]


def _mutated(chance: random.Random, base: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with one to three places, at any depth, replaced by junk or left out."""
    update = copy.deepcopy(base)
    for _ in range(chance.randint(1, 3)):
        node: Any = next(iter(update.values()))
        while isinstance(node, dict | list) and node:
            key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
            if not isinstance(node[key], dict | list) or not node[key] or chance.random() < 0.3:
                if chance.random() < 0.2:
                    del node[key]
                else:
                    node[key] = chance.choice(JUNK)
                break
            node = node[key]
    return update


async def test_three_hundred_kinds_of_poison(tmp_path: Path) -> None:
    """Wrong types in any place neither end a part of the bot nor keep it from answering whoever comes next."""
    chance = random.Random(20261123)
    async with running(tmp_path) as world:
        emily = world.customer("en")
        with logged("task.died", "queue.job_failed", "send.broken", "turn.failed") as broken:
            bases = _bases(world)
            for _ in range(300):
                emily.phone.raw(_mutated(chance, chance.choice(bases)))
            await world.customer("de").asks("/help", "/human")
            await world.app.worker.queues.idle()
            await world.customer("ru").asks("/help", "/human")
        assert not broken.is_set()
    states = dict(rows(tmp_path / "deskhand.db", "SELECT state, count(*) FROM inbox GROUP BY state"))
    assert states.keys() == {"done", "quarantined"}
    assert states["done"] + states["quarantined"] == 302


async def test_the_writer_of_a_message_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A message in a shape that the library does not know leaves neither its writer nor the admins without a word."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        emily.phone.send(poll={"id": "1", "question": "a poll of an older server"})
        await emily.hears("went wrong on our side")
        await world.admin.hears("could not be handled")


async def test_kinds_of_updates_that_nobody_knows(tmp_path: Path) -> None:
    """A kind from the future, a message in a group or of a channel, another bot's: taken note of, and nothing said."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        user, group = emily.phone.person.user(), {"id": -100, "type": "supergroup", "title": "A group"}
        frame = {"message_id": 1, "date": 1, "from": user, "chat": group, "text": "where is my order?"}
        emily.phone.raw({"telepathy": {"thought": "where is my order?"}})
        emily.phone.raw({"message": frame})
        emily.phone.raw({"message": {**frame, "chat": {"id": -5, "type": "channel"}, "sender_chat": group}})
        emily.phone.raw({"message": {**frame, "chat": emily.phone.person.chat(), "from": {**user, "is_bot": True}}})
        emily.phone.raw({"message": {**frame, "chat": emily.phone.person.chat(), "text": None, **CHANGED}})
        await world.customer("de").asks("/help", "/human")
        await world.app.worker.queues.idle()
        assert emily.heard() == []
    assert rows(tmp_path / "deskhand.db", "SELECT count(*) FROM threads") == [(1,)]
