"""The whole bot on real SQLite, as its own composition root builds it; only the network is left out.

An update enters where Telegram's are committed, a REST body where the server checks it; an answer is read where it
waits to be sent. So nothing that decides is replaced, and a step takes a millisecond.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bot.app import App
from bot.compose import Overrides, Store, Wake
from bot.config import load
from bot.conversation.crash_points import Reached, go_on
from bot.conversation.prompt import PromptBuilder
from bot.conversation.understanding import ModelTier, TimedTier
from bot.domain.chat import ChatAnswer
from bot.domain.journal import RawUpdate
from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import LanguageModel, OrderAdapter
from bot.orders.demo import DemoShop
from bot.store.migrate import upgrade
from bot.telegram.client import TelegramClient
from bot.web.schema import read_chat
from prove.canaries import START

ADMIN = 99
TOKEN = "4242:a-token-for-the-proof"
POLICY: Mapping[str, Any] = {
    "takeover_minutes": 2,
    "approve_returns": "above 500 EUR",
    "approve_cancellations": "above 700 EUR",
}


# Nothing is sent, and reading the certificates for it takes ten times as long as all else that a bot's birth does.
_client = cache(TelegramClient)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self, time: datetime = START) -> None:
        self.time = time

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self.time

    def move(self, seconds: float) -> None:
        """Move on."""
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Said:
    """Something that the bot says in a chat: a method of the Bot API with its parameters."""

    id: int
    chat: int
    method: str
    params: Mapping[str, Any]

    @property
    def buttons(self) -> list[dict[str, str]]:
        """The buttons under it."""
        rows = self.params.get("reply_markup", {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]

    @property
    def text(self) -> str:
        """Everything in it that somebody reads."""
        return "\n".join([str(self.params.get("text", "")), *(button["text"] for button in self.buttons)])


@dataclass
class Stand:
    """A bot that is built and not connected."""

    app: App
    clock: HandClock
    folder: Path
    read_upto: int = 0

    async def updates(self, *bodies: Mapping[str, Any]) -> None:
        """Commit updates together, as one answer of getUpdates, and run them to their end."""
        raws = [RawUpdate("telegram", "4242", str(body["update_id"]), json.dumps(body)) for body in bodies]
        self.app.intake.deliver(await self.app.store.inbox.commit(raws))
        await self.app.worker.queues.idle()

    async def rest(self, caller: str, body: object) -> ChatAnswer | None:
        """Send a body to the REST API of this caller; raises Refusal for one that is not well formed."""
        answer = None
        async for step in self.app.chat.converse(read_chat(body).request(caller)):
            answer = step if isinstance(step, ChatAnswer) else answer
        return answer

    async def recover(self) -> None:
        """Finish what a crash left, as a start does."""
        self.app._finish_old_work(await self.app.store.inbox.pending())
        await self.app.worker.queues.idle()

    async def said(self) -> list[Said]:
        """Return what was said since the last call."""
        rows = await self.sql("SELECT id, chat_id, method, params FROM outbox WHERE id > ? ORDER BY id", self.read_upto)
        found = [Said(number, chat, method, json.loads(params)) for number, chat, method, params in rows]
        self.read_upto = max((one.id for one in found), default=self.read_upto)
        return found

    async def sql(self, query: str, *values: Any) -> Sequence[Any]:
        """Return a query's rows."""
        return await self.app.store.database.read(lambda c: c.exec_driver_sql(query, tuple(values)).all())


def workplace() -> str | None:
    """Return a folder in memory where there is one: a killed process loses nothing there, only a power cut would."""
    memory = Path("/dev/shm")
    return str(memory) if os.access(memory, os.W_OK) else None


def template(folder: Path) -> Path:
    """Make an empty database at the newest schema, to be copied."""
    upgrade(f"sqlite+aiosqlite:///{folder}/empty.db", folder / "backups")
    return folder / "empty.db"


def settings_of(folder: Path, policy: Mapping[str, Any], kinds: Sequence[str]) -> Any:
    """Return the settings of a bot in this folder."""
    return load(
        None,
        {},
        defaults={
            "telegram": {"token": TOKEN, "api_base_url": "http://127.0.0.1:9"},
            "admins": {"ids": [ADMIN]},
            "database": {"url": f"sqlite+aiosqlite:///{folder}/deskhand.db", "backup_dir": str(folder / "backups")},
            "orders": {"adapter": "demo", "demo": {"path": str(folder / "shop.db")}, "timeout_s": 5.0},
            "understanding": {"tiers": [{"kind": kind, "name": kind} for kind in kinds]},
            "web": {"port": 0, "api_keys": ["key-of-the-proof"]},
            "shop": {"name": "Proof", "languages": ["en", "de", "es", "zh"]},
            "policy": dict(policy),
        },
    )


@asynccontextmanager
async def standing(
    folder: Path,
    *,
    model: LanguageModel | None = None,
    clock: HandClock | None = None,
    reached: Reached = go_on,
    adapter: OrderAdapter | None = None,
    policy: Mapping[str, Any] = POLICY,
    kinds: Sequence[str] = ("rules",),
) -> AsyncIterator[Stand]:
    """Build a bot over the databases of a folder, and take it down.

    Args:
        model: whatever it says is the only one to understand; without it there are tiers of these `kinds`.
    """
    clock = clock or HandClock()
    adapter = adapter or DemoShop(folder / "shop.db", today=START)
    chosen = Overrides(clock=clock, adapter=adapter, tiers=_tiers(model, adapter), reached=reached)
    settings, wake = settings_of(folder, policy, kinds), Wake()
    store = Store.open(settings, chosen.clock, wake)
    try:
        with patch("bot.app.TelegramClient", _client):
            app = App(settings, chosen, store, wake)
        yield Stand(app, clock, folder)
        await app.worker.queues.idle()
        await app.brain.desk.close()
    finally:
        await store.database.close()


def _tiers(model: LanguageModel | None, adapter: OrderAdapter) -> Sequence[TimedTier] | None:
    if model is None:
        return None
    prompts = PromptBuilder("Proof", OrderNumbers(adapter.number_shapes).find)
    return [TimedTier(ModelTier(model, prompts), 30.0)]


def fresh(folder: Path, empty: Path) -> Path:
    """Make a folder with an empty database."""
    folder.mkdir(parents=True)
    shutil.copy(empty, folder / "deskhand.db")
    return folder
