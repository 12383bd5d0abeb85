"""Who is this? The one place where a customer's scope is won: by a shared contact, an order number with a secret, or a
link in the shop's mail.

The secret is the order's e-mail address or the last four digits of its phone. Tries are limited for the thread and
for the order number, whoever tries, and counted before they are made. A link cannot be guessed, so it is no try.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.conversation.draft import Draft
from bot.conversation.handoff import Handoff
from bot.conversation.links import Links
from bot.conversation.replies import Replies
from bot.domain.actions import ActionKind
from bot.domain.journal import LedgerStore, Try, TryLimits, TurnStore
from bot.domain.model import Channel, Contact, Dialogue, LedgerState, Proof, ProofKind, Scope, Thread, Waiting
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
class Verification:
    """Wins scopes that last for `lasts` (None for ever), and hands over to a person when the tries are used up."""

    desk: Desk
    store: TurnStore
    ledger: LedgerStore
    replies: Replies
    handoff: Handoff
    numbers: OrderNumbers
    to_e164: Callable[[str], str | None]
    links: Links
    limits: TryLimits = field(default_factory=TryLimits)
    lasts: timedelta | None = None

    async def unlink(self, draft: Draft) -> None:
        """Forget who the customer is, and what they had been asked about their orders."""
        key, draft.decision = draft.thread.dialogue.key, "unlinked"
        proposed = await self.ledger.entry(key) if key else None
        if proposed is not None and proposed.state is LedgerState.PROPOSED:
            ended = replace(proposed, state=LedgerState.DECLINED, detail="the customer ended the verification")
            draft.ledger.append(ended)
        draft.thread = unbound(draft.thread)
        draft.say(self.replies.unlinked(draft.language))

    def ask(self, draft: Draft, action: ActionKind | None, order_id: str | None, *, latest: bool = False) -> None:
        """Ask for the contact or for the credentials, and remember what for."""
        draft.decision = "verify"
        draft.wait_for(Waiting.VERIFICATION, action, order_id, latest=latest)
        text = self.replies.ask_verification(draft.language, action, can_share=_can_share(draft))
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
        if await self._try(draft, "") is None:
            return False
        phone = self.to_e164(contact.phone)
        with draft.stage("orders"):
            identity = await self.desk.identify_by_phone(phone) if phone else None
        if identity is None:
            draft.decision, draft.forgiven = "contact_unknown", None
            draft.say(self.replies.contact_unknown(draft.language))
            return False
        return self._bind(draft, identity, ProofKind.CONTACT)

    async def by_credentials(self, draft: Draft, given: Credentials) -> bool:
        """Verify by an order number with its e-mail or the last four digits of its phone."""
        if (taken := await self._try(draft, given.number)) is None:
            return False
        with draft.stage("orders"):
            identity = await self.desk.identify_by_order(given.number, email=given.email, phone_last4=given.phone_last4)
        if identity is None:
            draft.decision, draft.forgiven = "credentials_wrong", None
            draft.say(self.replies.credentials_wrong(draft.language, taken.left), contact_button=self._share(draft))
            return False
        return self._bind(draft, identity, ProofKind.ORDER_EMAIL if given.email else ProofKind.ORDER_PHONE)

    async def by_link(self, draft: Draft, payload: str) -> str | None:
        """Verify by a link out of the shop's mail; return the number of the order it is about."""
        opened = await self.links.opened(draft, payload)
        if opened is None:
            scope, can_share = draft.thread.scope, _can_share(draft)
            draft.decision = "link_refused"
            text = self.replies.link_refused(draft.language, scope, can_share=can_share)
            draft.say(text, contact_button="" if scope else self._share(draft))
            if scope is None and draft.thread.dialogue.waiting is Waiting.NOTHING:
                draft.wait_for(Waiting.VERIFICATION, ActionKind.QUERY_ORDER)
            return None
        identity, number = opened
        self._bind(draft, identity, ProofKind.LINK)
        return number

    def _bind(self, draft: Draft, identity: Identity, kind: ProofKind) -> bool:
        expires = draft.now + self.lasts if self.lasts else None
        scope = Scope(*identity, Proof(kind, draft.now, expires))
        draft.decision = "verified"
        draft.thread = replace(draft.thread, scope=scope)
        draft.say(self.replies.verified(draft.language, scope))
        draft.replies[-1] = replace(draft.replies[-1], drop_keyboard=True)
        return True

    async def _try(self, draft: Draft, number: str) -> Try | None:
        """Count a try before it is made; it is forgiven unless it turns out to be wrong."""
        taken = await self.store.take_try(draft.thread.id, self._plain(number), draft.now, self.limits)
        if taken is None:
            draft.decision = "too_many_tries"
            self.handoff.start(draft, "too many wrong verifications", text=self.replies.too_many_tries(draft.language))
            return None
        draft.forgiven = taken.id
        return taken

    def _share(self, draft: Draft) -> str:
        return self.replies.contact_button(draft.language)

    @staticmethod
    def _plain(number: str) -> str:
        return "".join(c for c in number.upper() if c.isalnum())


def unbound(thread: Thread) -> Thread:
    """Return the thread as nobody's: no orders are shown in it, and what was asked about them is void."""
    return replace(thread, scope=None, dialogue=Dialogue())


def _can_share(draft: Draft) -> bool:
    return draft.thread.key.channel is Channel.TELEGRAM


def _without(text: str, number: str) -> str:
    """Take the order number out of the text, in whatever spacing, so that its digits are not taken for the phone's."""
    spaced = r"[\s\-.]*".join(re.escape(c) for c in number if c.isalnum())
    return re.sub(spaced, " ", text, flags=re.IGNORECASE) if spaced else text
