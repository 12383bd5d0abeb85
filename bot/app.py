"""Runs the bot: starts every part, watches it, and takes it down in order.

start     upgrade the database (after a backup) ─▶ open it ─▶ finish what a crash cut off ─▶ web, sender, poller
shutdown  stop fetching ─▶ finish or park turns ─▶ flush the outbox ─▶ close models, orders, database
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.compose import Brain, Overrides, Store, Wake, backup_now, best_language, figures, make_brain
from bot.config import Settings
from bot.conversation.faq_file import read_faq
from bot.conversation.worker import Worker
from bot.domain.journal import InboxItem
from bot.domain.model import Channel, Thread, ThreadKey
from bot.domain.ports import HealthItem
from bot.errors import TransportError
from bot.health import Health
from bot.store.engines import sqlite_note
from bot.store.migrate import upgrade
from bot.tasks import Tasks
from bot.telegram.admin import PAUSE_FACT, Admin
from bot.telegram.client import TelegramClient
from bot.telegram.fetch import ALLOWED, Poller, raw_body
from bot.telegram.fetch import SOURCE as TELEGRAM
from bot.telegram.intake import Intake
from bot.telegram.menus import menus, set_menus
from bot.telegram.operators import Operators
from bot.telegram.send import Sender
from bot.telegram.typing import Typing
from bot.upkeep import Upkeep
from bot.views import thread_view
from bot.web.application import WebDeps, add_routes, make_web, serve
from bot.web.metrics import PrometheusMonitor
from bot.web.rest import RestChat

log = logging.getLogger(__name__)
PARK_S, DRAIN_S = 4.0, 3.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0


class App:
    """One running bot. Use `async with App.open(settings) as app`; `app.url` is where its own web server listens."""

    def __init__(self, settings: Settings, overrides: Overrides, store: Store, wake: Wake) -> None:
        self.settings, self.overrides, self.store = settings, overrides, store
        self.monitor = PrometheusMonitor()
        self.brain: Brain = make_brain(settings, overrides, store, self.monitor)
        telegram = settings.telegram
        self.bot_id = telegram.token.get_secret_value().partition(":")[0]
        self.client = TelegramClient(
            telegram.token.get_secret_value(), telegram.api_base_url, poll_timeout_s=telegram.poll_timeout_s
        )
        self.sender = Sender(self.client, store.outbox, overrides.clock, self.monitor, overrides.pace)
        wake.connect(self.sender.wake)
        self.worker = Worker(
            self.brain.turn,
            store.inbox,
            self.brain.post,
            self.brain.replies,
            self.monitor,
            store.outbox.add,
            Typing(self.client),
        )
        self.chat = RestChat(store.inbox, self.worker)
        self.health = Health(store.operations, self.brain.desk, self.brain.models, self._telegram_health)
        self.intake = self._intake(wake)
        self.poller = Poller(
            self.client,
            store.inbox,
            self.intake.deliver,
            self.monitor,
            bot=self.bot_id,
            timeout_s=telegram.poll_timeout_s,
            silence_s=overrides.poll_silence_s,
        )
        self.upkeep = Upkeep(
            store.operations, store.inbox, store.links, self.worker.queues, self.brain.rulings, self.monitor
        )
        self.tasks = Tasks()
        self.ready = False
        self.greeting_failed = ""
        self.url = ""

    def _intake(self, wake: Wake) -> Intake:
        settings, store, brain = self.settings, self.store, self.brain
        operators = Operators(
            store.operations,
            store.outbox,
            brain.post,
            brain.replies,
            self.overrides.clock,
            partial(best_language, settings),
            wake,
            timedelta(minutes=settings.policy.takeover_minutes),
        )

        async def queued(act: Callable[[int, int], Awaitable[None]], thread: Thread, inbox_id: int) -> None:
            """Do it in the thread's own queue, and wait: the admin is told what has happened, not what may."""
            await self.worker.queues.run(thread.key, lambda: act(thread.id, inbox_id))

        admin = Admin(
            store.operations,
            store.ledger,
            store.operations,
            brain.faq,
            store.outbox,
            self.overrides.clock,
            brain.switch,
            self.health.items,
            partial(figures, self.monitor),
            partial(backup_now, settings),
            partial(queued, operators.hand_back),
            partial(queued, operators.revoke),
            wake,
        )
        admins = frozenset(settings.admins.ids)
        return Intake(self.worker, store.inbox, lambda: self.client.parser, admin, operators, brain.rulings, admins)

    # --- life ---

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        overrides: Overrides | None = None,
        *,
        mounted: web.Application | None = None,
        address: tuple[str, int] | None = None,
    ) -> AsyncIterator[App]:
        """Start a bot and stop it at the end.

        Args:
            mounted: an application with routes of its own, to be served together with the bot's.
            address: host and port, in the place of the settings'.

        Raises:
            StoreError, ValueError (order adapter), OSError (port): what keeps it from starting, in words.
        """
        overrides = overrides or Overrides()
        await asyncio.to_thread(
            upgrade, settings.database.url, settings.database.backup_dir, keep=settings.database.backups_kept
        )
        wake = Wake()
        store = Store.open(settings, overrides.clock, wake)
        log.info("store.open", extra={"sqlite": sqlite_note()})
        async with AsyncExitStack() as stack:
            stack.push_async_callback(store.database.close)
            app = cls(settings, overrides, store, wake)
            stack.push_async_callback(app.brain.desk.close)
            for model in app.brain.models:
                stack.push_async_callback(model.close)
            await stack.enter_async_context(app.client)
            stack.push_async_callback(app._halt)
            host, port = address or (settings.web.host, settings.web.port)
            await app._start(stack, mounted, host, port)
            yield app

    async def _start(self, stack: AsyncExitStack, mounted: web.Application | None, host: str, port: int) -> None:
        await self._load_state()
        self.tasks.start("sender", self.sender.run)
        self._finish_old_work(await self.store.inbox.pending())
        if mounted is not None:
            add_routes(mounted, self._web())
        # Before the first call to Telegram: in the demo this very server is Telegram.
        self.url = await stack.enter_async_context(serve(mounted or make_web(self._web()), host, port))
        # Registered after the web server: callers of the REST API get their answers before it closes.
        stack.push_async_callback(self._stop)
        self.tasks.start("telegram", self._telegram)
        self.tasks.start("models", partial(self.brain.turn.understanding.prepare, self.settings.shop.facts))
        self.tasks.start("housekeeping", self.upkeep.run)
        self.ready = True
        log.info("app.started", extra={"mode": self.settings.telegram.mode})

    async def _stop(self) -> None:
        """Within ten seconds: no new updates, turns finished or parked, the outbox flushed."""
        self.ready = False
        await self.tasks.stop("telegram")
        await self.worker.queues.park(PARK_S)
        await self.sender.drain(DRAIN_S)
        log.info("app.stopped")

    async def _halt(self) -> None:
        """Stop whatever still runs: after `_stop`, or when the start failed half way."""
        await self.worker.queues.park(0)
        await self.tasks.stop_all()

    async def _load_state(self) -> None:
        operations = self.store.operations
        self.brain.switch.paused = json.loads(await operations.get_fact(PAUSE_FACT) or "false")
        if self.settings.faq.file is not None and not await operations.all():
            await operations.replace(read_faq(self.settings.faq.file))
        self.brain.faq.load(await operations.all())

    def _finish_old_work(self, items: Sequence[InboxItem]) -> None:
        """Queue the updates that a stop or a crash left unfinished."""
        if items:
            log.info("inbox.resumed", extra={"updates": len(items)})
        for item in items:
            if item.source == TELEGRAM:
                self.intake.deliver([item])
            else:
                self.chat.deliver([item])

    # --- Telegram ---

    async def _telegram(self) -> None:
        """Greet Telegram until it answers, then fetch for ever; with a webhook, Telegram brings the updates itself."""
        await self._greet()
        if self.settings.telegram.mode == "polling":
            await self.poller.run()

    async def _greet(self) -> None:
        telegram, pause = self.settings.telegram, FIRST_PAUSE_S
        while True:
            try:
                if telegram.mode == "webhook":
                    secret = telegram.webhook_secret.get_secret_value()
                    await self.client.call(
                        "setWebhook", {"url": telegram.webhook_url, "secret_token": secret, "allowed_updates": ALLOWED}
                    )
                else:
                    await self.client.call("deleteWebhook")
                calls = menus(
                    self.brain.replies.command_descriptions, self.settings.shop.languages, self.settings.admins.ids
                )
                await set_menus(self.client, self.store.operations, calls, self.bot_id)
            except TransportError as error:
                self.greeting_failed = str(error)
                log.warning("telegram.unreachable", extra={"error": str(error), "again_in_s": pause})
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE_S, 2 * pause)
            else:
                self.greeting_failed = ""
                return

    def _telegram_health(self) -> HealthItem:
        if self.greeting_failed:
            return HealthItem("telegram", False, f"not reached since the start: {self.greeting_failed}")
        if self.settings.telegram.mode == "webhook":
            return HealthItem("telegram", True, "webhook")
        age = self.poller.age_s
        return HealthItem("telegram", not self.poller.stale, f"last answered {age:.0f} s ago")

    async def _webhook(self, body: bytes) -> None:
        """Commit an update that Telegram brought; only then is it acknowledged."""
        self.intake.deliver(await self.store.inbox.commit([raw_body(body, self.bot_id)]))

    # --- web ---

    def _web(self) -> WebDeps:
        hooked = self.settings.telegram.mode == "webhook"
        return WebDeps(
            chat=self.chat,
            api_keys=tuple(key.get_secret_value() for key in self.settings.web.api_keys),
            health=self.health.items,
            metrics=self.monitor,
            webhook=self._webhook if hooked else None,
            webhook_path=urlsplit(self.settings.telegram.webhook_url).path or "/",
            webhook_secret=self.settings.telegram.webhook_secret.get_secret_value(),
            ready=lambda: self.ready,
        )

    async def trace(self, address: str) -> dict[str, Any]:
        """Return what happened in a Telegram thread, for the playground."""
        thread = await self.store.operations.thread_by_key(ThreadKey(Channel.TELEGRAM, address))
        if thread is None:
            return thread_view(None, (), ())
        turns = [self.brain.recent.of(turn) for turn in await self.store.operations.turns(thread.id)]
        return thread_view(thread, turns, await self.store.operations.ledger(thread.id))
