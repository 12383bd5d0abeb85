"""Claim: killed with SIGKILL at any moment, the bot loses nothing and does nothing twice.

A parent plays Telegram and the shop's day: it forks a bot, which recovers, is asked for a cancellation or a return,
gets its yes, and is killed on the way: some milliseconds after a step, or exactly at a named crash point. The next
life gets again what was not acknowledged, and sometimes what was. Once an errand is through, both databases are looked
at. A trial is a kill.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from time import perf_counter, sleep
from typing import Any

from bot.conversation.crash_points import CrashPoint, Reached, go_on
from bot.store.engines import sqlite_module
from prove.canaries import CUSTOMERS, CanaryShop, customer, make_shop
from prove.claims import Claim
from prove.people import WISHES, Phone, Update
from prove.stand import HandClock, Stand, fresh, standing, template, workplace

CLAIM = "kill -9 at random instants and at every named crash point: 0 lost, 0 doubled, integrity_check ok"
ERRANDS_A_FOLDER = 250
LONGEST_S = 0.02
LIVES = 6
_TOLD = {"cancel_order": "is cancelled", "return_apply": "RMA-"}


@dataclass
class Errand:
    """What one customer wants, and what Telegram knows of it."""

    number: str
    action: str
    phone: Phone
    in_words: bool
    sent: list[Update] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    asked: bool = False
    agreed: bool = False


@dataclass
class Town:
    """The shop, the bot's folder, and what is counted."""

    folder: Path
    shop: CanaryShop
    chance: Random
    claim: Claim
    phones: dict[int, Phone]
    minutes: int = 0

    def errands(self) -> Iterator[Errand]:
        """Yield one errand after the other, of each customer in turn, about orders that are put back each time."""
        ways = cycle([("pending", "cancel_order"), ("delivered", "return_apply")])
        for index in cycle(range(CUSTOMERS)):
            state, action = next(ways)
            fitting = [order.number for order in self.shop.customers[index].orders if order.status == state]
            yield Errand(self.chance.choice(fitting), action, self.phones[index], self.chance.random() < 0.4)

    def run(self, errand: Errand) -> None:
        """Let a bot do an errand, killing it again and again until it gets through, and look at what is left."""
        before = self._counts(errand)
        self.minutes += 1
        for life in range(LIVES):
            if self._live(errand, doomed=life < LIVES - 1 and (life == 0 or self.chance.random() < 0.5)):
                break
        else:
            self.claim.fail(f"{errand.action} {errand.number} was never finished")
        self._check(errand, before)
        self.shop.restock([errand.number])

    # --- one life ---

    def _live(self, errand: Errand, *, doomed: bool) -> bool:
        """Fork a bot and kill it; return whether it had come to the end of the errand by then."""
        point = self.chance.choice(_ahead(errand)) if doomed and self.chance.random() < 0.5 else None
        mark = self.chance.choice(_marks(errand)) if doomed and point is None else ""
        again = [one for one in errand.sent if one["update_id"] not in errand.taken or self.chance.random() < 0.5]
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            os.close(reading)
            _be_born(self, errand, again, point, writing)
        os.close(writing)
        last = "born"
        with os.fdopen(reading) as words:
            for line in words:
                word, _, rest = line.rstrip("\n").partition(" ")
                last = self._note(errand, word, rest) or last
                if word == "failed":
                    self.claim.fail(rest)
                if word == "through":
                    break
                if word == mark:
                    sleep(self.chance.uniform(0, LONGEST_S))
                    os.kill(child, signal.SIGKILL)
                    mark = ""
            os.kill(child, signal.SIGKILL)
            for line in words:
                word, _, rest = line.rstrip("\n").partition(" ")
                last = self._note(errand, word, rest) or last
        os.waitpid(child, 0)
        if doomed:
            self.claim.trials += 1
            self.claim.saw(f"killed at {point.value}" if point and last != "through" else f"killed when {last}")
        return last == "through"

    def _note(self, errand: Errand, word: str, rest: str) -> str:
        """Keep what Telegram would know; return how far the bot says that it has come."""
        if word in ("asked", "agreed"):
            errand.sent.append(json.loads(rest))
            errand.phone.skip()
            errand.asked, errand.agreed = True, errand.agreed or word == "agreed"
        elif word == "taken":
            errand.taken |= set(json.loads(rest))
            return ""
        return word

    # --- what is left ---

    def _rows(self, query: str, *values: object, file: str = "deskhand.db") -> list[Any]:
        module = sqlite3 if file == "shop.db" else sqlite_module()
        with closing(module.connect(self.folder / file)) as db:
            return list(db.execute(query, values).fetchall())

    def _counts(self, errand: Errand) -> tuple[int, int, int]:
        told = "SELECT count(*) FROM outbox WHERE chat_id = ? AND method = 'sendMessage' AND params LIKE ?"
        ((said,),) = self._rows(told, errand.phone.user, f"%{_TOLD[errand.action]}%")
        done = "SELECT count(*) FROM ledger WHERE order_number = ? AND action = ? AND state = 'done'"
        ((entries,),) = self._rows(done, errand.number, errand.action)
        writes = "SELECT count(*) FROM writes WHERE order_number = ? AND action = ? AND result = 'done'"
        ((written,),) = self._rows(writes, errand.number, errand.action, file="shop.db")
        return written, entries, said

    def _check(self, errand: Errand, before: tuple[int, int, int]) -> None:
        name = f"{errand.action} {errand.number}"
        for file in ("deskhand.db", "shop.db"):
            if (found := self._rows("PRAGMA integrity_check", file=file)) != [("ok",)]:
                self.claim.fail(f"{file} is damaged: {found}")
        once = tuple(count - earlier for count, earlier in zip(self._counts(errand), before, strict=True))
        if once != (1, 1, 1):
            self.claim.fail(f"{name}: done, in the ledger and told {once} times")
        if unfinished := self._rows("SELECT id FROM inbox WHERE state != 'done'"):
            self.claim.fail(f"{name}: {len(unfinished)} updates are not done")
        kept = {int(number) for (number,) in self._rows("SELECT external_id FROM inbox")}
        if lost := {one["update_id"] for one in errand.sent} - kept:
            self.claim.fail(f"{name}: the updates {lost} were lost")
        if left := self._rows("SELECT key FROM ledger WHERE state IN ('confirmed', 'in_flight', 'unknown')"):
            self.claim.fail(f"{name}: {len(left)} writes hang")
        self.claim.saw("errands, each done and told once")


def _ahead(errand: Errand) -> list[CrashPoint]:
    """Return the crash points that are still to come."""
    return [point for point in CrashPoint if not errand.asked or point is not CrashPoint.AFTER_PROPOSED]


def _marks(errand: Errand) -> list[str]:
    """Return the steps that are still to come, after which a kill comes some milliseconds later."""
    return ["born", "recovered", *([] if errand.asked else ["asked"]), *([] if errand.agreed else ["agreed"] * 2)]


# --- the bot's side ---


def _be_born(town: Town, errand: Errand, again: list[Update], point: CrashPoint | None, writing: int) -> None:
    """Be a bot, say how far it has come, and wait for the end; never return."""

    def say(*words: str) -> None:
        os.write(writing, f"{' '.join(words)}\n".encode())

    try:
        asyncio.run(_life(town, errand, again, _dying_at(point), say))
        say("through")
        signal.pause()
    except BaseException:  # noqa: BLE001 # The child's edge: what went wrong is told to the parent.
        say("failed", traceback.format_exc(limit=-3).replace("\n", " / ")[:1500])
    finally:
        os._exit(1)


def _dying_at(point: CrashPoint | None) -> Reached:
    if point is None:
        return go_on

    def reached(here: CrashPoint) -> None:
        if here is point:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


async def _life(town: Town, errand: Errand, again: list[Update], reached: Reached, say: Callable[..., None]) -> None:
    clock = HandClock()
    clock.move(60 * town.minutes)
    async with standing(town.folder, clock=clock, reached=reached, policy={}) as stand:
        say("born")
        await stand.recover()
        await _take(stand, again, say)
        say("recovered")
        if not errand.asked:
            wish = errand.phone.text(f"{WISHES[errand.action]} {errand.number}")
            await _send(stand, wish, "asked", say)
        if not errand.agreed:
            yes = errand.phone.text("yes") if errand.in_words else errand.phone.press(await _yes(stand, errand))
            await _send(stand, yes, "agreed", say)


async def _send(stand: Stand, update: Update, word: str, say: Callable[..., None]) -> None:
    say(word, json.dumps(update))
    await _take(stand, [update], say)


async def _take(stand: Stand, updates: list[Update], say: Callable[..., None]) -> None:
    if updates:
        await stand.updates(*updates)
        say("taken", json.dumps([update["update_id"] for update in updates]))


async def _yes(stand: Stand, errand: Errand) -> str:
    """Return the newest button that says yes to this errand."""
    query = "SELECT token FROM buttons WHERE kind = 'confirm' AND state = 'pending' ORDER BY rowid DESC LIMIT 1"
    ((token,),) = await stand.sql(query)
    return str(token)


# --- the trials ---


@contextmanager
def _town(place: Path, empty: Path, chance: Random, claim: Claim) -> Iterator[Town]:
    with tempfile.TemporaryDirectory(dir=place) as inner:
        folder = fresh(Path(inner) / "town", empty)
        shop = asyncio.run(make_shop(folder / "shop.db", [customer(index) for index in range(CUSTOMERS)]))
        phones = {index: Phone(1000 + index) for index in range(CUSTOMERS)}
        asyncio.run(_introduce(folder, shop, phones))
        yield Town(folder, shop, chance, claim, phones)


async def _introduce(folder: Path, shop: CanaryShop, phones: dict[int, Phone]) -> None:
    """Let the bot get to know its customers; this also loads, before any fork, all that a bot loads once."""
    async with standing(folder, policy={}) as stand:
        for one in shop.customers:
            phone = phones[one.index]
            await stand.updates(phone.contact(one.phone, phone.user))
            await stand.updates(phone.text(f"cancel order {one.orders[0].number}"))
            await stand.updates(phone.text("no"))


def run(cycles: int, seed: int) -> Claim:
    """Kill so many bots."""
    claim, started, chance = Claim(CLAIM, seed), perf_counter(), Random(seed)
    with tempfile.TemporaryDirectory(dir=workplace()) as place:
        empty = template(Path(place))
        while claim.trials < cycles and not claim.failures:
            with _town(Path(place), empty, chance, claim) as town:
                for _, errand in zip(range(ERRANDS_A_FOLDER), town.errands(), strict=False):
                    town.run(errand)
                    if claim.trials >= cycles or claim.failures:
                        break
    claim.seconds = perf_counter() - started
    sys.stdout.flush()
    return claim
