"""From an understood action to what is shown, asked or done: verification, then policy, then the desk."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.confirmation import Confirmation
from bot.conversation.draft import Draft, new_token
from bot.conversation.handoff import Handoff
from bot.conversation.refusals import refusal
from bot.conversation.replies import Replies
from bot.conversation.verification import Verification
from bot.domain.actions import Action, ActionKind
from bot.domain.model import ButtonKind, Order, Scope, Waiting
from bot.domain.policy import Decision, Rules, choose, decide
from bot.domain.ports import Desk
from bot.errors import OrderSystemError

log = logging.getLogger(__name__)
LISTED = 8


@dataclass(frozen=True, slots=True)
class Errand:
    """Runs one action for one customer."""

    desk: Desk
    replies: Replies
    verification: Verification
    confirmation: Confirmation
    handoff: Handoff
    rules: Rules

    async def run(self, draft: Draft, action: Action, *, latest: bool = False) -> None:
        """Do what the action says, as far as it may be done."""
        draft.action = action
        if action.kind is ActionKind.HANDOFF:
            draft.settle()
            self.handoff.start(draft, "the customer asked for it")
            return
        try:
            if draft.thread.scope is None:
                await self._verify(draft, action, latest)
            if draft.thread.scope is not None:
                await self._orders(draft, action, draft.thread.scope, latest)
        except OrderSystemError as error:
            self.failed(draft, error)

    def failed(self, draft: Draft, error: OrderSystemError) -> None:
        """Tell the customer and the admins that the order system did not answer; nothing was changed."""
        draft.decision = "order_system_down"
        draft.say(self.replies.order_system_down(draft.language))
        self.handoff.alert(draft, f"The order system did not answer a question: {error}")
        log.warning("orders.failed", extra={"thread_id": draft.thread.id, "error": str(error)})

    async def _verify(self, draft: Draft, action: Action, latest: bool) -> None:
        """Take credentials that stand in the same message, else ask for them."""
        if given := self.verification.read(draft.heard, action.order_id):
            if not await self.verification.by_credentials(draft, given) and draft.decision == "credentials_wrong":
                draft.wait_for(Waiting.VERIFICATION, action.kind, action.order_id, latest=latest)
            return
        self.verification.ask(draft, action.kind, action.order_id, latest=latest)

    async def _orders(self, draft: Draft, action: Action, scope: Scope, latest: bool) -> None:
        desk = self.desk.for_customer(scope)
        if action.order_id is not None:
            with draft.stage("orders"):
                order = await desk.find(action.order_id)
            self._about(draft, action.kind, scope, order, action.order_id)
            return
        with draft.stage("orders"):
            orders = await desk.list()
        with draft.stage("policy"):
            decision, fitting = choose(action.kind, orders, latest=latest, now=draft.now, rules=self.rules)
        if decision is Decision.SHOW:
            self._about(draft, action.kind, scope, fitting[0], fitting[0].number)
        else:
            self._which(draft, action.kind, decision, fitting)

    def _about(self, draft: Draft, kind: ActionKind, scope: Scope, order: Order | None, number: str) -> None:
        """Show, ask, or refuse, about one order."""
        draft.action = Action(kind, order.number if order else number)
        with draft.stage("policy"):
            decision = decide(kind, scope, order, confirmed=False, now=draft.now, rules=self.rules)
        draft.decision = decision.value
        draft.settle()
        if decision is Decision.SHOW and order:
            draft.say(self.replies.order_card(draft.language, order))
        elif decision is Decision.CONFIRM and order:
            self.confirmation.propose(draft, kind, order)
        else:
            if decision is Decision.NOT_FOUND:
                draft.wait_for(Waiting.ORDER_NUMBER, kind)
            draft.say(refusal(self.replies, draft.language, decision, kind, order, number, self.rules))

    def _which(self, draft: Draft, kind: ActionKind, decision: Decision, orders: Sequence[Order]) -> None:
        """Ask which order is meant, or say that none fits."""
        draft.decision = decision.value
        draft.settle()
        listed = orders[:LISTED]
        if decision is Decision.NO_ORDERS:
            draft.say(self.replies.no_orders(draft.language))
        elif decision is Decision.NONE_FIT:
            draft.say(
                f"{self.replies.none_fit(draft.language, kind)}\n\n{self.replies.order_list(draft.language, listed)}"
            )
        else:
            draft.wait_for(Waiting.ORDER_NUMBER, kind)
            group = new_token()
            rows = [
                (
                    draft.button(
                        self.replies.order_line(draft.language, order),
                        ButtonKind.CHOOSE_ORDER,
                        group,
                        order.number,
                        action=kind,
                    ),
                )
                for order in listed
            ]
            text = (
                f"{self.replies.which_order(draft.language, kind)}\n\n{self.replies.order_list(draft.language, listed)}"
            )
            draft.say(text, *rows)
