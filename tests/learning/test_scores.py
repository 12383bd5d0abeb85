"""The measures, against values worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import Author, Message, Passed
from bot.learning.cases import Case
from bot.learning.report import aligned, as_json, as_text
from bot.learning.scores import Prediction, quantile, score

QUERY, CANCEL, RETURN = ActionKind.QUERY_ORDER, ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY
HANDOFF, UNKNOWN = ActionKind.HANDOFF, ActionKind.UNKNOWN


def case(action: ActionKind | None, order_id: str | None = None, text: str = "", language: str | None = "en") -> Case:
    """Return a case."""
    return Case(0, text, language, action=action, order_id=order_id)


def made(
    action: ActionKind, order_id: str | None = None, confidence: float = 1.0, ms: float = 1.0, answered: bool = True
) -> Prediction:
    """Return a prediction."""
    return Prediction(0, action, order_id, confidence, "rules" if answered else "apology", ms, answered)


# Right: query, query, cancel, return; wrong: cancel taken for return, query for cancel, unknown for query.
CASES = [
    case(QUERY),
    case(QUERY, language="de"),
    case(CANCEL),
    case(RETURN),
    case(CANCEL),
    case(QUERY, language="de"),
    case(UNKNOWN),
    case(None),
]
PREDICTED = [made(kind) for kind in (QUERY, QUERY, CANCEL, RETURN, RETURN, CANCEL, QUERY, CANCEL)]


def test_actions() -> None:
    """Accuracy, recall and macro-F1 count labelled cases only, and only actions that occur."""
    scores = score(CASES, PREDICTED)
    assert (scores.cases, scores.labelled) == (8, 7)
    assert scores.accuracy == pytest.approx(4 / 7)
    recalls = {kind: one.recall for kind, one in scores.actions.items()}
    assert recalls == {QUERY: pytest.approx(2 / 3), CANCEL: 0.5, RETURN: 1.0, HANDOFF: None, UNKNOWN: 0.0}
    assert scores.actions[RETURN].precision == 0.5
    # F1: query 2*2/(3+3), cancel 2*1/(2+2), return 2*1/(1+2), unknown 0; a handoff occurs nowhere.
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 2 / 3 + 0) / 4)
    assert scores.confusion[CANCEL] == {QUERY: 0, CANCEL: 1, RETURN: 1, HANDOFF: 0, UNKNOWN: 0}


def test_writes() -> None:
    """A write is wrong when another action is right, another write too; the recall is of the very same write."""
    scores = score(CASES, PREDICTED)
    assert scores.wrong_write_rate == pytest.approx(2 / 7)
    assert scores.write_recall == pytest.approx(2 / 3)


def test_questions() -> None:
    """A question whether a write is meant is no write, but finds the one that it asks about, and is in vain else."""
    asked = Prediction(0, UNKNOWN, None, 0.6, "rules", 1.0, suspected=(CANCEL, RETURN))
    scores = score([case(CANCEL), case(CANCEL), case(QUERY), case(UNKNOWN)], [asked, made(CANCEL), asked, asked])
    assert (scores.write_recall, scores.write_recall_asked) == (0.5, 1.0)
    assert (scores.asked_in_vain, scores.wrong_write_rate, scores.accuracy) == (0.5, 0.0, 0.5)
    assert as_json({"rules": scores})["tiers"]["rules"]["write_recall_asked"] == 1.0


def test_languages() -> None:
    """Each language has its own accuracy and wrong writes; cases without one stand under a question mark."""
    scores = score([*CASES, case(QUERY, language=None)], [*PREDICTED, made(QUERY)])
    assert list(scores.languages) == ["?", "de", "en"]
    german = scores.languages["de"]
    assert (german.labelled, german.accuracy, german.wrong_writes) == (2, 0.5, 1)


def test_order_numbers() -> None:
    """Numbers are compared as the bot compares them, and are invented when they stand nowhere in what was said."""
    day = datetime(2025, 1, 1, tzinfo=UTC)
    earlier = Case(0, "that one", history=(Message(Author.BOT, "Order A-17?", day),), action=QUERY, order_id="A-17")
    cases = [
        case(QUERY, "ORD-12345", text="where is #ord 12345"),
        earlier,
        case(QUERY, "B2", text="b2 and b3"),
        case(QUERY, "C4", text="c4"),
        case(UNKNOWN, text="hello"),
    ]
    predicted = [made(QUERY, "ord 12345"), made(QUERY, "A17"), made(QUERY, "b3"), made(QUERY), made(QUERY, "ORD9")]
    scores = score(cases, predicted)
    assert scores.numbered == 4
    assert scores.exact_order_numbers == pytest.approx(2 / 4)
    assert scores.invented_order_numbers == 1


def test_calibration() -> None:
    """The calibration error weighs ten bins; a case passed on is one of confidence 0, and left out of the second."""
    # Bin 9: sums 0.95 + 1.0 against 1 right of 2, bin 6: 0.6 against 1 of 1, bin 0: 0 against 1 of 1.
    cases = [case(QUERY), case(QUERY), case(QUERY), case(UNKNOWN)]
    predicted = [
        made(QUERY, confidence=0.95),
        made(HANDOFF, confidence=1.0),
        made(QUERY, confidence=0.6),
        made(UNKNOWN, confidence=0.0, answered=False),
    ]
    scores = score(cases, predicted)
    assert scores.calibration_error == pytest.approx((0.95 + 0.4 + 1.0) / 4)
    assert scores.calibration_error_answered == pytest.approx((0.95 + 0.4) / 3)
    assert scores.passed_on == 0.25


def test_who_answered_and_why_not() -> None:
    """It is counted who answered, and for which reason a tier passed on."""
    passed = (Passed("small", "unsure", 0.1),)
    predicted = [Prediction(0, QUERY, None, 1.0, "rules", 1.0, passed=passed), made(QUERY), made(UNKNOWN)]
    scores = score([case(QUERY)] * 3, predicted)
    assert (scores.tiers, scores.reasons) == ({"rules": 3}, {"small: unsure": 1})


def test_latency() -> None:
    """A percentile is the smallest time that at least so many cases did not exceed, labelled or not."""
    scores = score([case(None)] * 20, [made(QUERY, ms=ms) for ms in range(20, 0, -1)])
    assert (scores.p50_ms, scores.p95_ms) == (10, 19)
    assert quantile([7.0], 0.95) == 7.0


def test_without_labels() -> None:
    """Without any label there is nothing to say of rightness, and both reports say so."""
    scores = score([case(None)], [made(QUERY)])
    assert scores.accuracy is scores.macro_f1 is scores.calibration_error is scores.wrong_write_rate is None
    assert json.loads(json.dumps(as_json({"rules": scores})))["tiers"]["rules"]["accuracy"] is None
    text = as_text({"rules": scores})
    assert "-" in next(line for line in text.splitlines() if line.startswith("accuracy"))
    assert "Confusion" not in text


def test_predictions_for_other_cases() -> None:
    """A prediction too few is a mistake in the program, and never a score."""
    with pytest.raises(ValueError, match="zip"):
        score(CASES, PREDICTED[:-1])


def test_a_table() -> None:
    """The first column stands to the left, the others to the right, and a heading takes no part in the widths."""
    assert aligned([("", "a"), ("a long heading",), ("b", "100")]) == "     a\na long heading\nb  100"
