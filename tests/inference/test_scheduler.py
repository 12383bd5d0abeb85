"""Who reads how much in a step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.inference.scheduler import LEAST, SHORT, Share, share_out
from bot.inference.sequence import Sequence, State
from tests.support.remembering_model import Parrot


def reading(tokens: int, *, writing: bool = False) -> Sequence:
    """Return a seated sequence that has so many tokens ahead of it."""
    sequence = Sequence([1] * (tokens - 1), Parrot(5), most=11)
    sequence.seated(1, 0)
    if writing:
        sequence.state = State.WRITING
    return sequence


def counts(shares: list[Share]) -> list[int]:
    """Return how much each gets."""
    return [share.count for share in shares]


def test_all_short_ones_go_together() -> None:
    """Messages and answers share one batch, whole."""
    assert counts(share_out([reading(50), reading(2, writing=True), reading(60)], 256)) == [2, 50, 60]


def test_answers_go_first() -> None:
    """When there is no room for all, those that write are not held up by those that read."""
    shares = share_out([reading(100), reading(100), reading(9, writing=True)], 150)
    assert counts(shares) == [9, 100, 41]


def test_a_long_one_alone_gets_everything() -> None:
    """Nobody else, so a long prompt takes the whole batch."""
    assert counts(share_out([reading(4000)], 256)) == [256]


def test_long_ones_take_at_most_half_as_much_again() -> None:
    """Beside others a long prompt gets on, and hardly slows them."""
    assert counts(share_out([reading(4000), reading(60), reading(60)], 256)) == [60, 60, 60]
    assert counts(share_out([reading(4000), reading(1, writing=True)], 256)) == [1, LEAST]


def test_long_ones_go_one_after_another() -> None:
    """Of two long prompts the first is read first, since half of each would help nobody."""
    assert counts(share_out([reading(4000), reading(4000)], 256)) == [256]


@given(
    st.lists(st.tuples(st.integers(2, 600), st.booleans()), max_size=20),
    st.integers(1, 512),
)
def test_every_batch_fits_and_gets_on(sizes: list[tuple[int, bool]], room: int) -> None:
    """No share is empty or beyond its sequence, the batch is never overfull, and somebody always gets on."""
    sequences = [reading(size, writing=writing) for size, writing in sizes]
    shares = share_out(sequences, room)
    assert sum(counts(shares)) <= room
    assert all(0 < share.count <= share.sequence.ahead for share in shares)
    assert bool(shares) == bool(sequences)
    assert len({id(share.sequence) for share in shares}) == len(shares)
    if any(sequence.ahead > SHORT for sequence in sequences) and room > LEAST:
        assert any(share.sequence.ahead > SHORT for share in shares)
