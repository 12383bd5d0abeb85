"""Each method refuses what Telegram refuses, in Telegram's words, however the parameters come."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.simulator import Person, Simulator
from bot.simulator.account import METHODS
from bot.simulator.params import ApiError, Params
from tests.simulator.conftest import Clock
from tests.support.simulator import ANA, TOKEN, Api


def button(**fields: Any) -> dict[str, Any]:
    """Return an inline keyboard of one button."""
    return {"inline_keyboard": [[{"text": "x", **fields}]]}


UNPARSABLE = "can't parse entities: "


def html(text: str) -> dict[str, Any]:
    """Return a message of HTML."""
    return {"chat_id": 7, "text": text, "parse_mode": "html"}


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": 1, "text": "x"}, "chat not found"),
        ({"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ({"chat_id": 7}, "message text is empty"),
        ({"chat_id": 7, "text": " \n\t "}, "text must be non-empty"),
        ({"chat_id": 7, "text": "x" * 4097}, "message is too long"),
        ({"chat_id": 7, "text": "😀" * 2049}, "message is too long"),
        ({"chat_id": 7, "text": "x" * 32_769}, "text is too long"),
        (html("<b>x"), UNPARSABLE + 'Can\'t find end tag corresponding to start tag "b"'),
        (html("ä<x>"), UNPARSABLE + 'Unsupported start tag "x" at byte offset 2'),
        (html("<b>x</i>"), UNPARSABLE + 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        (html("x</i>"), UNPARSABLE + "Unexpected end tag at byte offset 1"),
        (html("x<b"), UNPARSABLE + 'Unclosed start tag "b" at byte offset 1'),
        ({"chat_id": 7, "text": "x", "reply_markup": button(callback_data="ع" * 33)}, "BUTTON_DATA_INVALID"),
        ({"chat_id": 7, "text": "x", "reply_markup": button()}, "can't parse inline keyboard button: Text buttons are "
         "unallowed in the inline keyboard"),
        ({"chat_id": 7, "text": "x", "reply_markup": "{broken"}, "can't parse reply markup JSON object"),
        ({"chat_id": 7, "text": "x", "reply_parameters": {"message_id": 77}}, "message to be replied not found"),
    ],
)  # fmt: skip
async def test_what_send_message_refuses(api: Api, simulator: Simulator, params: Any, description: str) -> None:
    """A refused message says why in Telegram's words, and nothing reaches the chat."""
    assert await api.error("sendMessage", **params) == f"Bad Request: {description}"
    assert simulator.messages(7) == []


async def test_the_longest_text_and_data_pass(api: Api) -> None:
    """4096 units after parsing and 64 bytes of callback data are still taken."""
    text = "<b>" + "&lt;" * 4096 + "</b>"
    sent = await api.result(
        "sendMessage", chat_id=7, text=text, parse_mode="HTML", reply_markup=button(callback_data="ع" * 32)
    )
    assert sent["text"] == "<" * 4096
    assert sent["entities"] == [{"type": "bold", "offset": 0, "length": 4096}]


async def test_text_is_trimmed_and_cleaned(api: Api) -> None:
    """Blanks around, control characters, carriage returns and overrides go, and entities move along."""
    sent = await api.result("sendMessage", chat_id=7, text=" \n a\x00b\u202e\r\n<b> c </b>\n ", parse_mode="HTML")
    assert sent["text"] == "a b\n c"
    assert sent["entities"] == [{"type": "bold", "offset": 4, "length": 2}]


@pytest.mark.parametrize("how", ["json", "json_in_json", "form", "query", "multipart"])
async def test_parameters_come_in_every_way(api: Api, simulator: Simulator, how: str) -> None:
    """JSON bodies, forms, uploads and query strings with nested JSON mean the same."""
    url = f"{api.base}/bot{TOKEN}/SendMessage"
    markup = button(callback_data="y")
    flat = {"chat_id": "7", "text": "ñ & 1", "reply_markup": json.dumps(markup)}
    if how == "query":
        request = api.session.get(url, params=flat)
    elif how == "form":
        request = api.session.post(url, data=flat)
    elif how == "multipart":
        form = aiohttp.FormData(flat)
        form.add_field("unused", b"file", filename="x.bin")
        request = api.session.post(url, data=form)
    else:
        request = api.session.post(url, json=flat if how == "json_in_json" else flat | {"reply_markup": markup})
    async with request as response:
        answer = await response.json()
    assert answer["result"]["text"] == "ñ & 1"
    assert answer["result"]["reply_markup"] == markup
    assert simulator.calls[0].params["chat_id"] == 7
    assert simulator.calls[0].params["reply_markup"] == markup


async def test_unknown_methods_and_tokens(api: Api) -> None:
    """A wrong token is 401 and an unknown method 404, as bare as Telegram's."""
    assert await api.call("nope") == {"ok": False, "error_code": 404, "description": "Not Found"}
    wrong = Api(api.session, api.base, "4242:other")
    assert await wrong.call("getMe") == {"ok": False, "error_code": 401, "description": "Unauthorized"}


@pytest.mark.parametrize(
    ("body", "description"),
    [
        (b"{", "can't parse JSON object"),
        (b"[1]", "JSON object expected"),
        (b"[" * 100_000, "can't parse JSON object"),
        (b'{"chat_id":7,"text":"\\ud800"}', "strings must be encoded in UTF-8"),
        (b'{"chat_id":7,"text":"\xff"}', "can't parse JSON object"),
    ],
)
async def test_broken_json_bodies(api: Api, body: bytes, description: str) -> None:
    """A body that is no JSON object in UTF-8 is refused."""
    headers = {"Content-Type": "application/json"}
    async with api.session.post(f"{api.base}/bot{TOKEN}/sendMessage", data=body, headers=headers) as response:
        assert (await response.json())["description"] == f"Bad Request: {description}"


async def test_edits_are_refused_as_in_telegram(api: Api, simulator: Simulator) -> None:
    """Unknown messages, the customer's own, and edits that change nothing each get their text."""
    theirs = simulator.person(7).send_text("mine")
    sent = await api.result("sendMessage", chat_id=7, text="same", reply_markup=button(callback_data="y"))
    edit = {"chat_id": 7, "message_id": sent["message_id"], "text": "same"}
    assert await api.error("editMessageText", **edit | {"message_id": 999}) == "Bad Request: message to edit not found"
    assert await api.error("editMessageText", **edit | {"message_id": theirs}) == "Bad Request: message can't be edited"
    unchanged = await api.error("editMessageText", **edit, reply_markup=button(callback_data="y"))
    assert unchanged.startswith("Bad Request: message is not modified: specified new message content and reply markup")
    assert "reply_markup" not in await api.result("editMessageText", **edit)
    assert (await api.error("editMessageText", **edit)).startswith("Bad Request: message is not modified")
    again = await api.result("editMessageReplyMarkup", chat_id=7, message_id=sent["message_id"],
                             reply_markup=button(callback_data="z"))  # fmt: skip
    assert again["reply_markup"] == button(callback_data="z")
    assert await api.error("deleteMessage", chat_id=7, message_id=999) == "Bad Request: message to delete not found"


async def test_a_callback_query_gets_too_old(api: Api, simulator: Simulator, clock: Clock) -> None:
    """A query can be answered for 150 seconds, and an invented one never."""
    sent = await api.result("sendMessage", chat_id=7, text="?", reply_markup=button(callback_data="y"))
    query_id = simulator.person(7).press(sent["message_id"], "forged")
    assert await api.result("answerCallbackQuery", callback_query_id=query_id, text="ok")
    clock.now += 151
    old = "Bad Request: query is too old and response timeout expired or query ID is invalid"
    assert await api.error("answerCallbackQuery", callback_query_id=query_id) == old
    assert await api.error("answerCallbackQuery", callback_query_id="1") == old


async def test_who_may_be_written_to(api: Api, simulator: Simulator) -> None:
    """A person who never started the bot, or blocked it, cannot be written to until they change that."""
    stranger = simulator.add_person(Person(10, "New", started=False))
    initiate = "Forbidden: bot can't initiate conversation with a user"
    assert await api.error("sendMessage", chat_id=10, text="hi") == initiate
    stranger.send_text("/start")
    await api.result("sendMessage", chat_id=10, text="hi")
    stranger.block()
    assert await api.error("sendChatAction", chat_id=10, action="typing") == "Forbidden: bot was blocked by the user"
    with pytest.raises(ValueError, match="unblock"):
        stranger.send_text("hi")
    stranger.block(False)
    await api.result("sendMessage", chat_id=10, text="hi")


async def test_history_is_bounded(api: Api) -> None:
    """A chat remembers only so many messages, the newest."""
    small = Simulator(TOKEN, [ANA], history=3, first_message_id=1)
    ids = [small.person(7).send_text(str(number)) for number in range(5)]
    assert [body["message_id"] for body in small.messages(7)] == ids[2:]


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["chat_id", "from_chat_id", "message_id", "text", "parse_mode", "entities", "reply_markup", "reply_parameters",
         "commands", "scope", "language_code", "photo", "document", "caption", "url", "callback_query_id", "action",
         "draft_id", "file_id", "offset", "limit", "allowed_updates", "name"]  # fmt: skip
MARKUPS = st.fixed_dictionaries({"inline_keyboard": NESTED}) | st.fixed_dictionaries({"keyboard": NESTED}) | NESTED


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(set(METHODS) - {"getUpdates", "setWebhook", "deleteWebhook"})),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from([7, "7", 1, "x", "<b>x</b>", "HTML", "typing"]) | NESTED),
    MARKUPS,
)
def test_no_parameters_break_a_method(method: str, params: dict[str, Any], markup: Any) -> None:
    """Whatever a bot sends, a method answers or refuses; it never fails inside."""
    simulator = Simulator(TOKEN, [ANA], first_message_id=1)
    simulator.person(7).send_text("hi")
    values = {"chat_id": 7, "message_id": 1, "text": "x", "reply_markup": markup} | params
    try:
        answer = {"ok": True, "result": METHODS[method](simulator.world, Params(values))}
    except ApiError as error:
        answer = error.body()
    assert json.loads(json.dumps(answer))["ok"] in {True, False}
    assert 400 <= answer.get("error_code", 400) < 500
