"""Command menus: per language and per admin, set once, and again only when they changed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.simulator import Simulator
from bot.simulator.faults import Fault
from bot.telegram.client import TelegramClient
from bot.telegram.menus import menus, set_menus
from tests.support.simulator import ADMIN, ANA, TOKEN
from tests.support.store import Stores


def _describe(language: str) -> Mapping[str, str]:
    return {"start": f"start in {language}", "help": "x" * 300}


CALLS = menus(_describe, ["en", "es", "zh"], [ADMIN.id])


def _set(simulator: Simulator) -> int:
    return sum(call.method == "setMyCommands" and call.took_effect for call in simulator.calls)


def test_who_sees_which_menu() -> None:
    """English for all, each language for its own, and an admin's chat has the admins' commands as well."""
    assert [(call["scope"]["type"], call.get("language_code")) for call in CALLS] == [
        ("all_private_chats", None),
        ("all_private_chats", "es"),
        ("all_private_chats", "zh"),
        ("chat", None),
    ]
    assert all(len(command["description"]) <= 256 for call in CALLS for command in call["commands"])
    names = {command["command"] for command in CALLS[-1]["commands"]}
    assert {"start", "help", "stats", "handback"} <= names


async def test_menus_are_set_only_when_they_changed(store: Stores) -> None:
    """The same menus cost no call at the next start; other ones, or another bot's, are set."""
    simulator = Simulator(TOKEN, [ANA, ADMIN])
    async with simulator.serve() as base_url, TelegramClient(TOKEN, base_url) as client:
        assert await set_menus(client, store.operations, CALLS, "4242")
        assert _set(simulator) == 4
        assert not await set_menus(client, store.operations, CALLS, "4242")
        assert _set(simulator) == 4
        assert await set_menus(client, store.operations, CALLS[:2], "4242")
        assert _set(simulator) == 6
        assert await set_menus(client, store.operations, CALLS[:2], "4243")
        assert _set(simulator) == 8


@pytest.mark.parametrize("fault", [Fault.bad_gateway, lambda: Fault.error(400, "Bad Request: chat not found")])
async def test_menus_that_failed_are_set_at_the_next_start(store: Stores, fault: object) -> None:
    """One that could not be set keeps none of the others from being set, and is tried again."""
    simulator = Simulator(TOKEN, [ANA, ADMIN])
    async with simulator.serve() as base_url, TelegramClient(TOKEN, base_url) as client:
        simulator.faults.next("setMyCommands", fault())  # type: ignore[operator]
        assert not await set_menus(client, store.operations, CALLS, "4242")
        assert _set(simulator) == 3
        assert await set_menus(client, store.operations, CALLS, "4242")
        assert _set(simulator) == 7
