"""From a Telegram update to what a turn understands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from telegram import Bot, CallbackQuery, Chat, Message, Update, User

from bot.conversation.text import clean, one_line
from bot.domain.model import Channel, Contact, Incoming, IncomingKind, MessageRef, ThreadKey

# What a message can carry besides text, by its name in the Bot API.
MEDIA = (
    "photo", "sticker", "voice", "video", "video_note", "animation", "audio", "document", "location", "venue", "poll",
    "dice", "story", "game", "paid_media", "checklist",
)  # fmt: skip
_NAME_CHARS = 128
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,4}){0,2}")
# Telegram's ids have at most 52 significant bits.
_MAX_ID = 1 << 52


@dataclass(frozen=True, slots=True)
class Arrived:
    """A parsed update: who sent it, what it means for a turn, and which message it answers in an admin's chat."""

    user_id: int
    incoming: Incoming
    reply_to: int | None = None


def parse(data: dict[str, object], bot: Bot) -> Arrived | None:
    """Read an update.

    Returns:
        None for what needs no answer: groups, channels, other bots, service messages, kinds from the future.

    Raises:
        Exception: of whatever type, when the update is malformed; the caller quarantines it. The library checks no
            types, so what a turn is given is checked here.
    """
    update = Update.de_json(data, bot)
    if update.callback_query:
        return _button(update.callback_query)
    if update.message and _is_private(update.message.chat, update.message.from_user):
        return _message(update.message, IncomingKind.TEXT)
    if update.edited_message and _is_private(update.edited_message.chat, update.edited_message.from_user):
        return _message(update.edited_message, IncomingKind.EDITED)
    return None


def sender_of(payload: str) -> Incoming | None:
    """Return who wrote a message that could not be read otherwise, so that they can be told; None where it is unclear.

    A newer, or an older, server's message may lack what the library expects, and its writer waits for an answer.
    """
    try:
        message = json.loads(payload)["message"]
        chat, user = message["chat"], message["from"]
        if chat["type"] != Chat.PRIVATE or user["is_bot"] is not False or chat["id"] != user["id"]:
            return None
        hint = _language(user.get("language_code"))
        key = ThreadKey(Channel.TELEGRAM, str(_id(chat["id"])))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Incoming(IncomingKind.IGNORED, key, language_hint=hint)


def _is_private(chat: Chat, user: User | None) -> bool:
    return chat.type == Chat.PRIVATE and user is not None and not user.is_bot


def _message(message: Message, kind: IncomingKind) -> Arrived | None:
    user = message.from_user
    if user is None:
        return None
    base = _base(user, message.chat.id)
    ref = MessageRef(_id(message.chat.id), _id(message.message_id))
    reply_to = _id(message.reply_to_message.message_id) if message.reply_to_message else None
    if kind is IncomingKind.EDITED:
        incoming = Incoming(kind, text=_words(message.text or message.caption), ref=ref, **base)
    elif message.contact:
        incoming = Incoming(IncomingKind.CONTACT, contact=_contact(message, user), ref=ref, **base)
    elif message.text is not None:
        incoming = _text(message, ref, base)
    else:
        media = next((name for name in MEDIA if getattr(message, name, None)), None)
        if media is None:
            return None
        incoming = Incoming(IncomingKind.MEDIA, text=_words(message.caption), media=media, ref=ref, **base)
    return Arrived(_id(user.id), incoming, reply_to)


def _base(user: User, chat_id: int) -> dict[str, Any]:
    return {
        "key": ThreadKey(Channel.TELEGRAM, str(_id(chat_id))),
        "name": one_line(clean(f"{_words(user.first_name)} {_words(user.last_name)}"), _NAME_CHARS),
        "language_hint": _language(user.language_code),
    }


def _id(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _MAX_ID:
        raise ValueError("an id is a positive number of at most 52 bits")
    return value


def _words(value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise TypeError("a text is a string")
    return value or ""


def _language(value: object) -> str | None:
    """Return the phone's language if it reads like one; it is only a hint."""
    return value if isinstance(value, str) and _LANGUAGE.fullmatch(value) else None


def _text(message: Message, ref: MessageRef, base: dict[str, Any]) -> Incoming:
    text = _words(message.text)
    if not text.startswith("/") or len(text) < 2 or not text[1].isalpha():
        return Incoming(IncomingKind.TEXT, text=text, ref=ref, **base)
    command, _, argument = text[1:].partition(" ")
    name = command.partition("@")[0].casefold()
    return Incoming(IncomingKind.COMMAND, command=name[:32], text=argument, ref=ref, **base)


def _contact(message: Message, user: User) -> Contact | None:
    contact = message.contact
    if contact is None:
        return None
    forwarded = message.forward_origin is not None or message.via_bot is not None
    return Contact(_words(contact.phone_number), own=contact.user_id == user.id and not forwarded)


def _button(query: CallbackQuery) -> Arrived | None:
    """A press counts in the presser's own private chat only; anything else has no thread to act on."""
    if query.message is None or query.message.chat.id != query.from_user.id:
        return None
    base = _base(query.from_user, query.message.chat.id)
    ref = MessageRef(_id(query.message.chat.id), _id(query.message.message_id))
    token = _words(query.data).encode("utf-8", "replace").decode()[:64]
    callback_id = _words(query.id).encode("utf-8", "replace").decode()
    return Arrived(
        _id(query.from_user.id),
        Incoming(IncomingKind.BUTTON, token=token, callback_id=callback_id, ref=ref, **base),
    )
