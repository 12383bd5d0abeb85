"""Look at a database without changing it, for `deskhand check`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import StoreError, StoreReadOnly
from bot.store.engines import store_error, writer_engine
from bot.store.migrate import current_revision, known_revisions


def examine(url: str) -> None:
    """Raise StoreError if the bot could not use this database; a missing SQLite file only needs a usable folder."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        path = Path(parsed.database)
        if not path.exists():
            _must_be_writable(_nearest_folder(path.parent))
            return
        _must_be_writable(path)
        _must_be_writable(path.parent)
    engine = writer_engine(parsed)
    try:
        revision = current_revision(engine)
        if revision is not None and revision not in known_revisions():
            raise StoreError(f"It is at revision {revision}, which a newer Deskhand made")
        with engine.connect() as connection:
            # A transaction that takes the write lock and ends without a trace.
            connection.execute(text("SELECT 1"))
            connection.rollback()
    except SQLAlchemyError as error:
        raise store_error(error) from error
    finally:
        engine.dispose()


def _nearest_folder(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _must_be_writable(path: Path) -> None:
    """Try it, a folder by making a file in it: access(2) says yes to root where the file system will say no."""
    try:
        if path.is_dir():
            with tempfile.TemporaryFile(dir=path):
                return
        with path.open("r+b"):
            return
    except OSError as error:
        raise StoreReadOnly(f"{path} cannot be written: {error.strerror}") from error
