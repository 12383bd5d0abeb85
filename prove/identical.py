"""Claim: whatever another customer's data are, or whether there are any, everybody else reads the same bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import perf_counter

from prove.canaries import CUSTOMERS, customer
from prove.claims import Claim
from prove.malicious import World, episode
from prove.stand import fresh, template, workplace

CLAIM = "another's data changed, or gone: everybody else's messages are byte-identical"
STILL = (3, 4, 5)
"""Whose data are changed in turn; they only ever show their contact and ask, and have no thread of the REST API."""


async def run(steps: int, seed: int) -> Claim:
    """Run worlds three times each, until so many steps were compared twice."""
    claim, started, number = Claim(CLAIM, seed), perf_counter(), seed
    with tempfile.TemporaryDirectory(dir=workplace()) as place:
        empty = template(Path(place))
        while claim.trials < steps and not claim.failures:
            with tempfile.TemporaryDirectory(dir=place) as inner:
                await _compare(Path(inner), empty, number, min(500, steps), claim)
            number += 1
    claim.seconds = perf_counter() - started
    return claim


async def _compare(place: Path, empty: Path, seed: int, steps: int, claim: Claim) -> None:
    still = STILL[seed % len(STILL)]
    usual = [customer(index) for index in range(CUSTOMERS)]
    other = [customer(index, variant=int(index == still)) for index in range(CUSTOMERS)]
    worlds = (
        World(usual, still=still),
        World(other, still=still),
        World(usual, still=still, without=still),
    )
    heard = []
    for number, world in enumerate(worlds):
        run_of = Claim(CLAIM, seed)
        one = await episode(fresh(place / str(number), empty), world, seed, steps, run_of)
        claim.failures += run_of.failures
        heard.append({who.key: tuple(who.heard) for who in one.crowd.members if who.customer != still})
        claim.trials += one.steps if number else 0
    claim.saw("messages compared", sum(len(said) for said in heard[0].values()) * (len(worlds) - 1))
    for what, found in (("changed", heard[1]), ("gone", heard[2])):
        for who, said in heard[0].items():
            if said != found[who]:
                where = f"seed {seed}: {who}, once customer {still}'s data are {what}"
                claim.fail(f"{where}: {_first(said, found[who])}")


def _first(said: tuple[str, ...], found: tuple[str, ...]) -> str:
    """Return the first difference."""
    pairs = enumerate(zip(said, found, strict=False))
    return next(
        (f"[{n}] {a[:400]} / {b[:400]}" for n, (a, b) in pairs if a != b), f"{len(said)} / {len(found)} messages"
    )
