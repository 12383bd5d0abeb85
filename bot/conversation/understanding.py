"""The tiers, in order: each answers, or passes on with a recorded reason."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import prod

from bot.conversation.prompt import PromptBuilder
from bot.conversation.suspicion import suspecting
from bot.domain.actions import (
    Action,
    ActionKind,
    Written,
    action_schema,
    begun_message,
    branching_schema,
    parse_action,
)
from bot.domain.model import Passed, Query, Understood
from bot.domain.ports import Completion, LanguageModel, Monitor, Tier
from bot.errors import PassReason, TierPassed

log = logging.getLogger(__name__)
APOLOGY = "apology"
CLEAR, AGREED, LIKELY = 0.6, 0.8, 0.35
"""From which confidence an opinion is not overruled, counts as a second voice for a write, and is worth acting on where
that changes nothing. Chosen on phrases that the models did not learn from."""

VOICES = (0.9, 0.25)
"""How much the first and the second weighing tier's view counts. On phrases held back (0.7, 0.6) is best; of other
writers' messages the embedded model understands less, so it is listened to less."""

_NEVER = 1e-4


@dataclass(frozen=True, slots=True)
class ModelTier:
    """A language model as a tier: it writes one action to the schema, and the domain's own parser has the last word."""

    model: LanguageModel
    prompts: PromptBuilder

    @property
    def name(self) -> str:
        """The tier's name in the config."""
        return self.model.name

    @property
    def kind(self) -> str:
        """The tier's kind in the config."""
        return self.model.kind

    async def prepare(self, facts: str) -> None:
        """Let the model read what all its prompts begin with, before anybody waits for it.

        Raises:
            TierPassed: from the model.
        """
        await self.model.prepare(self.prompts.system(facts))

    async def understand(self, query: Query) -> Understood:
        """Ask the model.

        Raises:
            TierPassed: from the model, or INVALID when its output is no lawful action.
        """
        prompt = await self.prompts.build(query, self.model.count_tokens, self.model.context_tokens)
        schema = branching_schema if self.model.takes_branches else action_schema
        tell = _told(query.tell) if query.tell else None
        raw = await self.model.complete(Completion(prompt, schema(query.candidates), thread=query.thread, tell=tell))
        confidence = raw.confidence if isinstance(raw, Written) else 1.0
        try:
            return Understood(parse_action(raw, query.candidates), self.name, str(raw), confidence=confidence)
        except ValueError as error:
            raise TierPassed(PassReason.INVALID, str(error)) from None


def _told(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Return what takes an action that is being written, and passes on its message."""
    return lambda raw: tell(message) if (message := begun_message(raw)) else None


@dataclass(frozen=True, slots=True)
class TimedTier:
    """A tier, how many seconds it may take, and by action how sure it must be for its answer to stand alone."""

    tier: Tier
    timeout_s: float
    minimum: Mapping[ActionKind, float] = field(default_factory=dict)


class Understanding:
    """Asks the tiers in order until one answers; when none does, the answer is an apology.

    What a tier says but is not sure enough of is its opinion. The next tier that weighs the actions is weighed together
    with it; one that only says an action is held against it: a write needs one that agrees, or the bot asks. What
    nobody was sure of, but may well be a write, is suspected.
    """

    def __init__(self, tiers: Sequence[TimedTier], monitor: Monitor) -> None:
        self.tiers = tuple(tiers)
        self._monitor = monitor

    async def prepare(self, facts: str) -> None:
        """Get ready the tiers that would let their first customer wait; one that cannot says so when it is asked."""
        for timed in self.tiers:
            if isinstance(timed.tier, ModelTier):
                with suppress(TierPassed):
                    await timed.tier.prepare(facts)

    async def understand(self, query: Query) -> Understood:
        """Return what the first able tier understood, and why those before it did not."""
        passed: list[Passed] = []
        voices: list[Understood] = []
        opinion: Understood | None = None
        for timed in self.tiers:
            started = time.perf_counter()
            try:
                async with asyncio.timeout(timed.timeout_s):
                    understood = pooled(opinion, await timed.tier.understand(query))
                if not (doubt := doubted(understood, opinion, timed.minimum)):
                    found = replace(understood, action=about(understood, opinion), passed=tuple(passed))
                    return suspecting(found, voices)
                passed.append(self._passed(timed, PassReason.UNSURE, started, doubt))
                voices.append(understood)
                opinion = understood if opinion is None or understood.likely else opinion
            except TierPassed as reason:
                passed.append(self._passed(timed, reason.reason, started, reason.detail))
            except TimeoutError:
                passed.append(self._passed(timed, PassReason.SLOW, started, f"over {timed.timeout_s:g} s"))
            except Exception as error:  # (a tier's edge: whatever breaks in a model, the next tier serves)
                log.exception("tier.broken", extra={"tier": timed.tier.name})
                passed.append(self._passed(timed, PassReason.BROKEN, started, type(error).__name__))
        return suspecting(settled(opinion, passed), voices)

    def _passed(self, timed: TimedTier, reason: PassReason, started: float, detail: str) -> Passed:
        self._monitor.fallback(timed.tier.name, reason.value)
        return Passed(timed.tier.name, reason.value, time.perf_counter() - started, detail)


def pooled(opinion: Understood | None, understood: Understood) -> Understood:
    """Weigh two tiers' views together, where both weigh the actions: the product of their probabilities' powers."""
    if opinion is None or not (opinion.likely and understood.likely):
        return understood
    views = tuple(zip((opinion.likely, understood.likely), VOICES, strict=True))
    together = {kind: prod(max(likely[kind], _NEVER) ** voice for likely, voice in views) for kind in understood.likely}
    whole = sum(together.values())
    likely = {kind: value / whole for kind, value in together.items()}
    best = max(likely, key=likely.__getitem__)
    # Which order is meant hangs on what is wanted; both found it in the same way.
    action = next((one.action for one in (understood, opinion) if one.action.kind is best), None)
    action = action or replace(understood.action, kind=best)
    return replace(understood, action=action, confidence=likely[best], likely=likely)


def about(understood: Understood, opinion: Understood | None) -> Action:
    """Return the action with its order; one that only the earlier opinion saw is kept, as it stands in the thread."""
    if understood.action.order_id is not None or opinion is None:
        return understood.action
    return replace(understood.action, order_id=opinion.action.order_id)


def doubted(understood: Understood, opinion: Understood | None, minimum: Mapping[ActionKind, float]) -> str:
    """Return why an answer does not stand, as the trace shows it; "" for one that does."""
    kind = understood.action.kind
    if understood.confidence < minimum.get(kind, 0.0):
        return f"{kind.value} {understood.confidence:.2f}"
    if opinion is None or understood.likely or stands(kind, opinion):
        return ""
    if kind is opinion.action.kind:
        return f"{kind.value}, but {opinion.tier} is only {opinion.confidence:.2f} sure"
    return f"{kind.value}, against {opinion.action.kind.value} of {opinion.tier}"


def stands(kind: ActionKind, opinion: Understood) -> bool:
    """Whether a tier's answer stands beside the opinion of an earlier one, which was not sure enough to answer.

    A write stands only where both agree, and the opinion is more than a guess; a question about an order does not stand
    where the opinion is that it is a write (of 36 such phrases held back 21 were one, and 5 the question); nothing
    stands against a clear opinion that nothing is asked for.
    """
    if kind is opinion.action.kind:
        return not kind.is_write or opinion.confidence >= AGREED
    if kind.concerns_order and (kind.is_write or opinion.action.kind.is_write):
        return False
    clearly_nothing = opinion.action.kind is ActionKind.UNKNOWN and opinion.confidence >= CLEAR
    return kind is ActionKind.UNKNOWN or not clearly_nothing


def settled(opinion: Understood | None, passed: Sequence[Passed]) -> Understood:
    """Return what is made of a message that no tier was sure of: a likely question is answered, a write is asked about.

    Without an opinion it is an apology.
    """
    if opinion is None:
        return Understood(Action(ActionKind.UNKNOWN), APOLOGY, confidence=0.0, passed=tuple(passed))
    if opinion.action.kind.is_write or opinion.confidence < LIKELY:
        opinion = replace(opinion, action=Action(ActionKind.UNKNOWN, opinion.action.order_id))
    return replace(opinion, passed=tuple(passed))


def nobody_could(passed: Sequence[Passed]) -> bool:
    """Whether every tier failed, rather than looked and found nothing."""
    looked = {PassReason.NO_MATCH, PassReason.UNSURE}
    return not any(one.reason in looked for one in passed if one.tier != "faq")
