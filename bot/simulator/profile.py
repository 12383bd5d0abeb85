"""The bot's name, descriptions and command menus, by language and scope."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.params import Params, bad_request

Json = dict[str, Any]

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_LIMITS = {"name": 64, "description": 512, "short_description": 120}
_SCOPES = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}


@dataclass(slots=True)
class Profile:
    """What BotFather and the set... methods hold."""

    name: str
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)

    def menu(self, chat_id: int, language: str) -> list[Json]:
        """Return the commands that a person sees in a private chat: the narrowest scope wins, then the language."""
        short = language.replace("_", "-").split("-")[0].lower()
        for scope in (f"chat:{chat_id}", "all_private_chats", "default"):
            for wanted in (short, ""):
                if found := self.commands.get((scope, wanted)):
                    return found
        return []


def scope_of(params: Params) -> str:
    """Return the scope of a command list as one word."""
    scope = params.nested("scope") or {"type": "default"}
    kind = scope.get("type") if isinstance(scope, dict) else None
    if not isinstance(kind, str) or kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    return ":".join([kind, *(str(scope.get(name, "")) for name in _SCOPES[kind])])


def language_of(params: Params) -> str:
    """Return a language code of two letters, or '' for all languages."""
    code = params.text("language_code")
    if code and not _LANGUAGE.fullmatch(code):
        raise bad_request("invalid language code specified")
    return code


def commands_of(params: Params) -> list[Json]:
    """Return a checked list of commands."""
    given = params.nested("commands")
    if not isinstance(given, list):
        raise bad_request("can't parse commands: expected an Array of BotCommand")
    if len(given) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    return [_command(one) for one in given]


def _command(one: Any) -> Json:
    if not isinstance(one, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    command, description = str(one.get("command", "")).removeprefix("/"), str(one.get("description", "")).strip()
    if not _COMMAND.fullmatch(command):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(description) <= 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": command, "description": description}


def text_of(params: Params, name: str) -> str:
    """Return a name or description within its length."""
    text = params.text(name).strip()
    if len(text) > _LIMITS[name]:
        raise bad_request(f"{name.replace('_', ' ')} is too long")
    return text
