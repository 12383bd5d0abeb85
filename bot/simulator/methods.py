"""The methods of the Bot API that write, change and delete messages; one function each."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.simulator.chats import CALLBACK_LIFE_S, Chat, StoredMessage, World, embedded
from bot.simulator.entities import CAPTION_LIMIT, Formatted, format_text, utf16_len
from bot.simulator.markup import read_markup
from bot.simulator.params import Params, bad_request

Json = dict[str, Any]
Method = Callable[[World, Params], Any | Awaitable[Any]]

CALLBACK_TEXT_LIMIT = 200
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
OLD_QUERY = "query is too old and response timeout expired or query ID is invalid"
_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


def send_message(world: World, params: Params) -> Json:
    """Write a text."""
    chat = writable_chat(world, params)
    formatted = _text(params)
    content = replied(chat, params) | {"text": formatted.text}
    if formatted.entities:
        content["entities"] = formatted.entities
    return deliver(world, chat, params, content)


def edit_message_text(world: World, params: Params) -> Json:
    """Change the text and the buttons of one of the bot's messages."""
    chat, message = _editable(world, params)
    if "text" not in message.body:
        raise bad_request("there is no text in the message to edit")
    formatted = _text(params)
    changed = {name: value for name, value in message.body.items() if name not in {"entities", "reply_markup"}}
    changed["text"] = formatted.text
    if formatted.entities:
        changed["entities"] = formatted.entities
    return _edited(world, chat, message, changed, read_markup(params)[0])


def edit_message_caption(world: World, params: Params) -> Json:
    """Change the caption and the buttons of one of the bot's photos or documents."""
    chat, message = _editable(world, params)
    if "text" in message.body:
        raise bad_request("there is no caption in the message to edit")
    without = {"caption", "caption_entities", "reply_markup"}
    changed = {name: value for name, value in message.body.items() if name not in without}
    return _edited(world, chat, message, changed | caption(params), read_markup(params)[0])


def edit_message_reply_markup(world: World, params: Params) -> Json:
    """Change or remove the buttons of one of the bot's messages."""
    chat, message = _editable(world, params)
    changed = {name: value for name, value in message.body.items() if name != "reply_markup"}
    return _edited(world, chat, message, changed, read_markup(params)[0])


def delete_message(world: World, params: Params) -> bool:
    """Delete a message of either side."""
    chat = known_chat(world, params)
    if not world.delete(chat, _message_id(params)):
        raise bad_request("message to delete not found")
    return True


def forward_message(world: World, params: Params) -> Json:
    """Send a message on, with its origin."""
    chat = writable_chat(world, params)
    source = _source(world, params, "forward")
    sender = source.body["from"]
    origin = {"type": "user", "date": source.body["date"], "sender_user": sender}
    kept = {name: value for name, value in _content(source).items() if name != "reply_markup"}
    return world.post(chat, world.bot, {"forward_origin": origin, **kept}).body


def copy_message(world: World, params: Params) -> Json:
    """Send a message's content on, without its origin."""
    chat = writable_chat(world, params)
    source = _source(world, params, "copy")
    content = {name: value for name, value in _content(source).items() if name != "reply_markup"}
    if "caption" in params.values and "text" not in content:
        content = {name: value for name, value in content.items() if not name.startswith("caption")} | caption(params)
    return {"message_id": deliver(world, chat, params, replied(chat, params) | content)["message_id"]}


def answer_callback_query(world: World, params: Params) -> bool:
    """End the wait of a pressed button, with a notice or without."""
    query_id = params.text("callback_query_id")
    pressed = world.callbacks.get(query_id)
    if pressed is None or world.clock() - pressed.at > CALLBACK_LIFE_S:
        raise bad_request(OLD_QUERY)
    text = params.text("text")
    if utf16_len(text) > CALLBACK_TEXT_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    toast = {"text": text, "alert": params.flag("show_alert"), "callback_query_id": query_id}
    world.chat(pressed.chat_id).log.add("toast", lambda: toast)
    return True


def send_chat_action(world: World, params: Params) -> bool:
    """Show that the bot is typing."""
    chat = writable_chat(world, params)
    action = params.text("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat.log.add("typing", lambda: {"action": action})
    return True


def send_message_draft(world: World, params: Params) -> bool:
    """Show the beginning of a message that is still being written; an empty text shows that the bot thinks."""
    chat = writable_chat(world, params)
    if params.integer("draft_id") == 0:
        raise bad_request("RANDOM_ID_INVALID")
    text = format_text(params.text("text"), params.text("parse_mode"), params.nested("entities")).text
    chat.log.add("draft", lambda: {"text": text})
    return True


def get_chat(world: World, params: Params) -> Json:
    """Describe a chat."""
    shown = known_chat(world, params).person.chat()
    accepted = dict.fromkeys(("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription"), True)
    accepted |= {"gifts_from_channels": True}
    return shown | {"accent_color_id": shown["id"] % 7, "max_reaction_count": 11, "accepted_gift_types": accepted}


# --- shared by the methods --------------------------------------------------


def known_chat(world: World, params: Params, name: str = "chat_id") -> Chat:
    """Return the chat that a call names."""
    given = params.values.get(name)
    if given is None or given == "":
        raise bad_request(f"{name} is empty")
    if isinstance(given, bool) or not isinstance(given, int):
        raise bad_request("chat not found")
    return world.chat(given)


def writable_chat(world: World, params: Params) -> Chat:
    """Return the chat that a call writes to."""
    return world.writable(known_chat(world, params).person.id)


def deliver(world: World, chat: Chat, params: Params, content: Json) -> Json:
    """Post the bot's message with the keyboard of the call."""
    inline, reply = read_markup(params)
    if inline:
        content["reply_markup"] = inline
    return world.post(chat, world.bot, content, reply).body


def caption(params: Params) -> Json:
    """Return the caption of a call, with its entities."""
    raw = params.text("caption")
    formatted = format_text(raw, params.text("parse_mode"), params.nested("caption_entities"), CAPTION_LIMIT)
    if not formatted.text:
        return {}
    entities = {"caption_entities": formatted.entities} if formatted.entities else {}
    return {"caption": formatted.text} | entities


def replied(chat: Chat, params: Params) -> Json:
    """Return the message that a call replies to, embedded."""
    given = params.nested("reply_parameters")
    reply = given if isinstance(given, dict) else {"message_id": params.integer("reply_to_message_id")}
    wanted = reply.get("message_id")
    if not wanted:
        return {}
    message = chat.messages.get(wanted) if isinstance(wanted, int) else None
    if message is not None and str(reply.get("chat_id", chat.person.id)) == str(chat.person.id):
        return {"reply_to_message": embedded(message)}
    if reply.get("allow_sending_without_reply") or params.flag("allow_sending_without_reply"):
        return {}
    raise bad_request("message to be replied not found")


def _text(params: Params) -> Formatted:
    raw = params.text("text")
    if not raw:
        raise bad_request("message text is empty")
    formatted = format_text(raw, params.text("parse_mode"), params.nested("entities"))
    if not formatted.text:
        raise bad_request("text must be non-empty")
    return formatted


def _message_id(params: Params) -> int:
    message_id = params.integer("message_id")
    if message_id == 0:
        raise bad_request("message identifier is not specified")
    return message_id


def _editable(world: World, params: Params) -> tuple[Chat, StoredMessage]:
    chat = known_chat(world, params)
    message = chat.messages.get(_message_id(params))
    if message is None:
        raise bad_request("message to edit not found")
    if not message.from_bot or "forward_origin" in message.body:
        raise bad_request("message can't be edited")
    return chat, message


def _edited(world: World, chat: Chat, message: StoredMessage, changed: Json, markup: Json | None) -> Json:
    if markup:
        changed["reply_markup"] = markup
    dated = {name: value for name, value in message.body.items() if name != "edit_date"}
    changed.pop("edit_date", None)
    if changed == dated:
        raise bad_request(NOT_MODIFIED)
    only_buttons = {**changed, "reply_markup": None} == {**dated, "reply_markup": None}
    if not only_buttons or "edit_date" in message.body:
        changed["edit_date"] = int(time.time())
    message.body = changed
    world.changed(chat, message, "edited")
    return changed


def _source(world: World, params: Params, verb: str) -> StoredMessage:
    chat = known_chat(world, params, "from_chat_id")
    message = chat.messages.get(_message_id(params))
    if message is None:
        raise bad_request(f"message to {verb} not found")
    return message


def _content(message: StoredMessage) -> Json:
    frame = {"message_id", "from", "chat", "date", "edit_date", "reply_to_message", "forward_origin"}
    return {name: value for name, value in message.body.items() if name not in frame}


MESSAGE_METHODS: Mapping[str, Method] = {
    "sendMessage": send_message,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "forwardMessage": forward_message,
    "copyMessage": copy_message,
    "answerCallbackQuery": answer_callback_query,
    "sendChatAction": send_chat_action,
    "sendMessageDraft": send_message_draft,
    "getChat": get_chat,
}
