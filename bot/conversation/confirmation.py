"""A write: proposed, confirmed by exactly this customer for exactly this order, done once, told truthfully.

The ledger row is committed as in flight before the order system is called, and completed with the turn. When the worker
dies in between, the same update runs again, finds its row in flight, and repeats the call with the same key.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.conversation.draft import Draft, new_token
from bot.conversation.handoff import Handoff
from bot.conversation.refusals import refusal
from bot.conversation.replies import Replies
from bot.domain.actions import Action, ActionKind
from bot.domain.journal import TurnStore
from bot.domain.model import (
    Button,
    ButtonKind,
    LedgerEntry,
    LedgerState,
    Order,
    Scope,
    Waiting,
    WriteAnswer,
    WriteResult,
)
from bot.domain.policy import Decision, Rules, decide
from bot.domain.ports import Desk
from bot.errors import OrderSystemDown, OrderSystemError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Proposes writes and carries out the confirmed ones."""

    desk: Desk
    store: TurnStore
    replies: Replies
    handoff: Handoff
    rules: Rules
    lifetime: timedelta = timedelta(minutes=15)

    def propose(self, draft: Draft, action: ActionKind, order: Order, *, suspected: bool = False) -> None:
        """List the details and ask for an explicit yes; the proposal goes into the ledger.

        Args:
            suspected: that the customer wants it was only suspected; the question says so, and leaves another way out.
        """
        key = new_token()
        entry = LedgerEntry(key, draft.thread.id, order.customer_id, action, order.number, LedgerState.PROPOSED)
        draft.ledger.append(entry)
        draft.wait_for(Waiting.MEANING if suspected else Waiting.CONFIRMATION, action, order.number, key=key)

        def button(label: str, kind: ButtonKind) -> tuple[Button, ...]:
            return (draft.button(label, kind, key, key, action=action, expires_at=draft.now + self.lifetime),)

        say, language = self.replies, draft.language
        yes = button(say.yes_button(language, action), ButtonKind.CONFIRM)
        if suspected:
            no = button(say.not_meant_button(language), ButtonKind.NOT_MEANT)
            person = (draft.button(say.handoff_button(language), ButtonKind.HUMAN, key),)
            draft.say(say.inquiry_confirm(language, action, order), yes, no, person)
        else:
            no = button(say.no_button(language, action), ButtonKind.DECLINE)
            draft.say(say.confirm(language, action, order), yes, no)

    async def decline(self, draft: Draft, key: str) -> None:
        """The customer said no."""
        entry = await self._mine(draft, key)
        if entry is None or entry.state is not LedgerState.PROPOSED:
            self._stale(draft)
            return
        draft.settle()
        draft.tier, draft.decision = "dialogue", "declined"
        draft.ledger.append(replace(entry, state=LedgerState.DECLINED, detail="the customer said no"))
        draft.say(self.replies.declined(draft.language, entry.action))

    async def confirm(self, draft: Draft, key: str) -> None:
        """The customer said yes: check once more, take the ledger row, act, tell."""
        entry = await self._mine(draft, key)
        if entry is None or draft.thread.scope is None:
            self._stale(draft)
            return
        draft.tier, draft.action = "dialogue", Action(entry.action, entry.order_number)
        if entry.state is LedgerState.IN_FLIGHT:
            # This very update was confirmed before a crash; the key makes the repetition harmless.
            await self._act(draft, entry, draft.thread.scope, again=True)
        elif entry.state is not LedgerState.PROPOSED:
            self._stale(draft)
        elif entry.at is not None and draft.now > entry.at + self.lifetime:
            self._refuse(draft, entry, "expired", self.replies.confirmation_expired(draft.language))
        elif await self._still_allowed(draft, entry, draft.thread.scope):
            if await self.store.begin(key, draft.inbox_id):
                await self._act(draft, entry, draft.thread.scope)
            else:
                self._stale(draft)

    async def _mine(self, draft: Draft, key: str) -> LedgerEntry | None:
        """Return the entry if it is this thread's and this customer's."""
        entry = await self.store.proposal(key)
        scope = draft.thread.scope
        if (
            entry is None
            or entry.thread_id != draft.thread.id
            or scope is None
            or entry.customer_id != scope.customer_id
        ):
            return None
        return entry

    async def _still_allowed(self, draft: Draft, entry: LedgerEntry, scope: Scope) -> bool:
        """The order may have been shipped since the question was asked."""
        with draft.stage("orders"):
            order = await self.desk.for_customer(scope).find(entry.order_number)
        decision = decide(entry.action, scope, order, confirmed=True, now=draft.now, rules=self.rules)
        if decision is Decision.ACT:
            return True
        text = refusal(self.replies, draft.language, decision, entry.action, order, entry.order_number, self.rules)
        self._refuse(draft, entry, decision.value, text)
        return False

    async def _act(self, draft: Draft, entry: LedgerEntry, scope: Scope, *, again: bool = False) -> None:
        """Act and tell; after a crash (`again`) even a refused connection proves nothing about the try before it."""
        draft.settle()
        try:
            with draft.stage("orders"):
                answer = await self.desk.for_customer(scope).write(entry.action, entry.order_number, entry.key)
        except OrderSystemError as error:
            if isinstance(error, OrderSystemDown) and not again:
                self._not_reached(draft, entry, error)
            elif await self._is_done(draft, entry, scope):
                self._done(draft, entry, WriteAnswer(WriteResult.DONE, detail="seen in the order system afterwards"))
            else:
                self._unknown(draft, entry, str(error))
        else:
            self._done(draft, entry, answer)

    async def _is_done(self, draft: Draft, entry: LedgerEntry, scope: Scope) -> bool:
        """Ask the order system what became of a write that it did not answer clearly."""
        try:
            with draft.stage("orders"):
                order = await self.desk.for_customer(scope).find(entry.order_number)
        except OrderSystemError:
            return False
        found = decide(entry.action, scope, order, confirmed=True, now=draft.now, rules=self.rules)
        return found is Decision.ALREADY

    def _not_reached(self, draft: Draft, entry: LedgerEntry, error: OrderSystemDown) -> None:
        self._refuse(draft, entry, f"not reached: {error}", self.replies.order_system_down(draft.language))
        draft.decision = "order_system_down"
        self.handoff.alert(draft, f"The order system cannot be reached; {entry.order_number} was left as it is.")

    def _done(self, draft: Draft, entry: LedgerEntry, answer: WriteAnswer) -> None:
        if answer.result is WriteResult.REFUSED:
            text = self.replies.refused_by_shop(draft.language, entry.action, entry.order_number)
            self._refuse(draft, entry, answer.detail or "the order system refused", text)
            return
        detail = " ".join(part for part in (answer.reference, answer.detail) if part)
        draft.decision = "done"
        draft.ledger.append(replace(entry, state=LedgerState.DONE, detail=detail))
        draft.say(self.replies.done(draft.language, entry.action, entry.order_number, answer), fact=True)
        log.info("write.done", extra={"thread_id": entry.thread_id, "action": entry.action.value, "key": entry.key})

    def _unknown(self, draft: Draft, entry: LedgerEntry, why: str) -> None:
        draft.decision = "outcome_unknown"
        draft.ledger.append(replace(entry, state=LedgerState.UNKNOWN, detail=why))
        draft.say(self.replies.outcome_unknown(draft.language, entry.action, entry.order_number), fact=True)
        self.handoff.alert(
            draft,
            f"Please check order {entry.order_number}: no clear answer to {entry.action.value}. {why}",
        )
        told = {"thread_id": entry.thread_id, "action": entry.action.value, "key": entry.key}
        log.warning("write.unknown", extra=told)

    def _refuse(self, draft: Draft, entry: LedgerEntry, why: str, text: str) -> None:
        draft.settle()
        draft.decision = why if " " not in why else "refused"
        draft.ledger.append(replace(entry, state=LedgerState.REFUSED, detail=why))
        draft.say(text, fact=True)

    def _stale(self, draft: Draft) -> None:
        draft.decision = "stale"
        draft.toast = self.replies.stale_button(draft.language)
        if not draft.incoming.token:
            draft.say(draft.toast)
