"""The one thread that owns a model and its engine, and how asyncio waits for it.

    run ─▶ queue ─▶ │ begin ─▶ engine.step, step, step … ─▶ finish │ ─▶ future

It loads the model with the first job. If that fails, or the thread breaks, every job is passed on with the reason, and
a later one tries again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from bot.errors import PassReason, TierPassed
from bot.inference.constraint import ConstraintError
from bot.inference.engine import Engine
from bot.inference.llama import DecodeFailed
from bot.inference.sequence import Sequence

log = logging.getLogger(__name__)
T = TypeVar("T")
RETRY_S, IDLE_S = 60.0, 0.5
SHUT_DOWN = "it is shut down"


class Loaded(Protocol):
    """A model that is ready."""

    engine: Engine

    def prepare(self) -> None:
        """Read the prefix again, if it was lost; called while nothing runs."""

    def settle(self) -> None:
        """Do what can wait; called once, when there has been nothing to do for a moment."""

    def close(self) -> None:
        """Free it."""


class CannotLoad(Exception):
    """The model cannot be loaded; the message says why."""


@dataclass(eq=False, slots=True)
class _Job:
    """Something to do: a sequence to be run, where `finish` is there, or else a single call."""

    begin: Callable[[Any], Any]
    finish: Callable[[Sequence], Any] | None = None
    future: Future[Any] = field(default_factory=Future)


class EngineThread:
    """Runs jobs for asyncio.

    Args:
        load: makes the model; raises CannotLoad.
        most: how many jobs may be there at once; more are passed on at once.
        clock: monotonic, in seconds.
    """

    def __init__(self, name: str, load: Callable[[], Loaded], most: int, clock: Callable[[], float]) -> None:
        self._name, self._load, self._most, self._clock = name, load, most, clock
        self._jobs: deque[_Job] = deque()
        self._come = threading.Condition()
        self._closed = False
        self._count = 0
        self._thread: threading.Thread | None = None
        # What follows belongs to the thread.
        self._running: dict[Sequence, _Job] = {}
        self._loaded: Loaded | None = None
        self._settled = True
        self._failure: tuple[str, float] | None = None

    async def run(self, begin: Callable[[Any], Sequence], finish: Callable[[Sequence], T]) -> T:
        """Run the sequence that `begin` makes of the loaded model; return what `finish` makes of it at its end.

        Raises:
            TierPassed: BUSY, UNAVAILABLE, BROKEN or INVALID.
        """
        if self._count >= self._most:
            raise TierPassed(PassReason.BUSY, f"{self._count} others wait for it already")
        result: T = await self._do(_Job(begin, finish))
        return result

    async def call(self, work: Callable[[Any], T]) -> T:
        """Return what `work` makes of the loaded model; it must be short.

        Raises:
            TierPassed: UNAVAILABLE or BROKEN.
        """
        result: T = await self._do(_Job(work))
        return result

    async def close(self) -> None:
        """Stop what runs and free the model."""
        with self._come:
            self._closed = True
            self._come.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def _do(self, job: _Job) -> Any:
        with self._come:
            if self._closed:
                raise TierPassed(PassReason.UNAVAILABLE, SHUT_DOWN)
            self._jobs.append(job)
            self._come.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
        self._count += 1
        try:
            # If nobody waits any more, the future is cancelled, which the thread sees before its next step.
            return await asyncio.wrap_future(job.future)
        finally:
            self._count -= 1

    # --- in the thread ---

    def _work(self) -> None:
        while self._wait():
            try:
                self._turn()
            except Exception as error:  # (the thread's edge: whatever broke, callers are told, and later ones served)
                log.exception("model.broken", extra={"model": self._name})
                self._failure = f"it broke ({type(error).__name__})", self._clock()
                self._end_all(TierPassed(PassReason.BROKEN, self._failure[0]))
        self._end_all(TierPassed(PassReason.UNAVAILABLE, SHUT_DOWN))

    def _wait(self) -> bool:
        """Wait until there is something to do; False when there never will be."""
        with self._come:
            while not (self._closed or self._jobs or self._running):
                if not self._come.wait(None if self._settled else IDLE_S) and self._loaded is not None:
                    self._settled = True
                    self._loaded.settle()
            return not self._closed

    def _turn(self) -> None:
        """Begin what came, drop what nobody waits for, and do one step."""
        while job := self._next():
            self._begin(job)
            self._jobs.popleft()  # Only now: if the model breaks over it, its caller is told like all others.
        for sequence, job in list(self._running.items()):
            if job.future.cancelled():
                del self._running[sequence]
                self._ready().engine.stop(sequence)
        if self._running:
            for sequence in self._ready().engine.step():
                self._finish(self._running.pop(sequence), sequence)

    def _next(self) -> _Job | None:
        return self._jobs[0] if self._jobs else None

    def _begin(self, job: _Job) -> None:
        if job.future.cancelled():
            return
        try:
            begun = job.begin(self._ready())
            if job.finish is None:
                _settle(job.future, begun)
                return
            self._ready().engine.add(begun)
            self._running[begun] = job
        except (TierPassed, ValueError) as error:
            _settle(job.future, _passed(error))

    def _finish(self, job: _Job, sequence: Sequence) -> None:
        assert job.finish is not None
        try:
            if sequence.failure:
                raise sequence.failure
            _settle(job.future, job.finish(sequence))
        except (TierPassed, ValueError, DecodeFailed) as error:
            _settle(job.future, _passed(error))

    def _ready(self) -> Loaded:
        """Return the model, loaded."""
        if self._loaded is None:
            if self._failure and self._clock() - self._failure[1] < RETRY_S:
                raise TierPassed(PassReason.UNAVAILABLE, self._failure[0])
            began = time.perf_counter()
            try:
                self._loaded, self._settled = self._load(), False
            except CannotLoad as error:
                self._failure = str(error), self._clock()
                log.warning("model.unavailable", extra={"model": self._name, "detail": str(error)})
                raise TierPassed(PassReason.UNAVAILABLE, str(error)) from error
            self._failure = None
            log.info("model.loaded", extra={"model": self._name, "seconds": round(time.perf_counter() - began, 3)})
        if not self._running:
            self._loaded.prepare()
        return self._loaded

    def _end_all(self, reason: TierPassed) -> None:
        """Pass on everything that is there, and free the model."""
        with self._come:
            jobs = [*self._running.values(), *self._jobs]
            self._jobs.clear()
        self._running.clear()
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.close()
        for job in jobs:
            _settle(job.future, reason)


def _settle(future: Future[Any], outcome: Any) -> None:
    """Give a future its outcome, unless nobody waits for it."""
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _passed(error: Exception) -> TierPassed:
    """Return an error as the reason why a tier passed on."""
    if isinstance(error, TierPassed):
        return error
    if isinstance(error, ConstraintError):
        return TierPassed(PassReason.BROKEN, f"the constraint failed: {error}")
    reason = PassReason.BROKEN if isinstance(error, DecodeFailed) else PassReason.INVALID
    return TierPassed(reason, str(error))
