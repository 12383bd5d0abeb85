"""The migrations: the same schema as the typed tables, down and up with data, never without a backup."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, insert, inspect, make_url, select
from sqlalchemy.sql import sqltypes

from bot.domain.ledger import is_as_agreed
from bot.domain.model import LedgerState, Proof, ProofKind, Scope
from bot.errors import StoreError
from bot.store.engines import writer_engine
from bot.store.migrate import HERE, alembic_config, current_revision, known_revisions, newest_revision, upgrade
from bot.store.tables import Base
from tests.support.store import NOON, stores, url_of

NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9999", "{before}", None, None


def upgrade() -> None:
    op.create_table("made_later", sa.Column("id", sa.Integer(), primary_key=True))
    {then}


def downgrade() -> None:
    op.drop_table("made_later")
"""


@pytest.fixture
def engine(url: str) -> Any:
    """Return an engine on a migrated database."""
    engine = writer_engine(make_url(url))
    yield engine
    engine.dispose()


def revisions() -> list[str]:
    """Return all revisions, oldest first."""
    walked = ScriptDirectory.from_config(alembic_config("")).walk_revisions()
    return [entry.revision for entry in walked][::-1]


def later_scripts(folder: Path, then: str = "pass") -> Path:
    """Return the migrations with one more, as the next version of the program has them."""
    scripts = Path(shutil.copytree(HERE, folder / "100% later", ignore=shutil.ignore_patterns("__pycache__")))
    (scripts / "versions" / "9999_later.py").write_text(NEXT.format(before=revisions()[-1], then=then))
    return scripts


def value_for(column: Any) -> Any:
    """Return some value that the column takes."""
    if column.foreign_keys:
        return 1
    kinds: tuple[tuple[type, Any], ...] = (
        (sqltypes.JSON, {"a": [1, "é"]}),
        (sqltypes.DateTime, NOON.replace(tzinfo=None)),
        (sqltypes.Boolean, True),
        (sqltypes.Integer, 1),
        (sqltypes.String, "text"),
    )
    return next(value for kind, value in kinds if isinstance(column.type, kind))


def fill(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Put a row into every table that the database has now, and return all rows."""
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table.name != "alembic_version" and connection.execute(select(table)).first() is None:
                connection.execute(insert(table).values({column.name: value_for(column) for column in table.columns}))
    return rows(engine)


def rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return every table's rows."""
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
            if table.name != "alembic_version"
        }


@pytest.fixture
def stepped(tmp_path: Path) -> Any:
    """Return an engine on a database that alembic took through every migration."""
    engine = writer_engine(make_url(url_of(tmp_path / "stepped.db")))
    config = alembic_config(url_of(tmp_path / "stepped.db"))
    config.attributes["engine"] = engine
    command.upgrade(config, "head")
    yield engine
    engine.dispose()


def test_a_new_database_is_as_the_migrations_make_it(stepped: Engine, engine: Engine) -> None:
    """A database that is made at once has the schema that all migrations give; a later column stands at the end."""

    def schema(engine: Engine) -> list[tuple[str, str, list[str]]]:
        with engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
            )
            return [(kind, name, parts(sql)) for kind, name, sql in found]

    def parts(sql: str) -> list[str]:
        """Take a statement apart at its outer commas; which column comes first, and quotes, mean nothing."""
        start, _, inside = "".join(sql.split()).replace('"', "").partition("(")
        return [start, *sorted(re.split(r",(?![^(]*\))", inside.removesuffix(")")))]

    assert schema(engine) == schema(stepped)


def test_the_migrations_make_the_tables(stepped: Engine) -> None:
    """`upgrade head` gives what the typed tables say: every column, type, index, constraint and key."""
    with stepped.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        found = inspect(connection)
        for table in Base.metadata.sorted_tables:
            assert {index["name"] for index in found.get_indexes(table.name)} == {i.name for i in table.indexes}
            assert found.get_pk_constraint(table.name)["name"] == table.primary_key.name
            assert {(key["name"], key["referred_table"]) for key in found.get_foreign_keys(table.name)} == {
                (key.name, key.referred_table.name) for key in table.foreign_key_constraints
            }


def test_a_forgotten_column_would_be_noticed(engine: Engine) -> None:
    """The comparison sees a column and an index that the tables have and the database does not."""
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_threads_status")
        connection.exec_driver_sql("ALTER TABLE threads DROP COLUMN summary")
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert {change[0] for change in found} == {"add_index", "add_column"}


def test_every_migration_down_and_up_with_data(url: str, engine: Engine, tmp_path: Path) -> None:
    """With data in every table, each migration goes down and up again, and what both schemas hold stays."""
    config = alembic_config(url)
    config.attributes["engine"] = engine
    for lower, upper in zip(["base", *revisions()[:-1]][::-1], revisions()[::-1], strict=True):
        before = fill(engine)
        command.downgrade(config, lower)
        kept = rows(engine)
        assert all(len(kept[table]) == len(before[table]) for table in kept)
        command.upgrade(config, upper)
        assert all(len(found) == len(kept.get(table, ())) for table, found in rows(engine).items())
        fill(engine)
        command.downgrade(config, lower)
    assert rows(engine) == {}
    assert upgrade(url, tmp_path) is None
    assert set(rows(engine)) == {table.name for table in Base.metadata.sorted_tables}


async def test_who_was_verified_stays_so(tmp_path: Path) -> None:
    """A thread that was bound before proofs were kept has the same customer after the upgrade, and others have none."""
    url = url_of(tmp_path / "old.db")
    engine = writer_engine(make_url(url))
    config = alembic_config(url)
    config.attributes["engine"] = engine
    command.upgrade(config, "0001")
    metadata = MetaData()
    metadata.reflect(engine)
    threads = metadata.tables["threads"]
    with engine.begin() as connection:
        for address, customer in (("7", "c-1"), ("8", None)):
            values = {column.name: value_for(column) for column in threads.columns if column.name != "id"}
            states = {"channel": "telegram", "status": "pending", "waiting": "nothing", "waiting_action": None}
            known = {"address": address, "customer_id": customer, "customer_name": "Ana", "summary_upto": 0}
            connection.execute(insert(threads).values({**values, **states, **known}))
    engine.dispose()
    upgrade(url, tmp_path / "backups")
    async with stores(url) as store:
        bound, other = await store.thread("7"), await store.thread("8")
    assert bound.scope == Scope("c-1", "Ana", Proof(ProofKind.EARLIER, NOON, expires=None))
    assert other.scope is None


OLD_ENTRIES = (
    # state, detail, confirmed, ended
    ("proposed", "", None, None),
    ("in_flight", "", NOON, None),
    ("done", "REF-1", NOON, NOON),
    ("unknown", "no answer", NOON, NOON),
    ("declined", "not confirmed in time", None, NOON),
)


async def test_old_ledger_entries_come_along(tmp_path: Path) -> None:
    """An entry of an older version has its fingerprint, what it asked for, and the times of its states afterwards."""
    url = url_of(tmp_path / "old.db")
    engine = writer_engine(make_url(url))
    config = alembic_config(url)
    config.attributes["engine"] = engine
    command.upgrade(config, "0002")
    metadata = MetaData()
    metadata.reflect(engine)
    ledger = metadata.tables["ledger"]
    asked = {"thread_id": 1, "customer_id": "c-é", "action": "cancel_order", "order_number": "#1"}
    moments = ("proposed_at", "confirmed_at", "ended_at")
    with engine.begin() as connection:
        connection.execute(insert(metadata.tables["threads"]).values(_thread(metadata)))
        for state, detail, *times in OLD_ENTRIES:
            stored = [moment and moment.replace(tzinfo=None) for moment in (NOON, *times)]
            row = {**asked, "key": f"{state} {detail}", "state": state, "detail": detail}
            connection.execute(insert(ledger).values({**row, **dict(zip(moments, stored, strict=True))}))
    engine.dispose()
    upgrade(url, tmp_path / "backups")
    async with stores(url) as store:
        entries = {entry.state: entry for entry in await store.ledger.latest(10)}
    assert set(entries) == {
        LedgerState.PROPOSED, LedgerState.IN_FLIGHT, LedgerState.DONE, LedgerState.UNKNOWN, LedgerState.EXPIRED,
    }  # fmt: skip
    assert all(is_as_agreed(entry) for entry in entries.values())
    confirmed = {LedgerState.PROPOSED: NOON, LedgerState.CONFIRMED: NOON, LedgerState.IN_FLIGHT: NOON}
    assert entries[LedgerState.IN_FLIGHT].entered == confirmed
    assert entries[LedgerState.UNKNOWN].entered == {**confirmed, LedgerState.UNKNOWN: NOON}
    assert entries[LedgerState.DONE].entered == {**confirmed, LedgerState.DONE: NOON}
    assert not any(entry.lines or entry.reason or entry.needs_approval for entry in entries.values())


def _thread(metadata: MetaData) -> dict[str, Any]:
    """Return the columns of some thread."""
    columns = [column for column in metadata.tables["threads"].columns if not column.nullable]
    return {column.name: value_for(column) for column in columns}


def test_a_new_database_needs_no_backup(tmp_path: Path) -> None:
    """A database that is made now is upgraded without a backup; doing it again does nothing."""
    url = url_of(tmp_path / "new" / "deskhand.db")
    assert upgrade(url, tmp_path / "backups") is None
    assert upgrade(url, tmp_path / "backups") == revisions()[-1]
    assert upgrade(url, tmp_path / "backups") == revisions()[-1]
    assert not (tmp_path / "backups").exists()


def test_an_older_schema_is_backed_up_first(url: str, engine: Engine, tmp_path: Path) -> None:
    """Before a database with data changes its schema, a whole copy at the old revision is laid aside."""
    held = fill(engine)
    before = upgrade(url, tmp_path / "backups", scripts=later_scripts(tmp_path))
    assert before == revisions()[-1]
    assert current_revision(engine) == "9999"
    (kept,) = (tmp_path / "backups").iterdir()
    assert kept.name.startswith("before-upgrade-")
    copy = writer_engine(make_url(url_of(kept)))
    assert current_revision(copy) == before
    assert rows(copy) == held
    copy.dispose()


def test_a_failing_migration_changes_nothing(url: str, engine: Engine, tmp_path: Path) -> None:
    """A migration that breaks half-way leaves no half of itself, and its error says so as a StoreError."""
    held = fill(engine)
    scripts = later_scripts(tmp_path, 'op.execute("INSERT INTO nowhere VALUES (1)")')
    with pytest.raises(StoreError, match=r"could not be upgraded.*nowhere"):
        upgrade(url, tmp_path / "backups", scripts=scripts)
    assert rows(engine) == held, "and no table made_later"
    assert current_revision(engine) == revisions()[-1]


def test_no_backup_no_upgrade(url: str, engine: Engine, tmp_path: Path) -> None:
    """If the backup cannot be written, the schema stays as it is."""
    (tmp_path / "backups").write_text("a file in the folder's place")
    with pytest.raises(StoreError, match="backup"):
        upgrade(url, tmp_path / "backups", scripts=later_scripts(tmp_path))
    assert current_revision(engine) == revisions()[-1]


def test_a_newer_database_is_refused(url: str, engine: Engine, tmp_path: Path) -> None:
    """A database that a newer version has changed is left alone, and the error names the remedy."""
    upgrade(url, tmp_path / "backups", scripts=later_scripts(tmp_path))
    fill(engine)
    held = rows(engine)
    with pytest.raises(StoreError, match=r"revision 9999.*newer Deskhand\. Install that version again, or restore"):
        upgrade(url, tmp_path / "backups")
    assert rows(engine) == held
    assert len(list((tmp_path / "backups").iterdir())) == 1, "no backup of what is not touched"


def test_someone_elses_database_is_left_alone(tmp_path: Path) -> None:
    """A database whose tables are not ours is not taken over: the upgrade fails and changes nothing."""
    url = url_of(tmp_path / "other.db")
    other = writer_engine(make_url(url))
    with other.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE threads (id INTEGER PRIMARY KEY, title TEXT)")
        connection.exec_driver_sql("INSERT INTO threads VALUES (1, 'mine')")
    with pytest.raises(StoreError, match="threads already exists"):
        upgrade(url, tmp_path)
    assert rows(other) == {"threads": [(1, "mine")]}
    other.dispose()


def test_an_unusable_place_is_a_store_error(tmp_path: Path) -> None:
    """A database that cannot be made is a StoreError with words, not a driver's error."""
    with pytest.raises(StoreError, match="cannot be written"):
        upgrade("sqlite+aiosqlite:////proc/deskhand.db", tmp_path)


def test_known_revisions_ship_with_the_program() -> None:
    """The migrations are inside the package, so that they are in the wheel."""
    assert known_revisions() == set(revisions())
    assert HERE.parent.name == "store"
    assert HERE.is_dir()


def test_the_newest_revision_is_known_without_alembic(tmp_path: Path) -> None:
    """What the files say is what alembic finds; where a file is written in another way, nothing is presumed."""
    assert newest_revision() == ScriptDirectory.from_config(alembic_config("")).get_current_head()
    assert newest_revision(later_scripts(tmp_path)) is None


def test_a_start_on_an_upgraded_database_needs_no_alembic(url: str, engine: Engine, tmp_path: Path) -> None:
    """A bot that starts again spares the memory of the migrations' library."""
    code = f"""
import sys
from pathlib import Path
from bot.store.migrate import upgrade
assert upgrade({url!r}, Path({str(tmp_path)!r})) is not None
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
