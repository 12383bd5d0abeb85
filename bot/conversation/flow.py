"""What is still missing of a cancellation or a return is asked, one question a turn; then comes the summary.

order ─▶ items ─▶ how many ─▶ reason (its own words) ─▶ photo ─▶ summary: yes or no

What goes without saying, or was said in the wish itself, is not asked. All that was said lies in the thread's dialogue;
the order itself is read anew for each question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.confirmation import Confirmation
from bot.conversation.draft import Draft, new_token
from bot.conversation.replies import Replies
from bot.domain.actions import ActionKind
from bot.domain.flow import REASONS, Asking, counting, fitted, next_step
from bot.domain.flow_words import FlowWords, named
from bot.domain.model import Button, ButtonKind, Channel, Order, OrderItem, ReturnLine, Waiting, Wish
from bot.domain.policy import Rules
from bot.domain.returns import choices, lines_of

ALL, DONE, STOP, SKIP = "all", "done", "stop", "skip"
ITEM, QUANTITY, REASON = "item:", "quantity:", "reason:"
"""What the buttons of a question stand for; the last three are followed by which."""

_MOST_BUTTONS = 20
_MOST_COUNTED = 8


@dataclass(frozen=True, slots=True)
class Flow:
    """Asks the next question about one order, or proposes the write."""

    replies: Replies
    confirmation: Confirmation
    rules: Rules
    asking: Asking
    words: FlowWords

    def begun(self, draft: Draft, kind: ActionKind, order: Order) -> Wish:
        """Return what the customer's own words have said already: the goods, and why."""
        said, offered = draft.wish(), self.choices(draft, kind, order)
        items = named(said, offered)
        if offered and not items and "all" in self.words.heard(said):
            items = offered
        lines = tuple(ReturnLine(item.id, item.quantity if items is offered else 0) for item in items)
        reason = self.words.reason(said, kind) if self.asking.reason(kind) and "?" not in said else None
        return Wish(lines, picked=bool(lines), reason=reason)

    def choices(self, draft: Draft, kind: ActionKind, order: Order) -> tuple[OrderItem, ...]:
        """Return the items that the customer can choose from; none for what is done to the order as a whole."""
        return choices(order, draft.now, self.rules.returns) if kind is ActionKind.RETURN_APPLY else ()

    def next_step(self, draft: Draft, kind: ActionKind, order: Order, wish: Wish) -> Waiting:
        """Return the question that comes next; CONFIRMATION when it is the summary."""
        offered = self.choices(draft, kind, order)
        can_send = draft.thread.key.channel is Channel.TELEGRAM
        return next_step(kind, fitted(wish, offered), offered, self.asking, can_send_photo=can_send)

    def lines(self, draft: Draft, kind: ActionKind, order: Order, wish: Wish) -> tuple[ReturnLine, ...]:
        """Return what goes back as the order system is asked for it; none for all of the order."""
        return lines_of(order, fitted(wish, self.choices(draft, kind, order)).lines)

    async def go_on(self, draft: Draft, kind: ActionKind, order: Order, wish: Wish) -> None:
        """Ask what comes next."""
        step, offered = self.next_step(draft, kind, order, wish), self.choices(draft, kind, order)
        wish = fitted(wish, offered)
        if step is Waiting.CONFIRMATION or await self.confirmation.is_under_way(draft, order):
            await self.confirmation.propose(draft, kind, order, wish=wish, lines=self.lines(draft, kind, order, wish))
            return
        group = new_token()
        draft.decision = step.value
        draft.wait_for(step, kind, order.number, key=group, wish=wish)
        text, rows = self._question(draft, step, kind, order, wish, offered)
        buttons = [tuple(self._button(draft, label, group, kind, data) for label, data in row) for row in rows]
        draft.say(text, *buttons)

    def _button(self, draft: Draft, label: str, group: str, kind: ActionKind, data: str) -> Button:
        return draft.button(label, ButtonKind.ANSWER, group, data, action=kind)

    def _question(
        self, draft: Draft, step: Waiting, kind: ActionKind, order: Order, wish: Wish, offered: Sequence[OrderItem]
    ) -> tuple[str, list[list[tuple[str, str]]]]:
        """Return a question, and its buttons with what they stand for."""
        say, language = self.replies, draft.language
        rows: list[list[tuple[str, str]]] = []
        if step is Waiting.ITEMS:
            kept = [item for item in order.items if item.price.amount >= 0 and item not in offered]
            text, rows = say.ask_items(language, offered, kept), self._item_rows(language, wish, offered)
        elif step is Waiting.QUANTITY:
            line = counting(wish)
            item = next(item for item in offered if line and item.id == line.item_id)
            counts = [(str(count), f"{QUANTITY}{count}") for count in range(1, min(item.quantity, _MOST_COUNTED) + 1)]
            text, rows = say.ask_quantity(language, item), [counts[at : at + 4] for at in range(0, len(counts), 4)]
        elif step is Waiting.REASON:
            labels = [(say.reason(language, kind, reason), f"{REASON}{reason.value}") for reason in REASONS[kind]]
            text, rows = say.ask_reason(language, kind), [labels[at : at + 2] for at in range(0, len(labels), 2)]
        else:
            text = say.ask_note(language) if step is Waiting.NOTE else say.ask_photo(language)
        if self.asking.may_skip(step, kind):
            rows.append([(say.skip_button(language), SKIP)])
        return text, [*rows, [(say.no_button(language, kind), STOP)]]

    def _item_rows(self, language: str, wish: Wish, offered: Sequence[OrderItem]) -> list[list[tuple[str, str]]]:
        """Each item has a button that picks it, or takes it out again."""
        taken = {line.item_id for line in wish.lines}
        rows = [
            [(self.replies.item_button(language, item, taken=item.id in taken), f"{ITEM}{item.id}")]
            for item in offered[:_MOST_BUTTONS]
        ]
        ends = [(self.replies.all_items_button(language), ALL)]
        return [*rows, [*ends, (self.replies.no_more_items_button(language), DONE)] if taken else ends]
