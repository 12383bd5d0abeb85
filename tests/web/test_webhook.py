"""Telegram's webhook over real HTTP."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import ConfigError, StoreBusy
from bot.web.access import same_secret
from bot.web.application import make_web
from tests.support.fake_chat import client, deps

SECRET = "s3cret-of-the-hook"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
UPDATE = b'{"update_id": 1, "message": {}}'


class Hook:
    """Remembers what was committed; waits for `gate`, raises `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        self.committed: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error = error

    async def __call__(self, body: bytes) -> None:
        await self.gate.wait()
        if self.error:
            raise self.error
        self.committed.append(body)


async def test_an_update_is_committed_and_then_acknowledged() -> None:
    """There is no 200 before the commit has ended, and its body is empty, for Telegram would obey one."""
    hook = Hook()
    hook.gate.clear()
    async with client(deps(webhook=hook, webhook_secret=SECRET)) as http:
        call = asyncio.create_task(http.post("/telegram/webhook", data=UPDATE, headers={HEADER: SECRET}).__aenter__())
        done, _ = await asyncio.wait({call}, timeout=0.05)
        assert not done
        hook.gate.set()
        answer = await call
        assert (answer.status, await answer.read()) == (200, b"")
    assert hook.committed == [UPDATE]


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper(), "ключ"])
async def test_a_wrong_secret_gets_403(secret: str | None) -> None:
    """Nobody but Telegram gets an update into the inbox."""
    hook = Hook()
    async with client(deps(webhook=hook, webhook_secret=SECRET)) as http:
        headers = {} if secret is None else {HEADER: secret}
        answer = await http.post("/telegram/webhook", data=UPDATE, headers=headers)
        assert (answer.status, (await answer.json())["error"]["code"]) == (403, "wrong_secret")
    assert hook.committed == []


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\x00", b"[" * 5000])
async def test_what_cannot_be_read_is_handed_over_as_it_is(body: bytes) -> None:
    """The inbox quarantines poison; refusing it would make Telegram send it for ever."""
    hook = Hook()
    async with client(deps(webhook=hook, webhook_secret=SECRET)) as http:
        assert (await http.post("/telegram/webhook", data=body, headers={HEADER: SECRET})).status == 200
    assert hook.committed == [body]


@pytest.mark.parametrize(("error", "status"), [(StoreBusy(), 503), (RuntimeError("bug"), 500)])
async def test_a_failed_commit_is_not_acknowledged(error: Exception, status: int) -> None:
    """Telegram sends the update again after anything but a 200."""
    async with client(deps(webhook=Hook(error), webhook_secret=SECRET)) as http:
        answer = await http.post("/telegram/webhook", data=UPDATE, headers={HEADER: SECRET})
        assert answer.status == status
        assert "bug" not in await answer.text()


async def test_there_is_no_webhook_while_polling() -> None:
    """Without a webhook the address does not exist."""
    async with client() as http:
        assert (await http.post("/telegram/webhook", data=UPDATE, headers={HEADER: ""})).status == 404


def test_a_webhook_without_a_secret_is_refused_at_the_start() -> None:
    """An empty secret would let everybody in; the error names the setting."""
    with pytest.raises(ConfigError, match=r"telegram\.webhook_secret"):
        make_web(deps(webhook=Hook(), webhook_secret=""))


def test_an_empty_secret_matches_nothing() -> None:
    """Two empty secrets are equal, and still no one gets in."""
    assert not same_secret("", "")
    assert not same_secret(None, "")
    assert same_secret(SECRET, SECRET)


async def test_the_path_can_be_chosen() -> None:
    """The route stands where the settings say."""
    hook = Hook()
    async with client(deps(webhook=hook, webhook_secret=SECRET, webhook_path="/hook/7")) as http:
        assert (await http.post("/hook/7", data=UPDATE, headers={HEADER: SECRET})).status == 200
        assert (await http.post("/telegram/webhook", data=UPDATE, headers={HEADER: SECRET})).status == 404
