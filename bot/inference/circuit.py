"""A circuit breaker: a server that failed several times in a row is left alone for a while, then tried by one call."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.errors import PassReason, TierPassed

log = logging.getLogger(__name__)
FAILURES = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0


class ServerFailed(TierPassed):
    """The server failed, whatever it was asked: not reached, not in time, or broken inside."""


class Circuit:
    """Closed while calls may pass; open for a pause after `FAILURES` failures in a row; then one call is the probe.

    Only `ServerFailed` is a failure. Any other outcome shows that the server answers, and closes the circuit; a call
    that was cancelled shows nothing. Each failed probe doubles the pause, up to `LONGEST_PAUSE_S`.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._failures = 0
        self._last = ""
        self._pause_s = 0.0
        self._until: float | None = None
        self._probing = False

    def state(self) -> str:
        """Return why calls are refused, in half a sentence; empty while they are not."""
        if self._until is None:
            return ""
        left = self._until - self._clock()
        next_try = f"tried again in {left:.0f} s" if left > 0 else "tried again with the next message"
        return f"it failed {self._failures} times in a row ({self._last}) and is {next_try}"

    def check(self) -> None:
        """Refuse a call that need not wait for anything to be refused. Raises TierPassed UNAVAILABLE."""
        if self._until is not None and (self._probing or self._clock() < self._until):
            raise TierPassed(PassReason.UNAVAILABLE, self.state())

    @contextmanager
    def call(self) -> Iterator[None]:
        """Let a call through, and learn from how it ends. Raises TierPassed UNAVAILABLE while the circuit is open."""
        self.check()
        probe = self._probing = self._until is not None
        try:
            yield
        except ServerFailed as failure:
            self._failed(failure, probe=probe)
            raise
        except TierPassed:
            self._answered()
            raise
        else:
            self._answered()
        finally:
            if probe:
                self._probing = False

    def _failed(self, failure: ServerFailed, *, probe: bool) -> None:
        self._failures += 1
        self._last = failure.detail
        if self._until is None:
            if self._failures < FAILURES:
                return
            self._pause_s = FIRST_PAUSE_S
            extra = {"model": self._name, "failures": self._failures, "detail": self._last}
            log.warning("circuit.opened", extra=extra)
        elif probe:
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        else:
            return  # It began before the circuit opened.
        self._until = self._clock() + self._pause_s

    def _answered(self) -> None:
        if self._until is not None:
            log.info("circuit.closed", extra={"model": self._name, "failures": self._failures})
        self._failures = 0
        self._until = None
