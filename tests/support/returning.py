"""A customer of the demo shop who sends something back, and a bot that takes even old orders back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.compose import Overrides
from bot.domain.ports import OrderAdapter
from bot.simulator import Person
from tests.support.rows import rows
from tests.support.store import SetClock
from tests.support.worker import Chatter, World, running, unhurried

FAQ = """
[[entry]]
language = "en"
questions = ["How long does a refund take?"]
answer = "Five to seven working days."
"""
GUIDE, NOVEL, SWEATER = "Travel guide", "Crime novel", "Merino sweater"
SEVERAL = (GUIDE, NOVEL, SWEATER)
"""An order of three guides, two novels and a sweater."""


def number_of(customers: Sequence[Person], who: Chatter, *goods: str, status: str = "delivered") -> str:
    """Return somebody's order of exactly these goods."""
    person = next(person for person in customers if person.id == who.id)
    found = [order for order in person.orders if (order["status"], set(order["items"])) == (status, set(goods))]
    return str(found[0]["number"])


async def introduce(emily: Chatter) -> None:
    """Let a customer show who they are, and start afresh."""
    await emily.asks("/orders", "share your phone number")
    await emily.shares_contact("Which order")
    await emily.asks("/reset", "start afresh")


@dataclass
class Shop:
    """A running bot, its verified customer Emily, and what she has ordered."""

    world: World
    emily: Chatter
    folder: Path

    def number(self, *goods: str, status: str = "delivered") -> str:
        """Return her order of exactly these goods."""
        return number_of(self.world.customers, self.emily, *goods, status=status)

    def proposed(self) -> list[tuple[str, str]]:
        """Return the ledger: (state, arguments)."""
        return rows(self.folder / "deskhand.db", "SELECT state, arguments FROM ledger ORDER BY proposed_at, rowid")

    def returned(self) -> dict[str, int]:
        """Return what the shop has noted as coming back, by the names of the goods; {} for all of an order."""
        query = (
            "SELECT name, returned_lines.quantity FROM returned_lines JOIN writes USING (key) "
            "JOIN items ON items.order_number = writes.order_number AND items.id = item_id"
        )
        return dict(rows(self.folder / "shop.db", query))

    def written(self) -> list[tuple[str, str, str]]:
        """Return the shop's writes: (order, result, reason)."""
        return rows(self.folder / "shop.db", "SELECT order_number, result, reason FROM writes")

    async def waiting(self) -> str:
        """Return which question is open in her thread."""
        return str((await self.world.app.trace(str(self.emily.id)))["thread"]["waiting"])


@asynccontextmanager
async def shop(
    folder: Path,
    *,
    clock: SetClock | None = None,
    adapter: OrderAdapter | None = None,
    **policy: Any,
) -> AsyncIterator[Shop]:
    """Run a bot that knows Emily."""
    (folder / "faq.toml").write_text(FAQ)
    settings: Mapping[str, Any] = {
        "policy": {"return_window_days": 3650, **policy},
        "faq": {"file": str(folder / "faq.toml")},
    }
    overrides = Overrides(pace=unhurried(), clock=clock) if clock else Overrides(pace=unhurried())
    async with running(folder, adapter=adapter, overrides=overrides, **settings) as world:
        emily = world.customer("en")
        await introduce(emily)
        yield Shop(world, emily, folder)
