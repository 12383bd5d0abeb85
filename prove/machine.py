"""Claim: order, thread and ledger are always where a small model of them says, whatever happens in whatever order.

hypothesis chooses what happens: wishes, yes and no by button and in words, old buttons, another's buttons, a shop that
ships meanwhile, answers that get lost, time that passes, restarts, admins who settle. The real thing is the bot on
SQLite files; the model is a page of plain Python, and after every step the two are compared.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from prove.canaries import CanaryShop, customer, make_shop
from prove.claims import Claim
from prove.once import unsure_shop
from prove.people import WISHES, Phone
from prove.stand import ADMIN, HandClock, Said, Stand, fresh, standing, template, workplace

CLAIM = "order, thread and ledger against a model, step by step (hypothesis)"
LIVES = timedelta(minutes=15)
PEOPLE = 2
STEPS = 30
PHASES = (Phase.generate, Phase.shrink)
_STATUS = {"cancel_order": ("pending", "cancelled"), "return_apply": ("delivered", "return_requested")}


@dataclass
class Question:
    """What the model knows of a proposal: its buttons, and the state that its entry in the ledger should have."""

    who: int
    action: str
    number: str
    asked_at: datetime
    yes: str
    no: str
    state: str = "proposed"
    used: bool = False


class Machine(RuleBasedStateMachine):
    """The model, and how to do each thing to the real bot."""

    place: ClassVar[Path]
    claim: ClassVar[Claim]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.home = tempfile.TemporaryDirectory(dir=self.place)
        folder = fresh(Path(self.home.name) / "world", self.place / "empty.db")
        shutil.copy(self.place / "shop.db", folder / "shop.db")
        self.shop = CanaryShop(folder / "shop.db", [customer(index) for index in range(PEOPLE)])
        self.clock, self.adapter = HandClock(), unsure_shop(folder / "shop.db")
        self.phones, self.admin = [Phone(1000 + index) for index in range(PEOPLE)], Phone(ADMIN)
        self.orders = {order.number: order.status for one in self.shop.customers for order in one.orders}
        self.questions: list[Question] = []
        self.open: list[Question | None] = [None] * PEOPLE
        self.done = 0
        self.unsure: list[tuple[str, str, Question]] = []
        self._start()

    # --- the real thing ---

    def _start(self) -> None:
        self.stack = AsyncExitStack()
        upto = getattr(self, "stand", None)
        adapter = unsure_shop(self.shop.path)
        adapter.ways, self.adapter = self.adapter.ways, adapter
        opening = standing(self.shop.path.parent, clock=self.clock, adapter=adapter, policy={})
        self.stand: Stand = self.runner.run(self.stack.enter_async_context(opening))
        self.stand.read_upto = upto.read_upto if upto else 0

    def _send(self, *updates: Any) -> list[Said]:
        async def sent() -> list[Said]:
            await self.stand.updates(*updates)
            return await self.stand.said()

        said = self.runner.run(sent())
        self.claim.trials += 1
        return said

    def teardown(self) -> None:
        """Take it down."""
        self.claim.saw("runs")
        for asked in self.questions:
            self.claim.saw(f"questions that ended {asked.state}")
        self.runner.run(self.stack.aclose())
        self.runner.close()
        self.home.cleanup()

    # --- what happens ---

    @initialize()
    def meet(self) -> None:
        """Everybody shows who they are."""
        for one, phone in zip(self.shop.customers, self.phones, strict=True):
            self._send(phone.contact(one.phone, phone.user))

    @rule(who=st.integers(0, PEOPLE - 1), place=st.integers(0, 5), odd=st.integers(0, 9))
    def wish(self, who: int, place: int, odd: int) -> None:
        """Somebody wants an order cancelled or returned, which is rarely another's, or in the wrong state for it."""
        whose = (who + (odd == 0)) % PEOPLE
        order = self.shop.customers[whose].orders[place]
        number, back = order.number, (order.status == "delivered") != (odd == 1)
        action = "return_apply" if back else "cancel_order"
        said = self._send(self.phones[who].text(f"{WISHES[action]} {number}"))
        before, self.open[who] = self.open[who], None
        again = before is not None and (before.action, before.number) == (action, number)
        buttons = [
            button["callback_data"] for one in said for button in one.buttons if one.chat == self.phones[who].user
        ]
        held = any(q.number == number and q.state == "unknown" for q in self.questions)
        if who != whose or held or self.orders[number] != _STATUS[action][0]:
            # What was delivered cannot be cancelled any more; one button offers its return, and is no yes to anything.
            offers = who == whose and action == "cancel_order" and self.orders[number] == "delivered"
            assert len(buttons) <= int(offers), "it asks for a yes to what may not be done"
            if before is not None and again:
                before.state = "declined"
            return
        assert len(buttons) == 2, "it does not ask for a yes to what may be done"
        yes, no = buttons
        if before is not None and again and self.clock.time <= before.asked_at + LIVES:
            # Who says again what is asked about anyhow is asked again, and that is no other proposal.
            before.yes, before.no = yes, no
            self.open[who] = before
            return
        for earlier in self.questions:
            if earlier.who == who and earlier.state == "proposed":
                earlier.state = "declined"
        asked = Question(who, action, number, self.clock.time, yes, no)
        self.questions.append(asked)
        self.open[who] = asked

    @precondition(lambda self: self.questions)
    @rule(
        pick=st.integers(0, 50),
        taps=st.integers(1, 4),
        ways=st.lists(st.sampled_from(["late", "garbled", "down"]), max_size=1),
    )
    def press_yes(self, pick: int, taps: int, ways: list[str]) -> None:
        """A yes is pressed, old or new, once or more, over a good line or a bad one."""
        asked = self.questions[-1 - pick % len(self.questions)]
        self.adapter.ways = list(ways)
        self._send(*[self.phones[asked.who].press(asked.yes) for _ in range(taps)])
        if not asked.used and self.clock.time < asked.asked_at + LIVES:
            self._agreed(asked)
        self.adapter.ways = []

    @precondition(lambda self: any(self.open))
    @rule(who=st.integers(0, PEOPLE - 1))
    def say_yes(self, who: int) -> None:
        """A yes is written."""
        self._send(self.phones[who].text("yes"))
        if (asked := self.open[who]) is not None:
            self._agreed(asked, in_words=True)

    def _agreed(self, asked: Question, *, in_words: bool = False) -> None:
        """A yes counts if its question is open, its time is not over, and the order is still as it was."""
        asked.used = asked.used or not in_words
        if self.open[asked.who] is asked:
            self.open[asked.who] = None
        if asked.state != "proposed":
            return
        before, after = _STATUS[asked.action]
        if self.clock.time > asked.asked_at + LIVES:
            asked.state = "expired"
        elif self.orders[asked.number] != before:
            asked.state = "refused"
        else:
            asked.used = True
            asked.state = "done"
            self.orders[asked.number] = after
            self.done += 1

    @precondition(lambda self: self.questions)
    @rule(pick=st.integers(0, 50))
    def press_no(self, pick: int) -> None:
        """A no is pressed."""
        asked = self.questions[-1 - pick % len(self.questions)]
        self._send(self.phones[asked.who].press(asked.no))
        if asked.used or self.clock.time >= asked.asked_at + LIVES:
            return
        asked.used = True
        if asked.state == "proposed":
            asked.state = "declined"
            self.open[asked.who] = None

    @precondition(lambda self: self.questions)
    @rule(pick=st.integers(0, 50))
    def press_anothers(self, pick: int) -> None:
        """Somebody presses what another was shown."""
        asked = self.questions[-1 - pick % len(self.questions)]
        self._send(self.phones[(asked.who + 1) % PEOPLE].press(asked.yes))

    @rule(whose=st.integers(0, PEOPLE - 1), place=st.integers(0, 5))
    def ship(self, whose: int, place: int) -> None:
        """The shop sends an order off."""
        number = self.shop.customers[whose].orders[place].number
        self.shop.ship(number)
        self.orders[number] = "shipped"

    @rule(seconds=st.sampled_from([10, 300, 899, 901, 1801]))
    def wait(self, seconds: int) -> None:
        """Time passes; an open question is forgotten after half an hour."""
        self.clock.move(seconds)
        for who, asked in enumerate(self.open):
            if asked and self.clock.time - asked.asked_at > timedelta(minutes=30):
                self.open[who] = None

    @rule()
    def restart(self) -> None:
        """The bot stops and starts."""
        self.runner.run(self.stack.aclose())
        self._start()
        self.runner.run(self.stand.recover())

    @precondition(lambda self: any(self.open))
    @rule(who=st.integers(0, PEOPLE - 1), place=st.integers(0, 5))
    def lose(self, who: int, place: int) -> None:
        """A yes whose answer is lost, and cannot be read back: an admin looks, and finds that it was done."""
        asked = self.open[who]
        if (
            asked is None
            or self.clock.time >= asked.asked_at + LIVES
            or self.orders[asked.number] != _STATUS[asked.action][0]
        ):
            return
        self.adapter.ways, self.adapter.blind = ["garbled"], True
        said = self._send(self.phones[who].press(asked.yes))
        self.adapter.ways, self.adapter.blind = [], False
        self._agreed(asked)
        asked.state = "unknown"
        was_done, was_not_done = [
            button["callback_data"] for one in said if one.chat == ADMIN for button in one.buttons
        ]
        self.unsure.append((was_done, was_not_done, asked))

    @precondition(lambda self: self.unsure)
    @rule(taps=st.integers(1, 3))
    def settle(self, taps: int) -> None:
        """The admin says what became of it, and presses again."""
        was_done, was_not_done, asked = self.unsure.pop()
        self._send(*[self.admin.press(was_done) for _ in range(taps)], self.admin.press(was_not_done))
        asked.state = "done"

    # --- what must hold ---

    @invariant()
    def the_shop_is_as_it_should_be(self) -> None:
        """Every order has the state that the model says, and there is one write for each yes that counted."""
        assert self.shop.states() == self.orders
        assert sum(row[3] == "done" for row in self.shop.writes()) == self.done

    @invariant()
    def the_ledger_is_as_it_should_be(self) -> None:
        """Every entry has the state that the model says."""
        rows = self.runner.run(self.stand.sql("SELECT order_number, action, state FROM ledger ORDER BY rowid"))
        assert [tuple(row) for row in rows] == [(q.number, q.action, q.state) for q in self.questions]


def run(examples: int, seed: int) -> Claim:
    """Let hypothesis try so many runs of up to thirty things that happen."""
    claim, started = Claim(CLAIM, seed), perf_counter()
    with tempfile.TemporaryDirectory(dir=workplace()) as place:
        template(Path(place))
        asyncio.run(make_shop(Path(place) / "shop.db", [customer(index) for index in range(PEOPLE)]))
        Machine.place, Machine.claim = Path(place), claim
        how = settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            phases=PHASES,
        )
        Machine._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined] # What hypothesis.seed() sets.
        try:
            run_state_machine_as_test(Machine, settings=how)
        except AssertionError as error:
            claim.fail(f"{error} {' / '.join(getattr(error, '__notes__', []))}")
    claim.seconds = perf_counter() - started
    return claim
