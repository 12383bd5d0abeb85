"""A link out of the shop's mails, opened: whose order it names, if it is right, still good, and nobody else's.

It was signed by the shop for one customer, and belongs to whoever opens it first: forwarded after that, it is refused.
Why one is refused is for the log alone; whoever opened it reads the same words for every reason.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.conversation.draft import Draft
from bot.domain.journal import LinkStore
from bot.domain.links import LinkSigner
from bot.domain.ports import Desk, Identity

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Links:
    """Opens links."""

    desk: Desk
    store: LinkStore

    async def opened(self, draft: Draft, payload: str) -> tuple[Identity, str] | None:
        """Return the link's customer and order number; None where it is refused.

        Raises:
            OrderSystemError: it cannot be told whose order it is; the link stays good for whoever has opened it.
        """
        found = await self._opened(draft, payload)
        if isinstance(found, str):
            log.info("link.refused", extra={"thread_id": draft.thread.id, "reason": found})
            return None
        return found

    async def _opened(self, draft: Draft, payload: str) -> tuple[Identity, str] | str:
        """Return the same, or why it is refused."""
        secret = await self.store.secret()
        signer = LinkSigner(secret) if secret else None
        link = signer.read(payload) if signer else None
        if signer is None or link is None:
            return "forged"
        if draft.now >= link.expires:
            return "expired"
        number = await self.store.claim(link, draft.thread.id)
        if number is None:
            return "opened by another"
        # The order may be gone, or be another customer's by now.
        with draft.stage("orders"):
            identity = await self.desk.customer_of(number)
        if identity is None or not signer.names(link, identity[0]):
            return "of no such customer"
        return identity, number
