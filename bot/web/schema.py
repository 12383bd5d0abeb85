"""The shapes of the REST API. The server's validation and `/openapi.json` both come from these models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from bot.domain.actions import ActionKind, ResponseType
from bot.domain.chat import ChatAnswer, ChatRequest
from bot.domain.model import Author, Message
from bot.web.refusals import Refusal

MAX_TEXT_CHARS = 32_768
MAX_HISTORY = 100
_MAX_PROBLEMS = 20

# No control characters, no invisible or direction-changing ones, no line separators, nothing that stands for a broken
# character: two threads whose names look alike should be alike.
_PRINTABLE = (
    r"^[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]+$"
)
_LANGUAGE_TAG = r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$"


class _Asked(BaseModel):
    """What a client sends: nothing is coerced, and nothing unknown is let through."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class HistoryEntry(_Asked):
    """An earlier message of the conversation."""

    role: Literal["user", "assistant"] = Field(description="`user` is the customer, `assistant` the bot.")
    text: str = Field(max_length=MAX_TEXT_CHARS)


class ChatBody(_Asked):
    """One message of a customer."""

    message: str = Field(
        min_length=1,
        max_length=MAX_TEXT_CHARS,
        description="What the customer wrote, in any language.",
        examples=["Where is my order ORD20241112001?"],
    )
    thread: Annotated[str, Field(min_length=1, max_length=128, pattern=_PRINTABLE)] | None = Field(
        default=None,
        description="The conversation this belongs to; left out, a new one begins. Threads of two keys never meet.",
    )
    history: Annotated[list[HistoryEntry], Field(max_length=MAX_HISTORY)] | None = Field(
        default=None, description="Earlier messages, oldest first, for a thread that the server does not know yet."
    )
    language: Annotated[str, Field(max_length=16, pattern=_LANGUAGE_TAG)] | None = Field(
        default=None,
        description="The customer's language as a tag; left out, it is found from the message.",
        examples=["es"],
    )

    def request(self, caller: str) -> ChatRequest:
        """Return the turn's own words for it."""
        now = datetime.now(UTC)
        history = tuple(
            Message(Author.CUSTOMER if entry.role == "user" else Author.BOT, entry.text, now)
            for entry in self.history or ()
        )
        return ChatRequest(caller, self.message, self.thread, history, self.language)


class ActionBody(BaseModel):
    """What the customer wants, as it was understood."""

    action: ActionKind
    order_id: str | None
    response_type: ResponseType
    message: str


class ChatReply(BaseModel):
    """The answer to one message."""

    thread: str = Field(description="Send it with the next message of this conversation.")
    type: Literal["text", "json"] = Field(description="`json` when `data` is an action for a program to look at.")
    content: str = Field(description="What the customer reads.")
    data: ActionBody | None
    raw: str = Field(description="The words of the tier that answered, before they were checked.")
    tier: str = Field(description="Who answered: `faq`, the name of a model, `rules`, ...")
    latency_ms: dict[str, float] = Field(description="Milliseconds per stage, and their `total`.")


class StageEvent(BaseModel):
    """A stage that has just ended (event `stage`)."""

    stage: str
    ms: float


class MessageEvent(BaseModel):
    """A piece of `content` (event `message`); all of them joined are the whole.

    Pieces come while a model writes. Should another answer take its place, the first piece of that one says `restart`:
    what came before counts no longer.
    """

    delta: str
    restart: bool = Field(default=False, description="Forget the pieces that came before; left out where it is false.")


class FieldProblem(BaseModel):
    """One thing that is wrong with a request."""

    field: str = Field(description="A path such as `history.3.role`; `body` for the whole.")
    message: str


class ErrorBody(BaseModel):
    """What went wrong, for a program (`code`) and for a person (`message`)."""

    code: str
    message: str
    field: str | None = Field(default=None, description="The first field of `problems`.")
    problems: list[FieldProblem] | None = None
    reference: str | None = Field(default=None, description="Where to find an internal error in the log.")


class ErrorReply(BaseModel):
    """The body of every error, and the data of the event `error`."""

    error: ErrorBody


class HealthLine(BaseModel):
    """One thing that is watched; the bot cannot serve while a fatal one is not ok."""

    name: str
    ok: bool
    detail: str
    fatal: bool


class HealthReply(BaseModel):
    """Whether all is well."""

    status: Literal["ok", "degraded", "down"]
    items: list[HealthLine]


class ReadyReply(BaseModel):
    """Whether turns are taken now."""

    ready: bool


def read_chat(data: Any) -> ChatBody:
    """Return the checked body. Raises Refusal 422, naming every field that is wrong."""
    try:
        return ChatBody.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    problems = [(_path(one["loc"]), _words(one)) for one in found[:_MAX_PROBLEMS]]
    field, words = problems[0]
    raise Refusal(422, "invalid", f"{field}: {words}", problems=problems)


def answer_dict(answer: ChatAnswer) -> dict[str, Any]:
    """Return the JSON object of `ChatReply`."""
    data = answer.action.to_dict() if answer.action else None
    return {
        "thread": answer.thread,
        "type": answer.action.response_type.value if answer.action else "text",
        "content": answer.content,
        "data": data,
        "raw": answer.raw,
        "tier": answer.tier,
        "latency_ms": {stage: round(ms, 3) for stage, ms in answer.latency_ms.items()},
    }


def _path(where: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:64] for part in where) or "body"


def _words(error: ErrorDetails) -> str:
    """Say it without the library's own words, which know nothing of JSON and recite patterns."""
    known: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is required."
        case "extra_forbidden":
            return f"is not known here; known are {', '.join(ChatBody.model_fields)}; in history: role, text."
        case "model_type":
            return "must be a JSON object."
        case "string_too_short":
            return "must not be empty."
        case "string_too_long":
            return f"must be at most {known['max_length']} characters long."
        case "too_long":
            return f"must hold at most {known['max_length']} entries."
        case "string_type":
            return "must be a string."
        case "list_type":
            return "must be an array."
        case "literal_error":
            return f"must be {known['expected']}."
        case "string_pattern_mismatch" if error["loc"] == ("language",):
            return "must be a language tag such as en, pt-BR or zh-Hans."
        case "string_pattern_mismatch":
            return "must be of printable characters only."
    return f"{error['msg']}."
