"""The engine over a model that remembers: whatever comes and goes, everybody gets what they would get alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.inference.cells import Cells
from bot.inference.engine import Engine, Stats
from bot.inference.llama import DecodeFailed
from bot.inference.sequence import Sequence, State
from tests.support.remembering_model import Parrot, RememberingModel, alone

PREFIX = [7] * 10


def made(count: int = 400, seats: int = 8, batch: int = 32, running: int = 4) -> tuple[Engine, RememberingModel]:
    """Return an engine, with its prefix read, and its model."""
    model = RememberingModel(count)
    engine = Engine(model, Cells(model, count, seats), batch, Stats(), running)
    engine.set_prefix(PREFIX)
    return engine, model


def asked(thread: str, *tokens: int, length: int = 3) -> Sequence:
    """Return a sequence of the prefix and these tokens."""
    return Sequence([*PREFIX, *tokens], Parrot(length), thread, 2 * length + 1)


def run(engine: Engine, *sequences: Sequence) -> None:
    """Add sequences and step until all have ended."""
    for sequence in sequences:
        engine.add(sequence)
    while not engine.is_idle:
        engine.step()


def said(sequence: Sequence) -> list[int]:
    """Return what was written."""
    assert isinstance(sequence.writer, Parrot)
    return sequence.writer.said


def used(model: RememberingModel, engine: Engine) -> int:
    """Return the cells in use, which are what the books say when nobody is running."""
    assert len(model.cells) == engine.cells.used
    return len(model.cells)


def test_everybody_gets_what_they_get_alone() -> None:
    """Eight at once through four places write, each, what they write with nobody beside them."""
    engine, _ = made()
    together = [asked(f"t{n}", *range(n, n + 5 + n)) for n in range(8)]
    run(engine, *together)
    assert [said(one) for one in together] == [alone(one.prompt, 3) for one in together]


def test_a_turn_costs_its_own_tokens() -> None:
    """The prefix is read once, and a thread's second turn reads on from where its first one ended."""
    engine, model = made()
    run(engine, asked("a", *range(20, 30)))
    before = engine.stats.prompt_tokens + engine.stats.decoded_tokens
    second = asked("a", *range(20, 30), 3, 3, 3, length=1)
    run(engine, second)
    # Three new ones and the forced beginning of the answer; the answer itself is not read on from.
    assert engine.stats.prompt_tokens + engine.stats.decoded_tokens - before == 4
    assert said(second) == alone(second.prompt, 1)
    assert used(model, engine) == len(second.prompt)


def test_a_thread_that_became_another_keeps_what_is_the_same() -> None:
    """Where a prompt differs from what was read, it is read again from there, and from nowhere else."""
    engine, model = made()
    run(engine, asked("a", *range(20, 40)))
    changed = asked("a", *range(20, 30), *range(5))
    run(engine, changed)
    assert said(changed) == alone(changed.prompt, 3)
    assert model.tokens(engine_seat(engine, "a")) == list(changed.prompt)


def engine_seat(engine: Engine, thread: str) -> int:
    """Return a thread's seat."""
    return next(seat.number for seat in engine.cells if seat.thread == thread)


def test_what_belongs_to_no_thread_leaves_nothing() -> None:
    """A sequence without a thread frees all its cells."""
    engine, model = made()
    run(engine, asked("", 1, 2, 3), asked("", 4, 5, 6))
    assert used(model, engine) == len(PREFIX)


def test_those_not_used_for_longest_give_way() -> None:
    """With too few seats the oldest threads lose theirs, the newest keep theirs."""
    engine, _ = made(seats=4)
    for name in "abcade":
        run(engine, asked(name, 9, 9, 9))
    assert [seat.thread for seat in engine.cells] == ["a", "d", "e"]


def test_cells_run_out_before_seats() -> None:
    """With too few cells threads give way too, and whoever needs room gets it."""
    engine, model = made(count=120)
    for number in range(6):
        one = asked(f"t{number}", *range(30))
        run(engine, one)
        assert said(one) == alone(one.prompt, 3)
    assert used(model, engine) <= 120


def test_what_never_fits_is_refused() -> None:
    """A prompt longer than the memory is refused at once, and the next one is served."""
    engine, _ = made(count=100)
    with pytest.raises(ValueError, match="it needs 117 cells, and there are 100"):
        engine.add(asked("a", *[5] * 100))
    run(engine, asked("a", 5))


def test_a_stopped_one_frees_its_place_within_a_step() -> None:
    """Whoever is let go of, waiting, reading or writing, leaves only what was read of a thread's prompt."""
    for steps in range(6):
        engine, model = made(batch=16)
        stopped, other = asked("a", *range(40), length=9), asked("", *range(30), length=9)
        engine.add(stopped)
        engine.add(other)
        for _ in range(steps):
            engine.step()
        engine.stop(stopped)
        run(engine)
        assert said(other) == alone(other.prompt, 9)
        assert used(model, engine) <= len(PREFIX) + 40
        again = asked("a", *range(40), length=9)
        run(engine, again)
        assert said(again) == alone(again.prompt, 9)


def test_a_failed_batch_ends_those_in_it_and_no_other() -> None:
    """When the model fails, all that ran ends with the reason; what waited, and what comes, is served."""
    engine, model = made(running=2)
    sequences = [asked(f"t{n}", n, n) for n in range(3)]
    for sequence in sequences:
        engine.add(sequence)
    model.fails_next = True
    assert {one.thread for one in engine.step()} == {"t0", "t1"}
    assert isinstance(sequences[0].failure, DecodeFailed)
    run(engine)
    assert said(sequences[2]) == alone(sequences[2].prompt, 3)
    assert used(model, engine) == len(sequences[2].prompt)


class Stubborn(Parrot):
    """A writer that cannot go on."""

    def go_on(self, logits: object) -> list[int]:
        """Fail."""
        raise ValueError("it is stuck")


def test_a_writer_that_fails_fails_alone() -> None:
    """One answer that cannot be written does not disturb those beside it."""
    engine, model = made()
    bad, good = Sequence([*PREFIX, 1, 2], Stubborn(2), "bad", 5), asked("good", 1, 2)
    run(engine, bad, good)
    assert str(bad.failure) == "it is stuck"
    assert said(good) == alone(good.prompt, 3)
    assert used(model, engine) == len(PREFIX) + 4


def test_an_answer_with_nothing_to_choose_is_never_read() -> None:
    """Where everything stands fast from the beginning, the model is not asked at all."""
    engine, model = made()
    done = asked("a", 1, 2, length=0)
    assert done.state is State.ENDED
    before = len(model.batches)
    run(engine, done)
    assert len(model.batches) == before


def test_a_model_that_cannot_go_back_starts_from_the_prefix() -> None:
    """A recurrent model keeps no thread's cells, and is right all the same."""
    engine, model = made()
    model.goes_back = False
    for tokens in ([1, 2, 3], [1, 2, 3, 4, 5], [1, 9]):
        one = asked("a", *tokens)
        run(engine, one)
        assert said(one) == alone(one.prompt, 3)


@settings(deadline=None)
@given(st.data())
def test_whatever_comes_and_goes(data: st.DataObject) -> None:
    """Random arrivals, cancels, failures and evictions: answers are as alone, in order, and no cell is lost."""
    engine, model = made(count=150, seats=5, batch=data.draw(st.sampled_from([1, 7, 64])), running=3)
    threads: dict[str, list[int]] = {}
    live: list[Sequence] = []
    added: list[Sequence] = []

    def arrive() -> None:
        name = data.draw(st.sampled_from(["", "a", "b", "c", "d", "e", "f"]))
        tokens = threads.get(name, [])
        kept = tokens[: data.draw(st.integers(0, len(tokens)))]
        threads[name] = [*kept, *data.draw(st.lists(st.integers(3, 20), min_size=1, max_size=40))][-60:]
        sequence = asked(name, *threads[name], length=data.draw(st.integers(0, 5)))
        engine.add(sequence)
        live.append(sequence)
        added.append(sequence)

    def step() -> None:
        for sequence in engine.step():
            live.remove(sequence)

    def cancel() -> None:
        if live:
            sequence = live.pop(data.draw(st.integers(0, len(live) - 1)))
            engine.stop(sequence)
            added.remove(sequence)

    def fail() -> None:
        model.fails_next = True

    acts: list[Callable[[], None]] = [arrive, arrive, step, step, step, cancel, fail]
    for act in data.draw(st.lists(st.sampled_from(acts), max_size=40)):
        act()
        assert len(model.cells) <= engine.cells.used <= 150
        for seat in engine.cells:
            if not seat.busy:
                assert model.tokens(seat.number) == seat.tokens
    while not engine.is_idle:
        step()
    for sequence in added:
        if sequence.failure is None:
            assert said(sequence) == alone(sequence.prompt, len(said(sequence)))
            assert sequence.state is State.ENDED
    assert used(model, engine) == len(engine.cells.prefix) + sum(seat.cells for seat in engine.cells)
