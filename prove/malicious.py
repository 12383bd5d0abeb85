"""Claim: whatever customers, the model and the REST API's callers send, nobody sees or changes what is another's."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from bot.domain.links import LinkSigner
from bot.domain.ports import OrderAdapter
from bot.web.refusals import Refusal
from prove.canaries import CUSTOMERS, START, CanaryShop, Customer, customer, make_shop, number_of
from prove.claims import Claim
from prove.crowd import Crowd, Member, bodies, is_yes
from prove.model import MaliciousModel
from prove.people import Phone, Update
from prove.stand import ADMIN, Said, Stand, fresh, standing, template, workplace

EPISODE = 1_000
"""After so many steps everything begins anew: another seed, an empty database, a full shop."""

_TELLING = ("confirm", "done", "waits_for_approval", "not_found", "verify", "link_refused", "stale", "silent")
"""Which decisions are counted, to show that the crowd gets deep into the bot."""

_ORDER = re.compile(r"ORD\d{11}")
CLAIM = "malicious model, texts, buttons, contacts, links, REST: no effect or disclosure across customers"


@dataclass
class Episode:
    """One crowd before one bot."""

    stand: Stand
    shop: CanaryShop
    crowd: Crowd
    claim: Claim
    steps: int = 0
    asked: dict[str, Member] = field(default_factory=dict)
    admin_tokens: list[str] = field(default_factory=list)

    async def run(self, steps: int) -> None:
        """Let the crowd do so many steps."""
        untouchable, before = self.shop.rest(), len(self.claim.failures)
        self._admin = Phone(ADMIN, "Admin")
        await self._first_openings()
        while self.steps < steps and len(self.claim.failures) == before:
            await self._round()
        if self.shop.rest() != untouchable:
            self.claim.fail("something in the shop changed that no write changes")
        await self._every_write_has_its_yes()
        for decision, count in await self.stand.sql("SELECT decision, count(*) FROM turns GROUP BY 1"):
            if decision in _TELLING:
                self.claim.saw(f"turns that came to {decision}", count)
        if wrong := await self.stand.sql("SELECT payload FROM inbox WHERE state != 'done'"):
            self.claim.fail(f"{len(wrong)} updates were put aside, the first is {wrong[0][0][:200]}")

    async def _first_openings(self) -> None:
        """Each customer opens the links of the shop's mails to them, which nobody else may from then on."""
        for member in self.crowd.members:
            if member.phone and member.customer is not None:
                for link in self.crowd.links.get(member.customer, ()):
                    await self.stand.updates(member.phone.text(f"/start {link}"))
        self._listen(await self.stand.said())

    async def _round(self) -> None:
        """Everybody does one thing, all at once; then see what was said and done."""
        updates: list[Update] = []
        for member in self.crowd.members:
            made = self.crowd.next(member)
            if isinstance(made, str):
                await self._rest(member, made)
            else:
                updates.append(made)
                if "callback_query" in made:
                    self.asked[made["callback_query"]["id"]] = member
                if member.chance.random() < 0.03:
                    updates.append(made)
            self.steps += 1
        await self.stand.updates(*updates)
        self._listen(await self.stand.said())
        self._look()
        await self._rule()
        self.stand.clock.move(40)
        if self.steps % 3 == 0:
            await self.stand.app.store.operations.expire(self.stand.app.brain.rulings.proposal_lives)
            await self.stand.app.upkeep.look_after()

    async def _rest(self, member: Member, text: str) -> None:
        for body in bodies(text, member):
            try:
                answer = await self.stand.rest(member.caller, body)
            except Refusal as refusal:
                self.claim.saw("REST bodies refused")
                self._hear(member, json.dumps(refusal.to_dict(), ensure_ascii=False))
            else:
                content = answer.content if answer else ""
                self._hear(member, content)

    # --- what was said ---

    def _listen(self, said: Sequence[Said]) -> None:
        # Which of two conversations of a round is the first to ask the admin is chance, and no part of what is tried.
        for one in sorted((one for one in said if one.chat == ADMIN), key=lambda one: _ORDER.findall(one.text)):
            self.admin_tokens += [button["callback_data"] for button in one.buttons]
        for one in said:
            if one.chat == ADMIN:
                continue
            query = str(one.params.get("callback_query_id", ""))
            member = self.asked.get(query) if query else self.crowd.by_chat.get(one.chat)
            if member is None:
                # The admin's own press.
                continue
            member.tokens += [button["callback_data"] for button in one.buttons]
            self._hear(member, one.text, one)

    def _hear(self, member: Member, text: str, said: Said | None = None) -> None:
        member.heard.append(_plain(said, member.tokens) if said else text)
        owners = self.shop.owners_in(text, member.written)
        if member.customer in owners:
            self.claim.saw("own data shown")
        if others := owners - {member.customer}:
            self.claim.fail(f"{member.key} (customer {member.customer}) read of {sorted(others)}: {text[:300]!r}")

    # --- what was done ---

    def _look(self) -> None:
        """Put back what was cancelled and returned, often; whose yes it was is looked up at the end."""
        states = self.shop.states()
        changed = [number for number, state in states.items() if state != self.shop.before[number]]
        written = {number for _, _, number, result in self.shop.writes() if result == "done"}
        if stray := set(changed) - written:
            self.claim.fail(f"{sorted(stray)} changed without a write")
        self.shop.restock(number for place, number in enumerate(changed) if (self.steps + place) % 3)

    async def _rule(self) -> None:
        """The admin presses one of the buttons that wait."""
        if self.admin_tokens:
            await self.stand.updates(self._admin.press(self.admin_tokens.pop()))
            self._listen(await self.stand.said())

    async def _every_write_has_its_yes(self) -> None:
        """Each write was confirmed by one update of the order's owner: a yes in words, or a button shown to them."""
        yeses: set[int] = set()
        for key, action, number, result in self.shop.writes():
            if result != "done":
                continue
            rows = await self.stand.sql(
                "SELECT l.customer_id, l.action, l.order_number, l.confirmed_by, l.needs_approval, l.approved_by,"
                " i.source, i.payload FROM ledger l JOIN inbox i ON i.id = l.confirmed_by WHERE l.key = ?",
                key,
            )
            if len(rows) != 1:
                self.claim.fail(f"{action} {number} was done without a yes")
                continue
            why = self._wrong(rows[0], (action, number), yeses)
            if why:
                self.claim.fail(f"{action} {number}: {why}")
            self.claim.saw("writes with the owner's yes")

    def _wrong(self, row: Any, wrote: tuple[str, str], yeses: set[int]) -> str:
        customer_id, action, number, inbox_id, needs_approval, approved_by, source, payload = row
        owner = self.shop.owners[number]
        if (action, number) != wrote or customer_id != f"cust-{owner}":
            return f"the ledger has {customer_id} {action} {number}"
        if inbox_id in yeses:
            return "one yes did two writes"
        yeses.add(inbox_id)
        if needs_approval and approved_by != ADMIN:
            return "no admin has approved it"
        return self._not_a_yes(owner, source, json.loads(payload))

    def _not_a_yes(self, owner: int, source: str, payload: Mapping[str, Any]) -> str:
        """Return why an update is not the owner's yes; "" where it is."""
        if source == "rest":
            mine = payload["address"].startswith(f"key-{owner}:")
            return "" if mine and is_yes(payload["message"]) else f"not a yes of the owner: {payload}"
        query = payload.get("callback_query")
        sender = (query or payload["message"])["from"]["id"]
        member = self.crowd.by_chat.get(sender)
        if member is None or member.customer != owner:
            return f"the yes came from {sender}"
        if query:
            return "" if query["data"] in member.tokens else "the button was never shown to the owner"
        return "" if is_yes(payload["message"].get("text", "")) else f"not a yes: {payload['message']}"


def _plain(said: Said, tokens: Sequence[str]) -> str:
    """Return what is said with the buttons' tokens, which are chance, as places among all the reader was shown."""
    text = json.dumps([said.method, said.params], ensure_ascii=False, sort_keys=True)
    for button in said.buttons:
        text = text.replace(button["callback_data"], f"token {tokens.index(button['callback_data'])}")
    return text


async def _links(stand: Stand, customers: Sequence[Customer]) -> dict[int, list[str]]:
    signer = LinkSigner(await stand.app.store.links.make_secret())
    forger = LinkSigner(b"x" * 32)
    made: dict[int, list[str]] = {}
    for one in customers:
        until = START.replace(year=START.year + 1)
        made[one.index] = [signer.payload(number_of(one.index, 0), one.id, until)]
    made[0].append(forger.payload(number_of(1, 0), "cust-1", START.replace(year=START.year + 1)))
    made[0].append(signer.payload(number_of(1, 0), "cust-1", START.replace(year=START.year - 1)))
    # Signed by the shop for one customer, about another's order.
    made[0].append(signer.payload(number_of(1, 1), "cust-2", START.replace(year=START.year + 1)))
    return made


@dataclass
class World:
    """What is tried: which customers there are, who of them is still, and by what adapter."""

    customers: Sequence[Customer]
    still: int | None = None
    adapter: OrderAdapter | None = None
    without: int | None = None
    """A customer whom the shop does not have, although the crowd knows their data."""


async def episode(folder: Path, world: World, seed: int, steps: int, claim: Claim) -> Episode:
    """Run one episode in a folder that has an empty database."""
    there = [one for one in world.customers if one.index != world.without]
    shop = await make_shop(folder / "shop.db", there)
    async with standing(
        folder, model=MaliciousModel(seed, takes_branches=seed % 2 == 0), adapter=world.adapter
    ) as stand:
        links = {} if world.still is not None else await _links(stand, world.customers)
        one = Episode(stand, shop, Crowd(seed, world.customers, links, still=world.still), claim)
        await one.run(steps)
    claim.trials += one.steps
    return one


async def run(steps: int, seed: int) -> Claim:
    """Run so many steps, in episodes."""
    claim, started, number = Claim(CLAIM, seed), perf_counter(), seed
    with tempfile.TemporaryDirectory(dir=workplace()) as place:
        empty = template(Path(place))
        while claim.trials < steps and not claim.failures:
            with tempfile.TemporaryDirectory(dir=place) as inner:
                folder = fresh(Path(inner) / "world", empty)
                world = World([customer(index) for index in range(CUSTOMERS)])
                await episode(folder, world, number, min(EPISODE, steps - claim.trials), claim)
            number += 1
    claim.seconds = perf_counter() - started
    return claim
