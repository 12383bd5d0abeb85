"""A write is proposed, and confirmed by exactly this customer for exactly this order.

The yes is committed before anything follows from it. When the worker dies after that, the same update runs again, finds
how far its write had come, and goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.conversation.crash_points import CrashPoint
from bot.conversation.draft import Draft, new_token
from bot.conversation.execution import Execution
from bot.conversation.order_replies import NOTHING_SAID
from bot.conversation.replies import Replies
from bot.domain.actions import Action, ActionKind
from bot.domain.journal import LedgerStore
from bot.domain.ledger import fingerprint
from bot.domain.model import (
    WHOLE_ONLY,
    Button,
    ButtonKind,
    LedgerEntry,
    LedgerState,
    Order,
    ReturnLine,
    Scope,
    Waiting,
    Wish,
)
from bot.domain.policy import Decision, lines_to_return
from bot.domain.returns import amount_of
from bot.errors import OrderSystemError


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Proposes writes, and takes the customers' yes and no."""

    ledger: LedgerStore
    replies: Replies
    execution: Execution
    lifetime: timedelta = timedelta(minutes=15)

    async def propose(
        self,
        draft: Draft,
        action: ActionKind,
        order: Order,
        *,
        suspected: bool = False,
        wish: Wish = NOTHING_SAID,
        lines: tuple[ReturnLine, ...] = (),
    ) -> None:
        """List the details and ask for an explicit yes; the proposal goes into the ledger.

        Args:
            suspected: that the customer wants it was only suspected; the question says so, and leaves another way out.
            wish: the reason, and what else the customer has said.
            lines: what goes back of the order; without any it is as much of it as may.
        """
        if await self.is_under_way(draft, order):
            self._not_now(draft, order)
            return
        lines = lines or lines_to_return(action, order, draft.now, self.execution.rules)
        entry = LedgerEntry(
            new_token(),
            draft.thread.id,
            order.customer_id,
            action,
            order.number,
            LedgerState.PROPOSED,
            reason=wish.reason,
            lines=lines,
            amount=amount_of(order, lines),
            note=wish.note,
            photo=wish.photo,
        )
        entry = replace(entry, digest=fingerprint(entry))
        draft.ledger.append(entry)
        waiting = Waiting.MEANING if suspected else Waiting.CONFIRMATION
        draft.wait_for(waiting, action, order.number, key=entry.key, wish=wish)
        self._ask(draft, entry, order, draft.now + self.lifetime, suspected=suspected)

    async def is_under_way(self, draft: Draft, order: Order) -> bool:
        """Whether another write of this order has not ended yet; what this turn has moved is about to be kept."""
        found = await self.ledger.under_way(order.customer_id, order.number)
        return found is not None and found.key not in {entry.key for entry in draft.ledger}

    def _not_now(self, draft: Draft, order: Order) -> None:
        draft.settle()
        draft.decision = "under_way"
        draft.say(self.replies.under_way(draft.language, order.number))

    async def ask_again(self, draft: Draft, key: str, order: Order) -> bool:
        """Ask a question again that is still open, and return whether it is; too old a one is left alone."""
        entry, _ = await self._mine(draft, key)
        if entry is None or entry.state is not LedgerState.PROPOSED or self._is_old(draft, entry):
            return False
        self._ask(draft, entry, order, entry.entered[LedgerState.PROPOSED] + self.lifetime, suspected=False)
        return True

    async def withdraw(self, draft: Draft, key: str) -> None:
        """End a proposal that the customer has corrected, so that its buttons do nothing any more."""
        entry, _ = await self._mine(draft, key)
        if entry and entry.state is LedgerState.PROPOSED:
            draft.ledger.append(replace(entry, state=LedgerState.DECLINED, detail="the customer corrected it"))

    def _ask(self, draft: Draft, entry: LedgerEntry, order: Order, until: datetime, *, suspected: bool) -> None:
        key, action = entry.key, entry.action
        wish = Wish(reason=entry.reason, note=entry.note, photo=entry.photo)

        def button(label: str, kind: ButtonKind) -> tuple[Button, ...]:
            return (draft.button(label, kind, key, key, action=action, expires_at=until),)

        say, language = self.replies, draft.language
        yes = button(say.yes_button(language, action), ButtonKind.CONFIRM)
        if suspected:
            no = button(say.not_meant_button(language), ButtonKind.NOT_MEANT)
            person = (draft.button(say.handoff_button(language), ButtonKind.HUMAN, key),)
            draft.say(say.inquiry_confirm(language, action, order, entry.lines, wish=wish), yes, no, person)
        else:
            no = button(say.no_button(language, action), ButtonKind.DECLINE)
            draft.say(say.confirm(language, action, order, entry.lines, wish=wish), yes, no)

    async def decline(self, draft: Draft, key: str) -> None:
        """The customer said no."""
        entry, _ = await self._mine(draft, key)
        if entry is None or entry.state is not LedgerState.PROPOSED:
            self._stale(draft)
            return
        draft.settle()
        draft.tier, draft.decision = "dialogue", "declined"
        draft.ledger.append(replace(entry, state=LedgerState.DECLINED, detail="the customer said no"))
        draft.say(self.replies.declined(draft.language, entry.action))

    async def confirm(self, draft: Draft, key: str) -> None:
        """The customer said yes: check once more, commit the yes, go on with it."""
        entry, scope = await self._mine(draft, key)
        if entry is None or scope is None:
            self._stale(draft)
            return
        draft.tier, draft.action = "dialogue", Action(entry.action, entry.order_number)
        if entry.state is LedgerState.IN_FLIGHT:
            await self.execution.resolve(draft, entry, scope)
        elif entry.state is LedgerState.CONFIRMED and entry.confirmed_by == draft.inbox_id:
            await self._confirmed_before(draft, entry, scope)
        elif entry.state is LedgerState.EXPIRED or self._is_old(draft, entry):
            self._expired(draft, entry)
        elif entry.state is LedgerState.PROPOSED:
            await self._proposed(draft, entry, scope)
        else:
            self._stale(draft)

    async def _mine(self, draft: Draft, key: str) -> tuple[LedgerEntry | None, Scope | None]:
        """Return the entry if it is this thread's and this customer's, with the scope that it belongs to."""
        entry, scope = await self.ledger.entry(key), draft.thread.scope
        if entry is None or scope is None or entry.thread_id != draft.thread.id:
            return None, None
        return (entry, scope) if entry.customer_id == scope.customer_id else (None, None)

    async def _proposed(self, draft: Draft, entry: LedgerEntry, scope: Scope) -> None:
        """The order may have been shipped since the question was asked."""
        order = await self.execution.look(draft, entry, scope)
        decision = self.execution.may(draft, entry, scope, order, approved=False)
        if decision is None or order is None:
            return
        needs_approval = decision is Decision.APPROVE
        if not await self.ledger.confirm(entry.key, draft.inbox_id, needs_approval=needs_approval):
            self._stale(draft)
            return
        self.execution.reached(CrashPoint.AFTER_CONFIRMED)
        confirmed = replace(entry, state=LedgerState.CONFIRMED, needs_approval=needs_approval)
        await self._go_on(draft, confirmed, scope, order)

    async def _confirmed_before(self, draft: Draft, entry: LedgerEntry, scope: Scope) -> None:
        """This very update had said yes when a crash came: go on where it stopped."""
        try:
            order = await self.execution.look(draft, entry, scope)
        except OrderSystemError as error:
            self.execution.not_reached(draft, entry, error)
            return
        if self.execution.may(draft, entry, scope, order, approved=not entry.needs_approval) and order:
            await self._go_on(draft, entry, scope, order)

    async def _go_on(self, draft: Draft, entry: LedgerEntry, scope: Scope, order: Order) -> None:
        if entry.note or entry.photo:
            self.execution.people.show_reason(draft, entry)
        if not entry.needs_approval:
            await self.execution.start(draft, entry, scope)
            await self._offer_whole(draft, entry, scope, order)
            return
        draft.settle()
        draft.decision = "waits_for_approval"
        self.execution.people.ask_approval(draft, entry, order)
        draft.say(self.replies.waits_for_approval(draft.language, entry.action, entry.order_number), fact=True)

    async def _offer_whole(self, draft: Draft, entry: LedgerEntry, scope: Scope, order: Order) -> None:
        """Where the order system takes no single lines back, ask about all of the order, if all of it may go back."""
        answer = draft.ledger[-1].answer if draft.ledger else None
        if not entry.lines or answer is None or answer.detail != WHOLE_ONLY:
            return
        if self.execution.allows_whole(draft, entry, scope, order):
            draft.replies[-1] = replace(draft.replies[-1], text=self.replies.whole_only(draft.language))
            wish = Wish(reason=entry.reason, note=entry.note, photo=entry.photo)
            await self.propose(draft, entry.action, order, wish=wish)

    def _is_old(self, draft: Draft, entry: LedgerEntry) -> bool:
        proposed_at = entry.entered[LedgerState.PROPOSED]
        return entry.state is LedgerState.PROPOSED and draft.now > proposed_at + self.lifetime

    def _expired(self, draft: Draft, entry: LedgerEntry) -> None:
        draft.settle()
        draft.decision = "expired"
        if entry.state is LedgerState.PROPOSED:
            draft.ledger.append(replace(entry, state=LedgerState.EXPIRED, detail="the yes came too late"))
        draft.say(self.replies.confirmation_expired(draft.language))

    def _stale(self, draft: Draft) -> None:
        draft.decision = "stale"
        draft.toast = self.replies.stale_button(draft.language)
        if not draft.incoming.token:
            draft.say(draft.toast)
