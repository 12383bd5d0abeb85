"""From Telegram's updates to what a turn understands: every kind has its defined meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from telegram import Bot

from bot.domain.model import Channel, Contact, IncomingKind, MessageRef, ThreadKey
from bot.telegram.customer import MEDIA, Arrived, parse, sender_of

USER = {"id": 7, "is_bot": False, "first_name": "Ana", "last_name": "Gil", "language_code": "es"}
CHAT = {"id": 7, "type": "private", "first_name": "Ana"}
FRAME = {"message_id": 3, "date": 1, "from": USER, "chat": CHAT}
GROUP = {"id": -100, "type": "supergroup", "title": "G"}
FILE = {"file_id": "f", "file_unique_id": "u"}
SIZE = {**FILE, "width": 1, "height": 1}
PRESS = {"id": "q", "from": USER, "chat_instance": "1", "message": FRAME, "data": "token"}


@pytest.fixture(scope="module")
def bot() -> Bot:
    """A bot that calls nobody."""
    return Bot("1:a")


def _parsed(bot: Bot, kind: str = "message", **content: Any) -> Arrived | None:
    return parse({"update_id": 1, kind: {**FRAME, **content}}, bot)


def test_a_text(bot: Bot) -> None:
    """It carries who wrote, in what chat, under what name, on a phone of what language."""
    arrived = _parsed(bot, text="where is my order?")
    assert arrived is not None
    incoming = arrived.incoming
    assert (arrived.user_id, incoming.kind, incoming.text) == (7, IncomingKind.TEXT, "where is my order?")
    assert incoming.key == ThreadKey(Channel.TELEGRAM, "7")
    assert (incoming.name, incoming.language_hint, incoming.ref) == ("Ana Gil", "es", MessageRef(7, 3))


@pytest.mark.parametrize(
    ("text", "command", "argument"),
    [
        ("/start", "start", ""),
        ("/START ref_1", "start", "ref_1"),
        ("/help@deskhand_bot now", "help", "now"),
        (f"/{'x' * 99}", "x" * 32, ""),
    ],
)
def test_a_command(bot: Bot, text: str, command: str, argument: str) -> None:
    """Its name is freed of case and of the bot's own; what follows is its argument."""
    arrived = _parsed(bot, text=text)
    assert arrived is not None
    assert (arrived.incoming.kind, arrived.incoming.command, arrived.incoming.text) == (
        IncomingKind.COMMAND,
        command,
        argument,
    )


@pytest.mark.parametrize("text", ["/", "/ start", "/1", "//", " /start", "a /start"])
def test_a_slash_alone_is_no_command(bot: Bot, text: str) -> None:
    """Only a slash with a letter after it, at the very beginning, is one."""
    arrived = _parsed(bot, text=text)
    assert arrived is not None
    assert arrived.incoming.kind is IncomingKind.TEXT


CONTACT = {"phone_number": "491", "first_name": "Ana", "user_id": 7}


@pytest.mark.parametrize(
    ("content", "own"),
    [
        ({"contact": CONTACT}, True),
        ({"contact": {**CONTACT, "user_id": 8}}, False),
        ({"contact": {"phone_number": "491", "first_name": "Ana"}}, False),
        ({"contact": CONTACT, "forward_origin": {"type": "hidden_user", "sender_user_name": "x", "date": 1}}, False),
        ({"contact": CONTACT, "via_bot": {"id": 9, "is_bot": True, "first_name": "b"}}, False),
    ],
)
def test_a_contact_is_own_only_if_telegram_says_so(bot: Bot, content: dict[str, Any], own: bool) -> None:
    """It carries the sender's own id, and was neither forwarded nor made by a bot."""
    arrived = _parsed(bot, **content)
    assert arrived is not None
    assert arrived.incoming.contact == Contact("491", own)


MEDIA_BODIES: dict[str, Any] = {
    "photo": [SIZE],
    "sticker": {**SIZE, "type": "regular", "is_animated": False, "is_video": False},
    "voice": {**FILE, "duration": 1},
    "video": {**SIZE, "duration": 1},
    "video_note": {**FILE, "length": 1, "duration": 1},
    "animation": {**SIZE, "duration": 1},
    "audio": {**FILE, "duration": 1},
    "document": FILE,
    "location": {"latitude": 1, "longitude": 1},
    "venue": {"location": {"latitude": 1, "longitude": 1}, "title": "t", "address": "a"},
    "dice": {"emoji": "🎲", "value": 1},
    "story": {"chat": CHAT, "id": 1},
    "game": {"title": "t", "description": "d", "photo": [SIZE]},
}


@pytest.mark.parametrize("kind", MEDIA_BODIES)
def test_media(bot: Bot, kind: str) -> None:
    """Each kind is called by its name, its caption is the text, and it can be shown to a person."""
    assert kind in MEDIA
    arrived = _parsed(bot, **{kind: MEDIA_BODIES[kind]}, caption="look")
    assert arrived is not None
    incoming = arrived.incoming
    assert (incoming.kind, incoming.media, incoming.text) == (IncomingKind.MEDIA, kind, "look")
    assert incoming.ref == MessageRef(7, 3)


def test_an_edit(bot: Bot) -> None:
    """A changed message is told from a new one, whether it is a text or a caption."""
    for content in ({"text": "new"}, {"photo": [SIZE], "caption": "new"}):
        arrived = _parsed(bot, "edited_message", edit_date=2, **content)
        assert arrived is not None
        assert (arrived.incoming.kind, arrived.incoming.text) == (IncomingKind.EDITED, "new")


def test_a_reply(bot: Bot) -> None:
    """Which message it answers is known, for an admin's answers."""
    arrived = _parsed(bot, text="hi", reply_to_message={**FRAME, "message_id": 2})
    assert arrived is not None
    assert arrived.reply_to == 2


def test_a_press(bot: Bot) -> None:
    """It carries the token, what has to be answered, and the message with the buttons."""
    arrived = parse({"update_id": 1, "callback_query": PRESS}, bot)
    assert arrived is not None
    incoming = arrived.incoming
    assert (incoming.kind, incoming.token, incoming.callback_id) == (IncomingKind.BUTTON, "token", "q")
    assert incoming.ref == MessageRef(7, 3)


IGNORED: dict[str, dict[str, Any]] = {
    "a group": {"message": {**FRAME, "chat": GROUP, "text": "x"}},
    "a channel": {"channel_post": {**FRAME, "chat": {"id": -5, "type": "channel"}, "text": "x"}},
    "an anonymous admin": {"message": {**FRAME, "chat": GROUP, "sender_chat": GROUP, "text": "/stats"}},
    "business": {"business_message": {**FRAME, "business_connection_id": "b", "text": "x"}},
    "another bot": {"message": {**FRAME, "from": {**USER, "is_bot": True}, "text": "x"}},
    "nobody": {"message": {"message_id": 3, "date": 1, "chat": CHAT, "text": "x"}},
    "a service message": {"message": {**FRAME, "group_chat_created": True}},
    "a member": {"my_chat_member": {"chat": CHAT, "from": USER, "date": 1,
                                    "old_chat_member": {"user": USER, "status": "member"},
                                    "new_chat_member": {"user": USER, "status": "member"}}},
    "the future": {"telepathy": {"thought": "x"}},
    "nothing": {},
    "a press in a group": {"callback_query": {**PRESS, "message": {**FRAME, "chat": GROUP}}},
    "a press of another": {"callback_query": {**PRESS, "from": {**USER, "id": 8}}},
    "a press without a message": {"callback_query": {k: v for k, v in PRESS.items() if k != "message"}},
}  # fmt: skip


@pytest.mark.parametrize("name", IGNORED)
def test_what_needs_no_answer(bot: Bot, name: str) -> None:
    """Groups, channels, bots, service messages, kinds from the future: no turn comes of them."""
    assert parse({"update_id": 1, **IGNORED[name]}, bot) is None


MALFORMED: dict[str, dict[str, Any]] = {
    "an id of text": {"text": "x", "chat": {**CHAT, "id": "7"}},
    "a huge id": {"text": "x", "chat": {**CHAT, "id": 2**70}},
    "a truth for an id": {"text": "x", "message_id": True},
    "a number for a text": {"text": 5},
    "a list for a caption": {"photo": [SIZE], "caption": ["x"]},
    "a number for a name": {"text": "x", "from": {**USER, "first_name": 5}},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_wrong_types_are_refused(bot: Bot, name: str) -> None:
    """The library checks none of them; a turn must not get one."""
    with pytest.raises((TypeError, ValueError)):
        _parsed(bot, **MALFORMED[name])


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("es", "es"),
        ("pt-BR", "pt-BR"),
        ("zh-hans", "zh-hans"),
        ("", None),
        (5, None),
        ("\ud800", None),
        ("x" * 99, None),
    ],
)
def test_the_phones_language_is_only_a_hint(bot: Bot, given: object, taken: str | None) -> None:
    """What does not read like a language is left out."""
    arrived = _parsed(bot, text="x", **{"from": {**USER, "language_code": given}})
    assert arrived is not None
    assert arrived.incoming.language_hint == taken


def test_names_are_made_harmless(bot: Bot) -> None:
    """One line, without control characters, overrides or broken signs, at most 128 long."""
    arrived = _parsed(bot, text="x", **{"from": {**USER, "first_name": "A\x00\n\u202eb\ud800", "last_name": "c" * 999}})
    assert arrived is not None
    assert arrived.incoming.name.startswith("A b\ufffd c")
    assert len(arrived.incoming.name) == 128


def test_the_sender_of_what_cannot_be_read() -> None:
    """Known for a private message of a person, and for nothing else, however broken."""
    found = sender_of(json.dumps({"update_id": 1, "message": {**FRAME, "poll": 5}}))
    assert found is not None
    assert (found.key, found.kind) == (ThreadKey(Channel.TELEGRAM, "7"), IncomingKind.IGNORED)
    broken = ("", "5", "[]", "{}", '{"message": 5}', '{"message": {"chat": 1, "from": 2}}', "[" * 10_000)
    assert [sender_of(payload) for payload in broken] == [None] * len(broken)
    assert sender_of(json.dumps({"message": {**FRAME, "chat": GROUP}})) is None
    assert sender_of(json.dumps({"message": {**FRAME, "chat": {**CHAT, "id": 8}}})) is None
