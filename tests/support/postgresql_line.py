"""A TCP line to a PostgreSQL server that breaks at a chosen moment of a write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto

WRITE, COMMIT = b"UPDATE order_order", b"COMMIT"


class Break(Enum):
    """When the line breaks, or what it does instead."""

    NEVER = auto()
    REFUSED = auto()
    """Connections are dropped, and new ones as soon as they are made."""
    SILENT = auto()
    """Nothing gets through any more, and nobody learns it."""
    IN_WRITE = auto()
    """It breaks when the first change is sent."""
    BEFORE_COMMIT = auto()
    """It breaks when the commit of a change is sent, which the server never sees."""
    AFTER_COMMIT = auto()
    """It breaks when the server has answered the commit of a change, which the client never sees."""
    SILENT_AFTER_COMMIT = auto()
    """Likewise, but nobody learns that it broke."""


class PostgresqlLine:
    """Forwards connections to the server on loopback at `target`; `broke` is set when the line has done its worst."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.broke = asyncio.Event()
        self._target = target
        self._when = Break.NEVER
        self._open: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[PostgresqlLine]:
        """Listen while the block lasts."""
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self._drop_all()
            await server.wait_closed()

    def fail(self, when: Break) -> None:
        """From now on break at this moment."""
        self._when = when
        if when is Break.REFUSED:
            self._drop_all()

    def heal(self) -> None:
        """Let everything through again; what hangs stays cut off."""
        self._when = Break.NEVER
        self._drop_all()

    def _drop_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._when is Break.REFUSED:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._open |= {writer, far_writer}
        answered = asyncio.Event()
        committing = asyncio.Event()
        await asyncio.gather(
            self._to_server(reader, far_writer, writer, committing, answered),
            self._to_client(far_reader, writer, committing, answered),
        )
        self._open -= {writer, far_writer}

    async def _to_server(
        self,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        committing: asyncio.Event,
        answered: asyncio.Event,
    ) -> None:
        writing = False
        while data := await _read(reader):
            writing = writing or WRITE in data
            commits = writing and COMMIT in data
            if self._when is Break.SILENT:
                self.broke.set()
                continue
            if (self._when is Break.IN_WRITE and writing) or (self._when is Break.BEFORE_COMMIT and commits):
                self.broke.set()
                break
            if commits and self._when in (Break.AFTER_COMMIT, Break.SILENT_AFTER_COMMIT):
                committing.set()
                server.write(data)
                await answered.wait()
                self.broke.set()
                if self._when is Break.SILENT_AFTER_COMMIT:
                    continue
                break
            server.write(data)
        server.transport.abort()
        client.transport.abort()

    async def _to_client(
        self,
        reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        committing: asyncio.Event,
        answered: asyncio.Event,
    ) -> None:
        while data := await _read(reader):
            if committing.is_set():
                answered.set()
            elif self._when is not Break.SILENT:
                client.write(data)
        answered.set()
        client.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(65536)
    except ConnectionError:
        return b""
