"""From an understood action to what is shown, asked or done: verification, then policy, then the desk."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.draft import Draft, new_token
from bot.conversation.flow import Flow
from bot.conversation.handoff import Handoff
from bot.conversation.refusals import refusal
from bot.conversation.replies import Replies
from bot.conversation.verification import Verification
from bot.domain.actions import Action, ActionKind
from bot.domain.flow_words import named as goods_named
from bot.domain.model import Button, ButtonKind, Dialogue, Order, Scope, Waiting, Wish
from bot.domain.order_numbers import OrderNumbers, same_number, squeeze
from bot.domain.policy import Decision, Rules, choose, decide
from bot.domain.ports import CustomerDesk, Desk
from bot.errors import OrderSystemError

log = logging.getLogger(__name__)
LISTED = 8


@dataclass(frozen=True, slots=True)
class Errand:
    """Runs one action for one customer."""

    desk: Desk
    replies: Replies
    verification: Verification
    flow: Flow
    handoff: Handoff
    rules: Rules
    numbers: OrderNumbers

    async def run(self, draft: Draft, action: Action, *, latest: bool = False, wish: Wish | None = None) -> None:
        """Do what the action says, as far as it may be done; a `wish` is what was said of it before."""
        draft.action = action
        if action.kind is ActionKind.HANDOFF:
            draft.settle()
            self.handoff.start(draft, "the customer asked for it")
            return
        try:
            if draft.thread.scope is None:
                await self._verify(draft, action, latest)
            if draft.thread.scope is not None:
                await self._orders(draft, action, draft.thread.scope, latest, wish)
        except OrderSystemError as error:
            self.failed(draft, error)

    async def resume(self, draft: Draft, dialogue: Dialogue, number: str | None = None) -> None:
        """Go on with what a verification was for; a `number` comes before the one that was given earlier."""
        draft.settle()
        if dialogue.action:
            await self.run(draft, Action(dialogue.action, number or dialogue.order_id), latest=dialogue.latest)

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

    async def _orders(self, draft: Draft, action: Action, scope: Scope, latest: bool, wish: Wish | None = None) -> None:
        decision, orders = await self.meant(draft, action, scope, latest=latest)
        if decision is Decision.SHOW:
            await self.about(draft, action.kind, orders[0], orders[0].number, wish)
        elif decision is Decision.NOT_FOUND:
            await self.about(draft, action.kind, None, action.order_id or "")
        else:
            self.which(draft, action.kind, decision, orders)

    async def meant(
        self, draft: Draft, action: Action, scope: Scope, *, latest: bool
    ) -> tuple[Decision, tuple[Order, ...]]:
        """Find the customer's order that an action is about.

        Returns:
            What `choose` returns; for an action that names its order, SHOW with that one, or NOT_FOUND.
        """
        desk = self.desk.for_customer(scope)
        with draft.stage("orders"):
            if action.order_id is not None:
                order = await desk.find(action.order_id)
                return (Decision.SHOW, (order,)) if order else (Decision.NOT_FOUND, ())
            orders = list(await desk.list())
            named = [] if latest else await self._put_first(draft, desk, orders)
        with draft.stage("policy"):
            return choose(action.kind, orders, latest=latest, now=draft.now, rules=self.rules, named=named)

    async def _put_first(self, draft: Draft, desk: CustomerDesk, orders: list[Order]) -> list[str]:
        """Move the orders of which the conversation speaks to the front; return those that the wish itself names."""
        wish, named = draft.wish(), list[Order]()
        for number in self.numbers.candidates(wish):
            listed = next((order for order in orders if same_number(order.number, number)), None)
            order = listed or await desk.find(number)
            # What is not this customer's is left out without a word, as if it had not been written.
            if order is not None and order not in named:
                named.append(order)
        if not named:
            # "The shoes" names the orders that hold some, unless all do.
            holding = [order for order in orders if goods_named(wish, order.items)]
            named += holding if len(holding) < len(orders) else []
        said = {squeeze(number) for number in (self.numbers.candidates(wish, draft.remembered()) if wish else ())}
        others = [order for order in orders if order not in named]
        orders[:] = [*named, *sorted(others, key=lambda order: squeeze(order.number) not in said)]
        return [order.number for order in named]

    async def about(
        self, draft: Draft, kind: ActionKind, order: Order | None, number: str, wish: Wish | None = None
    ) -> None:
        """Show, ask, or refuse, about one order of the verified customer."""
        draft.action = Action(kind, order.number if order else number)
        with draft.stage("policy"):
            decision = decide(kind, draft.thread.scope, order, confirmed=False, now=draft.now, rules=self.rules)
        draft.decision = decision.value
        draft.settle()
        if decision is Decision.SHOW and order:
            draft.say(self.replies.order_card(draft.language, order))
        elif decision is Decision.CONFIRM and order:
            await self.flow.go_on(draft, kind, order, wish or self.flow.begun(draft, kind, order))
        else:
            if decision is Decision.NOT_FOUND:
                draft.wait_for(Waiting.ORDER_NUMBER, kind)
            text = refusal(self.replies, draft.language, decision, kind, order, number, self.rules)
            draft.say(text, *self._instead(draft, decision, order))

    def _instead(self, draft: Draft, decision: Decision, order: Order | None) -> list[tuple[Button, ...]]:
        """Offer the return of an order that was delivered and can no longer be cancelled, if it may go back."""
        kind, scope = ActionKind.RETURN_APPLY, draft.thread.scope
        if decision is not Decision.TOO_LATE_TO_CANCEL or order is None:
            return []
        if decide(kind, scope, order, confirmed=False, now=draft.now, rules=self.rules) is not Decision.CONFIRM:
            return []
        draft.wait_for(Waiting.MEANING, kind, order.number)
        label = self.replies.action_button(draft.language, kind)
        return [(draft.button(label, ButtonKind.CHOOSE_ORDER, new_token(), order.number, action=kind),)]

    def which(self, draft: Draft, kind: ActionKind, decision: Decision, orders: Sequence[Order]) -> None:
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
            text = (
                f"{self.replies.which_order(draft.language, kind)}\n\n{self.replies.order_list(draft.language, listed)}"
            )
            draft.say(text, *self.rows(draft, kind, listed, new_token()))

    def rows(self, draft: Draft, kind: ActionKind, orders: Sequence[Order], group: str) -> list[tuple[Button, ...]]:
        """Return a button for each order, which chooses it for an action."""
        lines = ((self.replies.order_line(draft.language, order), order.number) for order in orders)
        return [(draft.button(line, ButtonKind.CHOOSE_ORDER, group, number, action=kind),) for line, number in lines]
