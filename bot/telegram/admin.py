"""The admins' /commands, answered in English, in their own chat."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.conversation.faq import FaqTier
from bot.conversation.handoff import lines, owned_by_person
from bot.conversation.ledger_text import ledger_lines
from bot.conversation.text import one_line
from bot.conversation.turn import Switch
from bot.domain.journal import FaqStore, LedgerStore, Operations, Outbox, OutboxCall
from bot.domain.model import LedgerState, Thread, ThreadStatus
from bot.domain.ports import Clock, HealthItem
from bot.errors import DeskhandError
from bot.telegram.post import split

log = logging.getLogger(__name__)

COMMANDS: Mapping[str, str] = {
    "stats": "figures since the start",
    "health": "is everything working?",
    "threads": "the latest conversations",
    "thread": "read one: /thread 12",
    "handback": "give one back to the bot: /handback 12",
    "revoke": "show a customer no more orders until they show anew who they are: /revoke 12",
    "ledger": "what was cancelled and sent back: /ledger 20, /ledger ORDER or /ledger unknown",
    "faq": "the shop's own answers",
    "pause": "the bot answers nobody",
    "resume": "the bot answers again",
    "backup": "copy the database now",
}
PAUSE_FACT = "paused"
MOST_ENTRIES = 50
_STATUS = {
    ThreadStatus.PENDING: "🤖",
    ThreadStatus.OPEN: "🧑‍💼",
    ThreadStatus.SNOOZED: "💤",
    ThreadStatus.RESOLVED: "✅",
}


@dataclass(frozen=True, slots=True)
class Admin:
    """Runs admins' commands. `hand_back` and `revoke` do it in that thread's own queue."""

    operations: Operations
    ledger: LedgerStore
    faq_store: FaqStore
    faq: FaqTier
    outbox: Outbox
    clock: Clock
    switch: Switch
    health: Callable[[], Awaitable[Sequence[HealthItem]]]
    snapshot: Callable[[], Sequence[str]]
    backup: Callable[[], Path]
    hand_back: Callable[[Thread, int], Awaitable[None]]
    revoke: Callable[[Thread, int], Awaitable[None]]
    wake_outbox: Callable[[], None]
    _names: frozenset[str] = field(default=frozenset({*COMMANDS, "help"}))

    def knows(self, command: str) -> bool:
        """Whether this is an admin's command."""
        return command in self._names

    async def run(self, chat_id: int, command: str, argument: str, inbox_id: int) -> None:
        """Run a command and answer in the admin's chat."""
        try:
            text, thread_id = await self._answer(command, argument, inbox_id)
        except DeskhandError as error:
            text, thread_id = f"⚠️ {error}", None
        parts = [
            OutboxCall(chat_id, "sendMessage", {"chat_id": chat_id, "text": part}, thread_id=thread_id)
            for part in split(text)
        ]
        await self.outbox.add(parts)
        self.wake_outbox()
        log.info("admin.command", extra={"admin": chat_id, "command": command})

    async def _answer(self, command: str, argument: str, inbox_id: int) -> tuple[str, int | None]:
        match command:
            case "stats":
                return await self._stats(), None
            case "health":
                return await self._health(), None
            case "threads":
                return await self._threads(), None
            case "thread":
                return await self._thread(argument)
            case "handback":
                return await self._handback(argument, inbox_id), None
            case "revoke":
                return await self._revoke(argument, inbox_id), None
            case "ledger":
                return await self._ledger(argument), None
            case "faq":
                return await self._faq(argument), None
            case "pause" | "resume":
                return await self._pause(command == "pause"), None
            case "backup":
                target = await asyncio.to_thread(self.backup)
                return f"💾 Backup written: {target}", None
            case _:
                return self._help(), None

    def _help(self) -> str:
        listed = "\n".join(f"/{name}: {what}" for name, what in COMMANDS.items())
        return f"{listed}\n\nReply to a customer's message here to answer it yourself; the bot is then silent there."

    async def _stats(self) -> str:
        counts = await self.operations.counts()
        figures = [f"{name.replace('.', ' ')}: {count}" for name, count in sorted(counts.items())]
        return "\n".join(["📊 Figures", *figures, "", "Since the start:", *self.snapshot()])

    async def _health(self) -> str:
        items = await self.health()
        paused = ["⏸️ paused: /resume starts it again"] if self.switch.paused else []
        marks = [
            f"{'✅' if item.ok else '❌' if item.fatal else '⚠️'} {item.name}: {item.detail or 'ok'}" for item in items
        ]
        return "\n".join([*paused, *marks])

    async def _threads(self) -> str:
        found = await self.operations.threads(10)
        if not found:
            return "No conversations yet."
        rows = [
            f"{_STATUS[self._status(thread)]} #{thread.id} {one_line(thread.name, 30) or thread.key.channel}: "
            f"{one_line(last, 60)} ({at:%d %b %H:%M} UTC)"
            for thread, at, last in found
        ]
        return "\n".join([*rows, "", "Read one with /thread NUMBER"])

    def _status(self, thread: Thread) -> ThreadStatus:
        expired = thread.status is ThreadStatus.OPEN and not owned_by_person(thread, self.clock.now())
        return ThreadStatus.PENDING if expired else thread.status

    async def _thread(self, argument: str) -> tuple[str, int | None]:
        thread = await self._find(argument)
        if thread is None:
            return "Which conversation? /threads lists them; then /thread NUMBER", None
        said = lines(await self.operations.messages(thread.id, 15), 500)
        verified = _verified(thread)
        mark, name = _STATUS[self._status(thread)], one_line(thread.name, 60)
        head = f"{mark} #{thread.id} {name} · {thread.language or '?'} · {verified}"
        return "\n".join([head, "", *said, "", "Reply to this message to answer the customer."]), thread.id

    async def _handback(self, argument: str, inbox_id: int) -> str:
        thread = await self._find(argument)
        if thread is None:
            open_ones = [f"#{t.id}" for t, _, _ in await self.operations.threads(50) if t.status is ThreadStatus.OPEN]
            return f"Which conversation? With a person now: {', '.join(open_ones) or 'none'}. Then /handback NUMBER"
        if thread.status is not ThreadStatus.OPEN:
            return f"#{thread.id} is with the bot already."
        await self.hand_back(thread, inbox_id)
        return f"🤖 #{thread.id} is with the bot again."

    async def _revoke(self, argument: str, inbox_id: int) -> str:
        thread = await self._find(argument)
        if thread is None:
            return "Which conversation? /threads lists them; then /revoke NUMBER"
        if thread.scope is None:
            return f"#{thread.id} is not verified."
        await self.revoke(thread, inbox_id)
        return f"🔒 #{thread.id} is shown no orders any more, and was told so."

    async def _find(self, argument: str) -> Thread | None:
        digits = argument.strip().removeprefix("#")
        return await self.operations.thread(int(digits)) if digits.isdecimal() and len(digits) < 16 else None

    async def _ledger(self, argument: str) -> str:
        """Show the newest entries: so many, those of an order, or those in a state."""
        wanted = argument.strip()
        if wanted.casefold() in list(LedgerState):
            found = await self.ledger.latest(MOST_ENTRIES, state=LedgerState(wanted.casefold()))
        elif not wanted or (wanted.isdecimal() and len(wanted) < 4 and 0 < int(wanted) <= MOST_ENTRIES):
            found = await self.ledger.latest(int(wanted or 10))
        else:
            found = await self.ledger.latest(MOST_ENTRIES, number=wanted)
        return ledger_lines(found)

    async def _faq(self, argument: str) -> str:
        entries = await self.faq_store.all()
        if argument.strip().casefold() == "reload":
            self.faq.load(entries)
            return f"📖 {len(entries)} entries loaded."
        if argument.strip():
            found = next((self.faq.find(argument, entry.language) for entry in entries), None)
            return f"{found[1]:.2f}: {found[0].answer}" if found else "No entry matches."
        shown = [f"[{entry.language}] {one_line(entry.questions[0], 60)}" for entry in entries[:40]]
        more = f"… and {len(entries) - 40} more" if len(entries) > 40 else ""
        hint = (
            "Try one: /faq QUESTION. Change them: deskhand faq export FILE, edit, deskhand faq import FILE, /faq reload"
        )
        return "\n".join(part for part in [f"📖 {len(entries)} entries", *shown, more, "", hint] if part or part == "")

    async def _pause(self, paused: bool) -> str:
        await self.operations.set_fact(PAUSE_FACT, json.dumps(paused))
        self.switch.paused = paused
        return (
            "⏸️ Paused: customers are told once that a person will answer, and their messages come here. /resume"
            if (paused)
            else "▶️ The bot answers again."
        )


def _verified(thread: Thread) -> str:
    if thread.scope is None:
        return "not verified"
    proof = thread.scope.proof
    until = f" until {proof.expires:%d %b %Y}" if proof.expires else ""
    return f"verified by {proof.kind.value.replace('_', ' ')}{until}"
