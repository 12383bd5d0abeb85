"""What the bot asks before the summary of a cancellation or a return."""

from __future__ import annotations

from collections.abc import Sequence

from bot.conversation.order_replies import OrderReplies
from bot.domain.actions import ActionKind
from bot.domain.model import OrderItem


class FlowReplies(OrderReplies):
    """Every such question, and the labels of its buttons; each can be answered in words as well."""

    __slots__ = ()

    def ask_items(self, language: str, offered: Sequence[OrderItem], kept: Sequence[OrderItem]) -> str:
        """Ask which items go back; `kept` are those that cannot."""
        say, orders = self.catalogue_for(language).gettext, self._orders(language)
        lines = [say("What would you like to send back? Please choose it, or write it."), ""]
        lines += orders.numbered_items(offered)
        if kept:
            lines += ["", say("This cannot be sent back:"), *orders.items(kept)]
        return "\n".join(lines)

    def item_button(self, language: str, item: OrderItem, *, taken: bool) -> str:
        """Return the label that picks an item, or takes it out again."""
        return f"{'☑' if taken else '☐'} {self._orders(language).item(item)}"

    def all_items_button(self, language: str) -> str:
        """Return the label that picks all that may go back."""
        return self.catalogue_for(language).gettext("All of it")

    def no_more_items_button(self, language: str) -> str:
        """Return the label that says that nothing more goes back."""
        return self.catalogue_for(language).gettext("That is all")

    def ask_quantity(self, language: str, item: OrderItem) -> str:
        """Ask how many pieces of an item go back."""
        question = self.catalogue_for(language).gettext("How many of these would you like to send back?")
        return "\n".join((question, *self._orders(language).items((item,))))

    def ask_reason(self, language: str, action: ActionKind) -> str:
        """Ask why."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            return say("Why would you like to cancel it?")
        return say("Why would you like to send it back?")

    def ask_note(self, language: str) -> str:
        """Ask for the reason in the customer's own words."""
        return self.catalogue_for(language).gettext("Please tell us in a sentence what the reason is.")

    def ask_photo(self, language: str) -> str:
        """Ask for a photo."""
        return self.catalogue_for(language).gettext("Please send a photo that shows it. It helps our team to decide.")

    def skip_button(self, language: str) -> str:
        """Return the label that leaves a question unanswered."""
        return self.catalogue_for(language).gettext("Skip this")

    def not_got(self, language: str) -> str:
        """Say that an answer was not understood; the question follows again."""
        return self.catalogue_for(language).gettext("I did not quite get that.")

    def whole_only(self, language: str) -> str:
        """Say that a part of an order cannot go back; the question about all of it follows."""
        return self.catalogue_for(language).gettext(
            "Nothing was changed: the shop takes this order back only as a whole."
        )
