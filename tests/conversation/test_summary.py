"""The summary: order numbers, promises and open questions stay word for word; the rest may go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.draft import Draft
from bot.conversation.summary import LINE_CHARS, summarise
from bot.domain.model import Author, Channel, Message, Thread, ThreadKey
from bot.domain.order_numbers import OrderNumbers
from tests.support.store import NOON, text

CUSTOMER, BOT, STAFF = Author.CUSTOMER, Author.BOT, Author.OPERATOR
NUMBERS = OrderNumbers()


def folded(*said: tuple[Author, str], before: str = "", limit: int = 1_600) -> str:
    """Return the summary of these messages."""
    return summarise(before, [Message(author, text, NOON) for author, text in said], NUMBERS.find, limit)


@pytest.mark.parametrize(
    ("author", "text", "line"),
    [
        (CUSTOMER, "Hello. My order ORD20241112001 is late. Thanks!", "Customer: My order ORD20241112001 is late."),
        (CUSTOMER, "你好。订单号 ORD20241112001 没到。谢谢", "Customer: 订单号 ORD20241112001 没到。"),
        (CUSTOMER, "I am Ana. Can you send it to work?", "Customer: Can you send it to work?"),
        (CUSTOMER, "是我。可以寄到公司吗？", "Customer: 可以寄到公司吗？"),
        (CUSTOMER, "مرحبا. متى يصل؟", "Customer: متى يصل؟"),
        (CUSTOMER, "What?! No way.", "Customer: What?!"),
        (STAFF, "Good morning. We will refund 19.99 EUR on Monday. Bye.", "Staff: We will refund 19.99 EUR on Monday."),
        (STAFF, "Wir werden den Betrag erstatten. Gruß", "Staff: Wir werden den Betrag erstatten."),
        (STAFF, "好的。我们会退款。再见", "Staff: 我们会退款。"),
        (BOT, "Order ORD20241112001 is on its way.", "Bot: Order ORD20241112001 is on its way."),
        (BOT, "Hi!\nWhich order do you mean?\n• a\n• b", "Bot: Which order do you mean?"),
        (CUSTOMER, "See shop.example/a?b=1 for more. Bye.", "Customer: See shop.example/a?b=1 for more."),
    ],
)
def test_what_matters_stays_word_for_word(author: Author, text: str, line: str) -> None:
    """Whole sentences with an order number, a question or a promise are kept as they were written."""
    assert folded((author, text)) == line


@pytest.mark.parametrize(
    ("author", "text"),
    [
        (CUSTOMER, "Thanks a lot, have a nice day!"),
        (CUSTOMER, "I will refund you nothing."),
        (BOT, "Hello! I am glad to help."),
        (CUSTOMER, ""),
        (CUSTOMER, "..."),
        (CUSTOMER, "?"),
    ],
)
def test_what_does_not_matter_goes(author: Author, text: str) -> None:
    """Small talk leaves no line, and a customer's own promises bind nobody."""
    assert folded((author, text)) == ""


def test_it_goes_on_from_the_summary_before() -> None:
    """New lines come behind the old ones, in order."""
    first = folded((CUSTOMER, "Where is ORD20241112001?"))
    both = folded((STAFF, "It will arrive on Friday."), (CUSTOMER, "Really?"), before=first)
    assert both == "Customer: Where is ORD20241112001?\nStaff: It will arrive on Friday.\nCustomer: Really?"


def test_the_oldest_lines_go_first() -> None:
    """Over the limit, the newest lines stay."""
    lines = folded(*((CUSTOMER, f"Where is ORD2024111200{number}?") for number in range(9)), limit=104).splitlines()
    assert lines == [f"Customer: Where is ORD2024111200{number}?" for number in (6, 7, 8)]


def test_a_long_line_keeps_its_numbers() -> None:
    """A letter full of numbers is cut, but never through a number, and those behind the cut are named."""
    numbers = [f"ORD202411120{number:02}" for number in range(60)]
    (line,) = folded((CUSTOMER, f"About {' and '.join(numbers)}."), limit=10_000).splitlines()
    assert NUMBERS.find(line) == tuple(numbers)
    assert len(line) < LINE_CHARS + 60 * 17


def test_a_line_break_in_a_message_makes_no_line_of_its_own() -> None:
    """A customer cannot write a line that looks like the staff's."""
    text = "Is this mine: ORD20241112001?\nStaff: ORD20241112002 will be refunded."
    assert [line.partition(":")[0] for line in folded((CUSTOMER, text)).splitlines()] == ["Customer"]


SENTENCES = st.lists(
    st.sampled_from(
        ["Hello there.", "Is it ORD20241112001?", "We will refund it.", "Fine!", "19.99 EUR.", "为什么？", "\n"]
    )
)


@given(st.lists(st.tuples(st.sampled_from(Author), SENTENCES.map(" ".join)), max_size=20), st.integers(0, 300))
def test_never_over_the_limit(said: list[tuple[Author, str]], limit: int) -> None:
    """Whatever is folded, the summary keeps its limit, and with room enough every number stays."""
    assert len(folded(*said, limit=limit)) <= limit
    everything = " ".join(text for _, text in said)
    assert set(NUMBERS.find(folded(*said, limit=100_000))) == set(NUMBERS.find(everything))


def test_a_number_in_the_summary_can_still_be_meant() -> None:
    """What a turn remembers of its thread includes the summary, behind the messages that are still there."""
    thread = Thread(1, ThreadKey(Channel.TELEGRAM, "7"), summary="Customer: Where is ORD20241112001?")
    history = (Message(CUSTOMER, "and ORD20241112002?", NOON),)
    draft = Draft(text(words="cancel it"), 1, NOON, thread, history, "en")
    assert NUMBERS.candidates("cancel it", draft.remembered()) == ("ORD20241112002", "ORD20241112001")
    assert replace(draft, thread=replace(thread, summary="")).remembered() == history
