"""Every system by its name: each is started with a model's file, a number of threads and a number of chats."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from benchmarks.peers.asking import CONTEXT_TOKENS, content, options
from benchmarks.peers.servers import Missing, Peer, example_server, llama_server
from bot.bench.engine import Engine
from bot.bench.workload import Turn

System = Callable[[Path, int, int], AbstractAsyncContextManager[Peer]]


@asynccontextmanager
async def deskhand(path: Path, threads: int, _chats: int) -> AsyncIterator[Peer]:
    """Deskhand's engine, in this process."""
    engine = Engine(path, threads)
    try:
        yield Peer(engine.answer, lambda: [os.getpid()])
    finally:
        await engine.close()


@asynccontextmanager
async def behind_a_lock(path: Path, threads: int, _chats: int) -> AsyncIterator[Peer]:
    """llama-cpp-python's `create_chat_completion`, one call at a time, in this process."""
    from llama_cpp import Llama

    model = Llama(str(path), n_ctx=CONTEXT_TOKENS, n_threads=threads, n_threads_batch=threads, verbose=False)
    lock = asyncio.Lock()

    async def answer(turn: Turn) -> str:
        async with lock:
            return content(await asyncio.to_thread(model.create_chat_completion, **options(turn)))

    try:
        yield Peer(answer, lambda: [os.getpid()])
    finally:
        model.close()


@asynccontextmanager
async def process_per_request(path: Path, threads: int, _chats: int) -> AsyncIterator[Peer]:
    """A process of its own for each request, one at a time, since each takes the memory of a whole model."""
    lock, running = asyncio.Lock(), list[int]()

    async def answer(turn: Turn) -> str:
        async with lock:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.peers.one_request", str(path), str(threads)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            running[:] = [process.pid]
            out, _ = await process.communicate(json.dumps(options(turn)).encode())
        if process.returncode:
            raise Missing(f"The process of a request ended with status {process.returncode}.")
        return out.decode()

    yield Peer(answer, lambda: running)


SYSTEMS: Mapping[str, System] = {
    "deskhand": deskhand,
    "llama-server": llama_server,
    "example-server": example_server,
    "lock": behind_a_lock,
    "process": process_per_request,
}

TITLES = {
    "deskhand": "Deskhand",
    "llama-server": "llama-server, a slot for each chat",
    "example-server": "llama-cpp-python's batched example server",
    "lock": "`create_chat_completion` behind a lock",
    "process": "a process for each request",
}
