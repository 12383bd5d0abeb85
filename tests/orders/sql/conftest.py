"""A real shop's database: django-oscar's, made once for each kind of database and copied for each test."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.orders.sql import SqlShop
from bot.orders.testing import ContractShop
from tests.support import oscar_run, postgresql
from tests.support.oscar_run import run_oscar


@dataclass(frozen=True)
class Oscar:
    """A shop's database: its address for the bot, its name for django-oscar, and the numbers in it by their role."""

    url: str
    database: str
    numbers: dict[str, str]

    def open(self, **options: Any) -> SqlShop:
        """Return an adapter with the mapping that is shipped."""
        values = {"url": self.url, "mapping": str(oscar_run.MAPPING), "create_table": True, **options}
        return SqlShop.from_options(values, oscar_run.ROOT)

    def contract(self, open_it: Callable[[], SqlShop] | None = None, **differences: Any) -> ContractShop:
        """Return what the contract must know."""
        numbers = self.numbers
        return ContractShop(
            open=open_it or self.open,
            customer_id=numbers["customer"],
            name="Emily Carter",
            phone="+12025550142",
            email="emily.carter@example.com",
            pending=numbers["pending"],
            delivered=numbers["delivered"],
            shipped=numbers["shipped"],
            stranger_id=numbers["stranger"],
            strangers_email="xiaowen.wang@example.com",
            strangers_pending=numbers["strangers_pending"],
            strangers_delivered=numbers["strangers_delivered"],
            shared_phone="+447700900119",
            **differences,
        )


@pytest.fixture(scope="session")
def oscar_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Make a shop in SQLite, to be copied."""
    if not oscar_run.PACKAGES.is_dir():
        pytest.skip(oscar_run.MISSING)
    path = tmp_path_factory.mktemp("oscar") / "shop.db"
    return path, run_oscar("make", str(path))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.PostgresqlServer]:
    """Start a server for all tests."""
    programs = postgresql.programs()
    if programs is None:
        pytest.skip(postgresql.MISSING)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with postgresql.PostgresqlServer(programs, port) as server:
        yield server


@pytest.fixture(scope="session")
def oscar_template(postgresql_server: postgresql.PostgresqlServer) -> dict[str, str]:
    """Make a shop in PostgreSQL, to be copied."""
    if not oscar_run.PACKAGES.is_dir():
        pytest.skip(oscar_run.MISSING)
    numbers: dict[str, str] = run_oscar("make", postgresql_server.make("oscar"))
    return numbers


@pytest.fixture
def sqlite_oscar(oscar_file: tuple[Path, dict[str, str]], tmp_path: Path) -> Oscar:
    """Return a shop of the test's own in SQLite."""
    made, numbers = oscar_file
    path = tmp_path / "shop.db"
    shutil.copy(made, path)
    return Oscar(f"sqlite:///{path}", str(path), numbers)


NAMES = count()


@pytest.fixture
def postgresql_oscar(postgresql_server: postgresql.PostgresqlServer, oscar_template: dict[str, str]) -> Iterator[Oscar]:
    """Return a shop of the test's own in PostgreSQL."""
    name = f"oscar_{next(NAMES)}"
    url = postgresql_server.make(name, "oscar")
    yield Oscar(url, url, oscar_template)
    postgresql_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def oscar(request: pytest.FixtureRequest) -> Oscar:
    """Return a shop of the test's own, in each kind of database."""
    found: Oscar = request.getfixturevalue(f"{request.param}_oscar")
    return found
