"""What was only suspected is asked, with buttons: "Do you want to cancel order …?"

A yes enters the same way as a wish that was understood: who asks, whose order, may it be done, and an explicit yes to
the summary. Where all that is known already, the question is that very summary, so that nobody is asked twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.confirmation import Confirmation
from bot.conversation.draft import Draft, new_token
from bot.conversation.errand import LISTED, Errand
from bot.conversation.replies import Replies
from bot.domain.actions import Action, ActionKind
from bot.domain.model import Button, ButtonKind, Dialogue, Order, Understood, Waiting
from bot.domain.policy import Decision, Rules, decide
from bot.errors import OrderSystemError

_GOES_ON = (Waiting.VERIFICATION, Waiting.ORDER_NUMBER)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Asks what is meant, and goes on with the answer."""

    replies: Replies
    confirmation: Confirmation
    errand: Errand
    rules: Rules

    async def ask(self, draft: Draft, found: Understood, *, latest: bool) -> None:
        """Ask about the suspected writes; one that the bot waits to go on with was meant before, and is not asked."""
        dialogue, number = draft.thread.dialogue, found.action.order_id
        if dialogue.waiting in _GOES_ON and dialogue.action in found.suspected:
            action = Action(dialogue.action, number or dialogue.order_id)
            await self.errand.run(draft, action, latest=latest or dialogue.latest)
            return
        draft.decision = "inquire"
        if len(found.suspected) > 1:
            self._what(draft, found.suspected, number, latest)
        else:
            await self._whether(draft, Action(found.suspected[0], number), latest)

    async def answered(self, draft: Draft, dialogue: Dialogue, yes: bool | None, number: str | None) -> bool:
        """Take a yes, a no or an order number in words for the answer; return whether it was one."""
        if dialogue.action is None or (yes is None and number is None):
            return False
        draft.tier = "dialogue"
        if yes is False:
            await self._denied(draft, dialogue.action, dialogue.key or "")
        elif yes and dialogue.key:
            await self.confirmation.confirm(draft, dialogue.key)
        else:
            action = Action(dialogue.action, number or dialogue.order_id)
            await self.errand.run(draft, action, latest=dialogue.latest and number is None)
        return True

    async def pressed(self, draft: Draft, button: Button, action: ActionKind) -> None:
        """Take a button for the answer."""
        dialogue = draft.thread.dialogue
        if button.kind is ButtonKind.NOT_MEANT:
            await self._denied(draft, action, button.data)
        else:
            latest = dialogue.waiting is Waiting.MEANING and dialogue.latest
            await self.errand.run(draft, Action(action, button.data or None), latest=latest)

    async def _denied(self, draft: Draft, action: ActionKind, key: str) -> None:
        """The customer did not mean it: leave everything as it is, and say what else can be asked."""
        if key:
            await self.confirmation.decline(draft, key)
            if draft.decision != "declined":
                return
        else:
            draft.decision = "declined"
            draft.say(self.replies.declined(draft.language, action))
            if draft.thread.dialogue.waiting is Waiting.MEANING:
                draft.settle()
        draft.say(self.replies.help(draft.language), self._person(draft, new_token()))

    # --- the question ---

    async def _whether(self, draft: Draft, action: Action, latest: bool) -> None:
        """Ask whether one action is meant."""
        orders = await self._orders(draft, action, latest)
        if len(orders) > 1:
            self._which(draft, action.kind, orders)
            return
        if orders and self._may(draft, action.kind, orders[0]):
            order, wish = orders[0], self.errand.flow.begun(draft, action.kind, orders[0])
            lines = self.errand.flow.lines(draft, action.kind, order, wish)
            await self.confirmation.propose(draft, action.kind, order, suspected=True, wish=wish, lines=lines)
            return
        # Once it is known who asks, another's order is not named, and neither is one that does not exist.
        number = action.order_id if draft.thread.scope is None else None
        named = orders[0].number if orders else number
        draft.wait_for(Waiting.MEANING, action.kind, action.order_id, latest=latest)
        group = new_token()
        yes = draft.button(
            self.replies.yes_button(draft.language, action.kind),
            ButtonKind.CHOOSE_ACTION,
            group,
            action.order_id or "",
            action=action.kind,
        )
        text = self.replies.inquiry(draft.language, action.kind, named or "")
        draft.say(text, (yes,), self._no(draft, action.kind, group), self._person(draft, group))

    async def _orders(self, draft: Draft, action: Action, latest: bool) -> Sequence[Order]:
        """Return the verified customer's orders that may be meant; none where that is not known (yet)."""
        if draft.thread.scope is None:
            return ()
        try:
            decision, orders = await self.errand.meant(draft, action, draft.thread.scope, latest=latest)
        except OrderSystemError:
            # The question can be asked without it; who says yes will hear that it does not answer.
            return ()
        return orders if decision in (Decision.SHOW, Decision.CHOOSE) else ()

    def _may(self, draft: Draft, kind: ActionKind, order: Order) -> bool:
        """Whether a yes to the summary is all that is missing."""
        scope, flow = draft.thread.scope, self.errand.flow
        may = decide(kind, scope, order, confirmed=False, now=draft.now, rules=self.rules) is Decision.CONFIRM
        return may and flow.next_step(draft, kind, order, flow.begun(draft, kind, order)) is Waiting.CONFIRMATION

    def _which(self, draft: Draft, kind: ActionKind, orders: Sequence[Order]) -> None:
        """Ask whether it is meant, and of which of several orders."""
        draft.wait_for(Waiting.MEANING, kind)
        group, listed = new_token(), orders[:LISTED]
        rows = self.errand.rows(draft, kind, listed, group)
        text = f"{self.replies.inquiry_which(draft.language, kind)}\n\n"
        text += self.replies.order_list(draft.language, listed)
        draft.say(text, *rows, self._no(draft, kind, group), self._person(draft, group))

    def _what(self, draft: Draft, suspected: Sequence[ActionKind], number: str | None, latest: bool) -> None:
        """Ask which of several actions is meant; nothing that was only suspected is left out."""
        draft.wait_for(Waiting.MEANING, latest=latest)
        group = new_token()
        rows = [
            (draft.button(label, ButtonKind.CHOOSE_ACTION, group, number or "", action=kind),)
            for kind in (*suspected, ActionKind.QUERY_ORDER)
            for label in (self.replies.action_button(draft.language, kind),)
        ]
        draft.say(self.replies.inquiry_what(draft.language), *rows, self._person(draft, group))

    def _no(self, draft: Draft, kind: ActionKind, group: str) -> tuple[Button, ...]:
        label = self.replies.not_meant_button(draft.language)
        return (draft.button(label, ButtonKind.NOT_MEANT, group, action=kind),)

    def _person(self, draft: Draft, group: str) -> tuple[Button, ...]:
        return (draft.button(self.replies.handoff_button(draft.language), ButtonKind.HUMAN, group),)
