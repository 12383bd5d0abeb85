"""What the bot says about orders: what it found, what it may not do, what it asks before a write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.conversation.order_text import OrderText, TextCatalogue, quoted
from bot.domain.actions import ActionKind
from bot.domain.model import Money, Order, OrderStatus, Reason, ReturnLine, Wish
from bot.domain.returns import amount_of, items_of

NOTHING_SAID = Wish()
NOTE_CHARS = 500
_NOT_YET_BACK = (OrderStatus.PROCESSED, OrderStatus.SHIPPED)


@dataclass(frozen=True, slots=True)
class OrderReplies:
    """Every text about orders until something is written; each method takes the language first, returns plain text."""

    catalogue_for: Callable[[str], TextCatalogue]
    shop_name: str
    timezone: str

    # --- showing and choosing ---

    def order_card(self, language: str, order: Order) -> str:
        """Return everything about one order."""
        return self._orders(language).card(order)

    def order_line(self, language: str, order: Order) -> str:
        """Return an order in at most 60 characters, for a button."""
        return self._orders(language).line(order)

    def order_list(self, language: str, orders: Sequence[Order]) -> str:
        """Return the orders, one per line, without a heading."""
        return self._orders(language).lines(orders)

    def which_order(self, language: str, action: ActionKind) -> str:
        """Ask which of the listed orders is meant."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            return say("Which order would you like to cancel? Please choose it, or write its number.")
        if action is ActionKind.RETURN_APPLY:
            return say("Which order would you like to return? Please choose it, or write its number.")
        return say("Which order is it about? Please choose it, or write its number.")

    # --- nothing to show, nothing to do ---

    def not_found(self, language: str, number: str) -> str:
        """Say that there is no such order: the same words for another customer's as for none."""
        say = self.catalogue_for(language).gettext
        if not (shown := self._orders(language).number(number)):
            return say("I could not find this order among yours. Could you check the number and write it again?")
        return say("I could not find order %(number)s among yours. Could you check the number and write it again?") % {
            "number": shown
        }

    def no_orders(self, language: str) -> str:
        """Say that this customer has not ordered anything."""
        say = self.catalogue_for(language).gettext
        return say("I do not see any orders of yours yet. If you think there should be one, /human brings in a person.")

    def none_fit(self, language: str, action: ActionKind) -> str:
        """Say that none of the orders is in a state for this."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            return say("I am sorry, none of your orders can be cancelled at this point.")
        if action is ActionKind.RETURN_APPLY:
            return say("I am sorry, none of your orders can be returned at this point.")
        return say("I am sorry, none of your orders fits.")

    def already(self, language: str, action: ActionKind, order: Order) -> str:
        """Say that it was done before."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            text = say("Order %(number)s is already cancelled. There is nothing more you need to do.")
        elif order.status is OrderStatus.RETURNED:
            text = say("Order %(number)s has already been returned. There is nothing more you need to do.")
        else:
            text = say("A return of order %(number)s has already been requested.")
        return text % self._number(language, order.number)

    def too_late_to_cancel(self, language: str, order: Order) -> str:
        """Say that it cannot be cancelled any more, and what can be done instead."""
        say = self.catalogue_for(language).gettext
        text = say("I am sorry, order %(number)s can no longer be cancelled (status: %(status)s).")
        hint = ""
        if order.status in _NOT_YET_BACK:
            hint = say("Once it has arrived, you can send it back: just write to me.")
        elif order.status is OrderStatus.DELIVERED:
            hint = say("Would you like to return it instead? Just write to me.")
        return sentences(text % self._number_and_status(language, order), hint)

    def not_delivered_yet(self, language: str, order: Order) -> str:
        """Say that a return has to wait for the parcel."""
        say = self.catalogue_for(language).gettext
        text = say(
            "Order %(number)s has not been delivered yet (status: %(status)s). "
            "As soon as it has arrived, I can start the return for you."
        )
        return "\n".join(
            filter(None, (text % self._number_and_status(language, order), self._orders(language).expected(order)))
        )

    def window_closed(self, language: str, order: Order, days: int) -> str:
        """Say that the time for a return is over."""
        words = self.catalogue_for(language)
        text = words.ngettext(
            "I am sorry, the return period of %(count)s day for order %(number)s is over.",
            "I am sorry, the return period of %(count)s days for order %(number)s is over.",
            days,
        ) % {**self._number(language, order.number), "count": days}
        delivered = ""
        if order.delivered_at:
            date = words.date(order.delivered_at, self.timezone)
            delivered = words.gettext("It was delivered on %(date)s.") % {"date": date}
        person = words.gettext("If something is wrong with it, /human brings in a person from our team.")
        return sentences(text, delivered, person)

    def not_returnable(self, language: str, order: Order) -> str:
        """Say that such goods are not taken back."""
        say = self.catalogue_for(language).gettext
        text = say("I am sorry, what you ordered in %(number)s cannot be sent back.")
        person = say("If something is wrong with it, /human brings in a person from our team.")
        return sentences(text % self._number(language, order.number), person)

    def is_cancelled(self, language: str, order: Order) -> str:
        """Say that a cancelled order cannot be returned."""
        say = self.catalogue_for(language).gettext
        return say("Order %(number)s was cancelled, so there is nothing to return.") % self._number(
            language, order.number
        )

    # --- before a write ---

    def confirm(
        self,
        language: str,
        action: ActionKind,
        order: Order,
        lines: Sequence[ReturnLine] = (),
        *,
        wish: Wish = NOTHING_SAID,
    ) -> str:
        """List the details of a write and ask for an explicit yes; where only `lines` go back, these are named."""
        say = self.catalogue_for(language).gettext
        details = self._orders(language).summary(order)
        if lines:
            part = self._orders(language).items(items_of(order, lines))
            details = "\n".join((details, "", say("Only this goes back:"), *part))
        if action is ActionKind.CANCEL_ORDER:
            question = say("Shall I cancel this order? It cannot be undone.")
            refund = [say("What you have paid goes back to the original means of payment within 5 to 7 working days.")]
        else:
            question = say("Shall I request the return of this order?")
            value = self._amount(language, amount_of(order, lines))
            refund = [
                say("Value of what goes back: %(amount)s") % value,
                say("How much of it you get back is decided when it has arrived."),
                say(
                    "Once it is accepted, the refund goes to the original means of payment within 5 to 7 working days."
                ),
            ]
        refund.insert(len(refund) - 1, self._orders(language).paid_with(order))
        said = self._said(language, action, wish)
        parts = (question, details, said, sentences(*refund), say("Please answer yes or no."))
        return "\n\n".join(part for part in parts if part)

    def _said(self, language: str, action: ActionKind, wish: Wish) -> str:
        """Return what the customer has said about the reason, in lines."""
        words = self.catalogue_for(language)
        lines = []
        if wish.reason:
            reason = self.reason(language, action, wish.reason)
            lines.append(words.gettext("Reason: %(reason)s") % {"reason": reason})
        if note := quoted(words, wish.note, NOTE_CHARS):
            lines.append(words.gettext("In your words: %(note)s") % {"note": note})
        if wish.photo:
            lines.append(words.gettext("Your photo is attached."))
        return sentences(*lines)

    def reason(self, language: str, action: ActionKind, reason: Reason) -> str:
        """Return a reason as the customer would say it."""
        say = self.catalogue_for(language).gettext
        late = say("It takes too long") if action is ActionKind.CANCEL_ORDER else say("It arrived late")
        return {
            Reason.DAMAGED: say("It is damaged"),
            Reason.WRONG_ITEM: say("It is the wrong item"),
            Reason.DOES_NOT_FIT: say("It does not fit"),
            Reason.CHANGED_MIND: say("I changed my mind"),
            Reason.ARRIVED_LATE: late,
            Reason.OTHER: say("Another reason"),
        }[reason]

    def yes_button(self, language: str, action: ActionKind) -> str:
        """Return the label that confirms."""
        say = self.catalogue_for(language).gettext
        return say("✅ Yes, cancel it") if action is ActionKind.CANCEL_ORDER else say("✅ Yes, return it")

    def no_button(self, language: str, action: ActionKind) -> str:
        """Return the label that declines."""
        say = self.catalogue_for(language).gettext
        return say("No, keep the order") if action is ActionKind.CANCEL_ORDER else say("No, do not return it")

    def declined(self, language: str, action: ActionKind) -> str:
        """Say that nothing was done, as the customer wished."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            return say("All right, the order stays as it is. Nothing was cancelled.")
        return say("All right, no return was requested.")

    def confirmation_expired(self, language: str) -> str:
        """Say that the yes came too late."""
        say = self.catalogue_for(language).gettext
        return say("That question was too old to be answered, so nothing was changed. If you still want it, ask again.")

    # --- values ---

    def _orders(self, language: str) -> OrderText:
        return OrderText(self.catalogue_for(language), self.timezone)

    def _number(self, language: str, number: str) -> dict[str, str]:
        return {"number": self._orders(language).number(number)}

    def _number_and_status(self, language: str, order: Order) -> dict[str, str]:
        return {**self._number(language, order.number), "status": self._orders(language).status(order.status)}

    def _amount(self, language: str, money: Money) -> dict[str, str]:
        return {"amount": self._orders(language).amount(money)}


def sentences(*parts: str) -> str:
    """Put sentences below each other, the empty ones left out."""
    return "\n".join(part for part in parts if part)
