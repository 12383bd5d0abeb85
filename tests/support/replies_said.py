"""An order, and every text that the bot may say about it and otherwise, once with each kind of argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.conversation.replies import Replies
from bot.domain.actions import ActionKind
from bot.domain.model import (
    MessageRef,
    Money,
    Order,
    OrderItem,
    OrderStatus,
    Proof,
    ProofKind,
    Reason,
    ReturnLine,
    Scope,
    Wish,
    WriteAnswer,
    WriteResult,
)
from bot.locale.catalogue import catalogue
from tests.support.scopes import scope_of

CANCEL, RETURN, QUERY = ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY, ActionKind.QUERY_ORDER
NUMBER = "ORD20241112001"
PLACED = datetime(2024, 11, 12, 23, 30, tzinfo=UTC)
ORDER = Order(
    number=NUMBER,
    customer_id="c-1",
    status=OrderStatus.DELIVERED,
    placed_at=PLACED,
    total=Money(Decimal("12.50"), "EUR"),
    items=(
        OrderItem("Blue mug", 2, Money(Decimal("5.00"), "EUR"), "1"),
        OrderItem("台灯", 1, Money(Decimal("2.5"), "EUR")),
    ),
    shipped_at=PLACED + timedelta(days=1),
    delivered_at=PLACED + timedelta(days=3),
    expected_at=PLACED + timedelta(days=4),
    carrier="DHL",
    tracking="JD014600",
)
ANSWER = WriteAnswer(WriteResult.DONE, "RMA-77", Money(Decimal("12.50"), "EUR"), "internal: gateway 7")
ASKED_FOR = WriteAnswer(WriteResult.REQUESTED, "REQ-5", None, "line 5 of requests.csv")
SCOPE = scope_of("c-1", "Ana", Proof(ProofKind.LINK, PLACED, PLACED + timedelta(days=90)))
NAMELESS = scope_of("c-1")
SAID_BEFORE = Wish(reason=Reason.OTHER, note="The zip sticks", photo=MessageRef(7, 1))
REPLIES = Replies(catalogue, "Lumen & Co", "Europe/Madrid")


def _shown(kind: ProofKind) -> Scope:
    return scope_of("c-1", "Ana", Proof(kind, PLACED, None))


# Every text that a customer may read, once with each kind of argument.
SAID: dict[str, Callable[[str], str]] = {
    "welcome": lambda code: REPLIES.welcome(code, "Ana"),
    "welcome nobody": lambda code: REPLIES.welcome(code, ""),
    "greeting": REPLIES.greeting,
    "thanks": REPLIES.thanks,
    "help": REPLIES.help,
    "command_descriptions": lambda code: "\n".join(REPLIES.command_descriptions(code).values()),
    "language_question": REPLIES.language_question,
    "language_set": REPLIES.language_set,
    "ask_verification": lambda code: REPLIES.ask_verification(code, None),
    "ask_verification in words": lambda code: REPLIES.ask_verification(code, None, can_share=False),
    "ask_verification query": lambda code: REPLIES.ask_verification(code, QUERY),
    "ask_verification cancel": lambda code: REPLIES.ask_verification(code, CANCEL),
    "ask_verification return": lambda code: REPLIES.ask_verification(code, RETURN),
    "contact_button": REPLIES.contact_button,
    "verified": lambda code: REPLIES.verified(code, SCOPE),
    "verified nobody": lambda code: REPLIES.verified(code, NAMELESS),
    "link_refused": lambda code: REPLIES.link_refused(code, None),
    "link_refused in words": lambda code: REPLIES.link_refused(code, None, can_share=False),
    "link_refused known": lambda code: REPLIES.link_refused(code, SCOPE),
    "who": lambda code: REPLIES.who(code, SCOPE),
    "who nobody": lambda code: REPLIES.who(code, None),
    **{f"who {proof}": lambda code, proof=proof: REPLIES.who(code, _shown(proof)) for proof in ProofKind},
    "unlinked": REPLIES.unlinked,
    "contact_not_yours": REPLIES.contact_not_yours,
    "contact_unknown": REPLIES.contact_unknown,
    "credentials_wrong": lambda code: REPLIES.credentials_wrong(code, 3),
    "credentials_wrong last": lambda code: REPLIES.credentials_wrong(code, 0),
    "too_many_tries": REPLIES.too_many_tries,
    "order_card": lambda code: REPLIES.order_card(code, ORDER),
    "order_line": lambda code: REPLIES.order_line(code, ORDER),
    "order_list": lambda code: REPLIES.order_list(code, [ORDER, ORDER]),
    "which_order query": lambda code: REPLIES.which_order(code, QUERY),
    "which_order cancel": lambda code: REPLIES.which_order(code, CANCEL),
    "which_order return": lambda code: REPLIES.which_order(code, RETURN),
    "not_found": lambda code: REPLIES.not_found(code, NUMBER),
    "not_found nothing": lambda code: REPLIES.not_found(code, "\u202e \u0000"),
    "no_orders": REPLIES.no_orders,
    "none_fit query": lambda code: REPLIES.none_fit(code, QUERY),
    "none_fit cancel": lambda code: REPLIES.none_fit(code, CANCEL),
    "none_fit return": lambda code: REPLIES.none_fit(code, RETURN),
    "already cancelled": lambda code: REPLIES.already(code, CANCEL, ORDER),
    "already requested": lambda code: REPLIES.already(code, RETURN, ORDER),
    "already returned": lambda code: REPLIES.already(code, RETURN, replace(ORDER, status=OrderStatus.RETURNED)),
    "too_late_to_cancel": lambda code: REPLIES.too_late_to_cancel(code, ORDER),
    "too_late_to_cancel shipped": lambda code: REPLIES.too_late_to_cancel(
        code, replace(ORDER, status=OrderStatus.SHIPPED)
    ),
    "not_delivered_yet": lambda code: REPLIES.not_delivered_yet(code, replace(ORDER, status=OrderStatus.SHIPPED)),
    "window_closed": lambda code: REPLIES.window_closed(code, ORDER, 30),
    "is_cancelled": lambda code: REPLIES.is_cancelled(code, ORDER),
    "not_returnable": lambda code: REPLIES.not_returnable(code, ORDER),
    "confirm cancel": lambda code: REPLIES.confirm(code, CANCEL, ORDER),
    "confirm return": lambda code: REPLIES.confirm(code, RETURN, ORDER),
    "confirm return of a line": lambda code: REPLIES.confirm(code, RETURN, ORDER, (ReturnLine("1", 1),)),
    "confirm return with all that was said": lambda code: REPLIES.confirm(
        code, RETURN, replace(ORDER, payment="Visa ·· 4242"), wish=SAID_BEFORE
    ),
    **{f"reason {why}": lambda code, why=why: REPLIES.reason(code, RETURN, why) for why in Reason},
    "reason cancel": lambda code: REPLIES.reason(code, CANCEL, Reason.ARRIVED_LATE),
    "ask_items": lambda code: REPLIES.ask_items(code, ORDER.items[:1], ORDER.items[1:]),
    "ask_items all": lambda code: REPLIES.ask_items(code, ORDER.items, ()),
    "item_button": lambda code: REPLIES.item_button(code, ORDER.items[0], taken=True),
    "item_button not taken": lambda code: REPLIES.item_button(code, ORDER.items[0], taken=False),
    "all_items_button": REPLIES.all_items_button,
    "no_more_items_button": REPLIES.no_more_items_button,
    "ask_quantity": lambda code: REPLIES.ask_quantity(code, ORDER.items[0]),
    "ask_reason return": lambda code: REPLIES.ask_reason(code, RETURN),
    "ask_reason cancel": lambda code: REPLIES.ask_reason(code, CANCEL),
    "ask_note": REPLIES.ask_note,
    "ask_photo": REPLIES.ask_photo,
    "skip_button": REPLIES.skip_button,
    "not_got": REPLIES.not_got,
    "whole_only": REPLIES.whole_only,
    "inquiry cancel": lambda code: REPLIES.inquiry(code, CANCEL, NUMBER),
    "inquiry return": lambda code: REPLIES.inquiry(code, RETURN, NUMBER),
    "inquiry cancel nothing": lambda code: REPLIES.inquiry(code, CANCEL, ""),
    "inquiry return nothing": lambda code: REPLIES.inquiry(code, RETURN, "\u202e \u0000"),
    "inquiry_confirm cancel": lambda code: REPLIES.inquiry_confirm(code, CANCEL, ORDER),
    "inquiry_confirm return": lambda code: REPLIES.inquiry_confirm(code, RETURN, ORDER),
    "inquiry_which cancel": lambda code: REPLIES.inquiry_which(code, CANCEL),
    "inquiry_which return": lambda code: REPLIES.inquiry_which(code, RETURN),
    "inquiry_what": REPLIES.inquiry_what,
    "action_button cancel": lambda code: REPLIES.action_button(code, CANCEL),
    "action_button return": lambda code: REPLIES.action_button(code, RETURN),
    "action_button query": lambda code: REPLIES.action_button(code, QUERY),
    "not_meant_button": REPLIES.not_meant_button,
    "yes_button cancel": lambda code: REPLIES.yes_button(code, CANCEL),
    "yes_button return": lambda code: REPLIES.yes_button(code, RETURN),
    "no_button cancel": lambda code: REPLIES.no_button(code, CANCEL),
    "no_button return": lambda code: REPLIES.no_button(code, RETURN),
    "declined cancel": lambda code: REPLIES.declined(code, CANCEL),
    "declined return": lambda code: REPLIES.declined(code, RETURN),
    "confirmation_expired": REPLIES.confirmation_expired,
    "done cancel": lambda code: REPLIES.done(code, CANCEL, ORDER.number, ANSWER),
    "done return": lambda code: REPLIES.done(code, RETURN, ORDER.number, ANSWER),
    "done requested cancel": lambda code: REPLIES.done(code, CANCEL, ORDER.number, ASKED_FOR),
    "done requested return": lambda code: REPLIES.done(code, RETURN, ORDER.number, ASKED_FOR),
    "waits_for_approval cancel": lambda code: REPLIES.waits_for_approval(code, CANCEL, NUMBER),
    "waits_for_approval return": lambda code: REPLIES.waits_for_approval(code, RETURN, NUMBER),
    "not_approved cancel": lambda code: REPLIES.not_approved(code, CANCEL, NUMBER),
    "not_approved return": lambda code: REPLIES.not_approved(code, RETURN, NUMBER),
    "not_decided": lambda code: REPLIES.not_decided(code, NUMBER),
    "under_way": lambda code: REPLIES.under_way(code, NUMBER),
    "order_changed": lambda code: REPLIES.order_changed(code, NUMBER),
    "was_not_done cancel": lambda code: REPLIES.was_not_done(code, CANCEL, NUMBER),
    "was_not_done return": lambda code: REPLIES.was_not_done(code, RETURN, NUMBER),
    "refused_by_shop cancel": lambda code: REPLIES.refused_by_shop(code, CANCEL, NUMBER),
    "refused_by_shop return": lambda code: REPLIES.refused_by_shop(code, RETURN, NUMBER),
    "outcome_unknown cancel": lambda code: REPLIES.outcome_unknown(code, CANCEL, NUMBER),
    "outcome_unknown return": lambda code: REPLIES.outcome_unknown(code, RETURN, NUMBER),
    "order_system_down": REPLIES.order_system_down,
    "handoff_started": REPLIES.handoff_started,
    "handoff_button": REPLIES.handoff_button,
    "still_with_human": REPLIES.still_with_human,
    "back_with_bot": REPLIES.back_with_bot,
    "away": REPLIES.away,
    "clarify": REPLIES.clarify,
    "apology": REPLIES.apology,
    "media_received photo": lambda code: REPLIES.media_received(code, "photo"),
    "media_received voice": lambda code: REPLIES.media_received(code, "voice"),
    "media_received video": lambda code: REPLIES.media_received(code, "video_note"),
    "media_received document": lambda code: REPLIES.media_received(code, "document"),
    "media_received sticker": lambda code: REPLIES.media_received(code, "sticker"),
    "media_received other": lambda code: REPLIES.media_received(code, "story"),
    "unsupported": REPLIES.unsupported,
    "edited": REPLIES.edited,
    "empty": REPLIES.empty,
    "stale_button": REPLIES.stale_button,
    "reset_done": REPLIES.reset_done,
    "error": REPLIES.error,
}


def units(text: str) -> int:
    """Return how Telegram counts a text's length."""
    return len(text.encode("utf-16-le")) // 2
