"""Servers that speak OpenAI's API: llama.cpp's own, and the batched example of llama-cpp-python's source package."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.peers.asking import CONTEXT_TOKENS, compact, content, request
from bot.bench.measuring import Answer
from bot.bench.workload import Turn

PEERS = Path(__file__).parents[2] / "build" / "peers"
START_S = 120.0
PACKAGES = ("fastapi", "openai", "uvicorn", "websockets", "safetensors")
"""What the example server imports beside what Deskhand has."""

EXAMPLE = "examples/server/server.py"


Body = Callable[[Turn], dict[str, Any]]
"""Returns what a server is sent for a turn."""


class Missing(Exception):
    """A peer cannot be measured; the message says what is missing and how it is made."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Something that answers turns.

    `processes` gives the ids of those that hold the model.
    """

    answer: Answer
    processes: Callable[[], Sequence[int]]


@asynccontextmanager
async def llama_server(path: Path, threads: int, chats: int) -> AsyncIterator[Peer]:
    """llama.cpp's server with a slot for each chat."""
    program = PEERS / "bin" / "llama-server"
    if not program.exists():
        raise Missing(f"{program} is missing; build it with: python -m benchmarks.build_peers")
    port = free_port()
    command = [program, "--model", path, "--host", "127.0.0.1", "--port", port, "--threads", threads]
    command += ["--parallel", chats, "--ctx-size", chats * CONTEXT_TOKENS]
    async with _served(command, port, "/health", compact) as peer:
        yield peer


@asynccontextmanager
async def example_server(path: Path, threads: int, chats: int) -> AsyncIterator[Peer]:
    """The batched example server, with a sequence for each chat."""
    script, packages, port = await asyncio.to_thread(_example), PEERS / "packages", free_port()
    model = {
        "path": str(path),
        "alias": "bench",
        "n_ctx": chats * CONTEXT_TOKENS,
        "n_seq_max": chats,
        "n_batch": 512,
        "n_ubatch": 512,
        "threads": threads,
        "threads_batch": threads,
        "kv_unified": True,
        "store_logits": False,
    }
    settings = script.with_name("config.json")
    settings.write_text(json.dumps({"server": {"host": "127.0.0.1", "port": port}, "model": model}))
    command = [sys.executable, "-m", "benchmarks.peers.run_example", script, "-C", settings]
    async with _served(command, port, "/healthz", request, PYTHONPATH=str(packages)) as peer:
        yield peer


@asynccontextmanager
async def _served(command: Sequence[object], port: int, health: str, body: Body, **environ: str) -> AsyncIterator[Peer]:
    """Start a server, wait until it is ready, and end it afterwards."""
    base_url = f"http://127.0.0.1:{port}"
    PEERS.mkdir(parents=True, exist_ok=True)
    with (PEERS / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *map(str, command), stdout=log, stderr=log, env={**os.environ, **environ}
        )
        try:
            # A turn may wait for minutes where only one is answered at a time.
            timeout = aiohttp.ClientTimeout(total=None, sock_read=None)
            async with aiohttp.ClientSession(base_url, timeout=timeout, trust_env=False) as session:
                await _ready(session, health, process)
                yield Peer(_asking(session, body), lambda: [process.pid])
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _asking(session: aiohttp.ClientSession, body: Body) -> Answer:
    async def answer(turn: Turn) -> str:
        async with session.post("/v1/chat/completions", json={"model": "bench", **body(turn)}) as response:
            if response.status != 200:
                raise Missing(f"The server answers {response.status}: {(await response.text())[:300]}")
            return content(await response.json())

    return answer


async def _ready(session: aiohttp.ClientSession, health: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_S):
        while True:
            if process.returncode is not None:
                raise Missing(f"The server ended with status {process.returncode}; see {PEERS / 'server.log'}.")
            try:
                async with session.get(health) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _example() -> Path:
    """Return the example server's script, unpacked from the source package, with what it imports beside it."""
    script = PEERS / "example" / "server.py"
    if not script.exists():
        name = f"llama_cpp_python-{version('llama-cpp-python')}"
        archive = PEERS / "source" / f"{name}.tar.gz"
        if not archive.exists():
            raise Missing(f"{archive} is missing; fetch it with: python -m benchmarks.build_peers")
        with tarfile.open(archive) as packed:
            source = packed.extractfile(f"{name}/{EXAMPLE}")
            if source is None:
                raise Missing(f"{archive} has no {EXAMPLE}.")
            script.parent.mkdir(parents=True, exist_ok=True)
            script.write_bytes(source.read())
    if not (PEERS / "packages" / "uvicorn").exists():
        # In a folder of their own: this project's set-up is not theirs.
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(PEERS / "packages"), *PACKAGES]
        if subprocess.run(pip, check=False).returncode:
            raise Missing(f"pip does not install {', '.join(PACKAGES)}, which the example server imports.")
    return script
