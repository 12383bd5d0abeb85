"""The models that write JSON, against one contract: the one inside, and the client of a server, scripted and real."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.inference.embedded import SHIPPED
from bot.inference.local_model import LlamaModel
from bot.inference.remote import RemoteModel
from bot.inference.settings import EngineSettings
from tests.support import native, stand_in
from tests.support.llama_server import NAME, llama_server
from tests.support.model_contract import LONG, LanguageModelContract, TextModelContract
from tests.support.model_server import END, ModelServer, answers, chunk, streams

SAID = "I am well, thank you, and how are you today?"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of random weights."""
    yield stand_in.make(tmp_path_factory.mktemp("models") / "stand_in.gguf")
    if "llama_cpp" in sys.modules:
        native.close_at_the_end()


class TestLlamaModel(TextModelContract):
    @pytest.fixture
    async def model(self, file: Path) -> AsyncIterator[LlamaModel]:
        model = LlamaModel("small", file, settings=EngineSettings(context_tokens=4096, threads=1))
        yield model
        await model.close()


async def obedient(request: web.Request) -> web.StreamResponse:
    """Answer as a server does whose model does what it is asked, a word at a time; at great length, it never ends."""
    body = json.loads(await request.read())
    if body["max_tokens"] >= LONG.max_tokens:
        return await streams(chunk({"content": "{ "}), asyncio.Event())(request)
    action = {"action": "handoff", "order_id": "A-17", "response_type": "json", "message": ""}
    text = json.dumps(action) if "response_format" in body else SAID
    words = text.split(" ")
    spoken = words[: body["max_tokens"]]
    chunks = [chunk({"content": f"{word} "}) for word in spoken]
    return await streams(*chunks, chunk({}, "stop" if spoken == words else "length"), END)(request)


class TestRemoteModel(LanguageModelContract, TextModelContract):
    @pytest.fixture
    async def model(self) -> AsyncIterator[RemoteModel]:
        async with ModelServer() as server:
            server.answers, server.models = [obedient], answers({"data": [{"id": "m"}]})
            model = RemoteModel("far", server.url, "m", wait_s=60)
            yield model
            await model.close()


class TestRemoteModelOfLlamaServer(LanguageModelContract, TextModelContract):
    @pytest.fixture
    async def model(self, free_port: Callable[[], int]) -> AsyncIterator[RemoteModel]:
        # Not random weights: llama-server reads what its model wrote, and breaks off at bytes that are no letters.
        async with llama_server(SHIPPED, free_port()) as server:
            model = RemoteModel("far", server.url, NAME, wait_s=60)
            yield model
            await model.close()
