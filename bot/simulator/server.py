"""The simulator's public face: a Telegram for one bot, on loopback, with people to write to it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.simulator.chats import World
from bot.simulator.client import PersonClient
from bot.simulator.dispatch import Dispatcher
from bot.simulator.faults import Faults
from bot.simulator.limits import Limits
from bot.simulator.observe import Call, CallLog
from bot.simulator.params import UPLOAD_LIMIT
from bot.simulator.people import Person
from bot.simulator.playground import Playground

Json = dict[str, Any]
Trace = Callable[[int], Awaitable[dict[str, Any]]]

HISTORY = 2000


class Simulator:
    """A Bot API server for one bot, the people who write to it, and a page to watch them.

    Args:
        token: the bot's token, "<number>:<secret>"; the number is the bot's id.
        people: who has an account; more can come by `add_person`.
        trace: tells the page how a chat's turns went; may be set later.
        notice: a sentence that the page shows on top.
        record_calls: keep all calls for tests; otherwise only the latest 1000.
        history: how many messages each chat remembers.
        clock: seconds, for rate limits and the life of callback queries.

    `limits` is None until Telegram's rate limits shall hold; `faults` lets calls fail to order.
    """

    def __init__(
        self,
        token: str,
        people: Sequence[Person] = (),
        *,
        trace: Trace | None = None,
        notice: str | None = None,
        record_calls: bool = True,
        history: int = HISTORY,
        clock: Callable[[], float] = time.monotonic,
        bot_name: str = "Deskhand",
        bot_username: str = "deskhand_demo_bot",
        first_message_id: int | None = None,
        first_update_id: int | None = None,
    ) -> None:
        bot_id, colon, _ = token.partition(":")
        if not colon or not bot_id.isdecimal():
            raise ValueError("A bot token reads '<number>:<secret>', such as '123456:ABC'.")
        self.token = token
        self.trace = trace
        self.notice = notice
        self.limits: Limits | None = None
        self.faults = Faults()
        self.log = CallLog(keep_all=record_calls)
        bot = {"id": int(bot_id), "is_bot": True, "first_name": bot_name, "username": bot_username}
        self.world = World(
            bot,
            people,
            history=history,
            clock=clock,
            first_message_id=first_message_id,
            first_update_id=first_update_id,
        )
        self._dispatcher = Dispatcher(self, token)

    @property
    def bot(self) -> Json:
        """The bot as the Bot API's User."""
        return self.world.bot

    @property
    def calls(self) -> deque[Call]:
        """The calls of the Bot API so far, the oldest first; `Call.number` counts from 0."""
        return self.log.calls

    @property
    def closing(self) -> bool:
        """Whether the server is about to stop."""
        return self._dispatcher.closing.is_set()

    def add_person(self, person: Person) -> PersonClient:
        """Let somebody in, or change what is known of them; return their app."""
        self.world.add(person)
        return self.person(person.id)

    def person(self, person_id: int) -> PersonClient:
        """Return a person's app.

        Raises:
            LookupError: if nobody has this id.
        """
        chat = self.world.chats.get(person_id)
        if chat is None:
            raise LookupError(f"There is no person {person_id}: give the Simulator one or use add_person.")
        return PersonClient(self.world, chat)

    def messages(self, chat_id: int) -> list[Json]:
        """Return a chat's messages as the Bot API's Message, the oldest first, as they read now."""
        return [message.body for message in self.world.chat(chat_id).messages.values()]

    async def wait_call(
        self,
        method: str,
        predicate: Callable[[Call], bool] | None = None,
        count: int = 1,
        timeout: float = 10.0,  # noqa: ASYNC109 (an observer's patience, not a cancel scope)
        since: int = 0,
    ) -> list[Call]:
        """Return the first `count` finished calls of a method, from call number `since` on.

        Raises:
            TimeoutError: with what was called instead.
        """
        return await self.log.wait(method, predicate, count, timeout, since)

    async def wait_message(
        self,
        chat_id: int,
        predicate: Callable[[Json], bool] | str = "",
        timeout: float = 10.0,  # noqa: ASYNC109 (an observer's patience, not a cancel scope)
        after: int = 0,
    ) -> Json:
        """Return the first message of the bot, above message id `after`, that holds the words or meets the predicate.

        Edits count: a message that an edit makes fit is returned as it then reads. An empty string fits any message.

        Raises:
            TimeoutError: with what the chat says instead.
        """
        chat = self.world.chat(chat_id)

        def wanted(body: Json) -> bool:
            if not body["from"]["is_bot"] or body["message_id"] <= after:
                return False
            return predicate in _words(body) if isinstance(predicate, str) else predicate(body)

        def tell() -> str:
            last = [_words(body) for body in self.messages(chat_id)[-5:]]
            return f"the chat's last messages were {last}"

        return (await chat.watchers.wait(wanted, self.messages(chat_id), 1, timeout, tell))[0]

    async def wait_polling(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 (as above)
        """Return once the bot waits in a long poll, so that the next update reaches it at once."""
        async with asyncio.timeout(timeout):
            await self.world.updates.polling.wait()

    @property
    def pending(self) -> list[Json]:
        """The updates that the bot has not confirmed yet, the oldest first."""
        return list(self.world.updates.pending)

    def add_routes(self, app: web.Application, host: str = "127.0.0.1") -> None:
        """Serve the Bot API and the page in an application that listens on `host`."""
        app.router.add_route("*", "/bot{token}/{method}", self._dispatcher.call)
        app.router.add_get("/file/bot{token}/{path:.+}", self._dispatcher.file)
        Playground(self, host).add_routes(app)
        app.on_shutdown.append(self._shut_down)

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve on an own port (0 for a free one) and give the base URL, such as "http://127.0.0.1:40123"."""
        app = web.Application(client_max_size=UPLOAD_LIMIT)
        self.add_routes(app, host)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            bound = runner.addresses[0]
            yield f"http://{f'[{host}]' if ':' in host else host}:{bound[1]}"
        finally:
            await runner.cleanup()

    async def _shut_down(self, app: web.Application) -> None:
        self._dispatcher.closing.set()
        await self.world.stop()


def _words(body: Json) -> str:
    return str(body.get("text") or body.get("caption") or "")
