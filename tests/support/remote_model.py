"""A client of a model server that answers by script, and what is asked of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.domain.actions import action_schema
from bot.domain.ports import ChatMessage, Completion
from bot.errors import TierPassed
from bot.inference.remote import RemoteModel
from tests.support.model_server import ModelServer

ACTION = '{"action":"handoff","order_id":null,"response_type":"json","message":""}'
REQUEST = Completion((ChatMessage("system", "Be kind."), ChatMessage("user", "Привет")), action_schema(["A-1"]), 99)
KEY = "sk-very-secret"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A server that answers by script."""
    async with ModelServer() as server:
        yield server


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[RemoteModel]:
    """A client of it, with a key."""
    model = RemoteModel("far", server.url, "qwen2.5:0.5b", api_key=KEY)
    yield model
    await model.close()


async def passed(model: RemoteModel) -> TierPassed:
    """Return why the model passed."""
    with pytest.raises(TierPassed) as caught:
        await model.complete(REQUEST)
    return caught.value
