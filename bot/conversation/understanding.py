"""The tiers, in order: each answers, or passes on with a recorded reason."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.conversation.prompt import PromptBuilder
from bot.domain.actions import Action, ActionKind, action_schema, parse_action
from bot.domain.model import Passed, Query, Understood
from bot.domain.ports import Completion, LanguageModel, Monitor, Tier
from bot.errors import PassReason, TierPassed

log = logging.getLogger(__name__)
APOLOGY = "apology"


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

    async def understand(self, query: Query) -> Understood:
        """Ask the model.

        Raises:
            TierPassed: from the model, or INVALID when its output is no lawful action.
        """
        prompt = await self.prompts.build(query, self.model.count_tokens, self.model.context_tokens)
        raw = await self.model.complete(Completion(prompt, action_schema(query.candidates)))
        try:
            return Understood(parse_action(raw, query.candidates), self.name, raw)
        except ValueError as error:
            raise TierPassed(PassReason.INVALID, str(error)) from None


@dataclass(frozen=True, slots=True)
class TimedTier:
    """A tier and how many seconds it may take."""

    tier: Tier
    timeout_s: float


class Understanding:
    """Asks the tiers in order until one answers; when none does, the answer is an apology."""

    def __init__(self, tiers: Sequence[TimedTier], monitor: Monitor) -> None:
        self.tiers = tuple(tiers)
        self._monitor = monitor

    async def understand(self, query: Query) -> Understood:
        """Return what the first able tier understood, and why those before it did not."""
        passed: list[Passed] = []
        for timed in self.tiers:
            started = time.perf_counter()
            try:
                async with asyncio.timeout(timed.timeout_s):
                    understood = await timed.tier.understand(query)
                return replace(understood, passed=tuple(passed))
            except TierPassed as reason:
                passed.append(self._passed(timed, reason.reason, started, reason.detail))
            except TimeoutError:
                passed.append(self._passed(timed, PassReason.SLOW, started, f"over {timed.timeout_s:g} s"))
            except Exception as error:  # (a tier's edge: whatever breaks in a model, the next tier serves)
                log.exception("tier.broken", extra={"tier": timed.tier.name})
                passed.append(self._passed(timed, PassReason.BROKEN, started, type(error).__name__))
        return Understood(Action(ActionKind.UNKNOWN), APOLOGY, confidence=0.0, passed=tuple(passed))

    def _passed(self, timed: TimedTier, reason: PassReason, started: float, detail: str) -> Passed:
        self._monitor.fallback(timed.tier.name, reason.value)
        return Passed(timed.tier.name, reason.value, time.perf_counter() - started, detail)


def nobody_could(passed: Sequence[Passed]) -> bool:
    """Whether every tier failed, rather than looked and found nothing."""
    looked = {PassReason.NO_MATCH, PassReason.UNSURE}
    return not any(one.reason in looked for one in passed if one.tier != "faq")
