"""How well a tier understood: what it predicted, held against what is right. A share of nothing is None."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.actions import ActionKind
from bot.domain.model import Passed
from bot.domain.order_numbers import same_number, squeeze
from bot.learning.cases import Case

BINS = 10
NO_LANGUAGE = "?"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What came out for one case; one that every tier passed on is `unknown`, with confidence 0 and not `answered`.

    So is one where a write was only `suspected`: the bot asks whether it is meant.
    """

    id: str | int
    action: ActionKind
    order_id: str | None
    confidence: float
    tier: str
    latency_ms: float
    answered: bool = True
    passed: tuple[Passed, ...] = ()
    suspected: tuple[ActionKind, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionScore:
    """How often an action was right, was predicted, and was both."""

    labelled: int
    predicted: int
    right: int

    @property
    def precision(self) -> float | None:
        """Return the share of its predictions that were right."""
        return share(self.right, self.predicted)

    @property
    def recall(self) -> float | None:
        """Return the share of its cases that were found."""
        return share(self.right, self.labelled)

    @property
    def f1(self) -> float | None:
        """Return the harmonic mean of both; None for an action that neither occurs nor was predicted."""
        return share(2 * self.right, self.labelled + self.predicted)


@dataclass(frozen=True, slots=True)
class LanguageScore:
    """The labelled cases of one language."""

    labelled: int
    right: int
    wrong_writes: int

    @property
    def accuracy(self) -> float | None:
        """Return the share of its cases whose action was right."""
        return share(self.right, self.labelled)


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything that is said of one tier.

    Args:
        macro_f1: the mean F1 of the actions that occur, as labels or as predictions.
        wrong_write_rate: a cancel or a return predicted where something else is right, of all labelled cases.
        write_recall: of the cases in which a cancel or a return is right, those in which just that was predicted.
        write_recall_asked: the same with those in which the bot asks whether just that is meant; such a question is no
            prediction.
        asked_in_vain: the share of labelled cases in which the bot asks about a write, and another action is right.
        exact_order_numbers: of the `numbered` cases, in which an order number is right, those that name the same one.
        invented_order_numbers: how many predicted order numbers stand neither in the message nor in its history.
        passed_on: the share of cases that no tier answered.
        calibration_error: ECE of confidence against rightness of the action, in ten bins; a case passed on has
            confidence 0 there, so `calibration_error_answered` leaves these out.
        confusion: right action -> predicted action -> cases.
        tiers: who answered how many cases.
        reasons: "tier: reason" -> how often a tier passed on for it.
    """

    cases: int
    labelled: int
    numbered: int
    accuracy: float | None
    macro_f1: float | None
    wrong_write_rate: float | None
    write_recall: float | None
    write_recall_asked: float | None
    asked_in_vain: float | None
    exact_order_numbers: float | None
    invented_order_numbers: int
    passed_on: float | None
    calibration_error: float | None
    calibration_error_answered: float | None
    p50_ms: float | None
    p95_ms: float | None
    actions: Mapping[ActionKind, ActionScore] = field(default_factory=dict)
    confusion: Mapping[ActionKind, Mapping[ActionKind, int]] = field(default_factory=dict)
    languages: Mapping[str, LanguageScore] = field(default_factory=dict)
    tiers: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A labelled case and its prediction."""

    language: str
    label: ActionKind
    prediction: Prediction

    @property
    def right(self) -> bool:
        return self.prediction.action is self.label

    @property
    def asked(self) -> bool:
        return self.label in self.prediction.suspected

    @property
    def wrong_write(self) -> bool:
        return self.prediction.action.is_write and not self.right


def score(cases: Sequence[Case], predictions: Sequence[Prediction]) -> Scores:
    """Hold the predictions against the cases, which stand in the same order."""
    pairs = list(zip(cases, predictions, strict=True))
    judged = [_Judged(case.language or NO_LANGUAGE, case.action, made) for case, made in pairs if case.action]
    numbered = [(case.order_id, made.order_id) for case, made in pairs if case.order_id]
    writes = [one for one in judged if one.label.is_write]
    actions = _by_action(judged)
    latencies = sorted(made.latency_ms for made in predictions)
    return Scores(
        cases=len(pairs),
        labelled=len(judged),
        numbered=len(numbered),
        accuracy=share(sum(one.right for one in judged), len(judged)),
        macro_f1=_mean([found.f1 for found in actions.values() if found.f1 is not None]),
        wrong_write_rate=share(sum(one.wrong_write for one in judged), len(judged)),
        write_recall=share(sum(one.right for one in writes), len(writes)),
        write_recall_asked=share(sum(one.right or one.asked for one in writes), len(writes)),
        asked_in_vain=share(sum(bool(one.prediction.suspected) and not one.asked for one in judged), len(judged)),
        exact_order_numbers=share(sum(same_number(label, made or "") for label, made in numbered), len(numbered)),
        invented_order_numbers=sum(_invented(case, made.order_id) for case, made in pairs),
        passed_on=share(sum(not made.answered for made in predictions), len(predictions)),
        calibration_error=_calibration_error(judged),
        calibration_error_answered=_calibration_error([one for one in judged if one.prediction.answered]),
        p50_ms=quantile(latencies, 0.5),
        p95_ms=quantile(latencies, 0.95),
        actions=actions,
        confusion=_confusion(judged),
        languages=_by_language(judged),
        tiers=Counter(made.tier for made in predictions),
        reasons=Counter(f"{one.tier}: {one.reason}" for made in predictions for one in made.passed),
    )


def share(part: int, whole: int) -> float | None:
    """Return a share; None of nothing."""
    return part / whole if whole else None


def quantile(ordered: Sequence[float], part: float) -> float | None:
    """Return the smallest value that at least this part of the ordered values does not exceed."""
    return ordered[max(math.ceil(part * len(ordered)), 1) - 1] if ordered else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _by_action(judged: Sequence[_Judged]) -> dict[ActionKind, ActionScore]:
    labelled = Counter(one.label for one in judged)
    predicted = Counter(one.prediction.action for one in judged)
    right = Counter(one.label for one in judged if one.right)
    return {kind: ActionScore(labelled[kind], predicted[kind], right[kind]) for kind in ActionKind}


def _confusion(judged: Sequence[_Judged]) -> dict[ActionKind, dict[ActionKind, int]]:
    found = Counter((one.label, one.prediction.action) for one in judged)
    return {label: {made: found[label, made] for made in ActionKind} for label in ActionKind}


def _by_language(judged: Sequence[_Judged]) -> dict[str, LanguageScore]:
    labelled = Counter(one.language for one in judged)
    right = Counter(one.language for one in judged if one.right)
    wrong = Counter(one.language for one in judged if one.wrong_write)
    return {code: LanguageScore(labelled[code], right[code], wrong[code]) for code in sorted(labelled)}


def _invented(case: Case, order_id: str | None) -> bool:
    if order_id is None:
        return False
    number = squeeze(order_id)
    said = (case.text, *(message.text for message in case.history))
    return not (number and any(number in squeeze(text) for text in said))


def _calibration_error(judged: Sequence[_Judged]) -> float | None:
    """Return how far confidence and accuracy lie apart, over bins of confidence weighted by their cases."""
    if not judged:
        return None
    bins: dict[int, list[_Judged]] = {}
    for one in judged:
        place = min(max(int(one.prediction.confidence * BINS), 0), BINS - 1)
        bins.setdefault(place, []).append(one)
    # Within a bin: |mean confidence - accuracy| x its cases, which is the difference of the two sums.
    apart = (abs(sum(one.prediction.confidence - one.right for one in found)) for found in bins.values())
    return sum(apart) / len(judged)
