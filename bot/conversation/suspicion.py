"""Which writes a message may ask for, although no tier was sure enough that it does: those are asked about.

A needless question costs the customer a tap, a cancellation that is not heard costs an order. So a suspicion is worth a
question where one in four is right, all the more as the bot would else ask a more general one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.domain.actions import ActionKind
from bot.domain.model import Understood

ASK, ASK_TOO, ASK_RATHER = 0.3, 0.2, 0.5
"""From which probability of a write the bot asks about it, from which about the other write as well, and from which it
asks rather than say what a model wrote.

The first two are chosen on 4,600 phrases that no model learnt from, by what stands just above and below. From 0.3 to
0.35 a write is right in 18 of 51, from 0.25 to 0.3 in 15 of 83; the second write is the right one in 5 of 31 from 0.2
to 0.25, and in 1 of 49 just below. The third is where it is more likely than not."""

NOTHING = 0.6
"""How sure a voice that only says so must be that nothing is asked for (a greeting), so that nothing is suspected."""


def suspecting(found: Understood, voices: Sequence[Understood]) -> Understood:
    """Return what was understood, with the writes that are to be asked about where it is `unknown`.

    Args:
        voices: what the tiers before it said without being sure of it, in their order; those that weigh the actions
            are weighed together with the ones before.
    """
    if found.action.kind is not ActionKind.UNKNOWN or any(map(_is_nothing, voices)):
        return found
    likely = _likely((*voices, found))
    if sum(likely.values()) < (ASK_RATHER if found.action.message else ASK):
        return found
    best, other = sorted(likely, key=likely.__getitem__, reverse=True)
    suspected = (best, other) if likely[other] >= ASK_TOO else (best,)
    named = (voice.action.order_id for voice in (found, *reversed(voices)))
    return replace(found, action=found.action.about(next(filter(None, named), None)), suspected=suspected)


def _is_nothing(voice: Understood) -> bool:
    return not voice.likely and voice.action.kind is ActionKind.UNKNOWN and voice.confidence >= NOTHING


def _likely(voices: Sequence[Understood]) -> Mapping[ActionKind, float]:
    """Return how likely each write is: as it was last weighed, or as sure as the one that only said it."""
    weighed: Mapping[ActionKind, float] = next((voice.likely for voice in reversed(voices) if voice.likely), {})
    likely = {kind: weighed.get(kind, 0.0) for kind in ActionKind if kind.is_write}
    for voice in voices:
        if not voice.likely and voice.action.kind.is_write:
            likely[voice.action.kind] = max(likely[voice.action.kind], voice.confidence)
    return likely
