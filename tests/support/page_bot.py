"""A small bot that speaks the HTTP Bot API by itself, and tells the playground's page what it did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp

from bot.simulator import Person

Json = dict[str, Any]

TOKEN = "4242:page-tests"
ADMIN = 900
ORDERS = (
    {
        "number": "ORD20241112001",
        "status": "shipped",
        "total": "89.90",
        "currency": "EUR",
        "placed_at": "2026-11-01T09:30:00+00:00",
        "items": ["Walking boots", "Wool socks"],
    },
    {
        "number": "ORD20241030017",
        "status": "pending",
        "total": "19.00",
        "currency": "EUR",
        "placed_at": "2026-10-30T18:02:00+00:00",
        "items": ["Rain cover"],
    },
)
MANY_ORDERS = (*ORDERS, *({**ORDERS[0], "number": f"ORD202410010{index:02}"} for index in range(12)))
PEOPLE = (
    Person(101, "Lucía", "Romero", "es", "+34600111222", "lucia@example.org", orders=MANY_ORDERS),
    Person(102, "伟", "王", "zh", "+8613800138000", orders=ORDERS[:1]),
    Person(103, "ليلى", "حداد", "ar", "+971501234567"),
    Person(ADMIN, "Sam", "Keeper", "en", "+442071234567", role="admin"),
)
COMMANDS = [{"command": "start", "description": "Say hello"}, {"command": "stats", "description": "Show the figures"}]


class PageBot:
    """Answers what people write; `trace` is what the Simulator is given to show of it."""

    def __init__(self) -> None:
        self.turns: dict[int, list[Json]] = {}
        self.ledger: dict[int, list[Json]] = {}
        self.seen: list[Json] = []
        self.verified: set[int] = set()
        self._session: aiohttp.ClientSession | None = None
        self._base = ""

    async def trace(self, chat_id: int) -> Json:
        """Tell the page what happened in a chat."""
        verified = chat_id in self.verified
        thread = {"status": "pending", "language": "es", "verified": verified, "waiting": None}
        turns = self.turns.get(chat_id, [])
        return {"thread": thread if turns else None, "turns": turns[:20], "ledger": self.ledger.get(chat_id, [])}

    @asynccontextmanager
    async def running(self, base: str) -> AsyncIterator[None]:
        """Serve a Simulator at this address while the block lasts."""
        self._base = base
        async with aiohttp.ClientSession() as self._session:
            await self.call("setMyCommands", commands=COMMANDS)
            polling = asyncio.create_task(self._poll(), name="page-bot")
            try:
                yield
            finally:
                polling.cancel()
                await asyncio.gather(polling, return_exceptions=True)

    async def call(self, method: str, **params: Any) -> Any:
        """Call the Bot API and return its result."""
        assert self._session is not None
        async with self._session.post(f"{self._base}/bot{TOKEN}/{method}", json=params) as response:
            answer = await response.json()
        assert answer["ok"], answer
        return answer["result"]

    async def say(self, chat_id: int, text: str, **more: Any) -> Json:
        """Send a message."""
        message: Json = await self.call("sendMessage", chat_id=chat_id, text=text, **more)
        return message

    async def _poll(self) -> None:
        offset = 0
        while True:
            for update in await self.call("getUpdates", offset=offset, timeout=20):
                offset = update["update_id"] + 1
                self.seen.append(update)
                await self._answer(update)

    async def _answer(self, update: Json) -> None:
        if query := update.get("callback_query"):
            await self._pressed(query)
        elif message := update.get("message"):
            await self._message(message)
        elif message := update.get("edited_message"):
            await self.say(message["chat"]["id"], f"You changed it to: {message['text']}")

    async def _message(self, message: Json) -> None:
        chat_id, text = message["chat"]["id"], message.get("text", "")
        await self.call("sendChatAction", chat_id=chat_id, action="typing")
        self._record(chat_id, text)
        if text == "/start":
            key = {"text": "Share my number", "request_contact": True}
            keyboard = {"keyboard": [[key], [{"text": "Not now"}]], "resize_keyboard": True, "one_time_keyboard": True}
            await self.say(chat_id, "<b>Hello!</b> Try /stats or <i>ask</i>.", parse_mode="HTML", reply_markup=keyboard)
        elif contact := message.get("contact"):
            self.verified |= {chat_id} if contact.get("user_id") == chat_id else set()
            known = "Thank you" if chat_id in self.verified else "That is not your own contact"
            await self.say(chat_id, f"{known}: {contact['phone_number']}", reply_markup={"remove_keyboard": True})
        elif "photo" in message:
            await self.say(chat_id, f"A photo: {message.get('caption', 'without words')}")
        elif "sticker" in message:
            await self.say(chat_id, f"A sticker: {message['sticker']['emoji']}")
        elif text == "cancel":
            buttons = [[{"text": "Yes, cancel it", "callback_data": "yes"}, {"text": "No", "callback_data": "no"}]]
            await self.say(chat_id, "Cancel ORD20241030017?", reply_markup={"inline_keyboard": buttons})
        elif text == "human":
            await self.say(ADMIN, f"{message['from']['first_name']} asks for a person.")
            await self.say(chat_id, "A person has been told.")
        elif replied := message.get("reply_to_message"):
            await self.say(chat_id, f"An answer to “{replied['text']}”: {text}")
        elif text == "/stats":
            await self.say(chat_id, "7 threads, 5 of them ended without a person.")
        else:
            await self.say(chat_id, f"You wrote: {text}")

    async def _pressed(self, query: Json) -> None:
        message = query["message"]
        chat_id = message["chat"]["id"]
        if query["data"] == "alert":
            await self.call("answerCallbackQuery", callback_query_id=query["id"], text="Mind this", show_alert=True)
            return
        self.ledger.setdefault(chat_id, []).insert(0, _ledger_row("done" if query["data"] == "yes" else "declined"))
        self._record(chat_id, "press")
        await self.call("answerCallbackQuery", callback_query_id=query["id"], text="Done", show_alert=False)
        await self.call("editMessageText", chat_id=chat_id, message_id=message["message_id"], text="It is cancelled.")

    def _record(self, chat_id: int, text: str) -> None:
        turns = self.turns.setdefault(chat_id, [])
        action = {"action": "cancel_order", "order_id": "ORD20241030017", "response_type": "json", "message": ""}
        turn = {
            "id": len(turns) + 1,
            "at": datetime.now(UTC).isoformat(),
            "kind": "press" if text == "press" else "text",
            "tier": "rules",
            "action": action,
            "raw": '{"action": "cancel_order", "note": "as the tier wrote it"}',
            "decision": "confirm",
            "passed": [
                {"tier": "faq", "reason": "no_match", "ms": 0.21, "detail": ""},
                {"tier": "llama", "reason": "unavailable", "ms": 3.4, "detail": "there is no such file"},
            ],
            "stages": [
                {"name": "open", "ms": 1.2},
                {"name": "understand", "ms": 4.1},
                {"name": "policy", "ms": 0.03},
                {"name": "orders", "ms": 2.2},
                {"name": "close", "ms": 3.6},
            ],
        }
        turns.insert(0, turn)


def _ledger_row(state: str) -> Json:
    return {
        "key": "key-1",
        "action": "cancel_order",
        "order_number": "ORD20241030017",
        "state": state,
        "detail": "refund to the original method",
        "at": datetime.now(UTC).isoformat(),
    }
