from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.conversation.order_text import LABEL_CHARS, harmless
from bot.domain.model import Money, Order, OrderItem, OrderStatus
from bot.locale.catalogue import SUPPORTED, catalogue
from tests.support.replies_said import CANCEL, NUMBER, ORDER, PLACED, REPLIES, units

TELEGRAM_UNITS = 4096


@pytest.mark.parametrize("language", SUPPORTED)
def test_the_card_tells_everything(language: str) -> None:
    """Number, status, items with quantities, total, dates, carrier and tracking all stand on the card."""
    card = REPLIES.order_card(language, ORDER)
    words = catalogue(language)
    for part in (NUMBER, "Blue mug", "台灯", "DHL", "JD014600", words.money(ORDER.total), words.gettext("delivered")):
        assert part in card
    for moment in (ORDER.placed_at, ORDER.shipped_at, ORDER.delivered_at):
        assert moment is not None
        assert words.date(moment, "Europe/Madrid") in card
    assert words.date(PLACED + timedelta(days=4), "Europe/Madrid") not in card  # It has arrived.


def test_the_card_in_english_and_german() -> None:
    """The card reads as a person would write it."""
    bare = replace(ORDER, status=OrderStatus.SHIPPED, delivered_at=None, items=ORDER.items[:1])
    assert REPLIES.order_card("en", bare) == (
        "Order ORD20241112001\n🚚 Status: shipped\n\n2 items:\n• 2 × Blue mug\nTotal: €12.50\n\n"
        "Ordered on: November 13, 2024\nShipped on: November 14, 2024\nExpected on: November 17, 2024\n"
        "Carrier: DHL\nTracking number: JD014600"
    )
    assert REPLIES.order_card("de", bare) == (
        "Bestellung ORD20241112001\n🚚 Status: versandt\n\n2 Artikel:\n• 2 × Blue mug\nGesamt: 12,50\u00a0€\n\n"
        "Bestellt am: 13. November 2024\nVersandt am: 14. November 2024\nVoraussichtlich da: 17. November 2024\n"
        "Versand mit: DHL\nSendungsnummer: JD014600"
    )


def test_the_card_of_a_bare_order() -> None:
    """What the order system does not know is left out, without empty labels."""
    bare = Order("A-1", "c-1", OrderStatus.PENDING, PLACED, Money(Decimal(3), "USD"))
    assert REPLIES.order_card("en", bare) == (
        "Order A-1\n🕓 Status: placed\n\nTotal: $3.00\n\nOrdered on: November 13, 2024"
    )


@pytest.mark.parametrize("language", SUPPORTED)
def test_every_status_has_its_own_words(language: str) -> None:
    """The seven statuses are told apart in each language."""
    lines = {REPLIES.order_line(language, replace(ORDER, status=status)) for status in OrderStatus}
    assert len(lines) == len(OrderStatus)


@pytest.mark.parametrize("language", SUPPORTED)
@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("number", ["A1", NUMBER, "WEB-2024-" + "9" * 40, "7" * 500], ids=len)
def test_lines_fit_a_button(language: str, status: OrderStatus, number: str) -> None:
    """A label never exceeds 60 characters, however long the number, and still begins with it."""
    line = REPLIES.order_line(language, replace(ORDER, number=number, status=status))
    assert len(line) <= LABEL_CHARS
    assert number[:30] in line


@pytest.mark.parametrize("language", SUPPORTED)
def test_lists_show_each_order_on_its_line(language: str) -> None:
    """A list has one line for each order, in the order given."""
    orders = [replace(ORDER, number=f"N-{i}") for i in range(5)]
    lines = REPLIES.order_list(language, orders).split("\n")
    assert [i for i, line in enumerate(lines) if f"N-{i}" in line] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("language", SUPPORTED)
@pytest.mark.parametrize(
    "name", ["Blue mug", "👨‍👩‍👧‍👦" * 50, "اسم المنتج " * 50, "m" * 9_000], ids=["short", "emoji", "arabic", "endless"]
)
def test_sixty_items_fit_into_a_message(language: str, name: str) -> None:
    """A huge order is cut, says how much is missing, and keeps its total."""
    order = replace(
        ORDER,
        number="9" * 300,
        carrier=name,
        tracking=name,
        items=tuple(OrderItem(f"{i} {name}", 1, ORDER.total) for i in range(60)),
    )
    for text in (REPLIES.order_card(language, order), REPLIES.confirm(language, CANCEL, order)):
        assert units(text) <= TELEGRAM_UNITS
        shown = text.count(" × ")
        words = catalogue(language)
        cut = words.ngettext("… and %(count)s more item", "… and %(count)s more items", 60 - shown)
        assert 5 <= shown <= 20
        assert cut % {"count": 60 - shown} in text
        assert words.money(order.total) in text


@pytest.mark.parametrize("language", SUPPORTED)
def test_a_hundred_orders_fit_into_a_message(language: str) -> None:
    """A long list of orders is cut and says how many more there are."""
    text = REPLIES.order_list(language, [replace(ORDER, number=f"{i:040}") for i in range(100)])
    shown = text.count("\n")
    assert 10 <= shown <= 30
    assert units(text) <= TELEGRAM_UNITS - 400
    assert str(100 - shown) in text.split("\n")[-1]


def test_harmless_keeps_what_people_are_called() -> None:
    """Names in every script, joined emoji and Hindi spelling stay whole; only what is not seen goes."""
    for name in ("Ünal Ōe", "李小龍", "मेरा क्\u200dष", "👨\u200d👩\u200d👧", "نیم\u200cفاصله", "O'Brien-Żak", "🇪🇸 ❤️"):
        assert harmless(name, 64) == name
    assert harmless("a\u200bb\u2028c\ufeffd\u00a0 e", 64) == "ab cd e"
    for nothing in ("", "\u202e\u0000\t", "\u3164", "\u200d\u200d", "\ufe0f", "\u2800\u2800"):
        assert harmless(nothing, 64) == ""
    assert harmless("x" * 100, 10) == "x" * 9 + "…"
