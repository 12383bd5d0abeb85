"""Links on a real database: one secret, one opener, and nothing left behind."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.domain.links import Link, LinkSigner
from bot.store.links import Links
from tests.support.store import NOON, Stores, stores

LATER = NOON + timedelta(days=30)
LINK = Link("0f" * 16, "ORD1", LATER, b"marked")


@pytest.fixture
def links(store: Stores) -> Links:
    """Return the links of a database."""
    return Links(store.database, store.clock)


async def test_the_secret_is_made_once(store: Stores, links: Links, url: str) -> None:
    """There is none before the first link; then whoever asks, at once or after a restart, gets the same."""
    assert await links.secret() is None
    made = await asyncio.gather(*(links.make_secret() for _ in range(20)))
    assert len(set(made)) == 1
    LinkSigner(made[0])
    async with stores(url) as again:
        assert await Links(again.database, again.clock).secret() == made[0]


async def test_another_secret(links: Links) -> None:
    """A renewed secret is another one, also where there was none before."""
    await links.renew_secret()
    first = await links.secret()
    await links.renew_secret()
    assert first is not None
    assert await links.secret() not in (None, first)


async def test_whoever_opens_a_link_first_has_it(store: Stores, links: Links) -> None:
    """Of many that open a link at once one gets its number, again and again; the others never."""
    threads = [(await store.thread(str(address))).id for address in range(20)]
    got = await asyncio.gather(*(links.claim(LINK, thread) for thread in threads))
    assert sorted(got, key=str) == [None] * 19 + ["ORD1"]
    owner = threads[got.index("ORD1")]
    assert [await links.claim(LINK, thread) for thread in threads] == [
        "ORD1" if thread == owner else None for thread in threads
    ]


async def test_a_long_number_is_kept_in_a_row(store: Stores, links: Links) -> None:
    """The row gives its number to the first who opens the link; a row that is not there gives none."""
    mine, other = (await store.thread("7")).id, (await store.thread("8")).id
    name = await links.keep("N" * 60, LATER)
    link = Link(name, "", LATER, b"marked")
    assert await links.claim(link, mine) == "N" * 60
    assert await links.claim(link, other) is None
    assert await links.claim(link, mine) == "N" * 60
    assert await links.claim(Link("ab" * 12, "", LATER, b"marked"), mine) is None


async def test_expired_links_are_forgotten(store: Stores, links: Links) -> None:
    """What its own date refuses needs no row; what can still be opened stays."""
    mine = (await store.thread()).id
    await links.claim(LINK, mine)
    await links.keep("N" * 60, LATER + timedelta(days=1))
    await links.purge()
    assert await store.one("SELECT count(*) FROM links") == 2
    store.clock.move(days=30, seconds=1)
    await links.purge()
    assert await store.sql("SELECT number FROM links") == [("N" * 60,)]
