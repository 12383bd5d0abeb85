"""A real llama-server, of the same llama.cpp as the one inside, and what it says of itself while it runs."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "build" / "peers" / "bin" / "llama-server"
MISSING = "llama-server is missing; build it with: make peers"
NAME = "stand-in"


def has_llama_server() -> bool:
    """Tell whether it was built."""
    return os.access(PROGRAM, os.X_OK)


@dataclass
class LlamaServer:
    """One llama-server on loopback; it may be killed and started again at the same address."""

    model: Path
    port: int
    slots: int = 2
    lines: list[str] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None

    def __post_init__(self) -> None:
        self._said = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until it takes requests."""
        since = len(self.lines)
        command = ("--model", self.model, "--alias", NAME, "--host", "127.0.0.1", "--port", str(self.port))
        size = ("--ctx-size", str(8192 * self.slots), "--parallel", str(self.slots), "--threads", "1")
        self.process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *(*command, *size, "--no-webui", "--verbosity", "4"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read(self.process), name="llama-server's output")
        # It listens a moment before; whoever looks at its output then would miss some.
        await self.says("all slots are idle", since)

    async def says(self, pattern: str, since: int = 0) -> str:
        """Wait until a line of its output, from number `since` on, holds the pattern; return the line."""

        def found() -> str:
            return next((line for line in self.lines[since:] if re.search(pattern, line)), "")

        try:
            async with self._said, asyncio.timeout(60):
                await self._said.wait_for(lambda: found() or self._reader is None or self._reader.done())
        except TimeoutError:
            raise AssertionError(f"llama-server never said {pattern!r}: {self.lines[-20:]}") from None
        assert found(), f"llama-server ended before it said {pattern!r}: {self.lines[-20:]}"
        return found()

    async def kill(self) -> None:
        """End it as a power cut does, if it runs."""
        if self.process is None or self.process.returncode is not None:
            return
        assert self._reader is not None
        self.process.kill()
        await asyncio.wait_for(self.process.wait(), 30)
        await self._reader

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                async with self._said:
                    self.lines.append(line.decode("utf-8", "replace").rstrip())
                    self._said.notify_all()
        finally:
            async with self._said:
                self._said.notify_all()


@asynccontextmanager
async def llama_server(model: Path, port: int, slots: int = 2) -> AsyncIterator[LlamaServer]:
    """Give a running llama-server, or skip the test with a line that says how to get it."""
    if not has_llama_server():
        pytest.skip(MISSING)
    server = LlamaServer(model, port, slots)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()
