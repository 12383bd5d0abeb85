"""What stands in a database, read from outside.

One process must not open one file with two SQLite libraries: each sees only its own locks, and closing a file in one
drops those of the other. So the bot's file is opened with the bot's library, the shop's with the shop's.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.store.engines import sqlite_module


def connect(path: Path) -> Any:
    """Open a file to read and write it, without transactions of the driver's own."""
    module = sqlite3 if path.name == "shop.db" else sqlite_module()
    return module.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None)


def rows(path: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Query a SQLite file."""
    with closing(connect(path)) as db:
        found: list[tuple[Any, ...]] = db.execute(query, values).fetchall()
        return found
