"""`deskhand eval`: asks the tiers what the cases of a file mean, on the very way that a customer's message takes.

Tiers and `Understanding` are built as `compose.make_brain` builds them, and asked as `Turn` asks them; only the FAQ
tier is left out, because its answers are the shop's own and no file of cases can know them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot import logs
from bot.compose import Overrides, best_language, lexicon_book, make_desk
from bot.config import Settings, TierSettings
from bot.conversation.text import clean, excerpt
from bot.conversation.understanding import APOLOGY, Understanding
from bot.domain.actions import Action, ActionKind
from bot.domain.language import LexiconBook
from bot.domain.model import Query, Understood
from bot.domain.order_numbers import OrderNumbers
from bot.learning import report
from bot.learning.cases import Case, read_cases
from bot.learning.scores import Prediction, score
from bot.store.threads import HISTORY
from bot.tiers import EMBEDDED, make_tiers
from bot.web.metrics import PrometheusMonitor

CASCADE = "cascade"
LONG = 500
"""Files of more cases show how far it has come."""
BUILT_IN = {
    "classifier": TierSettings(kind="classifier", name="classifier"),
    "rules": TierSettings(kind="rules", name="rules"),
    EMBEDDED: TierSettings(kind="llama", name=EMBEDDED, model=EMBEDDED),
}
"""The tiers that come with the program, so that they can be asked for without being configured."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated under a name: some of the tiers, in order."""

    name: str
    tiers: tuple[TierSettings, ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks one subject, case by case; `problems` says what keeps its models from answering."""

    settings: Settings
    book: LexiconBook
    numbers: OrderNumbers
    understanding: Understanding
    problems: tuple[str, ...] = ()

    async def predict(self, case: Case) -> Prediction:
        """Return what is understood, and how long that took."""
        query = self.query(case)
        started = time.perf_counter()
        # As in a turn, a message without any text gets a fixed answer, and no tier is asked.
        fixed = Understood(Action(ActionKind.UNKNOWN), "fixed")
        found = await self.understanding.understand(query) if query.text else fixed
        return Prediction(
            id=case.id,
            action=found.action.kind,
            order_id=found.action.order_id,
            confidence=found.confidence,
            tier=found.tier,
            latency_ms=1000 * (time.perf_counter() - started),
            answered=found.tier != APOLOGY,
            passed=found.passed,
            suspected=found.suspected,
        )

    def query(self, case: Case) -> Query:
        """Return what a turn would ask, were this the next message of a thread in the case's language."""
        heard = clean(case.text)
        history = tuple(replace(said, text=clean(said.text)) for said in case.history[-HISTORY:])
        found = self.book.detect(heard) if heard else None
        return Query(
            text=excerpt(heard),
            language=best_language(self.settings, found or case.language),
            history=history,
            candidates=self.numbers.candidates(heard, history),
            facts=self.settings.shop.facts,
        )


def subjects(settings: Settings, names: Sequence[str]) -> list[Subject]:
    """Return what each name stands for, each once: the cascade, or one tier by its name or kind.

    Raises:
        ValueError: there is no such tier; the message lists those there are.
    """
    return [Subject(name, _tiers(settings, name)) for name in dict.fromkeys(names or [CASCADE])]


def _tiers(settings: Settings, name: str) -> tuple[TierSettings, ...]:
    configured = settings.understanding.tiers
    if name == CASCADE:
        return configured
    found = [tier for tier in configured if tier.name == name] or [tier for tier in configured if tier.kind == name]
    if len(found) > 1:
        raise ValueError(f"several tiers are of kind {name}; name one: {', '.join(tier.name for tier in found)}")
    if not found and name in BUILT_IN:
        found = [BUILT_IN[name]]
    if not found:
        there_are = dict.fromkeys([CASCADE, *(tier.name for tier in configured), *BUILT_IN])
        raise ValueError(f"there is no tier {name!r}; there are: {', '.join(there_are)}")
    return tuple(found)


@asynccontextmanager
async def asking(settings: Settings, subject: Subject) -> AsyncIterator[Asking]:
    """Build a subject's tiers and load its models; close them at the end."""
    chosen = settings.understanding.model_copy(update={"tiers": subject.tiers})
    settings = settings.model_copy(update={"understanding": chosen})
    desk = make_desk(settings, Overrides())
    try:
        book, numbers = lexicon_book(), OrderNumbers(desk.number_shapes)
        tiers, models = make_tiers(settings, book, numbers)
        try:
            # Looking for problems loads a model, which is not to be taken for the first answer's time.
            problems = [problem for model in models if (problem := await model.problem())]
            yield Asking(settings, book, numbers, Understanding(tiers, PrometheusMonitor()), tuple(problems))
        finally:
            for model in models:
                await model.close()
    finally:
        await desk.close()


async def evaluate(
    settings: Settings,
    chosen: Sequence[Subject],
    cases: Sequence[Case],
    *,
    on_problem: Callable[[str], None] = lambda _problem: None,
    on_prediction: Callable[[str, Prediction], None] = lambda _subject, _prediction: None,
) -> Mapping[str, Sequence[Prediction]]:
    """Return each subject's predictions, in the cases' order. One subject at a time is in memory."""
    found: dict[str, Sequence[Prediction]] = {}
    for subject in chosen:
        made: list[Prediction] = []
        async with asking(settings, subject) as asked:
            for problem in asked.problems:
                on_problem(problem)
            for case in cases:
                made.append(await asked.predict(case))
                on_prediction(subject.name, made[-1])
        found[subject.name] = made
    return found


# --- the command ------------------------------------------------------------


async def evaluate_file(
    settings: Settings, path: Path, tiers: Sequence[str], predictions: Path | None, *, as_json: bool
) -> int:
    """Print how well the tiers do on a file of cases; return 0.

    Raises:
        ValueError: a line of the file is no case, or there is no such tier; nothing was evaluated then.
    """
    cases, chosen = read_cases(path), subjects(settings, tiers)
    files = _prediction_files(predictions, chosen, path) if predictions else {}
    logs.setup("ERROR", "text", settings.secrets())
    progress = Progress(len(cases) * len(chosen), shown=len(cases) > LONG and sys.stderr.isatty())
    with ExitStack() as stack:
        writing = {name: stack.enter_context(file.open("w", encoding="utf-8")) for name, file in files.items()}

        def note(subject: str, made: Prediction) -> None:
            if subject in writing:
                writing[subject].write(report.prediction_line(made) + "\n")
            progress.step()

        made = await evaluate(settings, chosen, cases, on_problem=_warn, on_prediction=note)
    scores = {name: score(cases, predicted) for name, predicted in made.items()}
    print(json.dumps({"file": str(path), **report.as_json(scores)}, indent=2) if as_json else report.as_text(scores))
    for name, file in files.items():
        print(f"Predictions of {name}: {file}", file=sys.stderr)
    return 0


def _warn(problem: str) -> None:
    print(f"deskhand: {problem}", file=sys.stderr)


class Progress:
    """How far a long evaluation has come, on one line of stderr."""

    def __init__(self, total: int, *, shown: bool) -> None:
        self._total, self._shown, self._done = total, shown, 0

    def step(self) -> None:
        """Count one more; the line is written anew at every hundredth part."""
        self._done += 1
        if self._shown and (self._done % max(self._total // 100, 1) == 0 or self._done == self._total):
            end = "\n" if self._done == self._total else ""
            print(f"\r  {self._done:,} of {self._total:,} asked", end=end, file=sys.stderr, flush=True)


def _prediction_files(out: Path, chosen: Sequence[Subject], cases: Path) -> dict[str, Path]:
    """Return the file of each subject's predictions: OUT for one, OUT with the name before its ending for several.

    Raises:
        ValueError: predictions would overwrite the cases.
    """
    several = len(chosen) > 1
    files = {one.name: out.with_name(f"{out.stem}.{one.name}{out.suffix}") if several else out for one in chosen}
    if any(file.resolve() == cases.resolve() for file in files.values()):
        raise ValueError(f"--predictions would overwrite the cases in {cases}")
    return files
