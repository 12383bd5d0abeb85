"""What each committed update becomes: a customer's turn, an admin's command, an operator's answer, or nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from telegram import Bot

from bot.conversation.draft import ADMIN_TOKEN
from bot.conversation.rulings import Rulings
from bot.conversation.worker import Worker
from bot.domain.journal import Inbox, InboxItem
from bot.domain.model import IncomingKind
from bot.telegram.admin import Admin
from bot.telegram.customer import Arrived, parse, sender_of
from bot.telegram.operators import Operators

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Intake:
    """Routes updates into the queues, in their order of arrival."""

    worker: Worker
    inbox: Inbox
    parser: Callable[[], Bot]
    admin: Admin
    operators: Operators
    rulings: Rulings
    admins: frozenset[int]

    def deliver(self, items: Sequence[InboxItem]) -> None:
        """Queue what the updates ask for; returns at once."""
        for item in items:
            self._route(item)

    def _route(self, item: InboxItem) -> None:
        try:
            arrived = parse(_load(item.payload), self.parser())
        except Exception as error:  # noqa: BLE001 (whatever a malformed update raises, it must not stop the next ones)
            self.worker.put_aside(item, error, sender_of(item.payload))
            return
        if arrived is None:
            log.info("update.ignored", extra={"inbox": item.id})
            self.worker.submit_job(("ignored", 0), item, _nothing)
        elif arrived.user_id in self.admins:
            self._from_admin(item, arrived)
        else:
            self.worker.submit(item, arrived.incoming)

    def _from_admin(self, item: InboxItem, arrived: Arrived) -> None:
        """An admin's commands and answers come first; all else they write is treated like a customer's."""
        incoming = arrived.incoming
        if incoming.kind is IncomingKind.COMMAND and self.admin.knows(incoming.command):

            async def command() -> None:
                await self.admin.run(arrived.user_id, incoming.command, incoming.text, item.id)

            self.worker.submit_job(("admin", arrived.user_id), item, command)
        elif arrived.reply_to is not None and incoming.kind in (IncomingKind.TEXT, IncomingKind.MEDIA):
            self.worker.submit_step(("admin", arrived.user_id), item, lambda: self._answer(item, arrived))
        elif incoming.kind is IncomingKind.BUTTON and incoming.token.startswith(ADMIN_TOKEN):
            self.worker.submit_step(("admin", arrived.user_id), item, lambda: self._ruling(item, arrived))
        else:
            self.worker.submit(item, incoming)

    async def _ruling(self, item: InboxItem, arrived: Arrived) -> None:
        """Run an admin's decision in the customer's own queue; a button that is not theirs is worth nothing."""
        incoming, admin = arrived.incoming, arrived.user_id
        key = await self.rulings.about(incoming.token, admin)
        if key is None:
            self.worker.submit(item, incoming)
            return
        self.worker.submit_step(key, item, lambda: self.rulings.pressed(key, incoming, admin, item.id))

    async def _answer(self, item: InboxItem, arrived: Arrived) -> None:
        """Run an answer in the customer's own queue, so that it never crosses with a turn there."""
        thread = await self.operators.thread_answered(arrived)
        if thread is None:
            self.worker.submit(item, arrived.incoming)
            return
        thread_id = thread.id
        self.worker.submit_job(thread.key, item, lambda: self.operators.answer(thread_id, arrived, item.id))


def _load(payload: str) -> dict[str, object]:
    data = json.loads(payload)
    if not isinstance(data, dict):
        raise TypeError("an update is a JSON object")
    return data


async def _nothing() -> None:
    """Some updates need no answer; they are only marked as done."""
