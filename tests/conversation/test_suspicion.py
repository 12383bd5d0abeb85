"""Which writes are asked about, although nobody was sure that one is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.conversation.suspicion import suspecting
from bot.conversation.understanding import TimedTier, Understanding
from bot.domain.actions import Action, ActionKind
from bot.domain.model import Query, Understood
from bot.errors import PassReason, TierPassed
from bot.tiers import MIN_CONFIDENCE
from bot.web.metrics import PrometheusMonitor

QUERY, CANCEL, RETURN, HANDOFF, UNKNOWN = tuple(ActionKind)


def weighed(number: str | None = None, **likely: float) -> Understood:
    """Return what a tier that weighs the actions makes of a message; what is left goes to none of those named."""
    weights = {kind: likely.get(kind.value.partition("_")[0], 0.0) for kind in ActionKind}
    best = max(weights, key=weights.__getitem__)
    return Understood(Action(best, number), "weighing", confidence=weights[best], likely=weights)


def said(kind: ActionKind, confidence: float = 1.0, message: str = "", number: str | None = None) -> Understood:
    """Return what a tier that only says an action makes of a message."""
    return Understood(Action(kind, number, message), "saying", confidence=confidence)


NOTHING = said(UNKNOWN)


@pytest.mark.parametrize(
    ("view", "suspected"),
    [
        (weighed(cancel=0.7, unknown=0.3), (CANCEL,)),
        (weighed(unknown=0.6, cancel=0.3, query=0.1), (CANCEL,)),
        (weighed(unknown=0.6, **{"return": 0.3}), (RETURN,)),
        (weighed(cancel=0.4, **{"return": 0.45}), (RETURN, CANCEL)),
        (weighed(cancel=0.2, unknown=0.3, **{"return": 0.5}), (RETURN, CANCEL)),
        (weighed(cancel=0.19, unknown=0.31, **{"return": 0.5}), (RETURN,)),
        (weighed(unknown=0.71, cancel=0.29), ()),
        (weighed(unknown=0.8, query=0.2), ()),
    ],
)
def test_what_is_likely_enough_is_asked_about(view: Understood, suspected: tuple[ActionKind, ...]) -> None:
    """A write is asked about from three in ten on, and the other write too where it may be that one as well."""
    assert suspecting(NOTHING, [view]).suspected == suspected


@pytest.mark.parametrize("kind", [QUERY, CANCEL, RETURN, HANDOFF])
def test_what_was_understood_is_not_asked_about(kind: ActionKind) -> None:
    """A message that was understood is done, whatever an earlier tier thought possible."""
    found = said(kind)
    assert suspecting(found, [weighed(cancel=0.9)]) == found


def test_the_view_of_all_counts() -> None:
    """Of the tiers that weigh, the last has taken in the views of those before it."""
    assert suspecting(NOTHING, [weighed(cancel=0.9), weighed(cancel=0.1, unknown=0.9)]).suspected == ()


def test_a_write_that_a_tier_only_said_is_asked_about() -> None:
    """A write that was contradicted is asked about, and so is one of which its tier was not sure."""
    assert suspecting(NOTHING, [weighed(unknown=0.9), said(CANCEL)]).suspected == (CANCEL,)
    assert suspecting(NOTHING, [said(RETURN, 0.5)]).suspected == (RETURN,)
    assert suspecting(NOTHING, [said(RETURN, 0.2)]).suspected == ()


def test_a_models_words_are_said_unless_a_write_is_likelier() -> None:
    """What a model wrote to the customer gives way only to a write that is more likely than not."""
    talk = said(UNKNOWN, message="Nice weather!")
    assert suspecting(talk, [weighed(cancel=0.49, unknown=0.51)]) == talk
    assert suspecting(talk, [weighed(cancel=0.5, unknown=0.5)]).suspected == (CANCEL,)


def test_after_a_greeting_nothing_is_suspected() -> None:
    """A message that only greets asks for nothing, whatever is under way in the thread."""
    assert suspecting(NOTHING, [said(UNKNOWN, 0.9), weighed(cancel=0.9)]) == NOTHING


def test_the_order_is_kept() -> None:
    """The question is about the order that a tier found in the message or the thread."""
    found = suspecting(NOTHING, [weighed("883421", cancel=0.6), said(CANCEL, 0.6)])
    assert found.action == Action(UNKNOWN, "883421")


# --- with the tiers ---


@dataclass
class Scripted:
    """A tier that says what it was told; nothing makes it pass on."""

    says: Understood | None
    name: str
    kind: str = "scripted"

    async def understand(self, query: Query) -> Understood:
        """Say it."""
        if self.says is None:
            raise TierPassed(PassReason.NO_MATCH)
        return self.says


async def understood(first: Understood, second: Understood, rules: Understood | None = None) -> Understood:
    """Ask tiers with the limits that the shipped ones have."""
    tiers = [
        TimedTier(Scripted(first, "first"), 1.0, MIN_CONFIDENCE["classifier"]),
        TimedTier(Scripted(second, "second"), 1.0, MIN_CONFIDENCE["llama"]),
        TimedTier(Scripted(rules, "rules"), 1.0),
    ]
    return await Understanding(tiers, PrometheusMonitor()).understand(Query("?", "en"))


async def test_a_write_that_was_sure_is_no_suspicion() -> None:
    """A sure write goes on as before."""
    found = await understood(weighed(cancel=0.95, unknown=0.05), weighed(cancel=1.0))
    assert (found.action.kind, found.suspected) == (CANCEL, ())


async def test_an_unsure_write_is_suspected() -> None:
    """A write that stays below its limit is `unknown` to everybody who counts, and is asked about."""
    view = weighed(cancel=0.7, unknown=0.2, query=0.1)
    found = await understood(view, view)
    assert (found.action.kind, found.suspected) == (UNKNOWN, (CANCEL,))


async def test_nothing_sure_hides_no_likely_write() -> None:
    """Where nothing seems to be asked for, but a write may well be, the question is about that write."""
    view = weighed(unknown=0.55, query=0.05, **{"return": 0.4})
    found = await understood(view, view)
    assert (found.action.kind, len(found.passed), found.suspected) == (UNKNOWN, 1, (RETURN,))


async def test_rules_that_see_a_question_do_not_hide_a_write() -> None:
    """Where both models think of a cancellation, words that ask for an order's state are not enough to answer."""
    view = weighed(cancel=0.5, query=0.3, unknown=0.2)
    found = await understood(view, view, said(QUERY, 0.7))
    assert (found.action.kind, found.suspected) == (UNKNOWN, (CANCEL,))
    assert found.passed[-1].detail == "query_order, against cancel_order of weighing"


async def test_a_person_who_is_asked_for_comes() -> None:
    """A wish for a person is none to ask back about."""
    view = weighed(cancel=0.5, handoff=0.3, unknown=0.2)
    assert (await understood(view, view, said(HANDOFF))).action.kind is HANDOFF
