"""Every exception of Deskhand.

    DeskhandError
    ├── ConfigError            the settings are wrong; holds every problem at once
    ├── StoreError             the database could not do it
    │   ├── StoreFull          no space left on the disk
    │   ├── StoreReadOnly      the database cannot be written
    │   └── StoreBusy          another process holds the database
    ├── TierPassed             a tier of understanding passes on, with a reason
    ├── OrderSystemError       the shop's order system did not answer as it should
    │   ├── OrderSystemDown    surely nothing was done: refused, unreachable
    │   ├── OrderSystemTimeout it may have been done: no answer in time
    │   └── OrderSystemGarbled it may have been done: the answer makes no sense
    ├── ScopeViolation         an adapter returned another customer's order
    └── TransportError         Telegram did not take a call
        ├── NotSent            surely not delivered; holds when to try again
        ├── MaybeSent          nobody can know
        └── Rejected           Telegram refused it for good

A class's docstring is its default message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class DeskhandError(Exception):
    """Deskhand failed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where it stands, and what helps."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy}"


class ConfigError(DeskhandError):
    """The configuration is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class StoreError(DeskhandError):
    """The database could not do it."""


class StoreFull(StoreError):
    """The disk is full: free some space; nothing was lost."""


class StoreReadOnly(StoreError):
    """The database cannot be written: check the file's owner and the volume's mount."""


class StoreBusy(StoreError):
    """Another process holds the database."""


class PassReason(StrEnum):
    """Why a tier did not answer; shown in the trace, in /stats and in the metrics."""

    NO_MATCH = "no_match"
    UNSURE = "unsure"
    SLOW = "slow"
    BROKEN = "broken"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"
    BUSY = "busy"


class TierPassed(DeskhandError):
    """This tier passes the message on."""

    def __init__(self, reason: PassReason, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else str(reason))


class OrderSystemError(DeskhandError):
    """The shop's order system did not answer as it should."""


class OrderSystemDown(OrderSystemError):
    """The shop's order system cannot be reached; nothing was done."""


class OrderSystemTimeout(OrderSystemError):
    """The shop's order system did not answer in time; it may have acted."""


class OrderSystemGarbled(OrderSystemError):
    """The shop's order system answered something that makes no sense; it may have acted."""


class ScopeViolation(DeskhandError):
    """An order adapter returned another customer's order; it was withheld."""


class TransportError(DeskhandError):
    """Telegram did not take the call."""


class NotSent(TransportError):
    """Surely not delivered; it may be tried again."""

    def __init__(self, message: str | None = None, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class MaybeSent(TransportError):
    """Perhaps delivered; trying again could say it twice."""


class Rejected(TransportError):
    """Telegram refused it for good."""
