"""Backups: whole or not at all, of a database that goes on being written."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bot.errors import StoreError
from bot.store.engines import sqlite_module
from bot.store.migrate import backup, manual_backup_name, prune
from tests.support.store import Stores, remember, stores, url_of


def files(folder: Path) -> list[str]:
    """Return a folder's files, hidden ones too."""
    return sorted(file.name for file in folder.iterdir())


async def test_a_backup_while_the_bot_writes(store: Stores, url: str, tmp_path: Path) -> None:
    """A copy made in a stream of writes is one moment of the database: whole transactions, and none torn."""

    def pair(number: int) -> object:
        def work(connection: Connection) -> None:
            remember(f"{number}-a", "x" * 1000)(connection)
            remember(f"{number}-b", "x" * 1000)(connection)

        return work

    done = asyncio.Event()
    written = 0

    async def write_on() -> None:
        nonlocal written
        while not done.is_set():
            await store.database.write(pair(written))  # type: ignore[arg-type]
            written += 1

    writing = asyncio.create_task(write_on())
    copies = []
    for number in range(5):
        before = written
        path = await asyncio.to_thread(backup, url, tmp_path / "backups" / f"{number}.db")
        copies.append((before, path))
    done.set()
    await writing
    assert written > 0
    for before, path in copies:
        async with stores(url_of(path)) as copy:
            assert await copy.one("PRAGMA integrity_check") == "ok"
            found = [name for (name,) in await copy.sql("SELECT name FROM facts ORDER BY rowid")]
        assert found == [f"{n}-{half}" for n in range(len(found) // 2) for half in "ab"]
        assert len(found) >= 2 * before
    assert files(tmp_path / "backups") == [f"{number}.db" for number in range(5)]


async def test_an_existing_file_is_never_overwritten(store: Stores, url: str, tmp_path: Path) -> None:
    """A backup to a file that is there already is refused, and the file stays as it is."""
    target = tmp_path / "precious.db"
    target.write_text("precious")
    with pytest.raises(StoreError, match="exists already; name another"):
        backup(url, target)
    assert target.read_text() == "precious"


def test_no_database_no_backup(tmp_path: Path) -> None:
    """Without a database there is nothing to copy, and none is made by asking."""
    with pytest.raises(StoreError, match="no database at"):
        backup(url_of(tmp_path / "missing.db"), tmp_path / "copy.db")
    assert files(tmp_path) == []


def test_only_files_can_be_copied(tmp_path: Path) -> None:
    """For another database system the error names its own tool."""
    with pytest.raises(StoreError, match="pg_dump"):
        backup("postgresql://localhost/deskhand", tmp_path / "copy.db")


def test_a_failed_backup_leaves_nothing(path: Path, url: str, tmp_path: Path) -> None:
    """A database that cannot be read to its end gives a StoreError, and no file: neither a half one nor a temporary."""
    pages = bytearray(path.read_bytes())
    pages[4096:] = b"\xff" * (len(pages) - 4096)
    path.write_bytes(pages)
    with pytest.raises(StoreError, match=r"failed: .*malformed"):
        backup(url, tmp_path / "backups" / "copy.db")
    assert files(tmp_path / "backups") == []


@pytest.mark.parametrize("target", ["/proc/copy.db", "{tmp}/file/copy.db"])
def test_a_folder_that_takes_no_backup(target: str, url: str, tmp_path: Path) -> None:
    """A folder that cannot be written or made is a StoreError that names the target."""
    (tmp_path / "file").write_text("not a folder")
    place = target.format(tmp=tmp_path)
    with pytest.raises(StoreError, match=f"The backup to {place} failed"):
        backup(url, Path(place))


async def test_a_backup_opens_as_it_is(store: Stores, url: str, tmp_path: Path) -> None:
    """A copy is one file without a log beside it, which any SQLite opens."""
    await store.database.write(remember("a"))
    path = backup(url, tmp_path / "copy.db")
    copy = sqlite_module().connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    assert copy.execute("SELECT name FROM facts").fetchall() == [("a",)]
    copy.close()


def test_prune_keeps_the_newest(tmp_path: Path) -> None:
    """Only the newest automatic backups of each kind stay; what a person named otherwise is never deleted."""
    stamps = [f"2026030{day}T120000000000" for day in range(1, 6)]
    own = ["before the fair.db", "copy.db"]
    for name in [f"{kind}-{stamp}.db" for kind in ("before-upgrade", "manual") for stamp in stamps] + own:
        (tmp_path / name).write_text("")
    prune(tmp_path, 2)
    kept = [f"{kind}-{stamp}.db" for kind in ("before-upgrade", "manual") for stamp in stamps[-2:]]
    assert files(tmp_path) == sorted(own + kept)
    prune(tmp_path, 5)
    assert files(tmp_path) == sorted(own + kept)


def test_names_sort_by_time() -> None:
    """A backup that was asked for later has a name that sorts behind, even within a second."""
    made = [manual_backup_name() for _ in range(20)]
    assert made == sorted(made)
    assert all(name.startswith("manual-") and name.endswith(".db") for name in made)
