"""`/openapi.json`: OpenAPI 3.1, made from the models that validate."""

from __future__ import annotations

from functools import cache
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot import __version__
from bot.web.refusals import json_response
from bot.web.schema import ChatBody, ChatReply, ErrorReply, HealthReply, MessageEvent, ReadyReply, StageEvent

_REPLIES: tuple[type[BaseModel], ...] = (ChatReply, ErrorReply, HealthReply, MessageEvent, ReadyReply, StageEvent)

_STREAM = """With `Accept: text/event-stream`: `stage` (StageEvent) as each stage ends, `message` (MessageEvent) with
the content piece by piece, `done` (ChatReply) at the end, or `error` (ErrorReply). Comments keep it alive meanwhile."""

_CHAT_ERRORS = {
    400: "Not JSON, or not UTF-8.",
    401: "The key is missing or wrong.",
    403: "The REST API is switched off: no key is configured.",
    408: "The body came too slowly.",
    413: "The body is larger than 1 MiB.",
    415: "The body says that it is not JSON.",
    422: "The shape is wrong; `field` and `problems` say where.",
    500: "Something went wrong in the server; `reference` finds it in the log.",
    503: "Too many turns at once, or the database cannot be written; `Retry-After` says when to try again.",
    504: "The turn takes too long; it goes on, and its thread will hold the answer.",
}


async def openapi(_: web.Request) -> web.Response:
    """Answer with the document."""
    return json_response(document())


@cache
def document() -> dict[str, Any]:
    """Return the whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Deskhand",
            "version": __version__,
            "description": "Answers a shop's customers. Lengths count characters (Unicode code points).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/v1/chat": {"post": _chat()},
            "/healthz": {"get": _healthz()},
            "/readyz": {"get": _readyz()},
            "/metrics": {"get": _metrics()},
            "/openapi.json": {"get": _itself()},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "One of web.api_keys."}},
        },
    }


def _schemas() -> dict[str, Any]:
    chosen = [(ChatBody, "validation"), *((model, "serialization") for model in _REPLIES)]
    _, schema = models_json_schema(chosen, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    schemas: dict[str, Any] = schema["$defs"]
    return schemas


def _chat() -> dict[str, Any]:
    answer = _answer("The answer.", "ChatReply")
    answer["content"]["text/event-stream"] = {"schema": {"type": "string", "description": _STREAM}}
    return {
        "operationId": "chat",
        "summary": "Send one message of a customer and get the answer",
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": _json("ChatBody")},
        "responses": {"200": answer, **{str(code): _error(code, words) for code, words in _CHAT_ERRORS.items()}},
    }


def _healthz() -> dict[str, Any]:
    answers = {
        "200": _answer("All is well, or only something not fatal is not.", "HealthReply"),
        "503": _answer("Something fatal is not ok.", "HealthReply"),
    }
    return _open("healthz", "Whether all is well", answers)


def _readyz() -> dict[str, Any]:
    answers = {"200": _answer("Turns are taken.", "ReadyReply"), "503": _answer("Not now.", "ReadyReply")}
    return _open("readyz", "Whether turns are taken now", answers)


def _metrics() -> dict[str, Any]:
    text = {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return _open("metrics", "Figures for Prometheus", {"200": text})


def _itself() -> dict[str, Any]:
    answer = {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}
    return _open("openapi", "This document", {"200": answer})


def _open(operation: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    errors = {"500": _error(500, _CHAT_ERRORS[500])}
    return {"operationId": operation, "summary": summary, "security": [], "responses": {**responses, **errors}}


def _error(code: int, words: str) -> dict[str, Any]:
    answer = _answer(words, "ErrorReply")
    names = {401: ("WWW-Authenticate",), 503: ("Retry-After",)}.get(code, ())
    if names:
        answer["headers"] = {name: {"schema": {"type": "string"}} for name in names}
    return answer


def _answer(words: str, model: str) -> dict[str, Any]:
    return {"description": words, "content": _json(model)}


def _json(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}}}
