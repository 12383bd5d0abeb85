"""Keyboards: checked as Telegram checks them."""

from __future__ import annotations

from typing import Any

from bot.simulator.params import Params, bad_request

Json = dict[str, Any]

CALLBACK_DATA_LIMIT = 64
_INLINE_ACTIONS = (
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)
_LINKS = ("http://", "https://", "tg://", "tel:", "mailto:", "ton://")


def read_markup(params: Params) -> tuple[Json | None, Json | None]:
    """Return (inline keyboard as the bot sees it, reply keyboard as the page sees it) of a call; mostly one is None."""
    markup = params.nested("reply_markup")
    if markup is None:
        return None, None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        return _inline(markup["inline_keyboard"]), None
    if "keyboard" in markup:
        return None, _reply(markup)
    return None, {"remove": True} if markup.get("remove_keyboard") is True else None


def _inline(rows: Any) -> Json | None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardMarkup must be an Array of Arrays")
    checked = [[_inline_button(button) for button in row] for row in rows if row]
    if sum(map(len, checked)) > 100:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return {"inline_keyboard": checked} if checked else None


def _inline_button(button: Any) -> Json:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str) or not button["text"].strip():
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be a non-empty String')
    if not any(action in button for action in _INLINE_ACTIONS):
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= CALLBACK_DATA_LIMIT:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not str(button["url"]).startswith(_LINKS):
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Unsupported URL protocol")
    return button


def _reply(markup: Json) -> Json | None:
    rows = markup["keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("can't parse keyboard button: ReplyKeyboardMarkup must be an Array of Arrays")
    checked = [[_reply_button(button) for button in row] for row in rows if row]
    return {"rows": checked, "one_time": markup.get("one_time_keyboard") is True} if checked else None


def _reply_button(button: Any) -> Json:
    if isinstance(button, str):
        button = {"text": button}
    if not isinstance(button, dict) or not isinstance(button.get("text"), str) or not button["text"].strip():
        raise bad_request('can\'t parse keyboard button: Field "text" must be a non-empty String')
    return {"text": button["text"], "request_contact": button.get("request_contact") is True}
