"""A person's Telegram app: what they can do in their chat with the bot. The page and the tests act through it."""

from __future__ import annotations

import time
from typing import Any

from bot.simulator.chats import Chat, StoredMessage, World, embedded
from bot.simulator.entities import detect
from bot.simulator.people import Person
from bot.simulator.updates import Update

Json = dict[str, Any]


class PersonClient:
    """One person's app. What it sends reaches the bot as an update at once; call it from the simulator's event loop."""

    def __init__(self, world: World, chat: Chat) -> None:
        self._world = world
        self._chat = chat

    @property
    def person(self) -> Person:
        """Who it is."""
        return self._chat.person

    def send_text(self, text: str, reply_to: int | None = None) -> int:
        """Write a text of any length (apps split above 4096, forged ones do not) and return the message's id.

        Raises:
            ValueError: if nothing but blanks is left of it.
        """
        shown = text.strip()
        if not shown:
            raise ValueError("The text is empty: write something.")
        entities = detect(shown)
        return self.send(**({"text": shown} | ({"entities": entities} if entities else {})), reply_to=reply_to)

    def send(self, *, reply_to: int | None = None, **content: Any) -> int:
        """Send a message with any content, such as `voice={...}` or `location={...}`, and return its id.

        Raises:
            ValueError: while the person blocks the bot.
        """
        if self._chat.blocked:
            raise ValueError("The bot is blocked: unblock it to write to it.")
        self._chat.started = True
        if reply_to is not None:
            content = {"reply_to_message": embedded(self._message(reply_to)), **content}
        message = self._world.post(self._chat, self.person.user(), content)
        self._world.updates.add({"message": message.body})
        return message.id

    def edit(self, message_id: int, text: str) -> int:
        """Change the text or caption of an own message and return the update's id.

        Raises:
            ValueError: if it is the bot's message, or nothing is left of the text.
        """
        message, text = self._message(message_id), text.strip()
        if not text:
            raise ValueError("The text is empty: write something, or delete the message.")
        if message.from_bot:
            raise ValueError(f"Message {message_id} is the bot's: only its writer may change it.")
        field = "text" if "text" in message.body else "caption"
        kept = {name: value for name, value in message.body.items() if name not in {"entities", "caption_entities"}}
        entities = detect(text)
        marked = {"entities" if field == "text" else "caption_entities": entities} if entities else {}
        message.body = kept | {field: text, "edit_date": int(time.time())} | marked
        self._world.changed(self._chat, message, "edited")
        return self._world.updates.add({"edited_message": message.body})

    def press(self, message_id: int, data: str) -> str:
        """Press an inline button, or forge a press with any data, and return the callback query's id."""
        message = self._message(message_id)
        query_id = self._world.pressed(self._chat)
        query = {
            "id": query_id,
            "from": self.person.user(),
            "message": message.body,
            "chat_instance": str(10**18 + self.person.id),
            "data": data,
        }
        self._world.updates.add({"callback_query": query})
        return query_id

    def press_label(self, label: str) -> str | int:
        """Press the newest button whose label contains `label`: an inline one, or one of the reply keyboard.

        Returns the callback query's id, or the id of the message that a reply button sends.

        Raises:
            LookupError: with the labels there are.
        """
        for message in self._chat.newest_first():
            for button in (button for row in message.inline_keyboard for button in row):
                if label in button["text"] and "callback_data" in button:
                    return self.press(message.id, str(button["callback_data"]))
            for button in (button for row in (message.reply_keyboard or {}).get("rows", ()) for button in row):
                if label in button["text"]:
                    return self.share_contact() if button["request_contact"] else self.send_text(button["text"])
        raise LookupError(f"No button says {label!r}; there are: {', '.join(self.labels()) or 'none'}.")

    def labels(self) -> list[str]:
        """Return the labels of all buttons in the chat, the newest message's first."""
        found: list[str] = []
        for message in self._chat.newest_first():
            reply_rows = (message.reply_keyboard or {}).get("rows", ())
            found += [button["text"] for row in (*message.inline_keyboard, *reply_rows) for button in row]
        return found

    def share_contact(
        self, own: bool = True, phone: str | None = None, user_id: int | None = None, forwarded: bool = False
    ) -> int:
        """Share a contact and return the message's id.

        The own one carries the person's phone and id; another one what is given. Telegram leaves out the plus sign.
        """
        number = (phone or (self.person.phone if own else "")).lstrip("+")
        if not number:
            raise ValueError("A contact needs a phone number: give `phone`.")
        contact: Json = {"phone_number": number, "first_name": self.person.first_name if own else "Contact"}
        if own and self.person.last_name:
            contact["last_name"] = self.person.last_name
        known_id = user_id if user_id is not None else (self.person.id if own else None)
        if known_id is not None:
            contact["user_id"] = known_id
        return self.send(**(self._origin() if forwarded else {}), contact=contact)

    def send_photo(self, content: bytes, caption: str = "", reply_to: int | None = None) -> int:
        """Send a JPEG or PNG and return the message's id.

        Raises:
            ValueError: if the bytes are neither.
        """
        sizes = self._world.files.photo(content)
        if sizes is None:
            raise ValueError("This is not a JPEG or PNG image: choose another file.")
        shown = caption.strip()
        entities = detect(shown)
        marked: Json = {"caption": shown} if shown else {}
        if entities:
            marked["caption_entities"] = entities
        return self.send(reply_to=reply_to, photo=sizes, **marked)

    def send_document(self, content: bytes, name: str, content_type: str = "", caption: str = "") -> int:
        """Send any file and return the message's id."""
        stored = self._world.files.add("documents", content, name, content_type)
        document = stored.described() | {"file_name": name, "mime_type": stored.content_type}
        described: Json = {"document": document} | ({"caption": caption} if caption else {})
        return self.send(**described)

    def send_sticker(self, emoji: str) -> int:
        """Send a sticker that stands for an emoji and return the message's id."""
        stored = self._world.files.add("stickers", emoji.encode("utf-8", "replace"), content_type="image/webp")
        shape: Json = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
        return self.send(sticker=stored.described() | shape | {"emoji": emoji, "set_name": "Simulated"})

    def raw(self, update: Update) -> int:
        """Send the bot an update of any shape and return its id; one with an own `update_id` keeps it."""
        return self._world.updates.add(update)

    def block(self, blocked: bool = True) -> int | None:
        """Block the bot, or let it write again; return the update's id, or None if nothing changed."""
        if self._chat.blocked == blocked:
            return None
        self._chat.blocked = blocked
        member = {"user": self._world.bot, "status": "member"}
        kicked = {"user": self._world.bot, "status": "kicked", "until_date": 0}
        old, new = (member, kicked) if blocked else (kicked, member)
        change: Json = {"chat": self.person.chat(), "from": self.person.user(), "date": int(time.time())}
        return self._world.updates.add({"my_chat_member": change | {"old_chat_member": old, "new_chat_member": new}})

    def delete(self, message_id: int) -> None:
        """Delete a message for both sides; the bot is not told, as in Telegram."""
        if not self._world.delete(self._chat, message_id):
            raise LookupError(f"There is no message {message_id} in this chat.")

    def _message(self, message_id: int) -> StoredMessage:
        message = self._chat.messages.get(message_id)
        if message is None:
            raise LookupError(f"There is no message {message_id} in this chat.")
        return message

    def _origin(self) -> Json:
        return {"forward_origin": {"type": "hidden_user", "sender_user_name": "Somebody", "date": int(time.time())}}
