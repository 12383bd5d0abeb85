"""A turn of the workload, as llama.cpp's own interfaces take it, and what comes back."""

from __future__ import annotations

import json
from typing import Any

from bot.bench.engine import MAX_TOKENS
from bot.bench.workload import Turn

CONTEXT_TOKENS = 2048
"""Of one chat; the longest of the workload takes some 800."""


def messages(turn: Turn) -> list[dict[str, str]]:
    """Return a turn's messages."""
    return [{"role": message.role, "content": message.content} for message in turn.messages]


def request(turn: Turn) -> dict[str, Any]:
    """Return the body of POST /v1/chat/completions."""
    return {
        "messages": messages(turn),
        "response_format": {"type": "json_schema", "json_schema": {"name": "action", "schema": turn.schema}},
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
    }


def compact(turn: Turn) -> dict[str, Any]:
    """Return the same body with the schema as a grammar without whitespace.

    llama-server's own grammar of a schema lets lines and tabs stand between the fields. A trained model writes none,
    but random weights like them as much as anything, and would be slow for no fault of the server.
    """
    body = request(turn)
    del body["response_format"]
    return {**body, "grammar": _grammar(turn.schema["properties"])}


def _grammar(fields: dict[str, Any]) -> str:
    rules = {
        name: " | ".join(_literal(value) for value in field["enum"])
        for name, field in fields.items()
        if "enum" in field
    }
    most = fields["message"]["maxLength"]
    rules["message"] = rf'"\"" char{{0,{most}}} "\""' if most else _literal("")
    parts = [
        f"{_text(comma + json.dumps(name) + ':')} {_rule(name)}" for name, comma in zip(fields, "{,,,", strict=True)
    ]
    lines = [f'root ::= {" ".join(parts)} "}}"', *(f"{_rule(name)} ::= {rule}" for name, rule in rules.items())]
    return "\n".join([*lines, r'char ::= [^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" [0-9a-fA-F]{4})'])


def _literal(value: str | None) -> str:
    return _text(json.dumps(value))


def _text(text: str) -> str:
    return json.dumps(text)


def _rule(name: str) -> str:
    return name.replace("_", "-")


def options(turn: Turn) -> dict[str, Any]:
    """Return the arguments of llama-cpp-python's `create_chat_completion`."""
    return {
        "messages": messages(turn),
        "response_format": {"type": "json_object", "schema": turn.schema},
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
    }


def content(answer: dict[str, Any]) -> str:
    """Return the text of an answer."""
    return str(answer["choices"][0]["message"]["content"])
