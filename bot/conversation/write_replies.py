"""What the bot says once a customer has said yes: what was done, refused, handed in, or is left to a person."""

from __future__ import annotations

from bot.conversation.order_replies import OrderReplies, sentences
from bot.domain.actions import ActionKind
from bot.domain.model import WriteAnswer, WriteResult


class WriteReplies(OrderReplies):
    """Every text about a write.

    Whatever is said about a write is said after it: no text here promises what the order system has not answered.
    """

    __slots__ = ()

    # --- what the order system answered ---

    def done(self, language: str, action: ActionKind, number: str, answer: WriteAnswer) -> str:
        """Tell what the order system has confirmed: the write, its reference, the refund."""
        say = self.catalogue_for(language).gettext
        if answer.result is WriteResult.REQUESTED:
            return self._requested(language, action, number, answer)
        if action is ActionKind.CANCEL_ORDER:
            lines = [say("✅ Order %(number)s is cancelled.")]
            reference = say("Reference: %(reference)s")
            refund = say("You get %(amount)s back by the original means of payment within 5 to 7 working days.")
        else:
            lines = [say("✅ The return of order %(number)s is requested.")]
            reference = say("Your return number: %(reference)s")
            refund = say(
                "Once it is accepted, you get %(amount)s back by the original means of payment "
                "within 5 to 7 working days."
            )
        lines[0] %= self._number(language, number)
        if shown := self._orders(language).number(answer.reference or ""):
            lines.append(reference % {"reference": shown})
        if answer.refund and answer.refund.amount > 0:
            lines.append(refund % self._amount(language, answer.refund))
        return "\n".join(lines)

    def _requested(self, language: str, action: ActionKind, number: str, answer: WriteAnswer) -> str:
        """Tell that it was handed in, and that a person will do it: it is not done yet."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            text = say(
                "I have asked our team to cancel order %(number)s. "
                "It is cancelled only once a person there has done it."
            )
        else:
            text = say("I have asked our team for the return of order %(number)s. A person there will see to it.")
        shown = self._orders(language).number(answer.reference or "")
        reference = say("Reference: %(reference)s") % {"reference": shown} if shown else ""
        return sentences(text % self._number(language, number), reference)

    def refused_by_shop(self, language: str, action: ActionKind, number: str) -> str:
        """Tell that the order system said no."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            text = say("I am sorry, our order system did not accept the cancellation of order %(number)s.")
        else:
            text = say("I am sorry, our order system did not accept the return of order %(number)s.")
        hint = say("Nothing was changed. With /human I bring in a person who can look into it.")
        return sentences(text % self._number(language, number), hint)

    def outcome_unknown(self, language: str, action: ActionKind, number: str) -> str:
        """Tell that nobody knows yet whether it was done."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            text = say("I could not get a confirmation that order %(number)s is cancelled.")
        else:
            text = say("I could not get a confirmation that the return of order %(number)s is requested.")
        hint = say("A person from our team will check it and write to you here. Nothing will be done twice.")
        return sentences(text % self._number(language, number), hint)

    def order_system_down(self, language: str) -> str:
        """Tell that the order system does not answer, and that nothing was changed."""
        say = self.catalogue_for(language).gettext
        return say(
            "I am sorry, I cannot reach our order system right now. Nothing was changed. "
            "Could you try again in a few minutes?"
        )

    # --- what a person decides, or has to look up ---

    def waits_for_approval(self, language: str, action: ActionKind, number: str) -> str:
        """Tell that a person decides, and that nothing is changed until then."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            text = say("Thank you. A person from our team decides about the cancellation of order %(number)s.")
        else:
            text = say("Thank you. A person from our team decides about the return of order %(number)s.")
        hint = say("I will tell you here as soon as it is decided. Until then nothing is changed.")
        return sentences(text % self._number(language, number), hint)

    def not_approved(self, language: str, action: ActionKind, number: str) -> str:
        """Tell that a person has said no."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            text = say("I am sorry, our team did not approve the cancellation of order %(number)s.")
        else:
            text = say("I am sorry, our team did not approve the return of order %(number)s.")
        hint = say("Nothing was changed. With /human I bring in a person who can look into it.")
        return sentences(text % self._number(language, number), hint)

    def not_decided(self, language: str, number: str) -> str:
        """Tell that nobody decided in time."""
        say = self.catalogue_for(language).gettext
        text = say("I am sorry, nobody could decide about your request for order %(number)s in time.")
        hint = say("Nothing was changed. If you still want it, just ask again; /human brings in a person.")
        return sentences(text % self._number(language, number), hint)

    def under_way(self, language: str, number: str) -> str:
        """Tell that another request about this order has to be settled first."""
        say = self.catalogue_for(language).gettext
        text = say(
            "A request about order %(number)s is already under way. I will tell you here as soon as it is settled."
        )
        return text % self._number(language, number)

    def order_changed(self, language: str, number: str) -> str:
        """Tell that the order is not any more what the customer said yes to."""
        say = self.catalogue_for(language).gettext
        text = say(
            "Order %(number)s has changed since I asked you, so nothing was done. If you still want it, ask again."
        )
        return text % self._number(language, number)

    def was_not_done(self, language: str, action: ActionKind, number: str) -> str:
        """Tell what a person has found: it was not done."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            text = say("A person has checked it: order %(number)s was not cancelled.")
        else:
            text = say("A person has checked it: the return of order %(number)s was not requested.")
        hint = say("If you still want it, just ask again.")
        return sentences(text % self._number(language, number), hint)
