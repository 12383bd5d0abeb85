"""getUpdates and webhooks behave as Telegram's do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.simulator import Fault, Simulator
from tests.simulator.conftest import Clock
from tests.support.simulator import Api


async def ids(api: Api, **params: Any) -> list[int]:
    """Poll once and return the updates' ids."""
    return [update["update_id"] for update in await api.result("getUpdates", **params)]


async def test_an_offset_confirms_what_is_below(simulator: Simulator, api: Api, clock: Clock) -> None:
    """Updates come again until a higher offset confirms them."""
    for text in ("a", "b", "c"):
        simulator.person(7).send_text(text)
    assert await ids(api) == [100, 101, 102]
    clock.now += 1
    assert await ids(api) == [100, 101, 102]
    assert await ids(api, offset=102) == [102]
    clock.now += 1
    assert await ids(api, limit=1) == [102]
    assert await ids(api, offset=103) == []
    assert simulator.pending == []


async def test_a_repeated_offset_within_half_a_second_brings_one_update(simulator: Simulator, api: Api) -> None:
    """A bot that hurries with the same offset gets one update at a time."""
    for text in ("a", "b"):
        simulator.person(7).send_text(text)
    assert await ids(api, offset=5) == [100, 101]
    assert await ids(api, offset=5) == [100]


async def test_a_negative_offset_keeps_the_last_ones(simulator: Simulator, api: Api) -> None:
    """An offset of -1 forgets all updates but the last."""
    for text in ("a", "b", "c"):
        simulator.person(7).send_text(text)
    assert await ids(api, offset=-1) == [102]
    assert len(simulator.pending) == 1


async def test_a_long_poll_ends_with_the_first_update(simulator: Simulator, api: Api) -> None:
    """A waiting poll is answered as soon as somebody writes."""
    poll = asyncio.create_task(ids(api, timeout=50))
    await simulator.wait_polling()
    assert not poll.done()
    simulator.person(7).send_text("now")
    assert await poll == [100]


async def test_two_pollers_are_in_conflict(simulator: Simulator, api: Api) -> None:
    """A second poll ends the first with 409 and waits in its place."""
    first = asyncio.create_task(api.call("getUpdates", timeout=50))
    await simulator.wait_polling()
    second = asyncio.create_task(api.call("getUpdates", timeout=50))
    assert await first == {
        "ok": False,
        "error_code": 409,
        "description": "Conflict: terminated by other getUpdates request; "
        "make sure that only one bot instance is running",
    }
    simulator.person(7).send_text("hi")
    assert (await second)["ok"]


async def test_only_allowed_types_are_kept(simulator: Simulator, api: Api, clock: Clock) -> None:
    """The chosen types stay chosen until others are, and unknown ones always come."""
    assert await ids(api, allowed_updates=["callback_query"]) == []
    simulator.person(7).send_text("not wanted")
    simulator.person(7).raw({"brand_new_thing": {"x": 1}})
    assert await ids(api) == [101]
    clock.now += 1
    assert await ids(api, offset=102, allowed_updates=[]) == []
    simulator.person(7).send_text("wanted again")
    assert await ids(api, offset=103) == []
    clock.now += 1
    assert (await api.result("getWebhookInfo"))["pending_update_count"] == 0


async def test_an_update_may_come_twice(simulator: Simulator, api: Api) -> None:
    """A raw update with an id of its own keeps it, so that a repeated delivery can be played."""
    simulator.person(7).raw({"update_id": 55, "message": {"odd": True}})
    simulator.person(7).raw({"update_id": 55, "message": {"odd": True}})
    assert await ids(api) == [55, 55]


async def test_edits_and_blocks_are_updates(simulator: Simulator, api: Api) -> None:
    """An edit and a block of the bot come as their own types, with both states of the member."""
    ana = simulator.person(7)
    ana.edit(ana.send_text("befor"), "before")
    ana.block()
    ana.block()
    _, edited, member = await api.result("getUpdates")
    assert edited["edited_message"]["text"] == "before"
    assert edited["edited_message"]["edit_date"] >= edited["edited_message"]["date"]
    assert member["my_chat_member"]["old_chat_member"]["status"] == "member"
    assert member["my_chat_member"]["new_chat_member"]["status"] == "kicked"


class Receiver:
    """A webhook's receiving end that answers with the statuses it is given, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: asyncio.Queue[tuple[dict[str, Any], str | None]] = asyncio.Queue()

    async def handle(self, request: web.Request) -> web.Response:
        """Take a delivery."""
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        self.got.put_nowait((await request.json(), secret))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[str]:
    """Serve a receiver and give its address."""
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()


async def test_a_webhook_gets_each_update_until_it_takes_it(simulator: Simulator, api: Api) -> None:
    """Updates are posted with the secret, repeated after an error and dropped after a 200, in order within a chat."""
    receiver = Receiver(500)
    async with receiving(receiver) as url:
        await api.result("setWebhook", url=url, secret_token="s3cret")
        simulator.person(7).send_text("one")
        simulator.person(7).send_text("two")
        seen = [await asyncio.wait_for(receiver.got.get(), 5) for _ in range(3)]
        assert [update["message"]["text"] for update, _ in seen] == ["one", "one", "two"]
        assert {secret for _, secret in seen} == {"s3cret"}
        info = await api.result("getWebhookInfo")
        assert (info["url"], info["last_error_message"]) == (
            url,
            "Wrong response from the webhook: 500 Internal Server Error",
        )
        await api.result("deleteWebhook")
    assert (await api.result("getWebhookInfo"))["url"] == ""


async def test_a_webhook_that_fails_in_one_chat_gets_the_others(simulator: Simulator, api: Api) -> None:
    """One chat's trouble does not hold up another chat, whatever shape its update has."""
    hold = asyncio.Event()
    seen: asyncio.Queue[Any] = asyncio.Queue()

    class Holding(Receiver):
        async def handle(self, request: web.Request) -> web.Response:
            update = await request.json()
            if "stuck" in str(update["message"]):
                await hold.wait()
            seen.put_nowait(update)
            return web.Response()

    async with receiving(Holding()) as url:
        await api.result("setWebhook", url=url)
        simulator.person(7).send_text("stuck")
        simulator.person(8).send_text("free")
        simulator.person(8).raw({"message": "poison", "callback_query": {"message": 5, "from": ["x"]}})
        free = [await asyncio.wait_for(seen.get(), 5) for _ in range(2)]
        assert {str(update["message"])[:6] for update in free} == {str(simulator.messages(8)[0])[:6], "poison"}
        hold.set()
        assert (await asyncio.wait_for(seen.get(), 5))["message"]["text"] == "stuck"
        await api.result("deleteWebhook")


async def test_polling_and_a_webhook_exclude_each_other(simulator: Simulator, api: Api) -> None:
    """Setting a webhook ends the poll under way, and polling is refused until it is deleted."""
    poll = asyncio.create_task(api.error("getUpdates", timeout=50))
    await simulator.wait_polling()
    await api.result("setWebhook", url="http://127.0.0.1:9/none")
    assert await poll == "Conflict: terminated by setWebhook request"
    assert await api.error("getUpdates") == (
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    )
    simulator.person(7).send_text("kept")
    await api.result("deleteWebhook", drop_pending_updates=True)
    assert await ids(api) == []


async def test_a_webhook_elsewhere_is_refused(api: Api) -> None:
    """The simulator never calls out of this machine, and takes only secrets of Telegram's letters."""
    for url in (
        "https://example.com/hook",
        "http://10.0.0.1/hook",
        "ftp://127.0.0.1/",
        "http://localhost.example.com/",
    ):
        assert "loopback addresses only" in await api.error("setWebhook", url=url)
    refused = await api.error("setWebhook", url="http://127.0.0.1:9/", secret_token="no spaces")
    assert refused == "Bad Request: secret token contains unallowed characters"


async def test_a_lost_answer_to_a_poll_loses_no_update(simulator: Simulator, api: Api) -> None:
    """When the connection breaks after a poll took effect, the updates come again with the next poll."""
    simulator.person(7).send_text("hi")
    fault = simulator.faults.next("getUpdates", Fault.garbled(acts=True))
    async with api.session.post(f"{api.base}/bot{api.token}/getUpdates") as response:
        assert "update_id" not in await response.text()
    assert fault.hit.is_set()
    assert await ids(api, offset=100) == [100]
