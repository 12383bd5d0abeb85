"""What people send, honest or not, as Telegram and the REST API would bring it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

Update = Mapping[str, Any]
WISHES: Mapping[str, str] = {"cancel_order": "cancel order", "return_apply": "I changed my mind, return all of"}
"""What is said before an order's number, with all that the bot asks of a write, so that the summary comes at once."""


class Phone:
    """One person's Telegram, making updates; what others do has no part in their ids."""

    def __init__(self, user: int, name: str = "Somebody", language: str = "en") -> None:
        self.user = user
        self._ids = count(user * 1_000_000)
        self._who = {"id": user, "is_bot": False, "first_name": name, "language_code": language}
        self._chat = {"id": user, "type": "private", "first_name": name}

    def skip(self) -> None:
        """Use up an id, because this phone's copy in another process has."""
        next(self._ids)

    def text(self, text: str, **more: Any) -> Update:
        """Write."""
        return self._message(text=text, **more)

    def caption(self, text: str) -> Update:
        """Send a picture with a caption."""
        photo = {"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}
        return self._message(photo=[photo], caption=text)

    def edit(self, text: str) -> Update:
        """Change what was written."""
        number = next(self._ids)
        return {"update_id": number, "edited_message": {**self._body(number), "edit_date": 2, "text": text}}

    def contact(self, phone: str, user: int | None) -> Update:
        """Share a contact; Telegram itself names the user whose it is."""
        whose = {} if user is None else {"user_id": user}
        return self._message(contact={"phone_number": phone, "first_name": "C", **whose})

    def press(self, data: str, chat: int | None = None) -> Update:
        """Press a button, or send whatever a changed app sends for it; `chat` is where the message stood."""
        number = next(self._ids)
        message = {**self._body(number), "text": "?"}
        if chat is not None:
            message["chat"] = {**self._chat, "id": chat}
        query = {"id": f"q{number}", "from": self._who, "message": message, "chat_instance": "1", "data": data}
        return {"update_id": number, "callback_query": query}

    def _message(self, **content: Any) -> Update:
        number = next(self._ids)
        return {"update_id": number, "message": {**self._body(number), **content}}

    def _body(self, number: int) -> dict[str, Any]:
        return {"message_id": number, "date": 1, "from": self._who, "chat": self._chat}
