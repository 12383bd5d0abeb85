"""The OpenAPI document, and that the server does what it says."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import StoreBusy
from bot.web.application import Limits, make_web, serve
from bot.web.openapi import document
from tests.support.fake_chat import AUTH, ORDER_ANSWER, FakeChat, client, deps, events

TYPES: Mapping[str, Any] = {
    "string": str,
    "array": list,
    "object": dict,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
}
UNDERSTOOD = {
    "$ref",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "enum",
    "const",
    "minLength",
    "maxLength",
    "maxItems",
    "pattern",
    "title",
    "description",
    "default",
    "examples",
}


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether `value` fits a JSON schema of the document, by the standard's rules for the words used there."""
    assert schema.keys() <= UNDERSTOOD, f"teach this test {schema.keys() - UNDERSTOOD}"
    if "$ref" in schema:
        return fits(value, document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return any(fits(value, choice) for choice in schema["anyOf"])
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return False
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return False
    if isinstance(value, str):
        return _string_fits(value, schema)
    if isinstance(value, list):
        return len(value) <= schema.get("maxItems", len(value)) and all(fits(one, schema["items"]) for one in value)
    return _object_fits(value, schema) if isinstance(value, dict) else True


def _string_fits(value: str, schema: Mapping[str, Any]) -> bool:
    long_enough = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
    return long_enough and bool(re.fullmatch(schema.get("pattern", ".*").strip("^$"), value, re.DOTALL))


def _object_fits(value: dict[str, Any], schema: Mapping[str, Any]) -> bool:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    if not set(schema.get("required", ())) <= value.keys() or (others is False and value.keys() - known.keys()):
        return False
    rest = others if isinstance(others, dict) else {}
    return all(fits(one, known.get(name, rest)) for name, one in value.items())


def answer_fits(path: str, method: str, status: int, body: Any) -> bool:
    """Whether an answer is among those that the document promises."""
    answer = document()["paths"][path][method]["responses"][str(status)]
    return fits(body, answer["content"]["application/json"]["schema"])


def test_the_walker_can_say_no() -> None:
    """The small check of this file refuses what it should."""
    schema = {"$ref": "#/components/schemas/ChatBody"}
    assert fits({"message": "hi", "history": [{"role": "user", "text": ""}], "thread": None}, schema)
    for wrong in ({}, {"message": ""}, {"message": 1}, {"message": "a", "x": 1}, {"message": "a", "thread": "\n"}, []):
        assert not fits(wrong, schema)


def test_every_reference_leads_somewhere() -> None:
    """The document is whole, plain JSON, and every operation has a name of its own."""
    text = json.dumps(document())
    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert named <= document()["components"]["schemas"].keys()
    assert document()["openapi"].startswith("3.1.")
    operations = re.findall(r'"operationId": "(\w+)"', text)
    assert len(operations) == len(set(operations)) == len(document()["paths"])


async def test_the_document_is_served_and_names_every_route() -> None:
    """What the server answers is in the document, but for Telegram's own webhook."""
    app = make_web(deps())
    routes = {
        (route.resource.canonical, route.method.lower())
        for route in app.router.routes()
        if route.resource and route.method not in ("HEAD", "OPTIONS")
    }
    async with client(app=app) as http:
        served = await (await http.get("/openapi.json")).json()
    assert served == document()
    assert {(path, method) for path, methods in served["paths"].items() for method in methods} == routes


texts = st.text(max_size=30)
edges = st.sampled_from([16, 17, 100, 101, 128, 129, 32_768, 32_769]).map(lambda length: "ж" * length)
entries = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "text": texts})
strange = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
right = st.fixed_dictionaries(
    {"message": st.text(min_size=1)},
    optional={
        "thread": st.none() | st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=128),
        "history": st.none() | st.lists(entries, max_size=3),
        "language": st.none() | st.from_regex(r"[a-z]{2}(-[A-Z]{2})?", fullmatch=True),
    },
)
anything = st.recursive(strange, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
half_right = st.builds(
    lambda body, name, value: {**body, name: value},
    right,
    st.sampled_from(["message", "thread", "history", "language", "other", ""]),
    anything
    | edges
    | st.lists(entries).map(lambda few: (few * 101)[:101])
    | st.lists(st.fixed_dictionaries({"role": texts, "text": strange}), max_size=2),
)


async def exchange(url: str, bodies: list[Any]) -> list[tuple[int, Any]]:
    """Post every body and return (status, answer) for each."""
    answers = []
    async with ClientSession(base_url=url) as http:
        for body in bodies:
            answer = await http.post("/v1/chat", data=json.dumps(body), headers=AUTH)
            answers.append((answer.status, await answer.json()))
    return answers


def test_the_server_accepts_exactly_what_the_document_allows() -> None:
    """A body that fits the document gets 200, any other 422 naming a field; both answers fit it as well."""
    schema = document()["paths"]["/v1/chat"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    seen = set()

    with asyncio.Runner() as runner:
        server = serve(make_web(deps()), "127.0.0.1", 0)
        url = runner.run(server.__aenter__())

        @settings(max_examples=60, deadline=None)
        @given(st.lists(right | half_right | anything, min_size=1, max_size=3))
        def accepts(bodies: list[Any]) -> None:
            for body, (status, answer) in zip(bodies, runner.run(exchange(url, bodies)), strict=True):
                assert status == (200 if fits(body, schema) else 422), body
                assert answer_fits("/v1/chat", "post", status, answer)
                assert status == 200 or answer["error"]["field"]
                seen.add(status)

        accepts()
        runner.run(server.__aexit__(None, None, None))
    assert seen == {200, 422}


@pytest.mark.parametrize("status", [200, 400, 401, 403, 408, 413, 415, 422, 500, 503, 504])
async def test_every_answer_of_the_chat_fits_the_document(status: int) -> None:
    """Each status that the document lists can be had, and its body is as promised."""
    chat = FakeChat(ORDER_ANSWER)
    chat.error = {500: ValueError(), 503: StoreBusy()}.get(status)
    chat.gate = asyncio.Event() if status == 504 else None
    keys = () if status == 403 else deps().api_keys
    headers = dict(AUTH if status != 401 else {})
    headers["Content-Type"] = "image/png" if status == 415 else "application/json"
    sent: Any = {400: b"{", 413: b" " * 200, 422: b"{}"}.get(status, b'{"message": "hi"}')
    waiting = asyncio.Event()

    async def slow() -> Any:
        yield b"{"
        await waiting.wait()

    limits = Limits(body_bytes=100, body_s=0.05 if status == 408 else 10, turn_s=0.05 if status == 504 else 10)
    async with client(deps(chat, api_keys=keys, limits=limits)) as http:
        answer = await http.post("/v1/chat", data=slow() if status == 408 else sent, headers=headers)
        body = await answer.json()
        waiting.set()
    assert answer.status == status
    assert answer_fits("/v1/chat", "post", status, body)
    promised = document()["paths"]["/v1/chat"]["post"]["responses"][str(status)].get("headers", {})
    assert promised.keys() <= answer.headers.keys()


async def test_every_event_of_a_stream_fits_its_model() -> None:
    """Each event's data is of the model that the document names for it."""
    models = {"stage": "StageEvent", "message": "MessageEvent", "done": "ChatReply", "error": "ErrorReply"}
    seen = set()
    for error in (None, StoreBusy()):
        chat = FakeChat(ORDER_ANSWER)
        chat.error = error
        async with client(deps(chat)) as http:
            headers = {**AUTH, "Accept": "text/event-stream"}
            answer = await http.post("/v1/chat", json={"message": "hi"}, headers=headers)
            for name, data in events((await answer.read()).decode()):
                assert fits(data, {"$ref": f"#/components/schemas/{models[name]}"})
                seen.add(name)
    assert seen == set(models)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_and_readiness_fit_the_document(path: str) -> None:
    """The bodies are as promised, well or not."""

    async def ill() -> Any:
        raise RuntimeError

    for given_deps in (deps(), deps(health=ill, ready=lambda: False)):
        async with client(given_deps) as http:
            answer = await http.get(path)
            assert answer_fits(path, "get", answer.status, await answer.json())
