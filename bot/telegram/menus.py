"""The command menus, per language for customers and per chat for admins; set only when they changed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.domain.journal import Operations
from bot.errors import TransportError
from bot.telegram.admin import COMMANDS
from bot.telegram.client import TelegramClient

log = logging.getLogger(__name__)
FACT = "menus"


def menus(
    describe: Callable[[str], Mapping[str, str]], languages: Sequence[str], admins: Sequence[int]
) -> list[dict[str, Any]]:
    """Return the setMyCommands calls: English for all, two-letter languages, and the admins' own chats."""
    private = {"type": "all_private_chats"}
    calls: list[dict[str, Any]] = [{"commands": _commands(describe("en")), "scope": private}]
    calls += [
        {"commands": _commands(describe(code)), "scope": private, "language_code": code}
        for code in languages
        if len(code) == 2 and code != "en"
    ]
    both = _commands({**COMMANDS, **describe("en")})
    calls += [{"commands": both, "scope": {"type": "chat", "chat_id": admin}} for admin in admins]
    return calls


def _commands(described: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"command": name, "description": what[:256]} for name, what in described.items()]


async def set_menus(client: TelegramClient, operations: Operations, calls: Sequence[dict[str, Any]], bot: str) -> bool:
    """Set the menus if they differ from what was set last; return whether they were."""
    fingerprint = f"{bot}:{hashlib.sha256(json.dumps(calls, sort_keys=True).encode()).hexdigest()}"
    if await operations.get_fact(FACT) == fingerprint:
        return False
    complete = True
    for call in calls:
        try:
            await client.call("setMyCommands", call)
        except TransportError as error:
            # An admin who never wrote to the bot has no chat with it yet; the next start tries again.
            complete = False
            log.warning("menus.failed", extra={"scope": call["scope"]["type"], "error": str(error)})
    if complete:
        await operations.set_fact(FACT, fingerprint)
    return complete
