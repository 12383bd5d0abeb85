"""Replies as Bot API calls: split where Telegram's limit demands it, plain, and only for those who are in Telegram."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from bot.domain.model import (
    Button,
    ButtonKind,
    Channel,
    Incoming,
    IncomingKind,
    MessageRef,
    Reply,
    Thread,
    ThreadKey,
)
from bot.telegram.post import MAX_UNITS, TelegramPost, split

THREAD = Thread(5, ThreadKey(Channel.TELEGRAM, "77"), name="Ana")
POST = TelegramPost((900, 901))
ALPHABETS = ("abc defg\n", "😀👨‍👩‍👧 x\n", "سلام عليكم \u200f\n", "订单号码", "क्षि \n", "a")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("limit", [10, 97, MAX_UNITS])
def test_parts_fit_and_lose_nothing(alphabet: str, limit: int) -> None:
    """Every part fits in UTF-16 units, is not empty, and together they are the text, but for blanks at the cuts."""
    chance = random.Random(limit)
    for length in (1, limit - 1, limit, limit + 1, 3 * limit + 7):
        text = "x" + "".join(chance.choice(alphabet) for _ in range(length))
        parts = list(split(text, limit))
        assert all(0 < _units(part) <= limit for part in parts)
        assert "".join("".join(parts).split()) == "".join(text.split())


def test_no_character_is_cut_in_two() -> None:
    """An emoji takes two units; a limit in its middle leaves it whole for the next part."""
    assert list(split("😀" * 5, 5)) == ["😀😀", "😀😀", "😀"]


def test_cuts_are_at_lines_then_at_words() -> None:
    """The end of a line is the best place, then a space, and only a word without end is broken."""
    assert list(split("first line\nsecond", 14)) == ["first line", "second"]
    assert list(split("some more words", 12)) == ["some more", "words"]
    assert list(split("x" * 25, 10)) == ["x" * 10, "x" * 10, "x" * 5]


@pytest.mark.parametrize("text", ["", "  \n ", "\n"])
def test_nothing_to_say_is_still_a_message(text: str) -> None:
    """Telegram refuses an empty text, so there is never one."""
    assert list(split(text)) == ["…"]


def test_blanks_longer_than_the_limit_end() -> None:
    """However many blanks stand in a row, the parts come to an end and none is empty."""
    assert list(split("a" + " " * 50 + "b", 10)) == ["a", "b"]


def test_buttons_stand_under_the_last_part() -> None:
    """A long reply is several messages; its buttons can be pressed under the last one only."""
    button = Button("Yes", "token", ButtonKind.CONFIRM, "g")
    calls = POST.reply(THREAD, Reply("word " * 2000, ((button,),)))
    assert [("reply_markup" in call.params) for call in calls] == [False, False, True]
    assert calls[-1].params["reply_markup"] == {"inline_keyboard": [[{"text": "Yes", "callback_data": "token"}]]}
    assert all("parse_mode" not in call.params for call in calls)


def test_the_contact_button_and_its_end() -> None:
    """A reply may offer to share the contact, or take that offer away."""
    (offer,) = POST.reply(THREAD, Reply("Who?", contact_button="Share"))
    assert offer.params["reply_markup"]["keyboard"] == [[{"text": "Share", "request_contact": True}]]
    (end,) = POST.reply(THREAD, Reply("Thanks", drop_keyboard=True))
    assert end.params["reply_markup"] == {"remove_keyboard": True}


def test_only_facts_are_more_than_voice() -> None:
    """The bot's own words may be dropped for a person; what was done may not."""
    assert [POST.reply(THREAD, Reply("x", fact=fact))[0].voice for fact in (False, True)] == [True, False]


def test_a_thread_that_is_not_in_telegram_gets_no_call() -> None:
    """A REST thread's answer goes back with its request; a note about it still reaches every admin."""
    rest = replace(THREAD, key=ThreadKey(Channel.REST, "key:t1"))
    assert list(POST.reply(rest, Reply("hello"))) == []
    assert [(call.chat_id, call.thread_id) for call in POST.note(rest, "look")] == [(900, 5), (901, 5)]


def test_each_admin_gets_buttons_of_their_own() -> None:
    """A question to the admins carries, under its last part, for each one the buttons that only they can press."""
    rows = [[Button("Yes", f"y{admin}", ButtonKind.APPROVE, "g", admin=admin) for admin in (900, 901)], []]
    calls = POST.ask(THREAD, "x" * (MAX_UNITS + 1), rows)
    assert [(call.chat_id, call.thread_id) for call in calls] == [(900, 5), (900, 5), (901, 5), (901, 5)]
    assert [call.params.get("reply_markup") for call in calls] == [
        None,
        {"inline_keyboard": [[{"text": "Yes", "callback_data": "y900"}]]},
        None,
        {"inline_keyboard": [[{"text": "Yes", "callback_data": "y901"}]]},
    ]


def test_a_press_is_ended() -> None:
    """The spinner stops, with words where there are any, and the used buttons go; a press without an id needs none."""
    press = Incoming(IncomingKind.BUTTON, THREAD.key, callback_id="q", ref=MessageRef(77, 3))
    answer, edit = POST.pressed(press, "x" * 300)
    assert (answer.method, len(answer.params["text"]), answer.params["show_alert"]) == (
        "answerCallbackQuery",
        200,
        True,
    )
    assert (edit.method, edit.params) == ("editMessageReplyMarkup", {"chat_id": 77, "message_id": 3})
    assert list(POST.pressed(replace(press, callback_id=""), "")) == []
