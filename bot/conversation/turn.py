"""One customer message in, replies out: open, route, close.

open ─▶ a person's thread, or paused? ─▶ only pass it on
     ─▶ command · button · contact · picture ─▶ its own short way
     ─▶ text ─▶ the open question, if it answers one ─▶ else understand ─▶ errand (verify, policy, desk) or inquiry
     ─▶ close: everything in one commit
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.conversation.commands import Commands
from bot.conversation.confirmation import Confirmation
from bot.conversation.crash_points import Reached, close, go_on
from bot.conversation.draft import NOBODY, Draft, Listener
from bot.conversation.errand import Errand
from bot.conversation.flow_answers import FlowAnswers
from bot.conversation.handoff import Handoff, handed_back, owned_by_person
from bot.conversation.inquiry import Inquiry
from bot.conversation.replies import Replies
from bot.conversation.small_talk import SmallTalk
from bot.conversation.summary import folded
from bot.conversation.text import clean, excerpt, heard
from bot.conversation.understanding import Understanding
from bot.conversation.verification import Verification
from bot.domain.actions import Action, ActionKind
from bot.domain.flow import is_open
from bot.domain.journal import Post, TurnRecord, TurnStore
from bot.domain.language import LexiconBook
from bot.domain.model import ButtonKind, Channel, Dialogue, Incoming, IncomingKind, Query, ThreadStatus, Waiting
from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import Clock, Monitor
from bot.errors import OrderSystemError

QUESTION_LIVES = timedelta(minutes=30)
_WISHES = ("cancel", "cancelled", "keep", "return", "returned", "refund", "exchange", "change", "human", "person")


class Switch:
    """The bot's pause, set by an admin."""

    def __init__(self, paused: bool = False) -> None:
        self.paused = paused


@dataclass(frozen=True, slots=True)
class Turn:
    """Runs turns; holds no state of its own, so that any number can run side by side."""

    store: TurnStore
    post: Post
    clock: Clock
    monitor: Monitor
    understanding: Understanding
    book: LexiconBook
    numbers: OrderNumbers
    replies: Replies
    verification: Verification
    confirmation: Confirmation
    errand: Errand
    inquiry: Inquiry
    answers: FlowAnswers
    small_talk: SmallTalk
    handoff: Handoff
    commands: Commands
    switch: Switch
    best_language: Callable[[str | None], str]
    facts: str = ""
    note: Callable[[int, Mapping[str, float]], None] = lambda _inbox_id, _stages: None
    reached: Reached = go_on

    async def run(self, incoming: Incoming, inbox_id: int, listener: Listener = NOBODY) -> TurnRecord:
        """Run one turn and return what it left behind, which is then on the disk."""
        started = time.perf_counter()
        opened = await self.store.open(incoming)
        draft = Draft.start(incoming, inbox_id, opened, self.clock.now(), listener)
        draft.timed("open", started)
        draft.heard = heard(incoming)
        self._expire(draft)
        self._choose_language(draft)
        if owned_by_person(draft.thread, draft.now):
            self._silent(draft)
        elif self.switch.paused:
            self._away(draft)
        else:
            await self._answer(draft)
        draft.thread = folded(draft.thread, draft.history, self.numbers.find)
        with draft.stage("reply"):
            record = draft.record(self.post)
        with draft.stage("store"):
            await close(self.store, record, self.reached)
        draft.timed("total", started)
        self._observe(draft)
        self.note(inbox_id, draft.stages)
        return replace(record, trace=replace(record.trace, stages=dict(draft.stages)))

    # --- before the answer ---

    def _expire(self, draft: Draft) -> None:
        """Forget an old open question, a takeover whose time is over, and a proof that counts no longer."""
        since = draft.thread.dialogue.since
        if since is not None and draft.now - since > QUESTION_LIVES:
            draft.lapsed = is_open(draft.thread.dialogue)
            draft.thread = replace(draft.thread, dialogue=Dialogue())
        if draft.thread.status is ThreadStatus.OPEN and not owned_by_person(draft.thread, draft.now):
            draft.thread = handed_back(draft.thread)
        if draft.thread.scope is not None and not draft.thread.scope.holds(draft.now):
            draft.thread = replace(draft.thread, scope=None)

    def _choose_language(self, draft: Draft) -> None:
        """Answer in the language of the message; where it does not tell, in the thread's; at first in the phone's.

        A REST caller who names a language gets that one.
        """
        thread = draft.thread
        if not thread.language_fixed:
            spoken = draft.heard if draft.incoming.kind in (IncomingKind.TEXT, IncomingKind.MEDIA) else ""
            # A yes or no to the bot's question is in the question's language, if it is one there: "no, don't".
            answers = thread.dialogue.waiting is not Waiting.NOTHING and self._consent(draft) is not None
            found = self.book.detect(spoken) if spoken and not (answers and thread.language) else None
            asked = draft.incoming.language_hint if thread.key.channel is Channel.REST else None
            language = asked or found or thread.language or draft.incoming.language_hint
            thread = replace(thread, language=language)
        draft.thread = thread
        draft.language = self.best_language(thread.language)

    def _silent(self, draft: Draft) -> None:
        """A person has this thread: pass the message on and say nothing."""
        if draft.incoming.kind is IncomingKind.BUTTON:
            draft.toast = self.replies.still_with_human(draft.language)
        self.handoff.relay(draft)
        if draft.thread.key.channel is Channel.REST:
            # A chat can stay silent, an answer to a request cannot.
            draft.say(self.replies.still_with_human(draft.language))

    def _away(self, draft: Draft) -> None:
        """The bot is paused: say so once, keep the message, pass it on."""
        self.handoff.relay(draft)
        draft.tier = "paused"
        if not draft.thread.away_told:
            draft.thread = replace(draft.thread, away_told=True)
            draft.say(self.replies.away(draft.language))

    # --- the answer ---

    async def _answer(self, draft: Draft) -> None:
        draft.thread = replace(draft.thread, status=ThreadStatus.PENDING, away_told=False)
        try:
            match draft.incoming.kind:
                case IncomingKind.TEXT:
                    await self._text(draft)
                case IncomingKind.COMMAND:
                    await self.commands.run(draft)
                case IncomingKind.BUTTON:
                    await self._button(draft)
                case IncomingKind.CONTACT:
                    await self._contact(draft)
                case IncomingKind.MEDIA:
                    await self._media(draft)
                case IncomingKind.EDITED:
                    draft.tier, draft.decision = "fixed", "edited"
                    draft.say(self.replies.edited(draft.language))
                case IncomingKind.IGNORED:
                    draft.tier, draft.decision = "fixed", "unsupported"
                    draft.say(self.replies.unsupported(draft.language))
        except OrderSystemError as error:
            self.errand.failed(draft, error)

    async def _text(self, draft: Draft) -> None:
        if not draft.heard:
            draft.tier, draft.decision = "fixed", "empty"
            draft.say(self.replies.empty(draft.language))
        elif not await self._answers_open_question(draft):
            await self._understand(draft)

    async def _answers_open_question(self, draft: Draft) -> bool:
        """In a known state of the dialogue the state decides first."""
        dialogue = draft.thread.dialogue
        match dialogue.waiting:
            case Waiting.CONFIRMATION if dialogue.key and (yes := self._consent(draft)) is not None:
                draft.tier = "dialogue"
                await (self.confirmation.confirm if yes else self.confirmation.decline)(draft, dialogue.key)
                return True
            case Waiting.VERIFICATION if given := self.verification.read(draft.heard, dialogue.order_id):
                draft.tier = "dialogue"
                if await self.verification.by_credentials(draft, given):
                    await self.errand.resume(draft, dialogue, None if dialogue.latest else given.number)
                return True
            case Waiting.ORDER_NUMBER if dialogue.action and (number := self._only_a_number(draft)):
                draft.tier = "dialogue"
                await self.errand.run(draft, Action(dialogue.action, number))
                return True
            case Waiting.NOTHING if self._consent(draft):
                # A yes said twice must not be read as the last wish anew, and the third one as the yes to that.
                draft.tier = "dialogue"
                self.small_talk.answer(draft, Action(ActionKind.UNKNOWN))
                return True
            case Waiting.MEANING:
                return await self.inquiry.answered(draft, dialogue, self._consent(draft), self._only_a_number(draft))
        return await self.answers.text(draft, self._consent(draft), self._only_a_number(draft))

    def _consent(self, draft: Draft) -> bool | None:
        return self.book.consent(draft.heard, draft.thread.language)

    def _only_a_number(self, draft: Draft) -> str | None:
        """Return the order number of a message that holds little else, and above all no new wish ("cancel ORD…")."""
        text, found = draft.heard, self.numbers.find(draft.heard)
        if len(found) != 1 or len(text) > len(found[0]) + 24:
            return None
        wishes = self.book.read(text, self.book.likely(text, draft.thread.language)).has(*_WISHES)
        return None if wishes else found[0]

    async def _understand(self, draft: Draft) -> None:
        query = Query(
            text=excerpt(draft.heard),
            language=draft.language,
            history=draft.history,
            summary=draft.thread.summary,
            candidates=self.numbers.candidates(draft.heard, draft.remembered()),
            facts=self.facts,
            thread=str(draft.thread.key),
            tell=draft.listener.text,
        )
        with draft.stage("understand"):
            found = await self.understanding.understand(query)
        draft.tier, draft.raw, draft.passed, draft.action = found.tier, found.raw, found.passed, found.action
        latest, dialogue = self.book.means_latest(draft.heard), draft.thread.dialogue
        if await self.answers.took(draft, found, latest=latest):
            return
        if found.suspected:
            await self.inquiry.ask(draft, found, latest=latest)
        elif found.action.kind is ActionKind.UNKNOWN:
            self.small_talk.answer(draft, found.action)
        else:
            await self.errand.run(draft, found.action, latest=latest)
        await self.answers.ask_again(draft, dialogue)

    async def _button(self, draft: Draft) -> None:
        button = await self.store.press(draft.incoming.token, draft.thread.id, draft.inbox_id, draft.now)
        draft.tier = "button"
        if button is None:
            draft.decision, draft.toast = "stale", self.replies.stale_button(draft.language)
            return
        draft.heard = f"[{button.label}]"
        match button.kind:
            case ButtonKind.CONFIRM:
                await self.confirmation.confirm(draft, button.data)
            case ButtonKind.DECLINE:
                await self.confirmation.decline(draft, button.data)
            case ButtonKind.CHOOSE_ORDER if button.action:
                await self.errand.run(draft, Action(button.action, button.data))
            case ButtonKind.CHOOSE_ACTION | ButtonKind.NOT_MEANT if button.action:
                await self.inquiry.pressed(draft, button, button.action)
            case ButtonKind.ANSWER:
                await self.answers.pressed(draft, button)
            case ButtonKind.LANGUAGE:
                self.commands.set_language(draft, button.data)
            case _:
                await self.errand.run(draft, Action(ActionKind.HANDOFF))

    async def _contact(self, draft: Draft) -> None:
        draft.tier = "contact"
        dialogue = draft.thread.dialogue
        if draft.incoming.contact and await self.verification.by_contact(draft, draft.incoming.contact):
            await self.errand.resume(draft, dialogue)

    async def _media(self, draft: Draft) -> None:
        """A photo may be what was asked for; a caption is a message; a picture alone gets an honest answer."""
        if await self.answers.photo(draft):
            return
        caption = clean(draft.incoming.text)
        if caption:
            draft.heard = caption
            await self._text(draft)
            draft.heard = heard(draft.incoming)
        else:
            draft.tier, draft.decision = "fixed", "media"
            draft.say(self.replies.media_received(draft.language, draft.incoming.media))

    def _observe(self, draft: Draft) -> None:
        for stage, seconds in draft.stages.items():
            self.monitor.stage(draft.tier, stage, seconds)
        if draft.action:
            self.monitor.action(draft.action.kind.value, draft.tier)
