"""One turn as the REST API sees it: what is asked, what is told meanwhile, and the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.actions import Action
from bot.domain.model import Message


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One REST turn; `caller` is a stable digest of the API key, so that threads of different keys never meet."""

    caller: str
    message: str
    thread: str | None = None
    history: tuple[Message, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """The answer to a REST turn; `latency_ms` is per stage, with `total`."""

    thread: str
    content: str
    action: Action | None = None
    raw: str = ""
    tier: str = ""
    latency_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChatStage:
    """A stage that a REST turn has just finished, for streaming."""

    stage: str
    ms: float


@dataclass(frozen=True, slots=True)
class ChatText:
    """The answer as far as a model has written it; another tier may still answer in its place."""

    content: str


ChatStep = ChatStage | ChatText | ChatAnswer


class Chat(Protocol):
    """The turn, as the REST API enters it."""

    def converse(self, request: ChatRequest) -> AsyncIterator[ChatStep]:
        """Yield the stages as they finish, the text as it is written, and the answer last.

        A caller who goes away does not stop the turn: it finishes, and the thread holds the answer.
        """
