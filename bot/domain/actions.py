"""The one JSON object a model may emit, and its parser.

    {"action": "query_order" | "cancel_order" | "return_apply" | "handoff" | "unknown",
     "order_id": string | null, "response_type": "text" | "json", "message": string}

Every model output passes `parse_action`, whatever a grammar promised before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class ActionKind(StrEnum):
    """What the customer wants."""

    QUERY_ORDER = "query_order"
    CANCEL_ORDER = "cancel_order"
    RETURN_APPLY = "return_apply"
    HANDOFF = "handoff"
    UNKNOWN = "unknown"

    @property
    def is_write(self) -> bool:
        """Whether it changes something in the order system."""
        return self in (ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY)

    @property
    def concerns_order(self) -> bool:
        """Whether it is about an order at all."""
        return self.is_write or self is ActionKind.QUERY_ORDER


class ResponseType(StrEnum):
    """Whether `message` is for the customer's eyes or the action is for the code."""

    TEXT = "text"
    JSON = "json"


class Written(str):
    """A model's answer with how likely the model held the action in it, from 0 to 1.

    A model that cannot tell returns a plain `str`, which counts as sure.
    """

    __slots__ = ("confidence",)

    def __new__(cls, text: str, confidence: float) -> Written:
        """Make it of the text."""
        written = super().__new__(cls, text)
        written.confidence = confidence
        return written

    confidence: float


MAX_MESSAGE_CHARS = 2000
MAX_ORDER_ID_CHARS = 64

# An answer cut off inside an escape leaves half a character, which no database takes, and no chat shows NUL.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Action:
    """One validated action. `message` is the model's own text and is only ever shown for `unknown`."""

    kind: ActionKind
    order_id: str | None = None
    message: str = ""

    @property
    def response_type(self) -> ResponseType:
        """`json` when code has to act, `text` when there is only something to say."""
        return ResponseType.TEXT if self.kind is ActionKind.UNKNOWN else ResponseType.JSON

    def about(self, order_id: str | None) -> Action:
        """Return the same action about another order."""
        return replace(self, order_id=order_id)

    def to_dict(self) -> dict[str, str | None]:
        """Return the JSON object of the contract."""
        fields = asdict(self)
        return {
            "action": self.kind.value,
            "order_id": fields["order_id"],
            "response_type": self.response_type.value,
            "message": fields["message"],
        }


def action_schema(candidates: Sequence[str] | None = None, max_message: int = 240) -> dict[str, Any]:
    """Return the JSON schema of an action.

    With `candidates`, the order number is a choice among them or null, so that it cannot be invented.
    """
    message = {"type": "string", "maxLength": max_message}
    return _schema(list(ActionKind), candidates, [kind.value for kind in ResponseType], message)


def branching_schema(candidates: Sequence[str], max_message: int = 240) -> dict[str, Any]:
    """Return the JSON schema of an action, in which nothing is left open that the action decides.

    Only `unknown` has a message. Whoever writes to it is done with the order number of any other action; some servers
    take no schema that branches at its root.
    """
    ours = [kind for kind in ActionKind if kind is not ActionKind.UNKNOWN]
    message = {"type": "string", "maxLength": max_message} if max_message else {"const": ""}
    return {
        "anyOf": [
            _schema(ours, candidates, [ResponseType.JSON.value], {"const": ""}),
            _schema([ActionKind.UNKNOWN], candidates, [ResponseType.TEXT.value], message),
        ]
    }


def _schema(
    kinds: Sequence[ActionKind], candidates: Sequence[str] | None, types: Sequence[str], message: dict[str, Any]
) -> dict[str, Any]:
    order_id: dict[str, Any] = {"type": ["string", "null"], "maxLength": MAX_ORDER_ID_CHARS}
    if candidates is not None:
        order_id = {"enum": [*candidates, None]}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["action", "order_id", "response_type", "message"],
        "properties": {
            "action": {"enum": [kind.value for kind in kinds]},
            "order_id": order_id,
            "response_type": {"enum": list(types)},
            "message": message,
        },
    }


_MESSAGE = re.compile(r'"message":"((?:[^"\\]|\\(?:u[0-9a-fA-F]{4}|[^u]))*)')


def begun_message(raw: str) -> str:
    """Return the message of an action that is still being written, as far as it goes."""
    found = _MESSAGE.search(raw)
    # Half a letter of two escapes is no text yet.
    return _UNSEEN.sub("", json.loads(f'"{found[1]}"', strict=False)) if found else ""


def parse_action(raw: str, candidates: Sequence[str] | None = None) -> Action:
    """Parse a model's output.

    Raises:
        ValueError: naming the field that is wrong. An order number that is not among
            `candidates` was invented, and is an error as well.
    """
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    if unknown := data.keys() - {"action", "order_id", "response_type", "message"}:
        raise ValueError(f"unknown field {min(unknown)!r}")
    return Action(_kind(data), _order_id(data, candidates), _message(data))


def _kind(data: dict[str, Any]) -> ActionKind:
    try:
        ResponseType(str(data.get("response_type")))
    except ValueError:
        raise ValueError("response_type: must be text or json") from None
    try:
        return ActionKind(str(data.get("action")))
    except ValueError:
        raise ValueError("action: not one of the five") from None


def _order_id(data: dict[str, Any], candidates: Sequence[str] | None) -> str | None:
    value = data.get("order_id")
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_ORDER_ID_CHARS:
        raise ValueError("order_id: must be null or a short string")
    if candidates is not None and value in candidates:
        return value
    number = _UNSEEN.sub("", value).strip().removeprefix("#").strip()
    if not number:
        # Models write "" where they mean null.
        return None
    if candidates is not None and number not in candidates:
        raise ValueError("order_id: not among the numbers of this thread")
    return number


def _message(data: dict[str, Any]) -> str:
    value = data.get("message")
    if not isinstance(value, str):
        raise ValueError("message: must be a string")
    return _UNSEEN.sub("", value)[:MAX_MESSAGE_CHARS]
