"""What a customer can ask for with a slash, and in which language the bot answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.conversation.draft import Draft, new_token
from bot.conversation.errand import Errand
from bot.conversation.replies import Replies
from bot.conversation.verification import Verification
from bot.domain.actions import Action, ActionKind
from bot.domain.links import is_link
from bot.domain.model import ButtonKind, Dialogue, Waiting

COMMANDS = ("start", "help", "orders", "language", "human", "whoami", "unlink", "reset")


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs the customers' commands; one that is not known gets the help."""

    replies: Replies
    errand: Errand
    verification: Verification
    languages: Sequence[str]

    async def run(self, draft: Draft) -> None:
        """Run the command of the incoming message."""
        draft.tier, draft.decision = "command", draft.incoming.command
        match draft.incoming.command:
            case "start" if is_link(payload := draft.incoming.text.strip()):
                await self._link(draft, payload)
            case "start":
                draft.say(self.replies.welcome(draft.language, draft.thread.name))
            case "orders":
                await self.errand.run(draft, Action(ActionKind.QUERY_ORDER))
            case "language":
                self._language(draft)
            case "human":
                await self.errand.run(draft, Action(ActionKind.HANDOFF))
            case "reset":
                self._reset(draft)
            case "whoami":
                draft.say(self.replies.who(draft.language, draft.thread.scope))
            case "unlink" if draft.thread.scope is not None:
                await self.verification.unlink(draft)
            case "unlink":
                draft.say(self.replies.who(draft.language, None))
            case _:
                draft.say(self.replies.help(draft.language))

    async def _link(self, draft: Draft, payload: str) -> None:
        """Open a link of the shop's mail, and go on with what the customer was about, or with the order of the link."""
        if not draft.history:
            draft.say(self.replies.welcome(draft.language, draft.thread.name))
        dialogue = draft.thread.dialogue
        if number := await self.verification.by_link(draft, payload):
            if dialogue.waiting is not Waiting.VERIFICATION or dialogue.action is None:
                dialogue = Dialogue(action=ActionKind.QUERY_ORDER, order_id=number)
            await self.errand.resume(draft, dialogue)

    def set_language(self, draft: Draft, language: str) -> None:
        """Answer in this language from now on, whatever the customer writes in."""
        draft.tier, draft.decision = "command", "language"
        draft.thread = replace(draft.thread, language=language, language_fixed=True)
        draft.language = language
        draft.say(self.replies.language_set(language))

    def _language(self, draft: Draft) -> None:
        wanted = draft.incoming.text.strip().casefold()[:2]
        if wanted in self.languages:
            self.set_language(draft, wanted)
            return
        group = new_token()
        buttons = [
            draft.button(self.replies.language_name(code), ButtonKind.LANGUAGE, group, code) for code in self.languages
        ]
        rows = [tuple(buttons[i : i + 2]) for i in range(0, len(buttons), 2)]
        draft.say(self.replies.language_question(draft.language), *rows)

    def _reset(self, draft: Draft) -> None:
        """Start anew: what was said no longer counts; who the customer is stays known."""
        upto = max((message.id for message in draft.history), default=draft.thread.summary_upto)
        draft.thread = replace(draft.thread, dialogue=Dialogue(), summary="", summary_upto=upto)
        draft.say(self.replies.reset_done(draft.language))
