"""The customer's answers while a cancellation or a return is talked about: in words, by a button, with a photo.

An answer leads to the next question. A correction ("no, the other one") goes back to where it belongs, a no ends it,
and whatever else is asked in between is answered, and then the open question is asked again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.conversation.confirmation import Confirmation
from bot.conversation.draft import Draft
from bot.conversation.errand import Errand
from bot.conversation.flow import ALL, DONE, ITEM, QUANTITY, REASON, SKIP, STOP
from bot.conversation.replies import Replies
from bot.conversation.text import clean, one_line
from bot.domain.actions import Action, ActionKind
from bot.domain.flow import STEPS, is_open, of_another, with_all, with_item, with_quantity, without_step
from bot.domain.flow_words import NOTE_CHARS, FlowWords, named
from bot.domain.language import LexiconBook
from bot.domain.model import (
    Button,
    Dialogue,
    Order,
    OrderItem,
    Reason,
    ReturnLine,
    ThreadStatus,
    Understood,
    Waiting,
    Wish,
)
from bot.domain.order_numbers import same_number
from bot.domain.policy import Decision, decide

_QUESTION = re.compile(r"[?\u061f\uff1f]")
_MAY_ASK = frozenset({Waiting.REASON, Waiting.PHOTO})
_PICTURES = frozenset({"photo", "document", "video"})
_MOST_CHARS = 80
"""A correction is short: a longer message is understood as a whole."""
_IN_BETWEEN = frozenset({"say", "greet", "show", "not_found"})
"""What a turn decides that only answers, and leaves the open question open."""


@dataclass(frozen=True, slots=True)
class FlowAnswers:
    """Reads answers, and goes on with what they say."""

    errand: Errand
    confirmation: Confirmation
    replies: Replies
    words: FlowWords
    book: LexiconBook

    # --- words ---

    async def text(self, draft: Draft, yes: bool | None, number: str | None) -> bool:
        """Take a message for the answer to the open question, or for a correction; return whether it was one.

        Args:
            yes: whether it is a plain yes, or a plain no.
            number: the order number in a message of little else.
        """
        dialogue = draft.thread.dialogue
        if not is_open(dialogue) or dialogue.action is None or dialogue.order_id is None:
            return False
        if number is not None and not same_number(number, dialogue.order_id):
            await self._about_another(draft, dialogue, Action(dialogue.action, number))
            return True
        order = await self._order(draft, dialogue)
        if order is None:
            return False
        choices = self.errand.flow.choices(draft, dialogue.action, order)
        if dialogue.waiting in STEPS:
            step, kind, wish = dialogue.waiting, dialogue.action, dialogue.wish or Wish()
            may_skip = self.errand.flow.asking.may_skip(step, kind)
            answer = self.words.answer(step, draft.heard, kind, wish, choices, yes=yes, may_skip=may_skip)
            # "Is it free if it is broken?" gives no reason.
            if answer is not None and not (_QUESTION.search(draft.heard) and dialogue.waiting in _MAY_ASK):
                await self._go_on(draft, dialogue, order, answer)
                return True
            if yes is False:
                self._stop(draft, dialogue.action)
                return True
        return await self._corrected(draft, dialogue, order, choices)

    async def _corrected(self, draft: Draft, dialogue: Dialogue, order: Order, choices: tuple[OrderItem, ...]) -> bool:
        """Take words that name other goods, or the other order."""
        asks = _QUESTION.search(draft.heard) or len(draft.heard) > _MOST_CHARS
        if asks or dialogue.waiting is Waiting.NOTE or dialogue.action is None:
            return False
        wish = dialogue.wish or Wish()
        other = self.book.position(draft.heard, draft.thread.language) in ("other", "other_or_second")
        before = tuple(line.item_id for line in wish.lines)
        after = tuple(item.id for item in named(draft.heard, choices))
        if other and not after and len(choices) == 2 and len(before) == 1:
            after = tuple(item.id for item in choices if item.id not in before)
        if after and wish.picked and after != before:
            lines = tuple(ReturnLine(item_id, 0) for item_id in after)
            await self._go_on(draft, dialogue, order, replace(wish, lines=lines))
            return True
        return not after and await self._other_order(draft, dialogue, other=other)

    async def _other_order(self, draft: Draft, dialogue: Dialogue, *, other: bool) -> bool:
        """Take 'the other one' for the other order, and goods that are in another order for that one."""
        scope, kind = draft.thread.scope, dialogue.action
        if scope is None or kind is None:
            return False
        decision, orders = await self.errand.meant(draft, Action(kind), scope, latest=False)
        if decision not in (Decision.CHOOSE, Decision.SHOW):
            return False
        orders = tuple(order for order in orders if not same_number(order.number, dialogue.order_id or ""))
        if not other:
            orders = tuple(order for order in orders if named(draft.heard, order.items))
        if len(orders) == 1:
            await self._about_another(draft, dialogue, Action(kind, orders[0].number))
        elif orders:
            await self._withdraw(draft, dialogue)
            self.errand.which(draft, kind, Decision.CHOOSE, orders)
        return bool(orders)

    async def _about_another(self, draft: Draft, dialogue: Dialogue, action: Action) -> None:
        draft.tier = "dialogue"
        await self._withdraw(draft, dialogue)
        wish = of_another(dialogue.wish) if dialogue.wish else None
        await self.errand.run(draft, action, wish=wish)

    # --- buttons and photos ---

    async def pressed(self, draft: Draft, button: Button) -> None:
        """Take a button for the answer, if its question is still the open one."""
        dialogue = draft.thread.dialogue
        order = await self._order(draft, dialogue) if dialogue.key == button.group else None
        if order is None or dialogue.action is None or dialogue.waiting not in STEPS:
            draft.decision, draft.toast = "stale", self.replies.stale_button(draft.language)
        elif button.data == STOP:
            self._stop(draft, dialogue.action)
        else:
            wish = self._chosen(draft, dialogue, order, button.data)
            await self._go_on(draft, dialogue, order, wish)

    def _chosen(self, draft: Draft, dialogue: Dialogue, order: Order, data: str) -> Wish:
        wish, step = dialogue.wish or Wish(), dialogue.waiting
        if data.startswith(ITEM):
            return with_item(wish, data.removeprefix(ITEM))
        if data.startswith(QUANTITY):
            return with_quantity(wish, int(data.removeprefix(QUANTITY)))
        if data.startswith(REASON):
            return replace(wish, reason=Reason(data.removeprefix(REASON)))
        if data == ALL and dialogue.action:
            return with_all(wish, self.errand.flow.choices(draft, dialogue.action, order))
        return {DONE: replace(wish, picked=True), SKIP: without_step(wish, step)}[data]

    async def photo(self, draft: Draft) -> bool:
        """Keep a photo that comes while a return is talked about; return whether it is one."""
        dialogue, ref = draft.thread.dialogue, draft.incoming.ref
        wanted = is_open(dialogue) and dialogue.action is ActionKind.RETURN_APPLY and ref is not None
        order = await self._order(draft, dialogue) if wanted and draft.incoming.media in _PICTURES else None
        if order is None:
            return False
        draft.tier = "dialogue"
        wish = replace(dialogue.wish or Wish(), photo=ref)
        if caption := one_line(clean(draft.incoming.text), NOTE_CHARS):
            wish = replace(wish, note=wish.note or caption)
        await self._go_on(draft, dialogue, order, wish)
        return True

    # --- what was no answer ---

    async def took(self, draft: Draft, found: Understood, *, latest: bool) -> bool:
        """Take what was understood where it says nothing new; return whether that is so.

        The reason may be said in any words, and the wish for what is talked about anyhow is no new one.
        """
        dialogue = draft.thread.dialogue
        if not is_open(dialogue) or dialogue.order_id is None or latest:
            return False
        kind, number = found.action.kind, found.action.order_id
        if number is not None and not same_number(number, dialogue.order_id):
            return False
        same = kind is dialogue.action or found.suspected == (dialogue.action,)
        nothing = kind is ActionKind.UNKNOWN and not found.action.message and not found.suspected
        greets = self.book.greets(draft.heard, draft.thread.language)
        if dialogue.waiting is Waiting.NOTE and kind is not ActionKind.HANDOFF:
            same = same or not (found.action.message or _QUESTION.search(draft.heard))
        if greets or not (same or nothing):
            return False
        await self._in_own_words(draft, dialogue, same=same)
        return True

    async def _in_own_words(self, draft: Draft, dialogue: Dialogue, *, same: bool) -> None:
        order = await self._order(draft, dialogue)
        told = dialogue.waiting in (Waiting.REASON, Waiting.NOTE) and not _QUESTION.search(draft.heard)
        if told and order is not None:
            note = one_line(draft.heard, NOTE_CHARS)
            await self._go_on(draft, dialogue, order, replace(dialogue.wish or Wish(), reason=Reason.OTHER, note=note))
            return
        draft.decision = "asked_again"
        if not same or dialogue.waiting in STEPS:
            draft.say(self.replies.not_got(draft.language))
        await self._ask(draft, dialogue, anew=same)

    async def ask_again(self, draft: Draft, dialogue: Dialogue) -> None:
        """Ask the question again that was open before something else was answered."""
        answered = draft.decision in _IN_BETWEEN and draft.thread.status is ThreadStatus.PENDING
        replaced = draft.thread.dialogue not in (dialogue, Dialogue())
        if answered and is_open(dialogue) and not replaced:
            action = draft.action
            await self._ask(draft, dialogue)
            draft.action = action

    async def _ask(self, draft: Draft, dialogue: Dialogue, *, anew: bool = False) -> None:
        """Ask the open question again; what may not be done any more is refused.

        Args:
            anew: whether a summary that is too old for its yes is shown anew.
        """
        order, decision = await self._order(draft, dialogue), draft.decision
        if order is None:
            return
        asked = False
        if dialogue.waiting is Waiting.CONFIRMATION and dialogue.key and self._may(draft, dialogue, order):
            draft.thread = replace(draft.thread, dialogue=dialogue)
            asked = await self.confirmation.ask_again(draft, dialogue.key, order) or not anew
        if not asked:
            await self._go_on(draft, dialogue, order, dialogue.wish or Wish())
        draft.decision = decision

    def _may(self, draft: Draft, dialogue: Dialogue, order: Order) -> bool:
        """Whether it may still be done; the order may have been shipped since the question was asked."""
        if dialogue.action is None:
            return False
        rules, scope = self.errand.rules, draft.thread.scope
        decision = decide(dialogue.action, scope, order, confirmed=False, now=draft.now, rules=rules)
        return decision is Decision.CONFIRM

    # --- steps ---

    async def _order(self, draft: Draft, dialogue: Dialogue) -> Order | None:
        """Return the order that is talked about, as it is now; None where none is, or nobody is verified any more."""
        if not is_open(dialogue) or draft.thread.scope is None or dialogue.order_id is None:
            return None
        with draft.stage("orders"):
            return await self.errand.desk.for_customer(draft.thread.scope).find(dialogue.order_id)

    async def _go_on(self, draft: Draft, dialogue: Dialogue, order: Order, wish: Wish) -> None:
        if dialogue.action:
            draft.tier = draft.tier or "dialogue"
            await self._withdraw(draft, dialogue)
            await self.errand.about(draft, dialogue.action, order, order.number, wish)

    async def _withdraw(self, draft: Draft, dialogue: Dialogue) -> None:
        """What is corrected can no longer be agreed to."""
        if dialogue.waiting is Waiting.CONFIRMATION and dialogue.key:
            await self.confirmation.withdraw(draft, dialogue.key)

    def _stop(self, draft: Draft, kind: ActionKind) -> None:
        draft.tier, draft.decision = draft.tier or "dialogue", "declined"
        draft.settle()
        draft.say(self.replies.declined(draft.language, kind))
