"""The state of the simulated Telegram: who there is, what was said, and what waits for the bot."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.events import EventLog
from bot.simulator.files import FileStore
from bot.simulator.observe import Watchers
from bot.simulator.params import ApiError, bad_request
from bot.simulator.people import Person
from bot.simulator.profile import Profile
from bot.simulator.updates import WEBHOOK_SET, UpdateQueue
from bot.simulator.webhook import Delivery, Hook

log = logging.getLogger(__name__)

Json = dict[str, Any]

CALLBACK_LIFE_S = 150.0
CALLBACKS_KEPT = 10_000
# Message ids start higher in every process, so that those of an earlier demo still in the bot's database stay unique.
MESSAGE_EPOCH = 1_790_000_000


@dataclass(slots=True)
class StoredMessage:
    """A message as the bot sees it, with what only the person's app knows."""

    body: Json
    reply_keyboard: Json | None = None
    seq: int = 0

    @property
    def id(self) -> int:
        """The message's id."""
        return int(self.body["message_id"])

    @property
    def from_bot(self) -> bool:
        """Whether the bot wrote it."""
        return bool(self.body["from"]["is_bot"])

    @property
    def inline_keyboard(self) -> list[list[Json]]:
        """The rows of buttons below the message."""
        rows: list[list[Json]] = self.body.get("reply_markup", {}).get("inline_keyboard", [])
        return rows


@dataclass(slots=True)
class Chat:
    """A person's private chat with the bot."""

    person: Person
    log: EventLog
    messages: dict[int, StoredMessage] = field(default_factory=dict)
    blocked: bool = False
    menu: list[Json] = field(default_factory=list)
    menu_seq: int = 0
    watchers: Watchers[Json] = field(default_factory=Watchers)
    started: bool = True

    def newest_first(self) -> Iterator[StoredMessage]:
        """Return the messages, the newest first."""
        return reversed(self.messages.values())

    def shown_menu(self) -> Json:
        """Return the command menu as the page is told of it."""
        return {"commands": self.menu}


@dataclass(frozen=True, slots=True)
class Callback:
    """A press of a button that waits for its answer."""

    chat_id: int
    at: float


class World:
    """All of the simulated Telegram that one bot can reach."""

    def __init__(
        self,
        bot: Json,
        people: Sequence[Person],
        *,
        history: int,
        clock: Callable[[], float],
        first_message_id: int | None,
        first_update_id: int | None,
    ) -> None:
        self.bot = bot
        self.clock = clock
        self.history = history
        self.chats: dict[int, Chat] = {}
        self.updates = UpdateQueue(first_update_id, clock)
        self.files = FileStore()
        self.profile = Profile(name=bot["first_name"])
        self.callbacks: dict[str, Callback] = {}
        self.hook: Hook | None = None
        self._delivery: asyncio.Task[None] | None = None
        self._next_message_id = first_message_id or max(1, int(time.time()) - MESSAGE_EPOCH)
        for person in people:
            self.add(person)

    def add(self, person: Person) -> None:
        """Let a person in, or change what is known of them."""
        if person.id in self.chats:
            self.chats[person.id].person = person
        else:
            self.chats[person.id] = Chat(person, EventLog(2 * self.history), started=person.started)
        self.refresh_menus()

    def chat(self, chat_id: int) -> Chat:
        """Return a chat that exists, blocked or not."""
        chat = self.chats.get(chat_id)
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def writable(self, chat_id: int) -> Chat:
        """Return a chat that the bot may write to."""
        chat = self.chat(chat_id)
        if chat.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        if not chat.started:
            raise ApiError(403, "Forbidden: bot can't initiate conversation with a user")
        return chat

    def post(self, chat: Chat, sender: Json, content: Json, reply_keyboard: Json | None = None) -> StoredMessage:
        """Put a new message into a chat and forget the oldest above the limit."""
        body = {
            "message_id": self._next_message_id,
            "from": sender,
            "chat": chat.person.chat(),
            "date": int(time.time()),
            **content,
        }
        self._next_message_id += 1
        message = StoredMessage(body, reply_keyboard)
        chat.messages[message.id] = message
        if len(chat.messages) > self.history:
            del chat.messages[next(iter(chat.messages))]
        message.seq = self.changed(chat, message, "message")
        return message

    def changed(self, chat: Chat, message: StoredMessage, kind: str) -> int:
        """Tell the page and the tests that a message is new ("message") or different ("edited")."""
        seq = chat.log.add(kind, lambda: {"message": page_message(message)})
        chat.watchers.notify(message.body)
        return seq

    def delete(self, chat: Chat, message_id: int) -> bool:
        """Take a message out of a chat; False if it was not there."""
        if chat.messages.pop(message_id, None) is None:
            return False
        chat.log.add("deleted", lambda: {"message_id": message_id})
        return True

    def pressed(self, chat: Chat) -> str:
        """Note a press of a button and return the query's id."""
        query_id = str(secrets.randbelow(2**62) + 2**60)
        self.callbacks[query_id] = Callback(chat.person.id, self.clock())
        if len(self.callbacks) > CALLBACKS_KEPT:
            del self.callbacks[next(iter(self.callbacks))]
        return query_id

    def set_hook(self, hook: Hook | None) -> None:
        """Deliver updates to a webhook from now on, or leave them to polling."""
        self.hook = hook
        if self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None
        if hook is not None:
            self.updates.interrupt(WEBHOOK_SET)
            self._delivery = asyncio.create_task(Delivery(self.updates, hook).run(), name="simulator.webhook")
            self._delivery.add_done_callback(_watch_delivery)

    async def stop(self) -> None:
        """End the delivery, the poll under way and the pages' streams."""
        if self._delivery is not None:
            self._delivery.cancel()
            await asyncio.wait({self._delivery})
        self.updates.close()
        for chat in self.chats.values():
            chat.log.wake()

    def refresh_menus(self) -> None:
        """Tell each page whose command menu is no longer what it was."""
        for chat in self.chats.values():
            menu = self.profile.menu(chat.person.id, chat.person.language)
            if menu != chat.menu:
                chat.menu = menu
                chat.menu_seq = chat.log.add("commands", chat.shown_menu)


def _watch_delivery(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("webhook.died", exc_info=error)


def embedded(message: StoredMessage) -> Json:
    """Return a message as it stands inside a reply: without what it replied to."""
    return {name: value for name, value in message.body.items() if name != "reply_to_message"}


def page_message(message: StoredMessage) -> Json:
    """Return a message as the page's contract has it."""
    body = message.body
    sender = body["from"]
    contact = body.get("contact")
    photo = body.get("photo")
    return {
        "message_id": message.id,
        "date": body["date"],
        "from": {
            "id": sender["id"],
            "name": f"{sender['first_name']} {sender.get('last_name', '')}".strip(),
            "is_bot": sender["is_bot"],
        },
        "text": body.get("text"),
        "caption": body.get("caption"),
        "entities": body.get("entities") or body.get("caption_entities") or [],
        "photo": f"/playground/files/{photo[-1]['file_unique_id']}" if photo else None,
        "sticker": body["sticker"]["emoji"] if "sticker" in body else None,
        "contact": contact and {name: contact.get(name) for name in ("phone_number", "first_name", "user_id")},
        "document": body["document"].get("file_name", "file") if "document" in body else None,
        "reply_to": body.get("reply_to_message", {}).get("message_id"),
        "edited": "edit_date" in body,
        "inline_keyboard": [[_page_button(button) for button in row] for row in message.inline_keyboard] or None,
        "reply_keyboard": message.reply_keyboard,
    }


def _page_button(button: Json) -> Json:
    return {name: button.get(name) for name in ("text", "callback_data", "url")}
