"""Opening and closing the port."""

from __future__ import annotations

import asyncio
import gzip
import socket
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientConnectionError, ClientSession, web

from bot.errors import ConfigError
from bot.web.application import make_web, serve
from tests.support.fake_chat import AUTH, FakeChat, deps


async def test_a_taken_port_is_named_with_the_remedy() -> None:
    """The error names the setting, the port and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as raised:
            async with serve(make_web(deps()), "127.0.0.1", port):
                pass
    (problem,) = raised.value.problems
    assert problem.where == "web.port"
    assert f"port {port} on 127.0.0.1 is taken" in problem.what
    assert "DESKHAND_WEB__PORT" in problem.remedy


async def test_an_address_of_another_machine_is_named() -> None:
    """A wrong host is not blamed on the port."""
    with pytest.raises(ConfigError) as raised:
        async with serve(make_web(deps()), "192.0.2.1", 0):
            pass
    assert raised.value.problems[0].where == "web.host"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_the_address_can_be_opened(host: str) -> None:
    """The address that is printed leads here, also when the server listens everywhere."""
    async with serve(make_web(deps()), host, 0) as url, ClientSession() as http:
        assert url.startswith("http://127.0.0.1:")
        assert (await http.get(f"{url}/readyz")).status == 200


async def test_leaving_lets_a_turn_end_and_takes_no_new_one() -> None:
    """A request under way gets its answer; afterwards the port is closed."""
    chat = FakeChat()
    chat.gate = asyncio.Event()
    async with ClientSession() as http:
        async with serve(make_web(deps(chat)), "127.0.0.1", 0, shutdown_s=10) as url:
            turn = asyncio.create_task(http.post(f"{url}/v1/chat", json={"message": "hi"}, headers=AUTH).__aenter__())
            await asyncio.wait_for(chat.started.wait(), 10)
            asyncio.get_running_loop().call_soon(chat.gate.set)
        answer = await turn
        assert (answer.status, (await answer.json())["tier"]) == (200, "rules")
        with pytest.raises(ClientConnectionError):
            await http.get(f"{url}/readyz")


async def test_leaving_does_not_wait_for_ever() -> None:
    """A turn that does not end is cut off after the limit."""
    chat = FakeChat()
    chat.gate = asyncio.Event()
    async with ClientSession() as http:
        async with serve(make_web(deps(chat)), "127.0.0.1", 0, shutdown_s=0.05) as url:
            turn = asyncio.create_task(http.post(f"{url}/v1/chat", json={"message": "hi"}, headers=AUTH).__aenter__())
            await asyncio.wait_for(chat.started.wait(), 10)
        with pytest.raises(ClientConnectionError):
            await turn


async def test_a_connection_that_never_finishes_its_headers_is_closed() -> None:
    """Half a request holds a connection only as long as an idle one."""
    async with serve(make_web(deps()), "127.0.0.1", 0, idle_s=0.05) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        writer.write(b"GET /readyz HTTP/1.1\r\nHos")
        await writer.drain()
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        await writer.wait_closed()


async def test_bytes_that_are_not_http_get_no_stack_trace() -> None:
    """Garbage on the port is answered with 400, and the server goes on."""
    async with serve(make_web(deps()), "127.0.0.1", 0) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        writer.write(b"\x16\x03\x01\x00\xa5 hello\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.0 400")
        assert b"Traceback" not in answer
        async with ClientSession(base_url=url) as http:
            assert (await http.get("/readyz")).status == 200


async def test_compressed_bodies_are_never_unpacked() -> None:
    """A stranger cannot make the server work by sending a gigabyte of zeros in a megabyte."""

    async def measure(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    app = web.Application()
    app.router.add_post("/", measure)
    packed = gzip.compress(bytes(1_000_000))
    async with serve(app, "127.0.0.1", 0) as url, ClientSession() as http:
        answer = await http.post(url, data=packed, headers={"Content-Encoding": "gzip"})
        assert await answer.text() == str(len(packed))
