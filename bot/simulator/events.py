"""What happens in one chat, numbered, for the page to follow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

# Seen only by who is looking at that moment: a page that connects later must not be told of old typing or toasts.
FLEETING = frozenset({"typing", "toast", "draft"})


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `render` gives its data as of now, so that a late reader sees the last state."""

    seq: int
    kind: str
    render: Callable[[], dict[str, Any]]

    @property
    def fleeting(self) -> bool:
        """Whether only those who look at that moment see it."""
        return self.kind in FLEETING


class EventLog:
    """The last events of a chat; readers keep their own place in it."""

    def __init__(self, size: int) -> None:
        self.seq = 0
        self._events: deque[Event] = deque(maxlen=size)
        self._waiting: set[asyncio.Event] = set()

    def add(self, kind: str, render: Callable[[], dict[str, Any]]) -> int:
        """Record an event and wake the readers; return its number."""
        self.seq += 1
        self._events.append(Event(self.seq, kind, render))
        for waiting in self._waiting:
            waiting.set()
        return self.seq

    def since(self, seq: int) -> list[Event] | None:
        """Return the events after a number, or None when some of them are no longer held."""
        oldest = self._events[0].seq if self._events else self.seq + 1
        if seq > self.seq or seq < oldest - 1:
            return None
        return list(islice(self._events, seq - oldest + 1, None))

    def watch(self) -> asyncio.Event:
        """Return an asyncio event that is set whenever something is added; give it back to `unwatch`."""
        waiting = asyncio.Event()
        self._waiting.add(waiting)
        return waiting

    def unwatch(self, waiting: asyncio.Event) -> None:
        """Stop setting a reader's event."""
        self._waiting.discard(waiting)

    def wake(self) -> None:
        """Wake all readers though nothing happened, so that they see that the server stops."""
        for waiting in self._waiting:
            waiting.set()
