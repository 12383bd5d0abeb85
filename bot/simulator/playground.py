"""The page and its JSON: people, their chats as event streams, and what they can do."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from bot.simulator.chats import Chat, page_message
from bot.simulator.client import PersonClient
from bot.simulator.guard import HEADERS, Refusal, check_host, check_origin, page_file

if TYPE_CHECKING:
    from bot.simulator.server import Simulator

log = logging.getLogger(__name__)

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PHOTO_LIMIT = 5 * 1024 * 1024
BODY_LIMIT = 1024 * 1024
HEARTBEAT_S = 15.0


class Playground:
    """The routes of the page."""

    def __init__(self, simulator: Simulator, host: str) -> None:
        self._simulator = simulator
        self._host = host

    def add_routes(self, app: web.Application) -> None:
        """Add the page, its files and its JSON to an application."""
        router = app.router
        router.add_get("/", self._guarded(self._index))
        router.add_get("/static/{name:[A-Za-z0-9._/-]+}", self._guarded(self._static))
        router.add_get("/playground/state", self._guarded(self._state))
        router.add_get("/playground/files/{id}", self._guarded(self._file))
        router.add_get("/playground/chats/{id}/events", self._guarded(self._events))
        router.add_get("/playground/chats/{id}/trace", self._guarded(self._trace))
        for name, act in _ACTS.items():
            router.add_post(f"/playground/chats/{{id}}/{name}", self._guarded(self._acting(act)))

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                check_host(request, self._host)
                if request.method == hdrs.METH_POST:
                    check_origin(request)
                response = await handler(request)
            except Refusal as refusal:
                response = web.json_response({"error": str(refusal)}, status=refusal.status)
            except web.HTTPRequestEntityTooLarge:
                response = web.json_response({"error": "This is too large to send."}, status=413)
            if not response.prepared:
                response.headers.update(HEADERS)
            return response

        return guarded

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return page_file("index.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        return page_file(request.match_info["name"])

    async def _state(self, request: web.Request) -> web.StreamResponse:
        simulator = self._simulator
        bot = {name: simulator.bot[name] for name in ("id", "first_name", "username")}
        people = [chat.person.card() for chat in simulator.world.chats.values()]
        return web.json_response({"bot": bot, "notice": simulator.notice, "people": people})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        stored = self._simulator.world.files.by_unique_id(request.match_info["id"])
        if stored is None:
            raise Refusal(404, "This file is no longer held.")
        return web.Response(body=stored.content, content_type=stored.content_type)

    async def _trace(self, request: web.Request) -> web.StreamResponse:
        chat = self._chat(request)
        if self._simulator.trace is None:
            return web.json_response({"thread": None, "turns": [], "ledger": []})
        return web.json_response(await self._simulator.trace(chat.person.id))

    def _acting(self, act: Act) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            client = self._simulator.person(self._chat(request).person.id)
            try:
                return web.json_response(await act(client, request))
            except ValueError as error:
                raise Refusal(400, str(error)) from None
            except LookupError as error:
                raise Refusal(404, str(error)) from None

        return handler

    def _chat(self, request: web.Request) -> Chat:
        given = request.match_info["id"]
        chat = self._simulator.world.chats.get(int(given)) if given.isascii() and given.isdecimal() else None
        if chat is None:
            raise Refusal(404, f"There is no chat {given[:40]}.")
        return chat

    async def _events(self, request: web.Request) -> web.StreamResponse:
        chat = self._chat(request)
        given = request.headers.get("Last-Event-ID") or request.query.get("after", "0")
        cursor = int(given) if given.isascii() and given.isdecimal() else 0
        response = web.StreamResponse(headers={**HEADERS, "X-Accel-Buffering": "no"})
        response.content_type = "text/event-stream"
        woken = chat.log.watch()
        try:
            await response.prepare(request)
            cursor = await self._catch_up(response, chat, cursor)
            while not self._simulator.closing:
                woken.clear()
                cursor = await self._go_on(response, chat, cursor)
                if chat.log.seq == cursor and not await _woken(woken):
                    await response.write(b": still here\n\n")
        except ConnectionError:
            log.debug("simulator.page_left")
        finally:
            chat.log.unwatch(woken)
        return response

    async def _go_on(self, response: web.StreamResponse, chat: Chat, cursor: int) -> int:
        """Send what has happened since; all of it anew to a page so slow that some is no longer held."""
        news = chat.log.since(cursor)
        if news is None:
            return await self._catch_up(response, chat, 0)
        for event in news:
            await response.write(_sse(event.seq, event.kind, event.render()))
        return cursor + len(news)

    async def _catch_up(self, response: web.StreamResponse, chat: Chat, cursor: int) -> int:
        """Send what the page missed, or all to a page that knows nothing; return where the live stream begins."""
        await response.write(b"retry: 1000\n\n")
        missed = chat.log.since(cursor) if cursor else None
        now = chat.log.seq
        if missed is None:
            shown = [(message.seq, "message", {"message": page_message(message)}) for message in chat.messages.values()]
            shown.append((chat.menu_seq, "commands", chat.shown_menu()))
            shown.sort(key=lambda item: item[0])
        else:
            shown = [(event.seq, event.kind, event.render()) for event in missed if not event.fleeting]
        if shown:
            await response.write(b"".join(_sse(*item) for item in shown))
        return now


# --- what a person can do, as the page asks for it ---------------------------

Act = Callable[[PersonClient, web.Request], Awaitable[Json]]


async def _text(client: PersonClient, request: web.Request) -> Json:
    body = await _body(request)
    return {"message_id": client.send_text(_field(body, "text", str), _optional(body, "reply_to", int))}


async def _edit(client: PersonClient, request: web.Request) -> Json:
    body = await _body(request)
    return {"update_id": client.edit(_field(body, "message_id", int), _field(body, "text", str))}


async def _press(client: PersonClient, request: web.Request) -> Json:
    body = await _body(request)
    return {"callback_query_id": client.press(_field(body, "message_id", int), _field(body, "data", str))}


async def _contact(client: PersonClient, request: web.Request) -> Json:
    body = await _body(request)
    own, forwarded = _optional(body, "own", bool), _optional(body, "forwarded", bool)
    phone, user_id = _optional(body, "phone", str), _optional(body, "user_id", int)
    return {"message_id": client.share_contact(own is not False, phone, user_id, forwarded is True)}


async def _photo(client: PersonClient, request: web.Request) -> Json:
    if not request.content_type.startswith("multipart/"):
        raise Refusal(400, "A photo comes as a multipart form with the fields 'file' and 'caption'.")
    form = await request.clone(client_max_size=PHOTO_LIMIT + BODY_LIMIT).post()
    file, caption = form.get("file"), form.get("caption", "")
    if not isinstance(file, web.FileField):
        raise Refusal(400, "The field 'file' is missing: choose an image.")
    with file.file as opened:
        content = opened.read(PHOTO_LIMIT + 1)
    if len(content) > PHOTO_LIMIT:
        raise Refusal(400, "The image is larger than 5 MB: choose a smaller one.")
    return {"message_id": client.send_photo(content, caption if isinstance(caption, str) else "")}


async def _sticker(client: PersonClient, request: web.Request) -> Json:
    return {"message_id": client.send_sticker(_field(await _body(request), "emoji", str))}


async def _raw(client: PersonClient, request: web.Request) -> Json:
    return {"update_id": client.raw(await _body(request))}


async def _block(client: PersonClient, request: web.Request) -> Json:
    blocked = _field(await _body(request), "blocked", bool)
    client.block(blocked)
    return {"blocked": blocked}


_ACTS: dict[str, Act] = {
    "text": _text,
    "edit": _edit,
    "press": _press,
    "contact": _contact,
    "photo": _photo,
    "sticker": _sticker,
    "raw": _raw,
    "block": _block,
}


# --- shared ------------------------------------------------------------------


async def _body(request: web.Request) -> Json:
    try:
        body = json.loads(await request.clone(client_max_size=BODY_LIMIT).read() or b"{}")
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refusal(400, "The body must be a JSON object.")
    return body


def _field(body: Json, name: str, kind: type) -> Any:
    if not isinstance(body.get(name), kind) or (kind is int and isinstance(body[name], bool)):
        raise Refusal(400, f"The field '{name}' must be a {kind.__name__}.")
    return body[name]


def _optional(body: Json, name: str, kind: type) -> Any:
    return None if body.get(name) is None else _field(body, name, kind)


def _sse(seq: int, kind: str, data: Json) -> bytes:
    return f"id: {seq}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()


async def _woken(event: asyncio.Event) -> bool:
    # Not asyncio.wait_for: before Python 3.12 it can swallow a cancellation.
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            await event.wait()
    except TimeoutError:
        return False
    return True
