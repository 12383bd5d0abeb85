"""What the bot says about who the customer is: how they show it, what came of it, and what they may take back."""

from __future__ import annotations

from bot.conversation.inquiry_replies import InquiryReplies
from bot.conversation.order_text import NAME_CHARS, quoted
from bot.domain.actions import ActionKind
from bot.domain.model import ProofKind, Scope


class IdentityReplies(InquiryReplies):
    """Every such text. None of them tells which part of a proof was wrong."""

    __slots__ = ()

    # --- asking ---

    def ask_verification(self, language: str, action: ActionKind | None, *, can_share: bool = True) -> str:
        """Say why and how the customer shows who they are; where there is no button that shares a contact, in words."""
        say = self.catalogue_for(language).gettext
        if action is ActionKind.CANCEL_ORDER:
            why = say("Before I cancel anything, I need to make sure that the order is yours.")
        elif action is ActionKind.RETURN_APPLY:
            why = say("Before I start a return, I need to make sure that the order is yours.")
        else:
            why = say("Before I talk about an order, I need to make sure that it is yours.")
        return f"{why}\n\n{self._how(language, can_share)}"

    def _how(self, language: str, can_share: bool) -> str:
        say = self.catalogue_for(language).gettext
        if can_share:
            return say(
                "Please press the button to share your phone number. Or write me the order number together with the "
                "order's e-mail address or the last four digits of its phone number."
            )
        return say(
            "Please write me the order number together with the order's e-mail address or the last four digits of "
            "its phone number."
        )

    def contact_button(self, language: str) -> str:
        """Return the label of the button that shares the phone number."""
        return self.catalogue_for(language).gettext("📱 Share my phone number")

    # --- what came of it ---

    def verified(self, language: str, scope: Scope) -> str:
        """Thank for the proof, and say what follows from it, for how long, and how to end it."""
        words = self.catalogue_for(language)
        if shown := quoted(words, scope.name, NAME_CHARS):
            thanks = words.gettext("Thank you, %(name)s! Your details match. ✅") % {"name": shown}
            orders = words.gettext("From now on I show you the orders of %(name)s.") % {"name": shown}
        else:
            thanks = words.gettext("Thank you! Your details match. ✅")
            orders = words.gettext("From now on I show you the orders of this customer account.")
        return f"{thanks}\n{orders} {self._until(language, scope)}"

    def contact_not_yours(self, language: str) -> str:
        """Refuse another person's contact."""
        return self.catalogue_for(language).gettext(
            "This contact is not your own. Please press the button to share your own number, or write me the order "
            "number together with its e-mail address or the last four digits of its phone number."
        )

    def contact_unknown(self, language: str) -> str:
        """Say that this phone number belongs to no customer."""
        return self.catalogue_for(language).gettext(
            "I could not find any orders for this phone number. Could you write me an order number together with its "
            "e-mail address or the last four digits of its phone number? With /human I bring in a person."
        )

    def credentials_wrong(self, language: str, tries_left: int) -> str:
        """Say that number and proof do not belong together, and how often may still be tried."""
        words = self.catalogue_for(language)
        wrong = words.gettext("I am sorry, these details do not match any order.")
        if tries_left <= 0:
            left = words.gettext("That was the last try for now. With /human I bring in a person from our team.")
        else:
            left = words.ngettext(
                "Please check them and write them again; you have %(count)s more try.",
                "Please check them and write them again; you have %(count)s more tries.",
                tries_left,
            ) % {"count": tries_left}
        return f"{wrong}\n{left}"

    def too_many_tries(self, language: str) -> str:
        """Say that guessing ends here and a person takes over."""
        return self.catalogue_for(language).gettext(
            "The details did not match several times, so I am stopping here to protect your orders. "
            "I am passing this on to a person from our team, who will answer you here."
        )

    def link_refused(self, language: str, scope: Scope | None, *, can_share: bool = True) -> str:
        """Refuse a link, in the same words for every reason, and say what works instead."""
        refused = self.catalogue_for(language).gettext("I am sorry, this link does not work, or no longer does.")
        instead = self.who(language, scope) if scope else self._how(language, can_share)
        return f"{refused}\n\n{instead}"

    # --- showing and ending it ---

    def who(self, language: str, scope: Scope | None) -> str:
        """Say whose orders are shown, what that rests on, until when, and how to end it."""
        words = self.catalogue_for(language)
        if scope is None:
            return words.gettext("I do not know yet who you are, and show you no orders.")
        if shown := quoted(words, scope.name, NAME_CHARS):
            orders = words.gettext("I show you the orders of %(name)s.") % {"name": shown}
        else:
            orders = words.gettext("I show you the orders of one customer account.")
        shown_on = words.isolate(words.date(scope.proof.at, self.timezone))
        told = {"how": self._proof(language, scope.proof.kind), "date": shown_on}
        proof = words.gettext("You showed who you are with: %(how)s (%(date)s).") % told
        return f"{orders}\n{proof}\n{self._until(language, scope)}"

    def unlinked(self, language: str) -> str:
        """Say that no orders are shown any more."""
        return self.catalogue_for(language).gettext(
            "I no longer show you any orders. To see them again, show me once more who you are."
        )

    def _until(self, language: str, scope: Scope) -> str:
        words = self.catalogue_for(language)
        if scope.proof.expires is None:
            return words.gettext("With /unlink you end that.")
        until = words.isolate(words.date(scope.proof.expires, self.timezone))
        return words.gettext("That holds until %(date)s; with /unlink you end it sooner.") % {"date": until}

    def _proof(self, language: str, kind: ProofKind) -> str:
        say = self.catalogue_for(language).gettext
        return {
            ProofKind.CONTACT: say("your phone number"),
            ProofKind.ORDER_EMAIL: say("an order number and its e-mail address"),
            ProofKind.ORDER_PHONE: say("an order number and its phone number"),
            ProofKind.LINK: say("a link from our mail"),
            ProofKind.EARLIER: say("an earlier proof"),
        }[kind]
