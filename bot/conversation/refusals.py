"""A refusal by policy, in words."""

from __future__ import annotations

from bot.conversation.replies import Replies
from bot.domain.actions import ActionKind
from bot.domain.model import Order
from bot.domain.policy import Decision, Rules


def refusal(
    replies: Replies,
    language: str,
    decision: Decision,
    action: ActionKind,
    order: Order | None,
    number: str,
    rules: Rules,
) -> str:
    """Return what the customer reads; an order that is not theirs reads like one that does not exist."""
    if order is None or decision is Decision.NOT_FOUND:
        return replies.not_found(language, number)
    match decision:
        case Decision.ALREADY:
            return replies.already(language, action, order)
        case Decision.TOO_LATE_TO_CANCEL:
            return replies.too_late_to_cancel(language, order)
        case Decision.NOT_DELIVERED_YET:
            return replies.not_delivered_yet(language, order)
        case Decision.WINDOW_CLOSED:
            return replies.window_closed(language, order, rules.returns.days(order))
        case Decision.NOT_RETURNABLE:
            return replies.not_returnable(language, order)
        case Decision.IS_CANCELLED:
            return replies.is_cancelled(language, order)
        case _:
            raise ValueError(f"{decision} is no refusal")
