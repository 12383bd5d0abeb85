"""The tiers: asked in order, each answers or passes on with a reason that is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from bot.conversation.prompt import PromptBuilder
from bot.conversation.understanding import APOLOGY, ModelTier, TimedTier, Understanding, nobody_could
from bot.domain.actions import Action, ActionKind, Written
from bot.domain.model import Passed, Query, Understood
from bot.domain.ports import ChatMessage, Completion
from bot.errors import PassReason, TierPassed
from tests.support.attentive import Attentive

QUERY = Query("cancel ORD1", "en", candidates=("ORD1",))
CANCEL = Action(ActionKind.CANCEL_ORDER, "ORD1")


@dataclass
class ScriptedTier:
    """A tier that does what it was told."""

    name: str
    says: Callable[[Query], Awaitable[Understood]]
    kind: str = "scripted"
    asked: list[Query] = field(default_factory=list)

    async def understand(self, query: Query) -> Understood:
        """Do it."""
        self.asked.append(query)
        return await self.says(query)


def answering(name: str, action: Action = CANCEL) -> ScriptedTier:
    """Return a tier that understands."""

    async def says(_: Query) -> Understood:
        return Understood(action, name, "raw", confidence=0.9)

    return ScriptedTier(name, says)


def raising(name: str, error: BaseException) -> ScriptedTier:
    """Return a tier that raises."""

    async def says(_: Query) -> Understood:
        raise error

    return ScriptedTier(name, says)


def hanging(name: str) -> ScriptedTier:
    """Return a tier that never answers."""

    async def says(_: Query) -> Understood:
        await asyncio.Event().wait()
        raise AssertionError

    return ScriptedTier(name, says)


def tiers(*given: ScriptedTier, limit: float = 30.0) -> tuple[Understanding, Attentive]:
    """Return an understanding of these tiers, and its monitor."""
    monitor = Attentive()
    return Understanding([TimedTier(tier, limit) for tier in given], monitor), monitor


async def test_the_first_that_answers_ends_it() -> None:
    """A tier that understands is the last one asked, and nobody has passed on."""
    first, second = answering("first"), answering("second")
    understanding, monitor = tiers(first, second)
    assert await understanding.understand(QUERY) == Understood(CANCEL, "first", "raw", 0.9)
    assert first.asked == [QUERY]
    assert second.asked == []
    assert monitor.fallbacks == []


@pytest.mark.parametrize("reason", list(PassReason))
async def test_a_tier_that_passes_on(reason: PassReason) -> None:
    """Whatever its reason, the next tier is asked the same, and the reason is kept with the answer and counted."""
    understanding, monitor = tiers(raising("model", TierPassed(reason, "because")), answering("rules"))
    found = await understanding.understand(QUERY)
    assert (found.tier, found.action) == ("rules", CANCEL)
    assert [(p.tier, p.reason, p.detail) for p in found.passed] == [("model", reason.value, "because")]
    assert monitor.fallbacks == [("model", reason.value)]


async def test_a_slow_tier_is_left_behind() -> None:
    """A tier over its time limit is cancelled and recorded as slow, with the limit, and the next one serves."""
    slow = hanging("model")
    understanding = Understanding([TimedTier(slow, 0.01), TimedTier(answering("rules"), 30.0)], monitor := Attentive())
    found = await understanding.understand(QUERY)
    assert found.tier == "rules"
    assert [(p.tier, p.reason, p.detail) for p in found.passed] == [("model", "slow", "over 0.01 s")]
    assert found.passed[0].seconds > 0
    assert monitor.fallbacks == [("model", "slow")]


async def test_a_slow_tier_is_stopped() -> None:
    """What is left behind does not go on in the background: it was told to stop before the next tier began."""
    events: list[str] = []

    async def slow(_: Query) -> Understood:
        try:
            await asyncio.Event().wait()
        finally:
            events.append("stopped")
        raise AssertionError

    async def quick(_: Query) -> Understood:
        events.append("next")
        return Understood(CANCEL, "quick")

    understanding, _ = tiers(ScriptedTier("slow", slow), ScriptedTier("quick", quick), limit=0.01)
    await understanding.understand(QUERY)
    assert events == ["stopped", "next"]


@pytest.mark.parametrize("error", [RuntimeError("secret text"), KeyError("x"), MemoryError(), OSError(5, "I/O")])
async def test_a_broken_tier(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever breaks inside a tier is logged, recorded by its kind alone, and the next tier serves."""
    understanding, monitor = tiers(raising("model", error), answering("rules"))
    found = await understanding.understand(QUERY)
    assert found.tier == "rules"
    assert [(p.reason, p.detail) for p in found.passed] == [("broken", type(error).__name__)]
    assert monitor.fallbacks == [("model", "broken")]
    assert [record.message for record in caplog.records] == ["tier.broken"]


async def test_all_pass() -> None:
    """When no tier answers the answer is an apology, with every reason in order."""
    understanding, _ = tiers(
        raising("a", TierPassed(PassReason.UNAVAILABLE, "no server")),
        raising("b", ValueError()),
        raising("c", TierPassed(PassReason.NO_MATCH)),
    )
    found = await understanding.understand(QUERY)
    assert (found.tier, found.action, found.confidence) == (APOLOGY, Action(ActionKind.UNKNOWN), 0.0)
    assert [(p.tier, p.reason) for p in found.passed] == [("a", "unavailable"), ("b", "broken"), ("c", "no_match")]


async def test_no_tiers_at_all() -> None:
    """Without a single tier there is still an answer."""
    understanding, _ = tiers()
    assert (await understanding.understand(QUERY)).tier == APOLOGY


async def test_a_cancelled_turn_is_not_a_broken_tier() -> None:
    """When the turn itself is cut off, no further tier is asked."""
    first, second = hanging("first"), answering("second")
    understanding, monitor = tiers(first, second)
    task = asyncio.create_task(understanding.understand(QUERY))
    await asyncio.sleep(0)
    assert first.asked
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (second.asked, monitor.fallbacks) == ([], [])


@pytest.mark.parametrize(
    ("passed", "nobody"),
    [
        ([], True),
        ([("faq", "no_match")], True),
        ([("faq", "no_match"), ("llama", "slow"), ("rules", "broken")], True),
        ([("faq", "no_match"), ("rules", "no_match")], False),
        ([("llama", "unsure")], False),
        ([("llama", "unavailable"), ("rules", "no_match")], False),
    ],
)
def test_nobody_could(passed: list[tuple[str, str]], nobody: bool) -> None:
    """An apology is due when every tier failed; when one looked and found nothing, a question back is better."""
    assert nobody_could([Passed(tier, reason, 0.0) for tier, reason in passed]) is nobody


@dataclass
class ScriptedModel:
    """A language model that writes what it was told."""

    writes: str | TierPassed
    name: str = "model"
    kind: str = "remote"
    takes_branches: bool = False
    context_tokens: int = 4096
    asked: list[Completion] = field(default_factory=list)

    async def count_tokens(self, text: str) -> int:
        """Count a token for every four characters."""
        return len(text) // 4

    async def complete(self, request: Completion) -> str:
        """Write it."""
        self.asked.append(request)
        if isinstance(self.writes, TierPassed):
            raise self.writes
        return self.writes

    async def stream(self, messages: Sequence[ChatMessage], max_tokens: int) -> AsyncGenerator[str, None]:
        """Write nothing."""
        yield ""

    async def prepare(self, system: ChatMessage) -> None:
        """Need nothing."""

    async def problem(self) -> str | None:
        """Have none."""
        return None

    def describe(self) -> str:
        """Say nothing."""
        return ""

    async def close(self) -> None:
        """Close nothing."""


def model_tier(writes: str | TierPassed) -> tuple[ModelTier, ScriptedModel]:
    """Return a tier with a model that writes this."""
    model = ScriptedModel(writes)
    return ModelTier(model, PromptBuilder("Shop", lambda _: ())), model


def json_action(**fields: object) -> str:
    """Return a lawful cancellation of ORD1, with other fields."""
    lawful = {"action": "cancel_order", "order_id": "ORD1", "response_type": "json", "message": ""}
    return json.dumps({**lawful, **fields})


async def test_a_model_answers_to_the_schema() -> None:
    """A model is asked with the thread's own numbers as the only choice, and what it wrote is kept."""
    tier, model = model_tier(json_action())
    found = await tier.understand(QUERY)
    assert (found.action, found.tier, found.raw) == (CANCEL, "model", json_action())
    assert model.asked[0].schema["properties"]["order_id"] == {"enum": ["ORD1", None]}
    assert model.asked[0].messages[-1].content == "cancel ORD1"
    assert (tier.name, tier.kind) == ("model", "remote")


async def test_a_models_confidence_is_kept() -> None:
    """A model that tells how likely it held its action is as sure as that; one that does not tell counts as sure."""
    unsure, _ = model_tier(Written(json_action(), 0.4))
    sure, _ = model_tier(json_action())
    assert [(await tier.understand(QUERY)).confidence for tier in (unsure, sure)] == [0.4, 1.0]
    passing = Understanding([TimedTier(unsure, 30.0, {ActionKind.CANCEL_ORDER: 0.5})], Attentive())
    found = await passing.understand(QUERY)
    assert (found.action, found.suspected) == (Action(ActionKind.UNKNOWN, "ORD1"), (ActionKind.CANCEL_ORDER,))


@pytest.mark.parametrize(
    ("writes", "why"),
    [
        (json_action(order_id="ORD2"), "order_id"),
        (json_action(action="refund_all"), "action"),
        (json_action(response_type="xml"), "response_type"),
        (json_action(message=5), "message"),
        (json_action(customer_id="c-9"), "customer_id"),
        ("Sure, I cancelled it!", "not JSON"),
        ("[]", "not a JSON object"),
        ("", "not JSON"),
        ("{" * 100_000, "not JSON"),
    ],
)
async def test_a_models_nonsense_is_passed_on(writes: str, why: str) -> None:
    """What is no lawful action, an invented order number above all, is INVALID, and says which field it was."""
    tier, _ = model_tier(writes)
    with pytest.raises(TierPassed, match=why) as passed:
        await tier.understand(QUERY)
    assert passed.value.reason is PassReason.INVALID


async def test_a_models_own_reason_goes_through() -> None:
    """A model that is away says so itself, and its reason is the one that counts."""
    tier, _ = model_tier(TierPassed(PassReason.BUSY, "429"))
    with pytest.raises(TierPassed) as passed:
        await tier.understand(QUERY)
    assert passed.value.reason is PassReason.BUSY
