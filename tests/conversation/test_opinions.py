"""What is made of a message that the first tier was not sure of."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.conversation.understanding import APOLOGY, TimedTier, Understanding, pooled
from bot.domain.actions import Action, ActionKind
from bot.domain.model import Query, Understood
from bot.web.metrics import PrometheusMonitor

QUERY, CANCEL, RETURN, HANDOFF, UNKNOWN = tuple(ActionKind)


@dataclass
class Unsure:
    """Says an action with a probability, and the rest is spread over the others."""

    kind_: ActionKind
    confidence: float
    name: str = "unsure"
    kind: str = "classifier"

    async def understand(self, query: Query) -> Understood:
        """Weigh the actions."""
        rest = (1 - self.confidence) / (len(ActionKind) - 1)
        likely = {kind: self.confidence if kind is self.kind_ else rest for kind in ActionKind}
        return Understood(Action(self.kind_, "883421"), self.name, confidence=self.confidence, likely=likely)


@dataclass
class Says:
    """Answers."""

    kind_: ActionKind
    name: str = "second"
    kind: str = "rules"

    async def understand(self, query: Query) -> Understood:
        """Answer."""
        return Understood(Action(self.kind_, "883421"), self.name)


async def settled(first: Unsure, *later: Says | Unsure, sure: float = 0.9) -> Understood:
    """Ask the tiers; those that weigh must be as sure as told."""
    tiers = [TimedTier(tier, 1.0, dict.fromkeys(ActionKind, sure)) for tier in (first, *later)]
    return await Understanding(tiers, PrometheusMonitor()).understand(Query("cancel 883421", "en"))


@pytest.mark.parametrize("kind", [CANCEL, RETURN])
async def test_a_write_on_which_two_agree_stands(kind: ActionKind) -> None:
    """Two tiers that each would cancel, neither sure alone, are enough to ask the customer for a yes."""
    found = await settled(Unsure(kind, 0.85), Says(kind))
    assert (found.action.kind, found.tier) == (kind, "second")


@pytest.mark.parametrize(("opinion", "said"), [(RETURN, CANCEL), (UNKNOWN, CANCEL), (QUERY, RETURN)])
async def test_a_write_on_which_two_differ_is_asked_about(opinion: ActionKind, said: ActionKind) -> None:
    """A write that an earlier opinion contradicts is not proposed, and the trace says against whom."""
    found = await settled(Unsure(opinion, 0.5), Says(said))
    assert not found.action.kind.is_write
    assert f"against {opinion.value} of unsure" in found.passed[-1].detail


async def test_a_guess_is_no_second_voice() -> None:
    """A write that the first tier only guessed at is asked about, even where another tier says the same."""
    found = await settled(Unsure(CANCEL, 0.4), Says(CANCEL))
    assert found.action.kind is UNKNOWN
    assert "only 0.40 sure" in found.passed[-1].detail


async def test_an_unsure_write_alone_is_asked_about() -> None:
    """A write that nobody confirms becomes a question, and names the order for it."""
    found = await settled(Unsure(CANCEL, 0.7))
    assert found.action == Action(UNKNOWN, "883421")
    assert found.tier == "unsure"


async def test_a_likely_question_is_answered() -> None:
    """What changes nothing is done at a lower confidence; below a third it is not."""
    assert (await settled(Unsure(QUERY, 0.4))).action.kind is QUERY
    assert (await settled(Unsure(QUERY, 0.3))).action.kind is UNKNOWN


async def test_a_clear_nothing_is_not_overruled() -> None:
    """A clear opinion that nothing is asked for stands against words that seem to ask; a vague one does not."""
    assert (await settled(Unsure(UNKNOWN, 0.8), Says(QUERY))).action.kind is UNKNOWN
    assert (await settled(Unsure(UNKNOWN, 0.45), Says(QUERY))).action.kind is QUERY


async def test_two_that_weigh_are_weighed_together() -> None:
    """Two that would cancel, each a little unsure, are surer together; two that differ end in a question."""
    found = await settled(Unsure(CANCEL, 0.85), Unsure(CANCEL, 0.8, "second"), sure=0.88)
    assert (found.action.kind, found.tier) == (CANCEL, "second")
    assert found.confidence > 0.88
    assert sum(found.likely.values()) == pytest.approx(1)
    assert (await settled(Unsure(CANCEL, 0.85), Unsure(RETURN, 0.85, "second"), sure=0.88)).action.kind is UNKNOWN


async def test_what_both_thought_possible_may_win() -> None:
    """An action that each had second stands before what only one believed in, and names the order."""
    torn = {QUERY: 0.5, CANCEL: 0.02, RETURN: 0.01, HANDOFF: 0.01, UNKNOWN: 0.46}
    other = {**torn, QUERY: 0.02, CANCEL: 0.5}
    views = [Understood(Action(QUERY, "1"), "a", likely=torn), Understood(Action(CANCEL, "1"), "b", likely=other)]
    assert pooled(*views).action == Action(UNKNOWN, "1")


async def test_a_sure_voice_stands_alone() -> None:
    """Above its own limit a tier's answer needs no other."""
    found = await settled(Unsure(CANCEL, 0.95), Says(QUERY))
    assert (found.action.kind, found.tier, found.passed) == (CANCEL, "unsure", ())


async def test_without_an_opinion_it_is_an_apology() -> None:
    """When no tier has anything to say, the answer is the apology's."""
    assert (await Understanding([], PrometheusMonitor()).understand(Query("?", "en"))).tier == APOLOGY
