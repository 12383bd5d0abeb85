"""Writes that go on without their customer: an admin has decided, or nobody did, or a crash left one behind.

Each of these is a small turn in the customer's own thread, and must be run in that thread's queue.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.conversation.crash_points import close
from bot.conversation.draft import NOBODY, Draft
from bot.conversation.execution import Execution
from bot.conversation.ledger_text import described
from bot.conversation.text import one_line
from bot.domain.journal import NO_UPDATE, Post, TurnStore
from bot.domain.model import (
    Button,
    ButtonKind,
    Incoming,
    IncomingKind,
    LedgerEntry,
    LedgerState,
    Scope,
    ThreadKey,
    WriteAnswer,
    WriteResult,
)
from bot.domain.ports import Clock
from bot.errors import OrderSystemError

log = logging.getLogger(__name__)

DECIDED_ALREADY = "This was decided already, or is no longer open. /ledger shows how it stands."
# A turn that sends a write has long ended by then, or waits in the inbox for the next start.
LOST_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Rulings:
    """Takes admins' decisions, and looks after what nobody works on any more."""

    store: TurnStore
    post: Post
    clock: Clock
    execution: Execution
    best_language: Callable[[str | None], str]
    proposal_lives: timedelta

    # --- an admin's button ---

    async def about(self, token: str, admin: int) -> ThreadKey | None:
        """Return the thread that an admin's button is about; None for one that is not theirs."""
        return await self.execution.ledger.thread_of(token, admin)

    async def pressed(self, key: ThreadKey, pressed: Incoming, admin: int, inbox_id: int) -> None:
        """Take an admin's decision, and commit what came of it together with the update as done."""
        draft = await self._draft(replace(pressed, key=key, name="", language_hint=None), inbox_id)
        button = await self.store.press_as_admin(pressed.token, admin, inbox_id, draft.now)
        entry = await self.execution.ledger.entry(button.data) if button else None
        name = f"{one_line(pressed.name, 40)} ({admin})".strip()
        if button is None or entry is None or not await self._decide(draft, button, entry, admin, name):
            draft.decision, draft.toast = "stale", DECIDED_ALREADY
        await self._close(draft)

    async def _decide(self, draft: Draft, button: Button, entry: LedgerEntry, admin: int, name: str) -> bool:
        """Act on a decision; return whether it was still open."""
        match button.kind, entry.state:
            case ButtonKind.APPROVE, LedgerState.CONFIRMED:
                await self._approve(draft, replace(entry, approved_by=admin), name)
            case ButtonKind.APPROVE, LedgerState.IN_FLIGHT if entry.approved_by == admin:
                # This very press was under way when a crash came.
                await self.execution.resolve(draft, entry, self._scope(draft, entry))
                self._tell(draft, entry, f"{name} approved")
            case ButtonKind.REFUSE, LedgerState.CONFIRMED:
                text = self.execution.replies.not_approved(draft.language, entry.action, entry.order_number)
                self.execution.refuse(draft, replace(entry, approved_by=admin), "not approved", text)
                self._tell(draft, entry, f"{name} refused")
            case ButtonKind.WAS_DONE, LedgerState.UNKNOWN:
                answer = WriteAnswer(WriteResult.DONE, detail="a person has checked it")
                self.execution.settle(draft, replace(entry, settled_by=admin), answer)
                self._tell(draft, entry, f"{name} has checked")
            case ButtonKind.WAS_NOT_DONE, LedgerState.UNKNOWN:
                text = self.execution.replies.was_not_done(draft.language, entry.action, entry.order_number)
                self.execution.refuse(draft, replace(entry, settled_by=admin), "a person has checked it", text)
                self._tell(draft, entry, f"{name} has checked")
            case _:
                return False
        return True

    async def _approve(self, draft: Draft, entry: LedgerEntry, name: str) -> None:
        """The order may have changed while nobody decided, so everything is checked again."""
        scope = self._scope(draft, entry)
        if scope is None:
            text = self.execution.replies.not_decided(draft.language, entry.order_number)
            self.execution.refuse(draft, entry, "nobody is verified in this conversation any more", text)
            self._tell(draft, entry, f"{name} approved")
            return
        try:
            order = await self.execution.look(draft, entry, scope)
        except OrderSystemError as error:
            self._not_now(draft, entry, error)
            return
        if self.execution.may(draft, entry, scope, order, approved=True):
            await self.execution.start(draft, entry, scope)
        self._tell(draft, entry, f"{name} approved")

    def _not_now(self, draft: Draft, entry: LedgerEntry, error: OrderSystemError) -> None:
        """Nothing was done, so the same question is asked again; the customer goes on waiting."""
        draft.decision = "order_system_down"
        self.execution.people.ask_again(
            draft, replace(entry, approved_by=None), f"The order system did not answer: {error}"
        )

    def _tell(self, draft: Draft, entry: LedgerEntry, who: str) -> None:
        """Tell all admins who decided, and what came of it."""
        last = draft.ledger[-1] if draft.ledger else entry
        what = f"{described(entry)} ─▶ {last.state.value}"
        self.execution.people.tell(draft, f"🔐 {who}: {what}{f', {last.detail}' if last.detail else ''}")

    # --- what nobody works on any more ---

    async def left_behind(self) -> Sequence[LedgerEntry]:
        """Return the writes that wait for nobody, or for somebody who did not decide in time."""
        now = self.clock.now()
        return await self.execution.ledger.overdue(
            confirmed=now - self.proposal_lives, asked=now - self.execution.people.approval_lives, sent=now - LOST_AFTER
        )

    async def look_after(self, key: ThreadKey, ledger_key: str) -> None:
        """Read back a write that was left in flight; end one that nobody approved, or that was never sent."""
        entry = await self.execution.ledger.entry(ledger_key)
        if entry is None or entry not in await self.left_behind():
            return
        draft = await self._draft(Incoming(IncomingKind.IGNORED, key), NO_UPDATE)
        if entry.state is LedgerState.IN_FLIGHT:
            await self.execution.resolve(draft, entry, self._scope(draft, entry))
        else:
            self._lapse(draft, entry)
        await self._close(draft)
        log.info("ledger.looked_after", extra={"key": entry.key, "decision": draft.decision})

    def _lapse(self, draft: Draft, entry: LedgerEntry) -> None:
        draft.decision = "expired"
        if entry.needs_approval:
            why, text = "nobody decided in time", self.execution.replies.not_decided(draft.language, entry.order_number)
        else:
            why, text = "it could not be sent in time", self.execution.replies.confirmation_expired(draft.language)
        lapsed = replace(entry, state=LedgerState.EXPIRED, detail=why)
        draft.ledger.append(lapsed)
        draft.say(text, fact=True)
        self.execution.people.tell(
            draft, f"⌛ {described(entry)}: {why}; the customer was told that nothing was changed."
        )

    # --- a turn without its customer ---

    async def _draft(self, incoming: Incoming, inbox_id: int) -> Draft:
        opened = await self.store.open(incoming)
        draft = Draft.start(incoming, inbox_id, opened, self.clock.now(), NOBODY)
        draft.language, draft.tier = self.best_language(draft.thread.language), "admin"
        return draft

    def _scope(self, draft: Draft, entry: LedgerEntry) -> Scope | None:
        """Return the scope of the entry's customer, if it still is the one who is verified here."""
        scope = draft.thread.scope
        return scope if scope and scope.customer_id == entry.customer_id and scope.holds(draft.now) else None

    async def _close(self, draft: Draft) -> None:
        await close(self.store, draft.record(self.post), self.execution.reached)
