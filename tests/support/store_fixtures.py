"""Fixtures: every test gets a database of its own, a copy of one that was migrated once."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.migrate import upgrade
from tests.support.store import Stores, stores, url_of


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty database at the newest schema."""
    folder = tmp_path_factory.mktemp("migrated")
    upgrade(url_of(folder / "empty.db"), folder)
    return folder / "empty.db"


@pytest.fixture
def path(tmp_path: Path, migrated: Path) -> Path:
    """Return a database file of this test's own."""
    return Path(shutil.copy(migrated, tmp_path / "deskhand.db"))


@pytest.fixture
def url(path: Path) -> str:
    """Return its URL."""
    return url_of(path)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Stores]:
    """Return an open store on it."""
    async with stores(url) as opened:
        yield opened
