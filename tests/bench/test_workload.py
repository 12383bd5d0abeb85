"""The chats that the engine, and others, are measured with."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bot.bench.workload import MESSAGE_CHARS, SYSTEM, texts, threads
from bot.domain.actions import ActionKind, parse_action
from bot.inference.requantise import Library
from bot.inference.shapes import FULL, Shape, make
from tests.support import native


@pytest.fixture(scope="session")
def library() -> Iterator[Library]:
    """llama.cpp, started."""
    yield from native.started()


def test_the_texts_are_as_long_as_they_should_be(library: Library, tmp_path: Path) -> None:
    """In Qwen's tokens, the system message has some 454, and what a customer writes 20 to 45."""
    narrow = Shape("narrow", layers=1, width=32, feed_forward=32, heads=1, kv_heads=1)
    with native.vocabulary(library, make(library, narrow, FULL, tmp_path, 1)) as vocabulary:
        assert 445 <= len(vocabulary.tokenize(SYSTEM, False)) <= 463
        lengths = {text: len(vocabulary.tokenize(text, False)) for text in texts()}
    assert {text: length for text, length in lengths.items() if not 20 <= length <= 45} == {}


def test_a_seed_gives_the_same_chats_and_another_one_others() -> None:
    """Every system is asked the very same things."""
    assert threads(8, 4, says=True, seed=3) == threads(8, 4, says=True, seed=3)
    assert threads(8, 4, says=True, seed=3) != threads(8, 4, says=True, seed=4)


def test_each_turn_goes_on_from_the_one_before() -> None:
    """A thread's turn is the one before, a reply and a new message; all threads begin with the same system message."""
    chats = threads(9, 5, says=False)
    assert [len(turns) for turns in chats] == [5] * 9
    for turns in chats:
        assert {turn.messages[0].content for turn in turns} == {SYSTEM}
        assert [len(turn.messages) for turn in turns] == [2, 4, 6, 8, 10]
        for before, after in pairwise(turns):
            assert after.messages[: len(before.messages)] == before.messages
            assert after.messages[len(before.messages)].role == "assistant"
    first = {turns[0].messages[1].content for turns in chats}
    assert len(first) > 5
    assert any("NG-" in text for text in first)


def test_candidates_are_the_numbers_that_the_customer_wrote() -> None:
    """Now and then a message has an order number; the schema's choice is among those of the thread."""
    chats = threads(8, 4, says=False)
    for turns in chats:
        for turn in turns:
            said = " ".join(message.content for message in turn.messages[1:])
            assert all(number in said for number in turn.candidates)
            assert turn.schema["properties"]["order_id"] == {"enum": [*turn.candidates, None]}
    last = [turns[-1].candidates for turns in chats]
    assert all(last)
    assert len({number for numbers in last for number in numbers}) == sum(map(len, last))


@pytest.mark.parametrize("says", [False, True])
def test_the_schema_leaves_no_choice_of_how_much_is_written(says: bool) -> None:
    """With a message it is `unknown` and has one; without, it is one of the other four, and the message is empty."""
    (turn,) = threads(1, 1, says=says)[0]
    fields = turn.schema["properties"]
    kinds = fields["action"]["enum"]
    assert fields["message"]["maxLength"] == (MESSAGE_CHARS if says else 0)
    assert kinds == (["unknown"] if says else [kind.value for kind in ActionKind if kind is not ActionKind.UNKNOWN])
    raw = f'{{"action":"{kinds[0]}","order_id":null,"response_type":"json","message":""}}'
    assert parse_action(raw, turn.candidates).kind == kinds[0]
