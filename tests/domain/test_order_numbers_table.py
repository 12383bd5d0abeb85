"""Order numbers of many shapes, and what only looks like one, in the words of thirty languages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.domain.actions import ActionKind
from bot.domain.language import LexiconBook
from bot.domain.model import Author, Message, Query
from bot.domain.order_numbers import OrderNumbers, squeeze
from bot.inference.order_choice import OrderChoice
from bot.locale.lexicons import load_lexicons

NUMBERS = OrderNumbers()
BOOK = LexiconBook(load_lexicons())
HERE = Path(__file__).parent
AUTHORS = {"B": Author.BOT, "C": Author.CUSTOMER}
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


class Row(NamedTuple):
    """A line of a table: the language, the numbers that are meant, and the text."""

    language: str
    numbers: tuple[str, ...]
    text: str


def rows(name: str) -> list[Row]:
    """Read a table: lines of a language, of numbers (with '&' between, '-' for none) and of a text, with '|' between.

    The table of look-alikes has no numbers.
    """
    found = []
    for line in (HERE / name).read_text("utf-8").splitlines():
        language, *numbers, text = line.split(" | ")
        meant = tuple(one for part in numbers for one in part.split(" & ") if one != "-")
        found.append(Row(language, meant, text))
    return found


NAMED, ALIKE, THREADS = rows("order_numbers_named.txt"), rows("order_numbers_alike.txt"), rows("order_threads.txt")


def query_of(row: Row) -> Query:
    """Return a thread's last line as the message, with the lines before it as its history."""
    *before, last = (line.split(": ", 1) for line in row.text.split(" / "))
    history = tuple(Message(AUTHORS[author], text, WHEN, place) for place, (author, text) in enumerate(before))
    return Query(last[1], row.language, history, candidates=NUMBERS.candidates(last[1], history))


@pytest.mark.parametrize("row", NAMED, ids=lambda row: row.text)
def test_numbers_of_any_shape(row: Row) -> None:
    """Short, mixed, dashed, slashed and spaced numbers are candidates, whole, and what stands beside them is none."""
    assert {squeeze(one) for one in NUMBERS.candidates(row.text)} == {squeeze(one) for one in row.numbers}


# Nothing tells it from an order number: a phone number after a word of many meanings.
UNTOLD = {"chiamami al 347 1234567"}


@pytest.mark.parametrize("row", ALIKE, ids=lambda row: row.text)
def test_look_alikes(row: Row) -> None:
    """Phones, prices, dates, addresses, sizes, models and codes are no candidates, and nothing that `find` returns."""
    found = (*NUMBERS.candidates(row.text), *NUMBERS.find(row.text))
    assert bool(found) == (row.text in UNTOLD), found


# They need an understanding of what is said of each number, which no list of words gives: nobody is to guess then.
UNDECIDED = {
    "C: 883421 came fine, but where is 883422?",
    "C: 883421 ist da, bitte 883422 stornieren",
    "C: 取消883421，883422保留",
}


@pytest.mark.parametrize("row", THREADS, ids=lambda row: row.text)
def test_orders_of_threads(row: Row) -> None:
    """A request is about the number that is meant: an answer, a correction, one of two, the thread's; or about none."""
    chosen = OrderChoice(BOOK, NUMBERS).of(ActionKind.CANCEL_ORDER, query_of(row))
    wanted = None if row.text in UNDECIDED else next(iter(row.numbers), None)
    assert squeeze(chosen or "") == squeeze(wanted or ""), chosen


def test_tables_are_wide() -> None:
    """The tables hold at least 250 messages in at least 12 languages, half of them without a number."""
    assert len({row.language for row in (*NAMED, *ALIKE)}) >= 12
    assert len(NAMED) + len(ALIKE) >= 250
    assert min(len(NAMED), len(ALIKE)) >= 125


@pytest.mark.parametrize("text", ["do you sell the E28?", "is 4471 a good model?"])
def test_a_guess_is_none_where_no_order_is_asked_about(text: str) -> None:
    """What only might be an order number counts only in a request that is about an order."""
    query = Query(text, "en", candidates=NUMBERS.candidates(text))
    assert query.candidates
    assert OrderChoice(BOOK, NUMBERS).of(ActionKind.UNKNOWN, query) is None


@pytest.mark.parametrize("text", ["change the address of order 610", "#77 is too big", "TM7-0093 is the wrong colour"])
def test_a_number_that_is_called_one_counts_anywhere(text: str) -> None:
    """An order that is named plainly is given even where nothing is to be done about it."""
    query = Query(text, "en", candidates=NUMBERS.candidates(text))
    assert OrderChoice(BOOK, NUMBERS).of(ActionKind.UNKNOWN, query) is not None


def test_what_is_said_of_it_is_about_the_order_just_named() -> None:
    """A wish that nothing is done for is about the order of the line before, where it says "it"; thanks are not."""
    history = (Message(Author.BOT, "Order 883421 is on its way.", WHEN),)
    choice = OrderChoice(BOOK, NUMBERS)
    asked = Query("can you gift-wrap it?", "en", history, candidates=NUMBERS.candidates("", history))
    assert choice.of(ActionKind.UNKNOWN, asked) == "883421"
    thanked = Query("thanks for it", "en", history, candidates=NUMBERS.candidates("", history))
    assert choice.of(ActionKind.UNKNOWN, thanked) is None


def test_a_shops_own_shape_is_not_read_longer() -> None:
    """The hard reading leaves a number of the shop's own shape as the shop writes it."""
    own = OrderNumbers([r"\d{8}"])
    assert own.candidates("order 20241112-3") == ("20241112",)
    assert NUMBERS.candidates("order 20241112-3") == ("20241112-3",)


def test_find_stays_strict() -> None:
    """What the hard reading dares is nothing that `find` returns."""
    for text in ("where is A56?", "cancel 4471", "SL-40", "7719 0042 18", "610"):
        assert NUMBERS.find(text) == ()


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece",
    ["1", "-", " ", "1-", "1 ", "1 -", "12 34 ", "A-", "A 1", "A1-", "a.", "1.", "1/", "order 1 ", "order ",
     "12-34-56 ", "1x", "size ", "Ab 12 ", "1Z ", "AB12 ", "не 12 ", "a-1 ", "A.a", "street 1 "],
)  # fmt: skip
def test_hostile_texts_are_read_hard(piece: str) -> None:
    """32 KB of digits, dashes, spaces and words before numbers are read soon, as a message and as a thread."""
    text = piece * (32_768 // len(piece))
    history = tuple(Message(Author.BOT, text, WHEN, place) for place in range(3))
    query = Query(text, "en", history, candidates=NUMBERS.candidates(text, history))
    chosen = OrderChoice(BOOK, NUMBERS).of(ActionKind.CANCEL_ORDER, query)
    assert all(0 < len(number) <= 40 for number in (*query.candidates, chosen or "-"))
