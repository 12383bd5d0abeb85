"""Pulling a model from a tiny hub on loopback, with the real client library."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.inference import catalogue
from bot.inference.catalogue import (
    KNOWN,
    SPARE_BYTES,
    PullError,
    file_sha256,
    known,
    pull,
    recorded_sha256,
    require_room,
)
from tests.support.gguf_bytes import gguf

MODEL = KNOWN[0]
CONTENT = gguf(data=200_000)


class Hub:
    """As much of the hub's API as pulling a file needs."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.promised: tuple[int, str] | None = (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
        self.ranges: list[str | None] = []
        app = web.Application()
        app.router.add_post(f"/api/models/{MODEL.repo}/paths-info/main", self._info)
        app.router.add_get(f"/{MODEL.repo}/resolve/main/{MODEL.file}", self._file)
        self.server = TestServer(app, host="127.0.0.1")

    async def _info(self, request: web.Request) -> web.Response:
        if self.promised is None:
            return web.json_response([])
        size, sha256 = self.promised
        lfs = {"oid": sha256, "size": size, "pointerSize": 130}
        return web.json_response([{"type": "file", "path": MODEL.file, "size": size, "oid": "0" * 40, "lfs": lfs}])

    async def _file(self, request: web.Request) -> web.Response:
        self.ranges.append(request.headers.get("Range"))
        start = request.http_range.start or 0
        part = self.content[start:]
        if not start:
            return web.Response(body=part)
        where = {"Content-Range": f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"}
        return web.Response(body=part, status=206, headers=where)


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    """A hub that has the first model of the list."""
    hub = Hub()
    await hub.server.start_server()
    yield hub
    await hub.server.close()


def fetch(hub: Hub, into: Path, seen: list[tuple[int, int]] | None = None) -> asyncio.Future[Path]:
    """Pull in a thread, as the call blocks."""
    said = [] if seen is None else seen
    endpoint = str(hub.server.make_url("/")).rstrip("/")
    work = asyncio.to_thread(pull, MODEL.name, into, lambda *now: said.append(now), endpoint=endpoint)
    return asyncio.ensure_future(work)


def names(folder: Path) -> list[str]:
    """Return what lies in the folder, but for the hashes beside the models."""
    return sorted(name for name in os.listdir(folder) if not name.endswith(".sha256"))


async def test_its_hash_is_kept_beside_it(hub: Hub, tmp_path: Path) -> None:
    """What the hub promised stands beside the model as `sha256sum` writes it, and is what is read back."""
    path = await fetch(hub, tmp_path)
    assert recorded_sha256(path) == file_sha256(path)
    beside = path.with_name(f"{path.name}.sha256")
    assert beside.read_text("utf-8") == f"{file_sha256(path)}  {path.name}\n"
    beside.write_text("nonsense", "utf-8")
    with pytest.raises(ValueError, match="holds no SHA-256"):
        recorded_sha256(path)


async def test_a_model_arrives_whole_under_its_own_name(hub: Hub, tmp_path: Path) -> None:
    """The file is what the hub has, nothing else stays, and progress ends at the whole."""
    seen: list[tuple[int, int]] = []
    path = await fetch(hub, tmp_path / "models", seen)
    assert path == tmp_path / "models" / MODEL.file
    assert catalogue.file_sha256(path) == hashlib.sha256(CONTENT).hexdigest()
    assert names(path.parent) == [MODEL.file]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


async def test_a_second_pull_fetches_nothing(hub: Hub, tmp_path: Path) -> None:
    """What is there and whole is not fetched again."""
    await fetch(hub, tmp_path)
    await fetch(hub, tmp_path)
    assert len(hub.ranges) == 1


async def test_a_pull_goes_on_where_the_last_one_stopped(hub: Hub, tmp_path: Path) -> None:
    """What an interrupted run had fetched is not fetched again."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    place(tmp_path / f".{MODEL.file}.{sha256[:12]}.part", CONTENT[:150_000])
    assert catalogue.file_sha256(await fetch(hub, tmp_path)) == sha256
    assert hub.ranges == ["bytes=150000-"]
    assert names(tmp_path) == [MODEL.file]


async def test_a_part_that_is_too_long_is_begun_anew(hub: Hub, tmp_path: Path) -> None:
    """A damaged part does not stand in the way for ever."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    place(tmp_path / f".{MODEL.file}.{sha256[:12]}.part", CONTENT + b"more")
    assert catalogue.file_sha256(await fetch(hub, tmp_path)) == sha256


def place(path: Path, data: bytes) -> None:
    """Write a file."""
    path.write_bytes(data)


async def test_another_content_than_promised_is_deleted(hub: Hub, tmp_path: Path) -> None:
    """A file of another hash never gets the model's name."""
    hub.content = CONTENT[:-1] + b"!"
    with pytest.raises(PullError, match="SHA-256"):
        await fetch(hub, tmp_path)
    assert names(tmp_path) == []


async def test_a_file_that_is_no_model_is_deleted(hub: Hub, tmp_path: Path) -> None:
    """A right hash does not make a web page a model."""
    hub.content = b"<html>" * 1000
    hub.promised = (len(hub.content), hashlib.sha256(hub.content).hexdigest())
    with pytest.raises(PullError, match="no sound model"):
        await fetch(hub, tmp_path)
    assert names(tmp_path) == []


async def test_a_file_the_hub_no_longer_has(hub: Hub, tmp_path: Path) -> None:
    """A model that was renamed or taken away is said to be gone."""
    hub.promised = None
    with pytest.raises(PullError, match="any more"):
        await fetch(hub, tmp_path)


async def test_no_hub_is_said_in_one_line(hub: Hub, tmp_path: Path) -> None:
    """Without a network there is a sentence, no stack of another library's."""
    endpoint = str(hub.server.make_url("/")).rstrip("/")
    await hub.server.close()
    with pytest.raises(PullError, match="Try again later") as caught:
        await asyncio.to_thread(pull, MODEL.name, tmp_path, lambda *_: None, endpoint=endpoint)
    assert "\n" not in str(caught.value)


async def test_a_disk_without_room_is_refused_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    """The size that the hub names is held against the disk first."""
    hub.promised = (1 << 60, "0" * 64)
    with pytest.raises(PullError, match="MB free"):
        await fetch(hub, tmp_path)
    assert hub.ranges == []


async def test_a_folder_that_cannot_be_made(hub: Hub, tmp_path: Path) -> None:
    """A file in the place of the folder is named."""
    place(tmp_path / "models", b"")
    with pytest.raises(PullError, match="Name another folder"):
        await fetch(hub, tmp_path / "models")


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A slip of the pen is answered with the choice."""
    with pytest.raises(PullError, match=r"qwen2\.5-0\.5b-q4_0"):
        known("qwen3")
    assert known(" Qwen2.5-0.5B-Q4_0 ") is MODEL


def test_room_is_kept_for_the_database(tmp_path: Path) -> None:
    """A model that would just fit is refused, for the database must go on writing."""
    free = shutil.disk_usage(tmp_path).free
    require_room(tmp_path, free // 2 - SPARE_BYTES)
    with pytest.raises(PullError, match="Free some space"):
        require_room(tmp_path, free - SPARE_BYTES // 2)
