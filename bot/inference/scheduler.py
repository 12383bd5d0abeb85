"""Who reads how much in the next step. It decides, and touches nothing.

A step is one batch through the model. Short work, which is every answer and most messages, goes first and together.
Long work, a thread that has to be read from its beginning, gets what is left; beside short work that is at most half as
much again, so that nobody waits much longer because of it, and it still gets on in every step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.inference.sequence import Sequence, State

SHORT = 128
"""Up to how many tokens are short work."""

LEAST = 16
"""How many tokens long work gets in a step, however little else there is."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a sequence's next tokens are read in a step."""

    sequence: Sequence
    count: int

    @property
    def is_last(self) -> bool:
        """Whether its writer can choose afterwards."""
        return self.count == self.sequence.ahead


def share_out(seated: Iterable[Sequence], room: int) -> list[Share]:
    """Share a batch of at most `room` tokens among sequences, which are given in the order in which they came."""
    ready = sorted(seated, key=lambda one: one.state is not State.WRITING)
    long = [one for one in ready if one.ahead > SHORT]
    shares: list[Share] = []
    # The first of the long ones keeps its least, however many short ones there are.
    left = room - (min(LEAST, room) if long else 0)
    for sequence in ready:
        count = min(sequence.ahead, left)
        if count and sequence.ahead <= SHORT:
            shares.append(Share(sequence, count))
            left -= count
    taken = sum(share.count for share in shares)
    beside = max(LEAST, taken // 2) if taken else room
    left = min(beside, room - taken)
    for sequence in long:
        count = min(sequence.ahead, left)
        if count:
            shares.append(Share(sequence, count))
            left -= count
    return shares
