"""What admins are asked, each with buttons of their own, in English: may this be done? Was it done?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.conversation.draft import ADMIN_TOKEN, Draft, new_token
from bot.conversation.ledger_text import described
from bot.conversation.replies import Replies
from bot.conversation.text import one_line
from bot.domain.journal import Post
from bot.domain.model import Button, ButtonKind, LedgerEntry, LedgerState, Order

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class People:
    """Asks the admins; the first one who presses has decided."""

    post: Post
    replies: Replies
    approval_lives: timedelta = timedelta(hours=24)

    def ask_approval(self, draft: Draft, entry: LedgerEntry, order: Order) -> None:
        """Ask whether a write that the customer has confirmed may be done, with the facts of the order."""
        self._ask_approval(draft, entry, self.replies.order_card(ENGLISH, order))

    def ask_again(self, draft: Draft, entry: LedgerEntry, why: str) -> None:
        """Ask the same again, because what was decided could not be done, and nothing was."""
        self._ask_approval(draft, entry, f"{why}. Nothing was done; please decide again later.")

    def _ask_approval(self, draft: Draft, entry: LedgerEntry, facts: str) -> None:
        since = entry.entered.get(LedgerState.CONFIRMED, draft.now)
        until = since + self.approval_lives
        lines = [
            f"🔐 Please decide: {described(entry)}",
            _who(draft),
            "",
            facts,
            "",
            f"The customer was told that a person decides. Without a decision it lapses on {until:%d %b %H:%M} UTC.",
        ]
        kinds = (("✅ Approve", ButtonKind.APPROVE), ("❌ Refuse", ButtonKind.REFUSE))
        self._ask(draft, entry, "\n".join(lines), kinds, until)

    def show_reason(self, draft: Draft, entry: LedgerEntry) -> None:
        """Show the admins what a customer has written or sent about the reason of a write."""
        self.tell(draft, f"📝 {described(entry)}" + (f"\n“{one_line(entry.note, 500)}”" if entry.note else ""))
        if entry.photo:
            draft.calls += self.post.show(draft.thread, entry.photo)

    def ask_outcome(self, draft: Draft, entry: LedgerEntry) -> None:
        """Ask what became of a write of which the order system gave no clear answer."""
        text = "\n".join(
            [
                f"⚠️ Please check order {entry.order_number} in the order system: {described(entry)}",
                _who(draft),
                f"No clear answer came, and nothing was repeated. {entry.detail}",
                "",
                "What you press is told to the customer.",
            ]
        )
        kinds = (("It was done", ButtonKind.WAS_DONE), ("It was not done", ButtonKind.WAS_NOT_DONE))
        self._ask(draft, entry, text, kinds, None)

    def tell(self, draft: Draft, text: str) -> None:
        """Tell every admin what was decided, and what came of it."""
        draft.calls += self.post.note(draft.thread, f"{text}\n{_who(draft)}")

    def _ask(
        self,
        draft: Draft,
        entry: LedgerEntry,
        text: str,
        kinds: tuple[tuple[str, ButtonKind], ...],
        until: datetime | None,
    ) -> None:
        """Each question is a group of its own, so that its buttons end together, in every admin's chat."""
        group = new_token()
        rows = [
            [
                Button(label, ADMIN_TOKEN + new_token(), kind, group, entry.key, entry.action, until, admin)
                for admin in self.post.admins
            ]
            for label, kind in kinds
        ]
        draft.buttons += [button for row in rows for button in row]
        draft.calls += self.post.ask(draft.thread, text, rows)


def _who(draft: Draft) -> str:
    return f"#{draft.thread.id} {one_line(draft.thread.name, 60) or 'customer'} · {draft.language}"
