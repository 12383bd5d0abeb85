"""What is said where nothing is to be done: an answer in the shop's or a model's words, a greeting, a question."""

from __future__ import annotations

from dataclasses import dataclass

from bot.conversation.draft import Draft
from bot.conversation.replies import Replies
from bot.conversation.understanding import APOLOGY, nobody_could
from bot.domain.actions import Action
from bot.domain.language import LexiconBook
from bot.domain.model import Button, ButtonKind


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """Answers a message that asks for no errand."""

    replies: Replies
    book: LexiconBook

    def answer(self, draft: Draft, action: Action) -> None:
        """Say the FAQ's or the model's words; without any, greet back, ask what is meant or apologise."""
        draft.decision = "say"
        if action.message:
            draft.say(action.message)
        elif greeted := self.book.greets(draft.heard, draft.thread.language):
            draft.decision = "greet"
            draft.say((self.replies.greeting if greeted == "hello" else self.replies.thanks)(draft.language))
        elif draft.lapsed:
            draft.decision = "expired"
            draft.say(self.replies.confirmation_expired(draft.language))
        elif draft.tier == APOLOGY and nobody_could(draft.passed):
            draft.decision = "apologise"
            draft.say(self.replies.apology(draft.language), self._human_row(draft))
        else:
            draft.decision = "clarify"
            draft.say(self.replies.clarify(draft.language), self._human_row(draft))

    def _human_row(self, draft: Draft) -> tuple[Button, ...]:
        return (draft.button(self.replies.handoff_button(draft.language), ButtonKind.HUMAN, "human"),)
