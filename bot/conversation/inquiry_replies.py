"""What the bot asks where it only suspects what the customer wants."""

from __future__ import annotations

from collections.abc import Sequence

from bot.conversation.order_replies import NOTHING_SAID, OrderReplies
from bot.domain.actions import ActionKind
from bot.domain.model import Order, ReturnLine, Wish


class InquiryReplies(OrderReplies):
    """Every such question, and the labels of its buttons; a yes or no in words is as good as a button."""

    __slots__ = ()

    def inquiry(self, language: str, action: ActionKind, number: str) -> str:
        """Ask whether the customer wants to cancel or to send back; `number` may be empty, or not fit to be shown."""
        say = self.catalogue_for(language).gettext
        shown = self._number(language, number)
        if action is ActionKind.CANCEL_ORDER:
            question = say("Do you want to cancel order %(number)s?") if shown["number"] else ""
            question = question % shown or say("Do you want to cancel an order?")
        else:
            question = say("Do you want to send order %(number)s back?") if shown["number"] else ""
            question = question % shown or say("Do you want to send something back?")
        return f"{question}\n{say('Please answer yes or no.')}"

    def inquiry_confirm(
        self,
        language: str,
        action: ActionKind,
        order: Order,
        lines: Sequence[ReturnLine] = (),
        *,
        wish: Wish = NOTHING_SAID,
    ) -> str:
        """Ask the same where the order is known, with all that an explicit yes needs."""
        lead = self.catalogue_for(language).gettext("Have I understood you correctly?")
        return f"{lead}\n{self.confirm(language, action, order, lines, wish=wish)}"

    def inquiry_which(self, language: str, action: ActionKind) -> str:
        """Ask the same where it may be about several orders."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            return say("Do you want to cancel an order? Then please choose it, or write its number.")
        return say("Do you want to send an order back? Then please choose it, or write its number.")

    def inquiry_what(self, language: str) -> str:
        """Ask which of several things the customer wants."""
        return self.catalogue_for(language).gettext(
            "What would you like to do: cancel an order, send something back, or find out where an order is?"
        )

    def action_button(self, language: str, action: ActionKind) -> str:
        """Return the label that says what is meant."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            return say("Cancel an order")
        return say("Send something back") if action is ActionKind.RETURN_APPLY else say("Where is my order?")

    def not_meant_button(self, language: str) -> str:
        """Return the label that says that nothing of the kind was meant."""
        return self.catalogue_for(language).gettext("No, I am just asking")
