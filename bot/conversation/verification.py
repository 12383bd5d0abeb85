"""Who is this? The one place where a customer's scope is won: a shared contact, or an order number with a secret.

The secret is the order's e-mail address or the last four digits of its phone. Tries are limited for the thread and
for the order number, whoever tries.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.conversation.draft import Draft
from bot.conversation.handoff import Handoff
from bot.conversation.replies import Replies
from bot.domain.actions import ActionKind
from bot.domain.journal import TurnStore
from bot.domain.model import Channel, Contact, Proof, ProofKind, Scope, Waiting
from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import Desk, Identity
from bot.domain.text import plain

# Most addresses are ASCII, and end where other letters begin: some scripts put no space around them.
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_FOREIGN_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"']{1,64}@[^\s@<>()\[\],;:\"']{1,250}\.[^\W\d_]{2,24}")
_FOUR_DIGITS = re.compile(r"(?<![\d+])\d{4}(?!\d)")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An order number and what proves it: exactly one of the two secrets."""

    number: str
    email: str | None = None
    phone_last4: str | None = None


@dataclass(frozen=True, slots=True)
class TryLimits:
    """How often a wrong answer may be given within a window."""

    per_thread: int = 5
    per_order: int = 10
    window: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Verification:
    """Wins scopes, counts tries, and hands over to a person when they are used up."""

    desk: Desk
    store: TurnStore
    replies: Replies
    handoff: Handoff
    numbers: OrderNumbers
    to_e164: Callable[[str], str | None]
    limits: TryLimits = TryLimits()

    def ask(self, draft: Draft, action: ActionKind | None, order_id: str | None, *, latest: bool = False) -> None:
        """Ask for the contact or for the credentials, and remember what for."""
        draft.decision = "verify"
        draft.wait_for(Waiting.VERIFICATION, action, order_id, latest=latest)
        can_share = draft.thread.key.channel is Channel.TELEGRAM
        text = self.replies.ask_verification(draft.language, action, can_share=can_share)
        draft.say(text, contact_button=self._share(draft))

    def read(self, text: str, order_id: str | None) -> Credentials | None:
        """Find credentials in a message; the order number may have been given before."""
        text = plain(text)
        number = next(iter(self.numbers.find(text)), None) or order_id
        if number is None:
            return None
        if email := _EMAIL.search(text) or _FOREIGN_EMAIL.search(text):
            return Credentials(number, email=email.group().casefold())
        digits = _FOUR_DIGITS.findall(_without(text, number))
        return Credentials(number, phone_last4=digits[-1]) if digits else None

    async def by_contact(self, draft: Draft, contact: Contact) -> bool:
        """Verify by a shared contact; only the sender's own counts."""
        if not contact.own:
            draft.decision = "contact_not_yours"
            draft.say(self.replies.contact_not_yours(draft.language), contact_button=self._share(draft))
            return False
        if await self._used_up(draft, ""):
            return False
        phone = self.to_e164(contact.phone)
        with draft.stage("orders"):
            identity = await self.desk.identify_by_phone(phone) if phone else None
        if identity is None:
            draft.decision, draft.failed_try = "contact_unknown", ""
            draft.say(self.replies.contact_unknown(draft.language))
            return False
        return self._bind(draft, identity, ProofKind.CONTACT)

    async def by_credentials(self, draft: Draft, given: Credentials) -> bool:
        """Verify by an order number with its e-mail or the last four digits of its phone."""
        if await self._used_up(draft, given.number):
            return False
        with draft.stage("orders"):
            identity = await self.desk.identify_by_order(given.number, email=given.email, phone_last4=given.phone_last4)
        if identity is None:
            mine, _ = await self._tries(draft, given.number)
            draft.decision, draft.failed_try = "credentials_wrong", self._plain(given.number)
            left = max(0, self.limits.per_thread - mine - 1)
            draft.say(self.replies.credentials_wrong(draft.language, left), contact_button=self._share(draft))
            return False
        return self._bind(draft, identity, ProofKind.ORDER_EMAIL if given.email else ProofKind.ORDER_PHONE)

    def _bind(self, draft: Draft, identity: Identity, kind: ProofKind) -> bool:
        scope = Scope(*identity, Proof(kind, draft.now, expires=None))
        draft.decision = "verified"
        draft.thread = replace(draft.thread, scope=scope)
        draft.say(self.replies.verified(draft.language, scope.name))
        draft.replies[-1] = replace(draft.replies[-1], drop_keyboard=True)
        return True

    async def _used_up(self, draft: Draft, number: str) -> bool:
        mine, theirs = await self._tries(draft, number)
        if mine < self.limits.per_thread and theirs < self.limits.per_order:
            return False
        draft.decision = "too_many_tries"
        self.handoff.start(draft, "too many wrong verifications", text=self.replies.too_many_tries(draft.language))
        return True

    async def _tries(self, draft: Draft, number: str) -> tuple[int, int]:
        return await self.store.tries(draft.thread.id, self._plain(number), draft.now - self.limits.window)

    def _share(self, draft: Draft) -> str:
        return self.replies.contact_button(draft.language)

    @staticmethod
    def _plain(number: str) -> str:
        return "".join(c for c in number.upper() if c.isalnum())


def _without(text: str, number: str) -> str:
    """Take the order number out of the text, in whatever spacing, so that its digits are not taken for the phone's."""
    spaced = r"[\s\-.]*".join(re.escape(c) for c in number if c.isalnum())
    return re.sub(spaced, " ", text, flags=re.IGNORECASE) if spaced else text
