"""Claim: fifty taps, updates that come again and in another order, and an answer that is lost do a thing once."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import perf_counter

from bot.domain.actions import ActionKind
from bot.domain.model import Reason, ReturnLine, Scope, WriteAnswer
from bot.errors import OrderSystemDown, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.demo import DemoShop
from prove.canaries import CUSTOMERS, START, CanaryShop, customer, make_shop
from prove.claims import Claim
from prove.people import WISHES, Phone, Update
from prove.stand import Said, Stand, fresh, standing, template, workplace

CLAIM = "50 taps at once, updates 1 to 5 times in any order, committed and then timed out: one effect"
TAPS = 50
A_FOLDER = 60
WAYS = ("well", "late", "garbled", "down", "late", "lost")
"""How a write goes: well; done, and then no answer, or nonsense; surely not done; not done, and no answer."""

_TOLD = {"cancel_order": "is cancelled", "return_apply": "RMA-"}


class UnsureShop(DemoShop):
    """The demo shop on a bad line: the next writes go as `ways` says, those after them well."""

    ways: list[str]
    blind = False
    """Whether it cannot be read back what became of a write."""

    async def cancel(self, scope: Scope, number: str, *, key: str, reason: Reason | None = None) -> WriteAnswer:
        """Cancel, or fail on the way."""
        way = self._way()
        answer = await super().cancel(scope, number, key=key, reason=reason)
        return self._answered(way, answer)

    async def request_return(
        self, scope: Scope, number: str, *, key: str, reason: Reason | None = None, lines: Sequence[ReturnLine] = ()
    ) -> WriteAnswer:
        """Open a return, or fail on the way."""
        way = self._way()
        answer = await super().request_return(scope, number, key=key, reason=reason, lines=lines)
        return self._answered(way, answer)

    async def outcome(self, scope: Scope, number: str, action: ActionKind, *, key: str) -> WriteAnswer | None:
        """Read back, if it can be."""
        if self.blind:
            raise OrderSystemGarbled
        return await super().outcome(scope, number, action, key=key)

    def _way(self) -> str:
        way = self.ways.pop(0) if self.ways else "well"
        if way == "down":
            raise OrderSystemDown
        if way == "lost":
            raise OrderSystemTimeout
        return way

    @staticmethod
    def _answered(way: str, answer: WriteAnswer) -> WriteAnswer:
        if way == "late":
            raise OrderSystemTimeout
        if way == "garbled":
            raise OrderSystemGarbled
        return answer


def unsure_shop(path: Path) -> UnsureShop:
    """Return the shop in this file, on a line that is good so far."""
    shop = UnsureShop(path, today=START)
    shop.ways = []
    return shop


async def run(trials: int, seed: int) -> Claim:
    """Try so many times."""
    claim, started = Claim(CLAIM, seed), perf_counter()
    chance = Random(seed)
    with tempfile.TemporaryDirectory(dir=workplace()) as place:
        empty = template(Path(place))
        while claim.trials < trials and not claim.failures:
            with tempfile.TemporaryDirectory(dir=place) as inner:
                folder = fresh(Path(inner) / "world", empty)
                await _folder(folder, min(A_FOLDER, trials - claim.trials), chance, claim)
    claim.seconds = perf_counter() - started
    return claim


async def _folder(folder: Path, trials: int, chance: Random, claim: Claim) -> None:
    shop = await make_shop(folder / "shop.db", [customer(index) for index in range(CUSTOMERS)])
    adapter = unsure_shop(folder / "shop.db")
    async with standing(folder, adapter=adapter, policy={}) as stand:
        phones = [Phone(1000 + index) for index in range(CUSTOMERS)]
        for one in shop.customers:
            await stand.updates(phones[one.index].contact(one.phone, phones[one.index].user))
        for number in range(trials):
            adapter.ways = [chance.choice(WAYS), chance.choice(WAYS[:2])]
            await _trial(stand, shop, phones[number % CUSTOMERS], chance, claim)
            stand.clock.move(60)
            claim.trials += 1


async def _trial(stand: Stand, shop: CanaryShop, phone: Phone, chance: Random, claim: Claim) -> None:
    action, state = chance.choice([("cancel_order", "pending"), ("return_apply", "delivered")])
    orders = shop.customers[phone.user - 1000].orders
    number = chance.choice([order.number for order in orders if order.status == state])
    await stand.said()
    await stand.updates(phone.text(f"{WISHES[action]} {number}"))
    yes = (await stand.said())[-1].buttons[0]["callback_data"]
    before = len(shop.writes())
    line = _line(phone, yes, chance)
    # Telegram hands out up to a hundred at a time; what comes later finds the first ones done, or still under way.
    for start in range(0, len(line), 40):
        await stand.updates(*line[start : start + 40])
    _look(await stand.said(), shop, (phone, action, number), before, claim)
    for (left,) in await stand.sql("SELECT state FROM ledger WHERE state IN ('confirmed', 'in_flight', 'unknown')"):
        claim.fail(f"{action} {number} is {left}")
    shop.restock([number])


def _line(phone: Phone, yes: str, chance: Random) -> list[Update]:
    """Return taps, and a yes in words among them, each one to five times, in any order."""
    taps = [phone.press(yes) for _ in range(TAPS)] + [phone.text("yes") for _ in range(chance.randrange(3))]
    line = [update for update in taps for _ in range(chance.randint(1, 5))]
    chance.shuffle(line)
    return line


def _look(said: Sequence[Said], shop: CanaryShop, asked: tuple[Phone, str, str], before: int, claim: Claim) -> None:
    phone, action, number = asked
    done = [row for row in shop.writes() if row[2] == number and row[3] == "done"]
    told = [one for one in said if one.chat == phone.user and one.method == "sendMessage" and _TOLD[action] in one.text]
    refused = any("cannot reach our order system" in one.text for one in said)
    new = len(shop.writes()) - before
    claim.saw("taps answered", sum(one.method == "answerCallbackQuery" for one in said))
    if (new, len(told), refused) == (1, 1, False):
        claim.saw("done and told once")
    elif (new, len(told), refused) == (0, 0, True):
        claim.saw("not done, and told so once")
    else:
        claim.fail(f"{action} {number}: {new} writes ({len(done)} in all), told {len(told)} times")
