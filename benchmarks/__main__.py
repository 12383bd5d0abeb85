"""`python -m benchmarks`: every figure of README.md, one table after the other."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys

from benchmarks import inbox_to_outbox, start, turns


async def main() -> None:
    """Run them all."""
    print(f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores\n")
    await start.main()
    print()
    await turns.main()
    print()
    for messages in (0, 1_000_000):
        await inbox_to_outbox.measure(rate=200.0, seconds=8.0, messages=messages)
    await inbox_to_outbox.measure(rate=200.0, seconds=8.0, messages=0, kinds=("classifier", "rules"))


if __name__ == "__main__":
    asyncio.run(main())
