"""Processes that use a store until something happens to them; run as `python -m tests.support.kill_store_writer`.

kill_store_writer cycles PATH CYCLES   so often, a child writes, many writes at a time, until it is killed; says the
                                       name of each write that the child was told is done, and checks the file
kill_store_writer deny PATH            opens and writes as a user who may only read, and says what happened
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import closing
from itertools import count
from pathlib import Path

from bot.errors import DeskhandError
from bot.store.database import Database
from bot.store.engines import sqlite_module
from tests.support.store import remember, url_of

SIDE_BY_SIDE = 20
NOBODY = 65534


def kill_again_and_again(path: str, cycles: int) -> None:
    """Fork a writer, kill it after some promises, look at the file; one process for all, since imports are slow."""
    for cycle in range(cycles):
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            os.dup2(writing, 1)
            asyncio.run(write_for_ever(path, f"c{cycle}"))
        os.close(writing)
        with os.fdopen(reading) as promises:
            said = [promises.readline() for _ in range(1 + 7 * (cycle % 9))]
            os.kill(child, signal.SIGKILL)
            said += promises.readlines()
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        with closing(sqlite_module().connect(path)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # A line without its end was never heard.
        print("".join(line for line in said if line.endswith("\n")), end="", flush=True)


async def write_for_ever(path: str, prefix: str) -> None:
    """Write until killed; every line on stdout is a promise."""
    database = Database.open(url_of(Path(path)))
    numbers = count()

    async def one_after_the_other() -> None:
        for number in numbers:
            name = f"{prefix}-{number}"
            await database.write(remember(name))
            os.write(1, f"{name}\n".encode())

    await asyncio.gather(*(one_after_the_other() for _ in range(SIDE_BY_SIDE)))


async def be_denied(path: str) -> None:
    """Open a store as nobody, then try to write to one that was opened before."""
    database = Database.open(url_of(Path(path)))
    await database.write(remember("by root"))
    await database.close()
    if os.getuid() == 0:
        os.setuid(NOBODY)
    try:
        database = Database.open(url_of(Path(path)))
        await database.write(remember("by nobody"))
    except DeskhandError as error:
        print(type(error).__name__, error)


if __name__ == "__main__":
    if sys.argv[1] == "cycles":
        kill_again_and_again(sys.argv[2], int(sys.argv[3]))
    else:
        asyncio.run(be_denied(sys.argv[2]))
