"""The page's JSON keeps its contract, and is for this machine's own browser only."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.simulator import Simulator
from bot.simulator.guard import Refusal, check_host
from tests.support.simulator import ANA, PNG, TOKEN, Api, read_events


class Page:
    """What the page's script does."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session = session
        self.base = base

    async def act(self, name: str, chat_id: int = 7, **body: Any) -> tuple[int, dict[str, Any]]:
        """POST to a chat; return (status, JSON)."""
        url = f"{self.base}/playground/chats/{chat_id}/{name}"
        async with self.session.post(url, json=body, headers={"Origin": self.base}) as response:
            return response.status, await response.json()

    def events(self, after: int = 0, **headers: str) -> Any:
        """Open a chat's stream."""
        return self.session.get(f"{self.base}/playground/chats/7/events", params={"after": after}, headers=headers)


@pytest.fixture
def page(base: str, session: aiohttp.ClientSession) -> Page:
    """Give the page's side."""
    return Page(session, base)


async def test_the_state_names_everybody(simulator: Simulator, page: Page) -> None:
    """The page learns the bot, the notice and the people with their orders."""
    simulator.notice = "A stand-in model."
    async with page.session.get(f"{page.base}/playground/state") as response:
        state = await response.json()
    assert state["bot"] == {"id": 4242, "first_name": "Deskhand", "username": "deskhand_demo_bot"}
    assert state["notice"] == "A stand-in model."
    assert [person["name"] for person in state["people"]] == ["Ana Gil", "伟", "Olga Admin"]
    assert state["people"][0].keys() == {
        "id", "name", "first_name", "last_name", "language", "phone", "email", "role", "orders"
    }  # fmt: skip


async def test_a_stream_replays_and_goes_on(simulator: Simulator, page: Page, api: Api) -> None:
    """A page that connects gets the history as it reads now, then everything as it happens, in order."""
    await api.result("setMyCommands", commands=[{"command": "help", "description": "Help"}])
    await api.result("sendChatAction", chat_id=7, action="typing")
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "g"}, {"text": "Web", "url": "https://a.example"}]]}
    sent = await api.result("sendMessage", chat_id=7, text="first", reply_markup=markup)
    async with page.events() as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        replay = await read_events(stream, 2)
        assert [kind for _, kind, _ in replay] == ["commands", "message"]
        assert replay[1][2]["message"]["inline_keyboard"] == [
            [
                {"text": "Go", "callback_data": "g", "url": None},
                {"text": "Web", "callback_data": None, "url": "https://a.example"},
            ]
        ]
        _, pressed = await page.act("press", message_id=sent["message_id"], data="forged")
        query_id = pressed["callback_query_id"]
        await api.result("answerCallbackQuery", callback_query_id=query_id, text="!", show_alert=True)
        await api.result("sendMessageDraft", chat_id=7, draft_id=1, text="sec")
        await api.result("editMessageText", chat_id=7, message_id=sent["message_id"], text="second")
        await api.result("deleteMessage", chat_id=7, message_id=sent["message_id"])
        live = await read_events(stream, 4)
    assert [kind for _, kind, _ in live] == ["toast", "draft", "edited", "deleted"]
    assert live[0][2] == {"text": "!", "alert": True, "callback_query_id": pressed["callback_query_id"]}
    assert (live[2][2]["message"]["text"], live[2][2]["message"]["edited"]) == ("second", True)
    numbers = [number for number, _, _ in [*replay, *live]]
    assert numbers == sorted(numbers)


async def test_a_page_that_returns_gets_what_it_missed(simulator: Simulator, page: Page, api: Api) -> None:
    """Last-Event-ID brings what came after it but no stale typing; an unknown number brings everything."""
    simulator.person(7).send_text("one")
    async with page.events() as stream:
        ((seen, _, _), _) = await read_events(stream, 2)
    await api.result("sendChatAction", chat_id=7, action="typing")
    simulator.person(7).send_text("two")
    async with page.events(**{"Last-Event-ID": str(max(seen, 1))}) as stream:
        ((_, kind, data),) = await read_events(stream, 1)
        assert (kind, data["message"]["text"]) == ("message", "two")
    async with page.events(after=10_000) as stream:
        texts = [data["message"]["text"] for _, kind, data in await read_events(stream, 3) if kind == "message"]
    assert texts == ["one", "two"]


async def test_a_slow_page_is_told_everything_anew(session: aiohttp.ClientSession) -> None:
    """A page that falls behind what is remembered gets the chat as it is, and stays connected."""
    simulator = Simulator(TOKEN, [ANA], history=2)
    async with simulator.serve() as base, Page(session, base).events() as stream:
        await read_events(stream, 1)
        for number in range(20):
            simulator.person(7).send_text(str(number))
        texts = [data["message"]["text"] for _, kind, data in await read_events(stream, 3) if kind == "message"]
        assert texts == ["18", "19"]
        simulator.person(7).send_text("then")
        assert (await read_events(stream, 1))[0][2]["message"]["text"] == "then"


async def test_what_a_person_can_do(simulator: Simulator, page: Page, session: aiohttp.ClientSession) -> None:
    """Every act of the contract becomes its update, and a photo can be fetched by its address."""
    _, text = await page.act("text", text="hello", reply_to=None)
    await page.act("edit", message_id=text["message_id"], text="hello!")
    await page.act("contact")
    await page.act("contact", own=False, phone="+49", user_id=5, forwarded=True)
    await page.act("sticker", emoji="👍")
    await page.act("raw", poll={"id": "1"})
    form = aiohttp.FormData({"caption": "see"})
    form.add_field("file", PNG, filename="x.png", content_type="image/png")
    async with session.post(f"{page.base}/playground/chats/7/photo", data=form) as response:
        assert response.status == 200
    assert (await page.act("block", blocked=True))[0] == 200
    kinds = [next(name for name in update if name != "update_id") for update in simulator.pending]
    assert kinds == ["message", "edited_message", "message", "message", "message", "poll", "message", "my_chat_member"]
    async with page.events() as stream:
        shown = [data["message"] for _, kind, data in await read_events(stream, 6) if kind == "message"]
    assert shown[1]["contact"] == {"phone_number": "34600111222", "first_name": "Ana", "user_id": 7}
    assert (shown[3]["sticker"], shown[4]["caption"]) == ("👍", "see")
    async with session.get(page.base + shown[4]["photo"]) as response:
        assert (response.content_type, await response.read()) == ("image/png", PNG)


@pytest.mark.parametrize(
    ("name", "body", "status", "sentence"),
    [
        ("text", {"text": "  "}, 400, "The text is empty"),
        ("text", {"text": 5}, 400, "The field 'text' must be a str."),
        ("text", {}, 400, "The field 'text'"),
        ("text", {"text": "x", "reply_to": 99}, 404, "There is no message 99"),
        ("press", {"message_id": True, "data": "x"}, 400, "The field 'message_id' must be a int."),
        ("press", {"message_id": 99, "data": "x"}, 404, "There is no message 99"),
        ("edit", {"message_id": 1, "text": "x"}, 400, "Message 1 is the bot's"),
        ("contact", {"own": False}, 400, "A contact needs a phone number"),
        ("photo", {}, 400, "A photo comes as a multipart form"),
    ],
)
async def test_refusals_name_the_trouble(
    page: Page, api: Api, name: str, body: dict[str, Any], status: int, sentence: str
) -> None:
    """A wrong request gets 400 or 404 and a sentence."""
    await api.result("sendMessage", chat_id=7, text="the bot's")
    got, answer = await page.act(name, **body)
    assert got == status
    assert answer["error"].startswith(sentence)


async def test_an_unknown_chat_and_a_broken_body(page: Page, session: aiohttp.ClientSession) -> None:
    """A chat nobody has is 404, a body that is no JSON object 400, one that is too large 413."""
    assert (await page.act("text", chat_id=99, text="x"))[0] == 404
    for body, status in ((b"{", 400), (b"[]", 400), (b"[" * 100_000, 400), (b" " * 2**21, 413)):
        async with session.post(f"{page.base}/playground/chats/7/text", data=io.BytesIO(body)) as response:
            assert response.status == status
            assert (await response.json())["error"]


async def test_another_sites_page_is_kept_out(page: Page, simulator: Simulator) -> None:
    """Foreign origins and foreign host names (DNS rebinding) are refused, with nothing done."""
    url = f"{page.base}/playground/chats/7/text"
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        async with page.session.post(url, json={"text": "x"}, headers=headers) as response:
            assert response.status == 403
    for path in ("/", "/playground/state", "/static/app.js"):
        async with page.session.get(page.base + path, headers={"Host": "evil.example"}) as response:
            assert response.status == 403
    async with page.session.get(page.base + "/playground/state", headers={"Host": "localhost:1"}) as response:
        assert response.status == 200
    assert simulator.messages(7) == []


@pytest.mark.parametrize(
    ("host", "bound", "served"),
    [
        ("[::1]:80", "127.0.0.1", True),
        ("192.168.1.5:8080", "127.0.0.1", False),
        ("192.168.1.5:8080", "0.0.0.0", True),
        ("shop.lan", "shop.lan", True),
        ("evil.example", "0.0.0.0", False),
        ("", "127.0.0.1", False),
    ],
)
def test_which_names_are_served(host: str, bound: str, served: bool) -> None:
    """On loopback only loopback's names; elsewhere addresses and the machine's own name, never a foreign name."""
    from aiohttp.test_utils import make_mocked_request

    request = make_mocked_request("GET", "/", headers={"Host": host})
    try:
        check_host(request, bound)
        assert served
    except Refusal:
        assert not served


async def test_the_page_is_served_safely(page: Page) -> None:
    """The page's files come with their types and a strict policy, and nothing outside its folder is served."""
    async with page.session.get(page.base + "/") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert response.headers["Content-Security-Policy"].startswith("default-src 'self'; img-src 'self' data: blob:")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
    async with page.session.get(page.base + "/static/app.js") as response:
        assert (response.status, response.content_type) == (200, "text/javascript")
    for name in ("../server.py", "%2e%2e/server.py", "none.js", "..%2f..%2ferrors.py", "__init__.py"):
        async with page.session.get(f"{page.base}/static/{name}") as response:
            assert response.status == 404


async def test_the_trace_is_the_workers_word(simulator: Simulator, page: Page) -> None:
    """Without a worker the trace is empty; with one it is what the worker says of that chat."""
    url = f"{page.base}/playground/chats/7/trace"
    async with page.session.get(url) as response:
        assert await response.json() == {"thread": None, "turns": [], "ledger": []}

    async def trace(chat_id: int) -> dict[str, Any]:
        return {"thread": {"status": "pending"}, "turns": [{"id": chat_id}], "ledger": []}

    simulator.trace = trace
    async with page.session.get(url) as response:
        assert (await response.json())["turns"] == [{"id": 7}]


async def test_the_routes_live_beside_others(simulator: Simulator, session: aiohttp.ClientSession) -> None:
    """Mounted in another application, its routes stay its own and large photos still pass its small limit."""

    async def health(request: web.Request) -> web.Response:
        return web.Response(text="fine")

    app = web.Application(client_max_size=1024)
    app.router.add_get("/healthz", health)
    simulator.add_routes(app)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with session.get(base + "/healthz") as response:
            assert await response.text() == "fine"
        form = aiohttp.FormData()
        form.add_field("file", PNG + bytes(100_000), filename="x.png")
        async with session.post(f"{base}/playground/chats/7/photo", data=form) as response:
            assert response.status == 200
        answer = await Api(session, base).call("sendMessage", chat_id=7, text="x" * 2000)
        assert answer["description"] == "Request Entity Too Large"
    finally:
        await runner.cleanup()
