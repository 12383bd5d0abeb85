"""The FAQ as a file: what is written is read, and every mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.faq_file import read_faq, render_faq
from bot.domain.model import FaqEntry
from bot.errors import ConfigError

# Any text a file can hold, with something to read in it.
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(str.strip)
ENTRIES = st.lists(
    st.builds(
        FaqEntry,
        st.sampled_from(["en", "zh", "ar", "pt-br"]),
        st.lists(WORDS, min_size=1, max_size=3).map(tuple),
        WORDS.map(str.strip),
    ),
    max_size=4,
)


def written(folder: Path, text: str) -> Path:
    """Return a file of this text."""
    path = folder / "faq.toml"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def problems(folder: Path, text: str) -> list[tuple[str, str]]:
    """Return where and what is wrong with a file of this text."""
    path = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        read_faq(path)
    assert all(problem.remedy for problem in caught.value.problems)
    return [(problem.where.replace(str(path), "FILE"), problem.what) for problem in caught.value.problems]


@given(ENTRIES)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, entries: list[FaqEntry]) -> None:
    """Entries survive the way into the file and back, whatever their texts hold."""
    path = written(tmp_path_factory.mktemp("faq"), render_faq(entries))
    assert list(read_faq(path)) == entries


def test_the_hard_ones(tmp_path: Path) -> None:
    """Quotes, backslashes, newlines, emoji, tables' own signs and control characters come back as they were."""
    texts = (
        'He said "hi"',
        "C:\\new\\table",
        "two\nlines\r\nand\ttabs",
        "\U0001f9a6 👍🏽",
        "[[entry]]\n# no = 1",
        "\x7f\x01\x1b",
    )
    entries = [FaqEntry("en", texts, text.strip()) for text in texts]
    assert list(read_faq(written(tmp_path, render_faq(entries)))) == entries


def test_as_a_shop_owner_writes_it(tmp_path: Path) -> None:
    """Comments, multi-line texts, capitals in the language and an editor's byte order mark do no harm."""
    text = """\ufeff# our answers\r
[[entry]]\r
language = "EN"\r
questions = ["Do you ship abroad?", 'Can you "send" it?']  # more to come\r
answer = \"\"\"
Yes, within the EU.
It costs 9 euros.
\"\"\"
"""
    (entry,) = read_faq(written(tmp_path, text))
    assert entry.language == "en"
    assert entry.questions == ("Do you ship abroad?", 'Can you "send" it?')
    assert entry.answer == "Yes, within the EU.\nIt costs 9 euros."


def test_an_empty_file_is_an_empty_faq(tmp_path: Path) -> None:
    """Nothing in it is nothing wrong."""
    assert read_faq(written(tmp_path, "# nothing yet\n")) == ()
    assert render_faq([]) == ""


GOOD = '[[entry]]\nlanguage = "en"\nquestions = ["a"]\nanswer = "b"\n'


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("[[entry]]\nquestions = ['a']\nanswer = 'b'", "FILE entry 1", "language is missing or empty"),
        ("[[entry]]\nlanguage = 5\nquestions = ['a']\nanswer = 'b'", "FILE entry 1", "language is missing or empty"),
        ("[[entry]]\nlanguage = 'en'\nquestions = ['a']", "FILE entry 1", "answer is missing or empty"),
        ("[[entry]]\nlanguage = 'en'\nquestions = ['a']\nanswer = ' '", "FILE entry 1", "answer is missing or empty"),
        ("[[entry]]\nlanguage = 'en'\nanswer = 'b'", "FILE entry 1", "questions is not a list of texts"),
        (
            "[[entry]]\nlanguage = 'en'\nquestions = []\nanswer = 'b'",
            "FILE entry 1",
            "questions is not a list of texts",
        ),
        (
            "[[entry]]\nlanguage='en'\nquestions=['a', 1]\nanswer='b'",
            "FILE entry 1",
            "questions is not a list of texts",
        ),
        (
            "[[entry]]\nlanguage='en'\nquestions=['', 'a']\nanswer='b'",
            "FILE entry 1",
            "questions is not a list of texts",
        ),
        ("[[entry]]\nlanguage='en'\nquestions='a'\nanswer='b'", "FILE entry 1", "questions is not a list of texts"),
        (GOOD + "[[entry]]\nqestions = ['a']", "FILE entry 2", "has an unknown key 'qestions'"),
        ("entry = ['a']", "FILE entry 1", "is not a table"),
        ("entry = 'a'", "FILE", "'entry' is not a list of tables"),
        ("[entry]\nlanguage = 'en'", "FILE", "'entry' is not a list of tables"),
        (GOOD + "[other]\na = 1", "FILE", "unknown key 'other'"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, text: str, where: str, what: str) -> None:
    """A mistake is reported with its entry and what it is."""
    assert problems(tmp_path, text) == [(where, what)]


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """Every wrong entry is in the report, not only the first."""
    text = "title = 1\n[[entry]]\nlanguage = 'en'\n" + GOOD + "[[entry]]\nanswer = 'b'\n"
    assert problems(tmp_path, text) == [
        ("FILE", "unknown key 'title'"),
        ("FILE entry 1", "answer is missing or empty"),
        ("FILE entry 3", "language is missing or empty"),
    ]


def test_not_toml(tmp_path: Path) -> None:
    """A file that is no TOML is reported with the line."""
    ((where, what),) = problems(tmp_path, GOOD + "language = en\n")
    assert where == "FILE"
    assert what.startswith("is not TOML: ")
    assert "line 5" in what


def test_not_utf8(tmp_path: Path) -> None:
    """A file in another encoding is a problem with words, not a UnicodeDecodeError."""
    path = tmp_path / "faq.toml"
    path.write_bytes("answer = 'größer'".encode("latin-1"))
    with pytest.raises(ConfigError, match="is not TOML"):
        read_faq(path)


def test_no_file(tmp_path: Path) -> None:
    """A missing file and a folder in its place are reported by name, with the setting to look at."""
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ConfigError, match=r"cannot be read .*Check faq\.file") as caught:
            read_faq(path)
        assert caught.value.problems[0].where == str(path)
