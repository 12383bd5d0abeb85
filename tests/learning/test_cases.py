"""The file of cases: one JSON object a line, and every bad line is named at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import Author
from bot.learning.cases import CaseFileError, read_cases


def written(folder: Path, *lines: Any) -> Path:
    """Write lines, those that are no strings as JSON."""
    path = folder / "cases.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return path


def test_a_whole_case(tmp_path: Path) -> None:
    """Every field is read, the history with its authors in order, and unknown keys are ignored."""
    history = [{"role": "user", "text": "hi"}, {"role": "assistant", "text": "Hello!", "more": 1}]
    line = {"id": "a", "lang": "de", "history": history, "text": "storno", "action": "cancel_order", "order_id": "A1"}
    (case,) = read_cases(written(tmp_path, {**line, "source": "x"}))
    assert (case.id, case.language, case.text) == ("a", "de", "storno")
    assert (case.action, case.order_id) == (ActionKind.CANCEL_ORDER, "A1")
    assert [(said.author, said.text, said.id) for said in case.history] == [
        (Author.CUSTOMER, "hi", 1),
        (Author.BOT, "Hello!", 2),
    ]


def test_what_may_be_missing(tmp_path: Path) -> None:
    """Only the text must be there: a missing id is the line's number, blank lines counted, and labels are None."""
    first, second = read_cases(written(tmp_path, {"text": "one"}, "", {"id": None, "text": "two", "action": None}, ""))
    assert (first.id, second.id) == (1, 3)
    assert (first.language, first.history, first.action, first.order_id) == (None, (), None, None)


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    """A byte order mark, a carriage return and a line separator within a text do no harm."""
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + '{"text": "a\u2028b"}\r\n'.encode())
    assert [case.text for case in read_cases(path)] == ["a\u2028b"]


BAD = [
    ("{", "no JSON object"),
    ('["text"]', "no JSON object"),
    ("[" * 100_000, "no JSON object"),
    ({"id": 1}, "text is missing"),
    ({"text": 7}, "text must be a string"),
    ({"text": "x", "action": "cancel"}, 'action "cancel" is none of query_order, cancel_order'),
    ({"text": "x", "action": ["cancel_order"]}, 'action ["cancel_order"] is none of'),
    ({"text": "x", "order_id": 7}, "order_id must be null or"),
    ({"text": "x", "order_id": " "}, "order_id must be null or"),
    ({"text": "x", "lang": 7}, "lang must be a string"),
    ({"text": "x", "id": [7]}, "id must be"),
    ({"text": "x", "history": "hi"}, "history must be a list"),
    ({"text": "x", "history": ["hi"]}, "history 1 is no JSON object"),
    ({"text": "x", "history": [{"role": "bot", "text": "hi"}]}, 'history 1: role "bot" is none of user, assistant'),
    ({"text": "x", "history": [{"role": "user"}]}, "history 1: text must be a string"),
]


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    """One error names the file and the number of each bad line, and what is wrong with it; good lines are not named."""
    path = written(tmp_path, {"text": "good"}, *(line for line, _ in BAD))
    with pytest.raises(CaseFileError) as caught:
        read_cases(path)
    _, *lines = str(caught.value).splitlines()
    for number, (line, (_, problem)) in enumerate(zip(lines, BAD, strict=True), 2):
        assert line.startswith(f"  {path}:{number}: "), line
        assert problem in line


def test_a_line_that_is_not_utf_8(tmp_path: Path) -> None:
    """It is a bad line as any other."""
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b'{"text": "a"}\n{"text": "\xff"}\n')
    with pytest.raises(CaseFileError, match=r"cases\.jsonl:2: not UTF-8"):
        read_cases(path)


def test_at_most_twenty_are_shown(tmp_path: Path) -> None:
    """Of many bad lines the first twenty are shown, and how many more there are."""
    with pytest.raises(CaseFileError) as caught:
        read_cases(written(tmp_path, *["nothing"] * 23))
    message = str(caught.value)
    assert message.count("no JSON object") == 20
    assert message.endswith("and 3 more")


def test_an_empty_file(tmp_path: Path) -> None:
    """A file without a case is an error that names it."""
    with pytest.raises(CaseFileError, match=r"cases\.jsonl holds no cases"):
        read_cases(written(tmp_path, "", " "))
