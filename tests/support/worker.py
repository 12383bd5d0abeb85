"""The whole bot against the simulator, in one process: everything real but Telegram, which is simulated over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.app import App
from bot.compose import Overrides
from bot.config import Settings, load
from bot.demo import ADMIN_ID, TOKEN, people
from bot.domain.ports import OrderAdapter
from bot.orders.demo import DemoShop
from bot.simulator import Person, PersonClient, Simulator
from bot.telegram.pace import Pace

API_KEY = "a-key-for-tests"
LANGUAGES = ["en", "zh", "es", "ru", "de", "fr", "ar", "hi"]


def defaults(folder: Path, base_url: str) -> dict[str, dict[str, Any]]:
    """Return settings for tests: rules only, a demo shop, everything in `folder`, a free port."""
    return {
        "telegram": {"token": TOKEN, "api_base_url": base_url, "poll_timeout_s": 5},
        "admins": {"ids": [ADMIN_ID]},
        "database": {"url": f"sqlite+aiosqlite:///{folder / 'deskhand.db'}", "backup_dir": str(folder / "backups")},
        "orders": {"adapter": "demo", "demo": {"path": str(folder / "shop.db")}, "timeout_s": 2.0},
        "web": {"port": 0, "api_keys": [API_KEY]},
        "shop": {"name": "Test Shop", "languages": LANGUAGES},
    }


def merged(base: dict[str, dict[str, Any]], extra: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return `base` with the settings of `extra` over it."""
    return {section: {**base.get(section, {}), **extra.get(section, {})} for section in {*base, *extra}}


def unhurried() -> Pace:
    """Return a pace that never makes anyone wait."""
    return Pace(asyncio.get_running_loop().time, per_chat=1e6, chat_burst=1e6, total=1e6)


@dataclass
class World:
    """A running bot, its Telegram, and the people in it."""

    app: App
    simulator: Simulator
    customers: Sequence[Person]
    settings: Settings

    @property
    def admin(self) -> Chatter:
        """The shop's owner."""
        return Chatter(self.simulator, ADMIN_ID)

    def customer(self, language: str) -> Chatter:
        """Return the demo shop's first customer of a language."""
        return Chatter(self.simulator, next(p.id for p in self.customers if p.language == language))

    def orders(self, language: str, *states: str) -> list[str]:
        """Return that customer's order numbers in these states, newest first."""
        person = next(p for p in self.customers if p.language == language)
        return [order["number"] for order in person.orders if order["status"] in states]

    async def trace(self, chatter: Chatter) -> dict[str, Any]:
        """Return the newest turn of somebody's thread."""
        found = await self.app.trace(str(chatter.id))
        return found["turns"][0]

    async def ledger(self, chatter: Chatter) -> list[dict[str, Any]]:
        """Return the ledger of somebody's thread, newest first."""
        found: list[dict[str, Any]] = (await self.app.trace(str(chatter.id)))["ledger"]
        return found


@dataclass
class Chatter:
    """Somebody with a phone: does something, and waits for the bot's next message."""

    simulator: Simulator
    id: int

    @property
    def phone(self) -> PersonClient:
        """The Telegram app."""
        return self.simulator.person(self.id)

    def heard(self) -> list[str]:
        """Return what the bot has said so far."""
        return [m.get("text", "") for m in self.simulator.messages(self.id) if m["from"]["is_bot"]]

    def last_id(self) -> int:
        """Return the id of the chat's newest message."""
        return max((m["message_id"] for m in self.simulator.messages(self.id)), default=0)

    async def hears(self, words: str, after: int = 0) -> dict[str, Any]:
        """Wait for a message of the bot, above message id `after`, that holds `words`."""
        return await self.simulator.wait_message(self.id, words, after=after)

    async def asks(self, text: str, expecting: str = "") -> dict[str, Any]:
        """Write, and return the bot's answer that holds `expecting`."""
        return await self.hears(expecting, self.phone.send_text(text))

    async def presses(self, label: str, expecting: str = "") -> dict[str, Any]:
        """Press the newest button whose label holds `label`, and return the answer."""
        after = self.last_id()
        self.phone.press_label(label)
        return await self.hears(expecting, after)

    async def shares_contact(self, expecting: str = "") -> dict[str, Any]:
        """Share the own contact and return the answer."""
        return await self.hears(expecting, self.phone.share_contact())


@asynccontextmanager
async def running(
    folder: Path,
    *,
    adapter: OrderAdapter | None = None,
    overrides: Overrides | None = None,
    environ: Mapping[str, str] | None = None,
    simulator: Simulator | None = None,
    greeted: str = "",
    **sections: Mapping[str, Any],
) -> AsyncIterator[World]:
    """Run a bot in `folder` until the block is left; `sections` override settings.

    It is given once it polls, or, where it does not, once it has called the method `greeted`.
    """
    simulator = simulator or Simulator(TOKEN)
    async with simulator.serve() as base_url:
        settings = load(None, environ or {}, defaults=merged(defaults(folder, base_url), sections))
        shop = DemoShop.from_options(settings.orders.options, Path())
        customers = people(await shop.people())
        await shop.close()
        for person in customers:
            simulator.add_person(person)
        chosen = overrides or Overrides(pace=unhurried())
        async with App.open(settings, replace(chosen, adapter=adapter or chosen.adapter)) as app:
            await (simulator.wait_call(greeted) if greeted else simulator.wait_polling())
            yield World(app, simulator, customers, settings)
