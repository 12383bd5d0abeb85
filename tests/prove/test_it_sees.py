"""Each trial fails where the bot, or the shop, does what the claim says that it does not."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase

from bot.domain.journal import InboxItem
from bot.domain.model import Order, WriteAnswer
from bot.orders import demo_database
from bot.orders.demo import DemoShop
from bot.store.inbox import Inbox
from bot.telegram import post
from prove import identical, injected, killed, machine, once
from prove.once import UnsureShop


def test_work_that_is_lost_in_a_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot that does not look for what a crash cut off loses it, and the kills show that."""

    async def nothing(_inbox: Inbox) -> Sequence[InboxItem]:
        return ()

    monkeypatch.setattr(Inbox, "pending", nothing)
    assert killed.run(100, 1).failures


async def test_another_customers_order_that_makes_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop that answers whoever asks makes others' messages hang on a customer's data, and the worlds differ."""
    honest = demo_database.order_of

    def nosy(db: sqlite3.Connection, customer_id: str, number: str) -> Order | None:
        found = next(filter(None, (honest(db, f"cust-{index}", number) for index in range(6))), None)
        return found and replace(found, customer_id=customer_id)

    monkeypatch.setattr(demo_database, "order_of", nosy)
    assert (await identical.run(1_000, 1)).failures


async def test_a_shop_that_does_not_know_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop that takes the second try for another request is found by the answers that get lost."""
    keyed = DemoShop.cancel

    async def careless(shop: DemoShop, *args: Any, key: str, **more: Any) -> WriteAnswer:
        return await keyed(shop, *args, key=f"{key}{secrets.token_hex(4)}", **more)

    monkeypatch.setattr(DemoShop, "cancel", careless)
    assert issubclass(UnsureShop, DemoShop)
    assert (await once.run(30, 1)).failures


async def test_a_message_that_is_formatted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message with a parse mode would show what others write as markup, and is found."""
    plain = post._message
    monkeypatch.setattr(post, "_message", lambda chat, text: {**plain(chat, text), "parse_mode": "HTML"})
    assert "parse_mode" in (await injected.run(1, 1)).failures[0]


def test_a_ledger_that_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the model expects another end of a cancellation than the shop's, hypothesis finds a way there."""
    monkeypatch.setitem(machine._STATUS, "cancel_order", ("pending", "returned"))
    # That it is found is enough here; the shortest way there takes half a minute more.
    monkeypatch.setattr(machine, "PHASES", (Phase.generate,))
    assert machine.run(30, 1).failures
