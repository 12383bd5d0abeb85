"""`deskhand run` as a real process, started, killed and started again, against a Telegram in the test's own process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.demo import ADMIN_ID, TOKEN, people
from bot.orders.demo import DemoShop
from bot.simulator import Person, Simulator
from tests.support.rows import connect, rows
from tests.support.worker import API_KEY, LANGUAGES, Chatter

CONFIG = """\
[telegram]
token = "{token}"
api_base_url = "{base_url}"
poll_timeout_s = 5
{telegram}
[admins]
ids = [{admin}]
[database]
url = "sqlite+aiosqlite:///{folder}/deskhand.db"
backup_dir = "{folder}/backups"
[orders]
adapter = "demo"
timeout_s = 2.0
[orders.demo]
path = "{folder}/shop.db"
[faq]
file = "{folder}/faq.toml"
[web]
port = {port}
api_keys = ["{key}"]
[policy]
{policy}
[shop]
name = "Test Shop"
languages = {languages}
"""
FAQ = '[[entry]]\nlanguage = "en"\nquestions = ["Do you ship abroad?"]\nanswer = "Yes, for 9 euros."\n'


@dataclass
class BotProcess:
    """One `deskhand run`; its log is `log.txt` in the folder, over all its lives."""

    folder: Path
    config: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    async def start(self, dies_at: str = "") -> None:
        """Start it; whoever needs it ready waits for what it does first. It may be one that dies at a crash point."""
        ordinary = ("-m", "bot", "run", "--config", str(self.config))
        dying = ("-m", "tests.support.run_killed", str(self.config), dies_at)
        with (self.folder / "log.txt").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(dying if dies_at else ordinary),
                cwd=Path(__file__).parents[2],
                stdout=log,
                stderr=log,
                env={**clean_environ(), **self.environ},
            )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end, which is promised within ten seconds of SIGTERM, and return its exit status."""
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), 10)

    async def kill(self) -> None:
        """End it as a power cut does."""
        self.send(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """End it as a service manager does, and return its exit status."""
        self.send(signal.SIGTERM)
        return await self.ended()

    @property
    def log(self) -> str:
        """Everything it has written."""
        return (self.folder / "log.txt").read_text()

    def rows(self, query: str, *values: object, file: str = "deskhand.db") -> list[tuple[Any, ...]]:
        """Query one of its databases."""
        return rows(self.folder / file, query, *values)


@dataclass
class Town:
    """A bot in a process of its own, its Telegram, and the people in it."""

    bot: BotProcess
    simulator: Simulator
    customers: Sequence[Person]
    url: str

    @property
    def admin(self) -> Chatter:
        """The shop's owner."""
        return Chatter(self.simulator, ADMIN_ID)

    def customer(self, language: str = "en") -> Chatter:
        """Return the shop's first customer of a language."""
        return Chatter(self.simulator, next(p.id for p in self.customers if p.language == language))

    def orders(self, chatter: Chatter, *states: str) -> list[str]:
        """Return somebody's order numbers in these states, newest first."""
        person = next(p for p in self.customers if p.id == chatter.id)
        return [order["number"] for order in person.orders if order["status"] in states]

    def person(self, chatter: Chatter) -> Person:
        """Return who it is."""
        return next(p for p in self.customers if p.id == chatter.id)

    async def start(self, dies_at: str = "") -> None:
        """Start the bot, and wait until it has greeted Telegram."""
        since = len(self.simulator.calls)
        await self.bot.start(dies_at)
        await self.simulator.wait_call("deleteWebhook", since=since, timeout=30)

    async def restart(self) -> None:
        """Kill the bot and start it again."""
        await self.bot.kill()
        await self.start()

    def writes(self) -> list[tuple[str, str, str]]:
        """Return what the shop has changed: (action, order number, result)."""
        return self.bot.rows("SELECT action, order_number, result FROM writes", file="shop.db")

    @contextmanager
    def shop_locked(self) -> Iterator[None]:
        """Hold the shop's database, so that the order system hangs."""
        with closing(connect(self.bot.folder / "shop.db")) as db:
            db.execute("BEGIN EXCLUSIVE")
            yield

    def assert_sound(self) -> None:
        """Check, once the bot is stopped: databases whole, every update that Telegram had dealt with, none pending."""
        for file in ("deskhand.db", "shop.db"):
            assert self.bot.rows("PRAGMA integrity_check", file=file) == [("ok",)]
        assert self.bot.rows("SELECT external_id FROM inbox WHERE state != 'done'") == []
        kept = {row[0] for row in self.bot.rows("SELECT external_id FROM inbox WHERE source = 'telegram'")}
        assert {str(update["update_id"]) for update in self.simulator.pending} <= kept
        assert "Traceback" not in self.bot.log


@asynccontextmanager
async def town(
    folder: Path, port: int = 0, telegram: str = "", policy: str = "", **environ: str
) -> AsyncIterator[Town]:
    """Give a town whose bot is not started yet; what still runs at the end is killed."""
    simulator = Simulator(TOKEN)
    async with simulator.serve() as base_url:
        config = folder / "config.toml"
        config.write_text(
            CONFIG.format(
                token=TOKEN,
                base_url=base_url,
                telegram=telegram,
                admin=ADMIN_ID,
                folder=folder,
                port=port,
                key=API_KEY,
                languages=LANGUAGES,
                policy=policy,
            )
        )
        (folder / "faq.toml").write_text(FAQ)
        shop = DemoShop.open(folder / "shop.db")
        customers = people(await shop.people())
        await shop.close()
        for person in customers:
            simulator.add_person(person)
        bot = BotProcess(folder, config, environ)
        try:
            yield Town(bot, simulator, customers, f"http://127.0.0.1:{port}")
        finally:
            if bot.process is not None and bot.process.returncode is None:
                await bot.kill()


def clean_environ() -> dict[str, str]:
    """Return the environment without settings of Deskhand that somebody may have set."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DESKHAND_")}
