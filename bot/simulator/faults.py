"""Failures to order: the next calls of a method go wrong as a network or a server can."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

ANY = "*"
_BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class FaultKind(Enum):
    """How a call goes wrong."""

    STATUS = "status"
    HANG = "hang"
    DROP = "drop"
    GARBLED = "garbled"
    SLOW = "slow"

    @property
    def is_wait(self) -> bool:
        """Whether the call is answered in the end as if nothing had happened."""
        return self in {FaultKind.HANG, FaultKind.SLOW}


@dataclass(slots=True)
class Fault:
    """One way to fail; `hit` is set when a call runs into it, `release` ends a hang.

    `acts` says whether the method takes effect before the failure; a hang or a slow answer that does not act first acts
    when it ends, if the caller still waits.
    """

    kind: FaultKind
    acts: bool = False
    status: int = 500
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    html: str = ""
    delay_s: float = 0.0
    hit: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def error(cls, status: int, description: str, *, acts: bool = False) -> Fault:
        """Answer with an error in JSON; with `acts` although the method took effect."""
        return cls(FaultKind.STATUS, acts, status, description)

    @classmethod
    def internal_error(cls, *, acts: bool = False) -> Fault:
        """Answer 500."""
        return cls.error(500, "Internal Server Error", acts=acts)

    @classmethod
    def bad_gateway(cls, *, acts: bool = False) -> Fault:
        """Answer 502 with a web server's HTML page."""
        return cls(FaultKind.STATUS, acts, 502, html=_BAD_GATEWAY)

    @classmethod
    def too_many(cls, retry_after: int) -> Fault:
        """Answer 429 and say when to come back, in seconds."""
        waiting = {"retry_after": retry_after}
        description = f"Too Many Requests: retry after {retry_after}"
        return cls(FaultKind.STATUS, status=429, description=description, parameters=waiting)

    @classmethod
    def hang(cls, *, acts: bool = False) -> Fault:
        """Give no answer until `release` is set."""
        return cls(FaultKind.HANG, acts)

    @classmethod
    def drop(cls, *, acts: bool = False) -> Fault:
        """Close the connection without an answer; with `acts` after the method took effect."""
        return cls(FaultKind.DROP, acts)

    @classmethod
    def garbled(cls, *, acts: bool = True) -> Fault:
        """Answer 200 with JSON that breaks off."""
        return cls(FaultKind.GARBLED, acts)

    @classmethod
    def slow(cls, seconds: float, *, acts: bool = True) -> Fault:
        """Answer rightly, but late."""
        return cls(FaultKind.SLOW, acts, delay_s=seconds)


@dataclass(slots=True)
class _Armed:
    method: str
    fault: Fault
    times: int
    chat_id: int | None


class Faults:
    """The failures that wait for their calls, in the order they were asked for."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._struck: list[Fault] = []

    def next(self, method: str, fault: Fault, times: int = 1, chat_id: int | None = None) -> Fault:
        """Let the next `times` calls of a method ("*" for any), of one chat or of all, run into a fault; return it."""
        self._armed.append(_Armed(method.lower(), fault, times, chat_id))
        return fault

    def clear(self) -> None:
        """Let all calls succeed again, and release those that hang."""
        for fault in self._struck:
            fault.release.set()
        self._struck.clear()
        self._armed.clear()

    def take(self, method: str, chat_id: Any) -> Fault | None:
        """Return the fault that a call runs into, or None; `method` is in lower case."""
        for armed in self._armed:
            if armed.method in {ANY, method} and (armed.chat_id is None or armed.chat_id == chat_id):
                armed.times -= 1
                if armed.times <= 0:
                    self._armed.remove(armed)
                armed.fault.hit.set()
                self._struck.append(armed.fault)
                return armed.fault
        return None
