"""A confirmed write: sent once, read back where its answer is lost, and told truthfully.

confirmed ─▶ in flight (committed) ─▶ the call ─▶ done · refused
                                          └ no clear answer ─▶ read back ─▶ done · refused
                                                               ├ surely no effect ─▶ sent again, with the same key
                                                               └ it cannot be told ─▶ unknown: a person is asked

Whoever finds a write in flight, after a crash, reads it back first.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from bot.conversation.crash_points import CrashPoint, Reached, go_on
from bot.conversation.draft import Draft
from bot.conversation.handoff import Handoff
from bot.conversation.people import People
from bot.conversation.refusals import refusal
from bot.conversation.replies import Replies
from bot.domain.journal import LedgerStore
from bot.domain.ledger import fingerprint, is_as_agreed
from bot.domain.model import LedgerEntry, LedgerState, Order, Scope, WriteAnswer, WriteResult
from bot.domain.policy import Decision, Rules, decide
from bot.domain.ports import Desk
from bot.domain.returns import amount_of
from bot.errors import OrderSystemDown, OrderSystemError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Execution:
    """Carries out confirmed writes. What it says goes to the entry's own customer, in whose thread it must run."""

    desk: Desk
    ledger: LedgerStore
    replies: Replies
    handoff: Handoff
    people: People
    rules: Rules
    reached: Reached = go_on

    # --- may it (still) be done? ---

    async def look(self, draft: Draft, entry: LedgerEntry, scope: Scope) -> Order | None:
        """Return the order as it is now; raises OrderSystemError."""
        with draft.stage("orders"):
            return await self.desk.for_customer(scope).find(entry.order_number)

    def may(
        self, draft: Draft, entry: LedgerEntry, scope: Scope, order: Order | None, *, approved: bool
    ) -> Decision | None:
        """Return ACT or APPROVE for a confirmed write; None when it is refused, and the customer told why."""
        decision = decide(
            entry.action,
            scope,
            order,
            confirmed=True,
            now=draft.now,
            rules=self.rules,
            lines=entry.lines,
            approved=approved,
        )
        if decision not in (Decision.ACT, Decision.APPROVE) or order is None:
            text = refusal(self.replies, draft.language, decision, entry.action, order, entry.order_number, self.rules)
            self.refuse(draft, entry, decision.value, text)
            return None
        if not _is_agreed(entry, order):
            self.refuse(draft, entry, "changed", self.replies.order_changed(draft.language, entry.order_number))
            return None
        return decision

    def allows_whole(self, draft: Draft, entry: LedgerEntry, scope: Scope, order: Order) -> bool:
        """Whether all of an order may go back of which a part was asked for."""
        decision = decide(entry.action, scope, order, confirmed=True, now=draft.now, rules=self.rules)
        return decision in (Decision.ACT, Decision.APPROVE)

    # --- doing it ---

    async def start(self, draft: Draft, entry: LedgerEntry, scope: Scope) -> None:
        """Send a confirmed write, and tell what it came to."""
        if not await self.ledger.take_off(entry.key, entry.approved_by):
            text = self.replies.under_way(draft.language, entry.order_number)
            self.refuse(draft, entry, "another write for this order is not settled yet", text)
            return
        self.reached(CrashPoint.BEFORE_CALL)
        await self._send(draft, entry, scope, again=True)

    async def resolve(self, draft: Draft, entry: LedgerEntry, scope: Scope | None) -> None:
        """Find out what became of a write that a crash cut off in flight, and go on with it."""
        if scope is None:
            self.unknown(draft, entry, "nobody is verified in this conversation any more")
        elif not is_as_agreed(entry):
            self.unknown(draft, entry, "the ledger's entry does not match its fingerprint")
        else:
            await self._read_back(draft, entry, scope, partial(self._once_more, draft, entry, scope))

    async def _once_more(self, draft: Draft, entry: LedgerEntry, scope: Scope) -> None:
        """The call surely had no effect: ask anew whether it may be done, and send it with the same key."""
        try:
            order = await self.look(draft, entry, scope)
        except OrderSystemError as error:
            self.not_reached(draft, entry, error)
            return
        if self.may(draft, entry, scope, order, approved=True):
            await self._send(draft, entry, scope, again=False)

    async def _send(self, draft: Draft, entry: LedgerEntry, scope: Scope, *, again: bool) -> None:
        """Make the call; `again` allows one more, once it is proved that this one had no effect."""

        async def go_on_from(lost: OrderSystemError) -> None:
            if again:
                await self._send(draft, entry, scope, again=False)
            else:
                self.not_reached(draft, entry, lost)

        try:
            with draft.stage("orders"):
                answer = await self.desk.for_customer(scope).write(
                    entry.action, entry.order_number, entry.key, reason=entry.reason, lines=entry.lines
                )
        except OrderSystemDown as error:
            self.not_reached(draft, entry, error)
        except OrderSystemError as error:
            self.reached(CrashPoint.AFTER_CALL)
            await self._read_back(draft, entry, scope, partial(go_on_from, error))
        else:
            self.reached(CrashPoint.AFTER_CALL)
            self.settle(draft, entry, answer)

    async def _read_back(
        self, draft: Draft, entry: LedgerEntry, scope: Scope, without_effect: Callable[[], Awaitable[None]]
    ) -> None:
        """Ask the order system what a write came to, and go on with that; where it cannot tell, ask a person."""
        try:
            with draft.stage("orders"):
                answer = await self.desk.for_customer(scope).outcome(entry.action, entry.order_number, entry.key)
        except OrderSystemError as error:
            self.unknown(draft, entry, f"it cannot be read back: {error}")
            return
        if answer is None:
            await without_effect()
        else:
            self.settle(draft, entry, answer)

    # --- what it came to ---

    def settle(self, draft: Draft, entry: LedgerEntry, answer: WriteAnswer) -> None:
        """Record and tell what the order system has answered, or a person has found."""
        if answer.result is WriteResult.REFUSED:
            text = self.replies.refused_by_shop(draft.language, entry.action, entry.order_number)
            self.refuse(draft, replace(entry, answer=answer), answer.detail or "the order system refused", text)
            return
        asked = "asked for, a person carries it out" if answer.result is WriteResult.REQUESTED else ""
        detail = " ".join(part for part in (answer.reference, answer.detail, asked) if part)
        self._forget(draft, entry)
        draft.decision = answer.result.value
        draft.ledger.append(replace(entry, state=LedgerState.DONE, detail=detail, answer=answer))
        draft.say(self.replies.done(draft.language, entry.action, entry.order_number, answer), fact=True)
        log.info("write.done", extra={"thread_id": entry.thread_id, "action": entry.action.value, "key": entry.key})

    def refuse(self, draft: Draft, entry: LedgerEntry, why: str, text: str) -> None:
        """Record that nothing was done, and tell why."""
        self._forget(draft, entry)
        draft.decision = why if " " not in why else "refused"
        draft.ledger.append(replace(entry, state=LedgerState.REFUSED, detail=why))
        draft.say(text, fact=True)

    def not_reached(self, draft: Draft, entry: LedgerEntry, error: OrderSystemError) -> None:
        """Record and tell that the order system cannot be reached, and that nothing was done."""
        self.refuse(draft, entry, f"not reached: {error}", self.replies.order_system_down(draft.language))
        draft.decision = "order_system_down"
        self.handoff.alert(draft, f"The order system cannot be reached; {entry.order_number} was left as it is.")

    def unknown(self, draft: Draft, entry: LedgerEntry, why: str) -> None:
        """Record and tell that nobody knows whether it was done, and ask a person to look."""
        self._forget(draft, entry)
        draft.decision = "outcome_unknown"
        entry = replace(entry, state=LedgerState.UNKNOWN, detail=why)
        draft.ledger.append(entry)
        draft.say(self.replies.outcome_unknown(draft.language, entry.action, entry.order_number), fact=True)
        self.people.ask_outcome(draft, entry)
        told = {"thread_id": entry.thread_id, "action": entry.action.value, "key": entry.key}
        log.warning("write.unknown", extra=told)

    def _forget(self, draft: Draft, entry: LedgerEntry) -> None:
        """The question is answered; another one that was asked meanwhile stays open."""
        if draft.thread.dialogue.key == entry.key:
            draft.settle()


def _is_agreed(entry: LedgerEntry, order: Order) -> bool:
    """Whether what would be sent now is what the customer said yes to: the same order, for the same amount."""
    # Older proposals did not keep their amount.
    amount = amount_of(order, entry.lines) if entry.amount else None
    return entry.digest == fingerprint(replace(entry, order_number=order.number, amount=amount))
