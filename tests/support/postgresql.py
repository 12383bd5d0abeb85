"""A private PostgreSQL server on loopback, which keeps nothing."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

USER = "shopkeeper"
MISSING = "needs a PostgreSQL server; on Debian: apt-get install postgresql"


def programs() -> Path | None:
    """Return the folder of the server's programs, the newest of several, or None."""
    on_path = shutil.which("initdb")
    places = [Path(on_path).parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name))
    return next((place for place in reversed(places) if (place / "initdb").exists()), None)


class PostgresqlServer:
    """One server. Start it with `with PostgresqlServer(programs, port) as server`."""

    def __init__(self, folder_of_programs: Path, port: int) -> None:
        self._programs = folder_of_programs
        self.port = port
        # Short, for the name of a socket may not be longer than some 100 letters.
        self._folder = Path(tempfile.mkdtemp(prefix="deskhand-pg-", dir="/tmp"))
        self._who = self._unprivileged()

    def __enter__(self) -> PostgresqlServer:
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=16MB"
        self._run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", str(self._folder / "log"), "-o", options, "start")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def stop(self) -> None:
        """Stop it as a power cut would."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-w", "-m", "immediate", "stop")

    def url(self, database: str, port: int | None = None) -> str:
        """Return a database's address, over another port if one is named."""
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Return a connection of one's own, which commits by itself."""
        return psycopg.connect(self.url(database), autocommit=True)

    def make(self, database: str, template: str = "template0") -> str:
        """Make a database from another one, and return its address."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')  # type: ignore[call-overload] (a name)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Forget a database, whoever is connected to it."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')  # type: ignore[call-overload] (a name)

    def _unprivileged(self) -> str | None:
        """Return somebody to run it as, for it refuses to run as root."""
        if os.getuid():
            return None
        names = {entry.pw_name for entry in pwd.getpwall()}
        who = "postgres" if "postgres" in names else "nobody"
        shutil.chown(self._folder, who)
        return who

    def _run(self, program: str, *arguments: str) -> None:
        # Its output goes to a file: a pipe would stay open for as long as the server lives.
        with (self._folder / f"{program}.out").open("w+") as said:
            done = subprocess.run(
                [self._programs / program, *arguments],
                stdout=said,
                stderr=said,
                user=self._who,
                cwd=self._folder,
                check=False,
                timeout=90,
            )
            said.seek(0)
            assert done.returncode == 0, said.read()
