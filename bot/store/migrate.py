"""Bring a database to the newest schema, after a backup."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import StoreError
from bot.store.engines import sqlite_module, store_error, writer_engine
from bot.store.tables import Base

if TYPE_CHECKING:
    from alembic.config import Config

log = logging.getLogger(__name__)
HERE = Path(__file__).parent / "migrations"
_REVISION = re.compile(r"""^revision = ["'](\w+)["']""", re.MULTILINE)
_FOLLOWS = re.compile(r"""^down_revision = ["'](\w+)["']""", re.MULTILINE)


def alembic_config(url: str, scripts: Path = HERE) -> Config:
    """Return alembic's settings for this database; imported late, since only a start needs it."""
    from alembic.config import Config

    config = Config()
    # Percent signs are ConfigParser's own.
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def upgrade(url: str, backup_dir: Path, *, keep: int = 7, revision: str = "head", scripts: Path = HERE) -> str | None:
    """Upgrade the database; an existing one with an older schema is backed up first.

    Args:
        scripts: the folder of the migrations.

    Returns:
        The revision it was at before, None for a new database.

    Raises:
        StoreError: it cannot be opened, is newer than this program, or the migration failed (nothing changed).
    """
    engine = _open(url)
    try:
        before = current_revision(engine)
        newest = newest_revision(scripts) if revision == "head" else None
        if before is not None and before == newest:
            return before
        if newest is not None and scripts == HERE and not inspect(engine).get_table_names():
            _make(engine, newest)
            return None
        return _upgraded(url, engine, before, backup_dir, keep, revision, scripts)
    except (SQLAlchemyError, OSError) as error:
        raise StoreError(f"The database could not be upgraded: {store_error(error)}") from error
    finally:
        engine.dispose()


def _make(engine: Engine, newest: str) -> None:
    """Make a new database as all migrations together would (a test holds the two against each other), at once."""
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        # As alembic makes it, so that it can go on from here.
        connection.execute(
            text(
                "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
                "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
            )
        )
        connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": newest})
    log.info("store.made", extra={"revision": newest})


def _upgraded(
    url: str, engine: Engine, before: str | None, backup_dir: Path, keep: int, revision: str, scripts: Path
) -> str | None:
    from alembic import command  # 20 MB, which a bot whose database is up to date never needs.
    from alembic.util import CommandError

    config = alembic_config(url, scripts)
    try:
        if before is not None:
            _refuse_unknown(before, known_revisions(scripts))
            backup(url, backup_dir / f"before-upgrade-{_stamp()}.db")
            prune(backup_dir, keep)
        config.attributes["engine"] = engine
        command.upgrade(config, revision)
        log.info("store.upgraded", extra={"from": before, "to": current_revision(engine)})
        return before
    except CommandError as error:
        raise StoreError(f"The database could not be upgraded: {store_error(error)}") from error


def newest_revision(scripts: Path = HERE) -> str | None:
    """Return the revision that no other one follows, as the migrations' files say; None where that is not plain."""
    texts = [path.read_text("utf-8") for path in sorted((scripts / "versions").glob("*.py"))]
    made = [match.group(1) for text in texts if (match := _REVISION.search(text))]
    followed = {match.group(1) for text in texts for match in _FOLLOWS.finditer(text)}
    newest = [revision for revision in made if revision not in followed]
    return newest[0] if len(newest) == 1 and len(made) == len(texts) else None


def known_revisions(scripts: Path = HERE) -> set[str]:
    """Return every revision that this version knows."""
    from alembic.script import ScriptDirectory

    return {entry.revision for entry in ScriptDirectory.from_config(alembic_config("", scripts)).walk_revisions()}


def _open(url: str) -> Engine:
    parsed = make_url(url)
    try:
        if parsed.database and parsed.get_backend_name() == "sqlite":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        return writer_engine(parsed)
    except (SQLAlchemyError, OSError) as error:
        raise store_error(error) from error


def _refuse_unknown(revision: str, known: set[str]) -> None:
    if revision not in known:
        raise StoreError(
            f"The database is at revision {revision}, which this version does not know: it was used by a newer "
            "Deskhand. Install that version again, or restore a backup from before its upgrade."
        )


def current_revision(engine: Engine) -> str | None:
    """Return the database's revision, None when it has no tables yet."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found


def backup(url: str, target: Path) -> Path:
    """Write a consistent copy of a SQLite database to `target`, whole or not at all; the bot may be running.

    Raises:
        StoreError: the target exists, the disk is full, or this is no SQLite database.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise StoreError("Only a SQLite database file can be backed up here; use pg_dump for PostgreSQL")
    if not Path(parsed.database).exists():
        raise StoreError(f"There is no database at {parsed.database} yet")
    if target.exists():
        raise StoreError(f"{target} exists already; name another file")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_into(url, temporary)
        _sync(temporary)
        temporary.replace(target)
        _sync(target.parent)
    except (SQLAlchemyError, sqlite_module().Error, OSError) as error:
        raise StoreError(f"The backup to {target} failed: {error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return target


def _copy_into(url: str, temporary: Path) -> None:
    """VACUUM INTO reads one snapshot; it cannot run inside a transaction, so the raw connection is used."""
    engine = writer_engine(make_url(url))
    try:
        raw = engine.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute("VACUUM INTO ?", (str(temporary),))
            cursor.close()
        finally:
            raw.close()
    finally:
        engine.dispose()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def prune(backup_dir: Path, keep: int) -> None:
    """Keep the newest `keep` automatic backups of each kind; what a person named otherwise stays."""
    for kind in ("before-upgrade-*.db", "manual-*.db"):
        for old in sorted(backup_dir.glob(kind))[: -keep or None]:
            old.unlink(missing_ok=True)


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")


def manual_backup_name() -> str:
    """Return a file name for a backup that an admin asked for."""
    return f"manual-{_stamp()}.db"
