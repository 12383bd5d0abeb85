"""Who is on the other side: people of the demo, and how the Bot API and the page describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a Telegram account; the id of their private chat with the bot is their own id.

    `role` is "customer" or "admin"; `orders` are shown on the page only. Who has not `started` the bot cannot
    be written to.
    """

    id: int
    first_name: str
    last_name: str = ""
    language: str = "en"
    phone: str = ""
    email: str | None = None
    role: str = "customer"
    orders: tuple[dict[str, Any], ...] = ()
    started: bool = True

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.first_name} {self.last_name}".strip()

    def user(self) -> dict[str, Any]:
        """Return the Bot API's User."""
        user: dict[str, Any] = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        if self.last_name:
            user["last_name"] = self.last_name
        return user | {"language_code": self.language} if self.language else user

    def chat(self) -> dict[str, Any]:
        """Return the Bot API's Chat."""
        chat: dict[str, Any] = {"id": self.id, "first_name": self.first_name}
        if self.last_name:
            chat["last_name"] = self.last_name
        return chat | {"type": "private"}

    def card(self) -> dict[str, Any]:
        """Return what the page shows of the person."""
        return {
            "id": self.id,
            "name": self.name,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "language": self.language,
            "phone": self.phone,
            "email": self.email,
            "role": self.role,
            "orders": list(self.orders),
        }
