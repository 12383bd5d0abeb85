"""What `deskhand eval` shows: a table with one column a tier, the same as a JSON object, and the predictions' lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from bot.domain.actions import ActionKind
from bot.learning.scores import Prediction, Scores

Row = tuple[str, ...]


def prediction_line(made: Prediction) -> str:
    """Return a prediction as one line of the predictions' file."""
    return json.dumps(
        {
            "id": made.id,
            "action": made.action.value,
            "order_id": made.order_id,
            "confidence": made.confidence,
            "tier": made.tier,
            "latency_ms": round(made.latency_ms, 3),
        }
    )


# --- as JSON ----------------------------------------------------------------


def as_json(found: Mapping[str, Scores]) -> dict[str, Any]:
    """Return the scores of each tier as JSON values; what cannot be said is null."""
    return {"tiers": {name: _json(scores) for name, scores in found.items()}}


def _json(scores: Scores) -> dict[str, Any]:
    return {
        "cases": scores.cases,
        "labelled": scores.labelled,
        "numbered": scores.numbered,
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        "recall": {kind.value: one.recall for kind, one in scores.actions.items()},
        "precision": {kind.value: one.precision for kind, one in scores.actions.items()},
        "f1": {kind.value: one.f1 for kind, one in scores.actions.items()},
        "confusion": {
            label.value: {kind.value: count for kind, count in row.items()} for label, row in scores.confusion.items()
        },
        "by_language": {
            code: {"labelled": one.labelled, "accuracy": one.accuracy, "wrong_writes": one.wrong_writes}
            for code, one in scores.languages.items()
        },
        "wrong_write_rate": scores.wrong_write_rate,
        "write_recall": scores.write_recall,
        "write_recall_asked": scores.write_recall_asked,
        "asked_in_vain": scores.asked_in_vain,
        "exact_order_numbers": scores.exact_order_numbers,
        "invented_order_numbers": scores.invented_order_numbers,
        "passed_on": scores.passed_on,
        "calibration_error": scores.calibration_error,
        "calibration_error_answered": scores.calibration_error_answered,
        "latency_ms": {"p50": scores.p50_ms, "p95": scores.p95_ms},
        "answered_by": dict(scores.tiers),
        "pass_reasons": dict(scores.reasons),
    }


# --- as a table -------------------------------------------------------------


def as_text(found: Mapping[str, Scores]) -> str:
    """Return the scores as a table, and each tier's confusion below it."""
    tiers = list(found.values())
    rows = [("", *found), *_summary(tiers), *_recalls(tiers), *_languages(tiers), *_passing(tiers)]
    tables = [aligned(rows)]
    for name, scores in found.items():
        if scores.labelled:
            tables.append(f"Confusion of {name} (a row is what is right, a column what was predicted)")
            tables.append(aligned(_confusion(scores)))
    return "\n\n".join(tables)


def aligned(rows: Sequence[Row]) -> str:
    """Return rows as text: the first column to the left, all others to the right; a row of one cell is a heading."""
    wide = [row for row in rows if len(row) > 1]
    widths = [max(map(len, column)) for column in zip(*wide, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in rows
    )


def _summary(tiers: Sequence[Scores]) -> Iterator[Row]:
    def row(name: str, value: Callable[[Scores], str]) -> Row:
        return (name, *map(value, tiers))

    yield row("cases", lambda one: str(one.cases))
    yield row("labelled", lambda one: str(one.labelled))
    yield row("accuracy", lambda one: _percent(one.accuracy))
    yield row("macro-F1", lambda one: _percent(one.macro_f1))
    yield row("wrong writes", lambda one: _percent(one.wrong_write_rate, 2))
    yield row("write recall", lambda one: _percent(one.write_recall))
    yield row("  with what is asked", lambda one: _percent(one.write_recall_asked))
    yield row("asked in vain", lambda one: _percent(one.asked_in_vain))
    yield row("exact order numbers", lambda one: _percent(one.exact_order_numbers))
    yield row("invented order numbers", lambda one: str(one.invented_order_numbers))
    yield row("passed on", lambda one: _percent(one.passed_on))
    yield row("calibration error", lambda one: _decimal(one.calibration_error, 3))
    yield row("  of what was answered", lambda one: _decimal(one.calibration_error_answered, 3))
    yield row("p50, ms", lambda one: _decimal(one.p50_ms, 2))
    yield row("p95, ms", lambda one: _decimal(one.p95_ms, 2))


def _recalls(tiers: Sequence[Scores]) -> Iterator[Row]:
    if not any(scores.labelled for scores in tiers):
        return
    yield ("recall by action",)
    for kind in ActionKind:
        yield (f"  {kind.value}", *(_percent(one.actions[kind].recall) for one in tiers))


def _languages(tiers: Sequence[Scores]) -> Iterator[Row]:
    # All tiers were asked the same cases, so the languages are the same, too.
    codes = {code: one.labelled for scores in tiers for code, one in scores.languages.items()}
    if codes:
        yield ("accuracy by language",)
    for code, labelled in codes.items():
        yield (f"  {code} ({labelled})", *(_percent(one.languages[code].accuracy) for one in tiers))


def _passing(tiers: Sequence[Scores]) -> Iterator[Row]:
    yield ("answered by",)
    for name in _names(one.tiers for one in tiers):
        yield (f"  {name}", *(_count(one.tiers, name) for one in tiers))
    reasons = _names(one.reasons for one in tiers)
    if reasons:
        yield ("passed on, and why",)
    for name in reasons:
        yield (f"  {name}", *(_count(one.reasons, name) for one in tiers))


def _names(found: Iterable[Mapping[str, int]]) -> list[str]:
    return list(dict.fromkeys(name for counts in found for name in counts))


def _count(counts: Mapping[str, int], name: str) -> str:
    return str(counts[name]) if name in counts else "-"


def _confusion(scores: Scores) -> list[Row]:
    rows: list[Row] = [("", *(kind.value for kind in ActionKind))]
    rows += [(label.value, *(str(count) for count in row.values())) for label, row in scores.confusion.items()]
    return rows


def _percent(value: float | None, places: int = 1) -> str:
    return "-" if value is None else f"{100 * value:.{places}f} %"


def _decimal(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"
