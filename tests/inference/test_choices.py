"""The part of an answer that is nothing but choices, written out."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import action_schema, branching_schema, parse_action
from bot.inference.choices import MOST, Choices, beginnings

NUMBERS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), max_size=4, unique=True)


@given(NUMBERS)
def test_every_beginning_can_be_finished(candidates: list[str]) -> None:
    """Each text is whole JSON of a lawful action, or lacks nothing but a message."""
    texts = beginnings(branching_schema(candidates))
    assert len(set(texts)) == len(texts) == 5 * (len(candidates) + 1)
    for text in texts:
        whole = text if text.endswith("}") else text + '"hello"}'
        action = parse_action(whole, candidates)
        assert action.order_id in {*candidates, None}
        assert json.dumps(json.loads(whole), ensure_ascii=False, separators=(",", ":")) == whole.replace(
            "\\u007f", "\x7f"
        )


def test_they_end_before_what_is_no_choice() -> None:
    """A flat schema can begin in as many ways as its fields combine, up to the free text."""
    texts = beginnings(action_schema(("A-1",)))
    assert len(texts) == 5 * 2 * 2
    assert all(text.endswith('"message":') for text in texts)


def test_free_fields_and_too_many_choices_are_left_to_the_grammar() -> None:
    """Where the first field is free there is nothing but its name; where there are too many ways, nothing at all."""
    assert beginnings({"type": "object", "properties": {"text": {"type": "string"}}}) == ['{"text":']
    assert beginnings({"type": "string"}) == []
    assert beginnings(branching_schema([str(number) for number in range(MOST)])) == []


def test_only_real_choices_are_asked_about() -> None:
    """What all rows share is forced, and each choice leaves those rows that go on with it."""
    choices = Choices({(1, 2, 3, 9): False, (1, 2, 4, 8, 9): False, (1, 2, 4, 7, 9): True})
    assert choices.forced() == [1, 2]
    assert (choices.open, choices.next()) == (True, [3, 4])
    choices.take(4)
    assert (choices.forced(), choices.next()) == ([], [7, 8])
    choices.take(7)
    assert (choices.open, choices.whole) == (False, False)
    assert choices.forced() == [9]
    assert choices.whole
    assert choices.forced() == []


def test_nothing_to_choose_forces_nothing() -> None:
    """Without rows the grammar decides everything."""
    choices = Choices({})
    assert choices.forced() == []
    assert (choices.open, choices.whole) == (False, False)
