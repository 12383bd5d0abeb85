"""Replies and notes as Bot API calls. Plain text only: whatever stands in a name or an order, nothing is markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.journal import OutboxCall
from bot.domain.model import Button, Channel, Incoming, IncomingKind, MessageRef, Reply, Thread

MAX_UNITS = 4096
_NO_PREVIEW = {"is_disabled": True}


@dataclass(frozen=True, slots=True)
class TelegramPost:
    """Implements `Post`; `admins` are the chats that notes go to."""

    admins: tuple[int, ...]

    def reply(self, thread: Thread, reply: Reply) -> Sequence[OutboxCall]:
        """Return the calls of a reply, split where it is too long; the buttons stand under the last part."""
        if thread.key.channel is not Channel.TELEGRAM:
            return ()
        chat = int(thread.key.address)
        parts = list(split(reply.text))
        calls = [OutboxCall(chat, "sendMessage", _message(chat, part), not reply.fact, thread.id) for part in parts]
        if markup := _markup(reply):
            last = calls[-1]
            calls[-1] = OutboxCall(chat, last.method, {**last.params, "reply_markup": markup}, last.voice, thread.id)
        return calls

    def note(self, thread: Thread, text: str) -> Sequence[OutboxCall]:
        """Return a message to each admin."""
        return [
            OutboxCall(admin, "sendMessage", _message(admin, part), thread_id=thread.id)
            for admin in self.admins
            for part in split(text)
        ]

    def ask(self, thread: Thread, text: str, buttons: Sequence[Sequence[Button]]) -> Sequence[OutboxCall]:
        """Return a message to each admin, with the buttons that are theirs under its last part."""
        calls: list[OutboxCall] = []
        for admin in self.admins:
            mine = [[button for button in row if button.admin == admin] for row in buttons]
            calls += [
                OutboxCall(admin, "sendMessage", _message(admin, part), thread_id=thread.id) for part in split(text)
            ]
            markup = {"inline_keyboard": [_row(row) for row in mine if row]}
            calls[-1] = replace(calls[-1], params={**calls[-1].params, "reply_markup": markup})
        return calls

    def show(self, thread: Thread, ref: MessageRef) -> Sequence[OutboxCall]:
        """Return a copy of a message to each admin."""
        copied = {"from_chat_id": ref.chat_id, "message_id": ref.message_id}
        return [
            OutboxCall(admin, "copyMessage", {"chat_id": admin, **copied}, thread_id=thread.id) for admin in self.admins
        ]

    def pressed(self, incoming: Incoming, toast: str) -> Sequence[OutboxCall]:
        """Return the end of a button press: its spinner stops, and buttons that are used up go."""
        if incoming.kind is not IncomingKind.BUTTON or not incoming.callback_id:
            return ()
        answer: dict[str, Any] = {"callback_query_id": incoming.callback_id}
        if toast:
            answer |= {"text": toast[:200], "show_alert": len(toast) > 60}
        calls = [OutboxCall(0, "answerCallbackQuery", answer)]
        if incoming.ref:
            keyboard = {"chat_id": incoming.ref.chat_id, "message_id": incoming.ref.message_id}
            calls.append(OutboxCall(incoming.ref.chat_id, "editMessageReplyMarkup", keyboard))
        return calls


def split(text: str, limit: int = MAX_UNITS) -> Iterator[str]:
    """Split a text into parts of at most `limit` UTF-16 units, at line ends or spaces where there are any."""
    rest = text.strip() or "…"
    while _units(rest) > limit:
        cut = _fitting(rest, limit)
        at = max(rest.rfind("\n", cut // 2, cut), -1)
        at = at if at > 0 else rest.rfind(" ", cut // 2, cut)
        at = at if at > 0 else cut
        yield rest[:at].rstrip()
        rest = rest[at:].lstrip()
    yield rest


def _units(text: str) -> int:
    return len(text) + sum(ord(c) > 0xFFFF for c in text)


def _fitting(text: str, limit: int) -> int:
    """Return how many characters fit into `limit` units."""
    units = 0
    for index, character in enumerate(text):
        units += 2 if ord(character) > 0xFFFF else 1
        if units > limit:
            return index
    return len(text)


def _message(chat: int, text: str) -> Mapping[str, Any]:
    return {"chat_id": chat, "text": text, "link_preview_options": _NO_PREVIEW}


def _row(buttons: Sequence[Button]) -> list[dict[str, str]]:
    return [{"text": button.label, "callback_data": button.token} for button in buttons]


def _markup(reply: Reply) -> dict[str, Any] | None:
    if reply.buttons:
        return {"inline_keyboard": [_row(row) for row in reply.buttons]}
    if reply.contact_button:
        button = {"text": reply.contact_button, "request_contact": True}
        return {"keyboard": [[button]], "resize_keyboard": True, "one_time_keyboard": True}
    return {"remove_keyboard": True} if reply.drop_keyboard else None
