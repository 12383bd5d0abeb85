"""REST turns: into the same inbox and the same queues as Telegram's, out as an answer."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.conversation.draft import NOBODY, Listener
from bot.conversation.worker import Worker
from bot.domain.chat import ChatAnswer, ChatRequest, ChatStage, ChatStep, ChatText
from bot.domain.journal import Inbox, InboxItem, RawUpdate, TurnRecord
from bot.domain.model import Author, Channel, Incoming, IncomingKind, Message, ThreadKey
from bot.web.refusals import Refusal

SOURCE = "rest"


@dataclass(frozen=True, slots=True)
class RestChat:
    """Implements `Chat`."""

    inbox: Inbox
    worker: Worker

    async def converse(self, request: ChatRequest) -> AsyncIterator[ChatStep]:
        """Yield the stages and the text as they come, then the answer; the turn goes on when the caller has gone."""
        thread = request.thread or secrets.token_urlsafe(12)
        raw = RawUpdate(SOURCE, request.caller, secrets.token_hex(16), _payload(request, thread))
        (item,) = await self.inbox.commit([raw])
        events: asyncio.Queue[ChatStep | None] = asyncio.Queue()
        listener = Listener(
            lambda stage, seconds: events.put_nowait(ChatStage(stage, _ms(seconds))),
            lambda text: events.put_nowait(ChatText(text)),
        )
        done = self._submit(item, listener)
        done.add_done_callback(lambda _done: events.put_nowait(None))
        while (event := await events.get()) is not None:
            yield event
        if done.cancelled():
            message = "The bot is stopping; the turn ends after its next start, ask again in the same thread."
            raise Refusal(503, "stopping", message, headers={"Retry-After": "5"})
        yield _answer(thread, done.result())

    def deliver(self, items: Sequence[InboxItem]) -> None:
        """Finish turns that a crash cut off; their callers are gone, but the thread will hold the answer."""
        for item in items:
            try:
                self._submit(item, NOBODY)
            except (ValueError, KeyError, TypeError) as error:
                # Another version of Deskhand may have written it; the next ones must not pay for it.
                self.worker.put_aside(item, error)

    def _submit(self, item: InboxItem, listener: Listener) -> asyncio.Future[TurnRecord]:
        return self.worker.submit(item, _incoming(item.payload), listener)


def _payload(request: ChatRequest, thread: str) -> str:
    """Return the request as the inbox keeps it; an API key's digest and a thread id make the address."""
    return json.dumps(
        {
            "address": f"{request.caller}:{thread}",
            "message": request.message,
            "language": request.language,
            "history": [[m.author.value, m.text, m.at.isoformat()] for m in request.history],
        },
        separators=(",", ":"),
    )


def _incoming(payload: str) -> Incoming:
    data = json.loads(payload)
    text, language = str(data["message"]), data["language"]
    key = ThreadKey(Channel.REST, data["address"])
    if text.startswith("/") and text[1:2].isalpha():
        command, _, argument = text[1:].partition(" ")
        name = command[:32].casefold()
        return Incoming(IncomingKind.COMMAND, key, text=argument, command=name, language_hint=language)
    history = tuple(Message(Author(author), said, datetime.fromisoformat(at)) for author, said, at in data["history"])
    return Incoming(IncomingKind.TEXT, key, text=text, language_hint=language, history=history)


def _answer(thread: str, record: TurnRecord) -> ChatAnswer:
    trace = record.trace
    latency = {stage: _ms(seconds) for stage, seconds in trace.stages.items()}
    return ChatAnswer(
        thread=thread,
        content="\n\n".join(reply.text for reply in record.replies),
        action=trace.action,
        raw=trace.raw,
        tier=trace.tier,
        latency_ms=latency,
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
