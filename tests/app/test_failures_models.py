"""A model that is missing, broken, slow or far away: the next tier answers, and the reason is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.compose import Overrides
from bot.conversation.understanding import TimedTier
from bot.domain.actions import Action, ActionKind
from bot.domain.model import Query, Understood
from bot.inference.circuit import FAILURES
from tests.support.gguf_bytes import gguf
from tests.support.model_server import ModelServer, answers, answers_text, hangs_up, says
from tests.support.rest import rest
from tests.support.worker import running, unhurried

RULES = {"kind": "rules", "name": "rules"}
FILES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(gguf()[:100]),
    "not a model": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(4096)),
    "a lie": lambda path: path.write_bytes(gguf(counts=(2**40, 2**40))),
}


async def _passed(folder: Path, *tiers: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask a question of a bot with these tiers; return who passed on after the rules have answered."""
    async with running(folder, understanding={"tiers": [*tiers, RULES]}) as world:
        emily = world.customer("en")
        await emily.asks("cancel my last order", "share your phone number")
        trace = await world.trace(emily)
        assert trace["tier"] == "rules"
        return [passed for passed in trace["passed"] if passed["tier"] != "faq"]


@pytest.mark.parametrize("name", FILES)
async def test_a_model_file_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    """The next tier answers as if the model were not there, and the trace says that it was unavailable."""
    path = tmp_path / "model.gguf"
    FILES[name](path)
    (passed,) = await _passed(tmp_path, {"kind": "llama", "name": "small", "model": str(path)})
    assert (passed["tier"], passed["reason"]) == ("small", "unavailable")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answers({"error": "overloaded"}, 503), "busy"),
        (answers_text("<html>", 200), None),
        (says("I would rather chat."), "invalid"),
        (says('{"action": "refund_everything"}'), "invalid"),
        (hangs_up, None),
    ],
    ids=["503", "html", "chat", "another action", "hangs up"],
)
async def test_a_remote_model_that_talks_nonsense(tmp_path: Path, answer: Any, reason: str | None) -> None:
    """Whatever a server far away answers, the customer is served by the next tier, and there is a reason."""
    async with ModelServer() as server:
        server.answers = [answer]
        tier = {"kind": "remote", "name": "far", "model": "m", "base_url": f"{server.url}/v1"}
        (passed,) = await _passed(tmp_path, tier)
    assert passed["tier"] == "far"
    assert passed["reason"] == reason or (reason is None and passed["reason"] in ("unavailable", "broken", "invalid"))


async def test_a_remote_model_that_refuses_the_connection(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """A server that is not running makes the tier unavailable."""
    tier = {"kind": "remote", "name": "far", "model": "m", "base_url": f"http://127.0.0.1:{free_port()}/v1"}
    (passed,) = await _passed(tmp_path, tier)
    assert (passed["tier"], passed["reason"]) == ("far", "unavailable")


async def test_a_remote_model_that_keeps_failing_is_left_alone(tmp_path: Path) -> None:
    """After a few failures customers no longer wait for it, and /healthz says so while the bot goes on serving."""
    async with ModelServer() as server:
        server.answers = [answers({"error": "out of memory"}, 500)]
        server.models = answers({"data": [{"id": "m"}]})
        tier = {"kind": "remote", "name": "far", "model": "m", "base_url": f"{server.url}/v1"}
        async with running(tmp_path, understanding={"tiers": [tier, RULES]}) as world, rest(world) as api:
            for _ in range(FAILURES + 2):
                await api.says("cancel my last order")
            assert len(server.bodies) == FAILURES
            async with api.http.get("/healthz") as response:
                health = await response.json()
    assert health["status"] == "degraded"
    (found,) = (item for item in health["items"] if item["name"] == "model far")
    assert "3 times in a row (it answered 500: out of memory)" in found["detail"]


class Scripted:
    """A tier that does what it is told."""

    kind = "scripted"

    def __init__(self, name: str, does: Callable[[], Any]) -> None:
        self.name = name
        self._does = does

    async def understand(self, query: Query) -> Understood:
        """Do it."""
        found: Understood = await self._does()
        return found


async def _never() -> None:
    await asyncio.Event().wait()


async def _breaks() -> None:
    raise MemoryError("out of cells")


async def _answers() -> Understood:
    return Understood(Action(ActionKind.UNKNOWN, message="It is me, the last one."), "last")


async def test_slow_and_broken_tiers_pass_on_with_their_reasons(tmp_path: Path) -> None:
    """A tier over its time limit is cut off as slow, one that raises is broken, and the next one answers."""
    tiers = [TimedTier(Scripted("slow", _never), 0.05), TimedTier(Scripted("broken", _breaks), 1.0)]
    overrides = Overrides(pace=unhurried(), tiers=[*tiers, TimedTier(Scripted("last", _answers), 1.0)])
    async with running(tmp_path, overrides=overrides) as world:
        emily = world.customer("en")
        await emily.asks("what is the weather like today?", "It is me, the last one.")
        trace = await world.trace(emily)
        assert [(p["tier"], p["reason"]) for p in trace["passed"]][1:] == [("slow", "slow"), ("broken", "broken")]


async def test_when_all_tiers_fail_there_is_an_apology_and_a_way_to_a_person(tmp_path: Path) -> None:
    """With no tier left the customer gets a friendly apology with a button to a person, which works."""
    overrides = Overrides(pace=unhurried(), tiers=[TimedTier(Scripted("broken", _breaks), 1.0)])
    async with running(tmp_path, overrides=overrides) as world:
        emily = world.customer("en")
        await emily.asks("what is the weather like today?", "I cannot answer this right now")
        await emily.presses("Talk to a person", "passing this on")
