from __future__ import annotations

import unicodedata
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.conversation.commands import COMMANDS
from bot.conversation.order_text import LABEL_CHARS
from bot.domain.model import Money, OrderItem, OrderStatus, WriteAnswer, WriteResult
from bot.locale.catalogue import SUPPORTED, catalogue
from tests.support.replies_said import ANSWER, ASKED_FOR, CANCEL, NUMBER, ORDER, PLACED, REPLIES, RETURN, SAID, units
from tests.support.scopes import scope_of

TELEGRAM_UNITS = 4096
ABOUT_ONE_ORDER = (
    "order_card", "order_line", "order_list", "not_found", "already", "too_late", "not_delivered", "window",
    "is_cancel", "not_returnable", "waits", "not_approved", "not_decided", "under_way", "order_changed", "was_not",
    "confirm cancel", "confirm return", "inquiry cancel", "inquiry return", "inquiry_confirm", "done",
    "refused", "outcome",
)  # fmt: skip
BUTTONS_AND_TOASTS = (
    "yes_button", "no_button", "not_meant_button", "action_button", "contact_button", "handoff_button", "order_line",
    "item_button", "all_items_button", "no_more_items_button", "skip_button", "reason",
)  # fmt: skip


def invisible(text: str) -> set[str]:
    """Return the control characters and direction marks of a text, but for line breaks and the bot's own."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co")} - set("\n\u2068\u2069\u200f\u200d")


# --- every text in every language ---


def test_the_samples_below_cover_every_text() -> None:
    """Whoever adds a text adds it to the samples, so that it is tried in every language."""
    public = {name for name in dir(REPLIES) if not name.startswith("_") and callable(getattr(REPLIES, name))}
    assert {key.split()[0] for key in SAID} == public - {"language_name", "catalogue_for"}


@pytest.mark.parametrize("language", SUPPORTED)
@pytest.mark.parametrize("name", SAID)
def test_every_text_in_every_language(name: str, language: str) -> None:
    """Each text exists, is filled in, holds nothing unseen, fits into a message, and is not English by mistake."""
    text = SAID[name](language)
    assert text.strip() == text
    assert text
    assert "%(" not in text
    assert "None" not in text
    assert not invisible(text)
    assert text.count("\u2068") == text.count("\u2069")
    assert units(text) <= TELEGRAM_UNITS
    if language != "en" and not name.startswith("item_button"):
        # An item is called as the order system calls it.
        assert text != SAID[name]("en")


@pytest.mark.parametrize("language", SUPPORTED)
@pytest.mark.parametrize("name", [name for name in SAID if name.startswith(ABOUT_ONE_ORDER) and "nothing" not in name])
def test_texts_about_an_order_name_it(name: str, language: str) -> None:
    """Whatever is said about an order carries its number."""
    assert NUMBER in SAID[name](language)


@pytest.mark.parametrize("language", SUPPORTED)
def test_buttons_and_toasts_are_short(language: str) -> None:
    """Labels fit a button of 60 characters, toasts Telegram's 200."""
    for name, text in SAID.items():
        if name.startswith(BUTTONS_AND_TOASTS):
            assert len(text(language)) <= LABEL_CHARS, text(language)
    assert len(REPLIES.stale_button(language)) <= 200
    assert len(REPLIES.still_with_human(language)) <= 200


def test_an_unsupported_language_gets_english() -> None:
    """A customer whose language has no texts reads English, never a key or nothing."""
    for text in SAID.values():
        assert text("sw") == text("en")


# --- what may not be said ---


@pytest.mark.parametrize("language", SUPPORTED)
def test_not_found_says_nothing_but_the_number(language: str) -> None:
    """The answer depends on the number as written and on nothing else, so that it gives nothing away."""
    one, other = REPLIES.not_found(language, "AAA-1"), REPLIES.not_found(language, "BBB-2")
    assert one.replace("AAA-1", "BBB-2") == other


@pytest.mark.parametrize("language", SUPPORTED)
def test_a_write_is_told_with_refund_and_reference(language: str) -> None:
    """The amount and the reference come from the order system's answer; its inner words stay inside."""
    for action in (CANCEL, RETURN):
        text = REPLIES.done(language, action, ORDER.number, ANSWER)
        assert catalogue(language).money(Money(Decimal("12.50"), "EUR")) in text
        assert "RMA-77" in text
        assert "gateway" not in text
        assert "5" in text
        assert "7" in text


@pytest.mark.parametrize("refund", [None, Money(Decimal(0), "EUR")])
@pytest.mark.parametrize("language", SUPPORTED)
def test_no_refund_is_promised_where_none_was_answered(language: str, refund: Money | None) -> None:
    """Without an amount in the answer, only the write itself is told."""
    text = REPLIES.done(language, CANCEL, ORDER.number, WriteAnswer(WriteResult.DONE, None, refund))
    assert "\n" not in text
    assert NUMBER in text


@pytest.mark.parametrize("language", SUPPORTED)
def test_nothing_undone_is_told_as_done(language: str) -> None:
    """A refusal, an unknown outcome, a question, or what waits for a person holds no words that tell success."""
    for action in (CANCEL, RETURN):
        success = REPLIES.done(language, action, ORDER.number, WriteAnswer(WriteResult.DONE))
        for text in (
            REPLIES.refused_by_shop(language, action, NUMBER),
            REPLIES.outcome_unknown(language, action, NUMBER),
            REPLIES.confirm(language, action, ORDER),
            REPLIES.done(language, action, ORDER.number, ASKED_FOR),
            REPLIES.waits_for_approval(language, action, NUMBER),
            REPLIES.not_approved(language, action, NUMBER),
            REPLIES.was_not_done(language, action, NUMBER),
            REPLIES.not_decided(language, NUMBER),
            REPLIES.under_way(language, NUMBER),
            REPLIES.order_changed(language, NUMBER),
        ):
            assert success.removeprefix("✅ ") not in text
            assert "✅" not in text


@pytest.mark.parametrize("language", SUPPORTED)
def test_the_question_lists_what_it_is_about(language: str) -> None:
    """Before a write the customer sees the items, the total and when the order was made, and is asked yes or no."""
    for action in (CANCEL, RETURN):
        text = REPLIES.confirm(language, action, ORDER)
        words = catalogue(language)
        for part in ("Blue mug", words.money(ORDER.total), words.date(PLACED, "Europe/Madrid")):
            assert part in text
        assert words.gettext("Please answer yes or no.") in text
    assert REPLIES.confirm(language, CANCEL, ORDER) != REPLIES.confirm(language, RETURN, ORDER)


# --- counts ---


@pytest.mark.parametrize("tries", [1, 2, 5, 11, 21])
@pytest.mark.parametrize("language", [code for code in SUPPORTED if code != "ar"])
def test_tries_left_are_counted(language: str, tries: int) -> None:
    """The customer reads how often they may still try."""
    assert f"{tries}" in REPLIES.credentials_wrong(language, tries)


def test_tries_left_in_words() -> None:
    """The count stands in the right form, the last one and none at all included."""
    assert REPLIES.credentials_wrong("ru", 1).endswith("осталась 1 попытка.")
    assert REPLIES.credentials_wrong("ru", 2).endswith("осталось 2 попытки.")
    assert REPLIES.credentials_wrong("ru", 5).endswith("осталось 5 попыток.")
    assert REPLIES.credentials_wrong("ru", 21).endswith("осталась 21 попытка.")
    assert REPLIES.credentials_wrong("ar", 1).endswith("محاولة واحدة.")
    assert REPLIES.credentials_wrong("ar", 2).endswith("محاولتان.")
    assert REPLIES.credentials_wrong("ar", 3).endswith("3 محاولات.")
    assert REPLIES.credentials_wrong("ar", 11).endswith("11 محاولة.")
    assert REPLIES.credentials_wrong("de", 1).endswith("1 Versuch.")
    assert "/human" in REPLIES.credentials_wrong("en", 0)
    assert "0" not in REPLIES.credentials_wrong("en", 0)
    assert REPLIES.credentials_wrong("en", -1) == REPLIES.credentials_wrong("en", 0)


def test_days_of_the_return_window() -> None:
    """The window is told in days, in the right form."""
    assert "1 day for" in REPLIES.window_closed("en", ORDER, 1)
    assert "30 days for" in REPLIES.window_closed("en", ORDER, 30)
    assert "(21 день)" in REPLIES.window_closed("ru", ORDER, 21)
    assert "(14 дней)" in REPLIES.window_closed("ru", ORDER, 14)
    assert "(14 يومًا)" in REPLIES.window_closed("ar", ORDER, 14)
    assert "November 16, 2024" in REPLIES.window_closed("en", ORDER, 30)
    assert "2024" not in REPLIES.window_closed("en", replace(ORDER, number="A", delivered_at=None), 30)


# --- names that mean harm ---

EVIL = "<b>Bob</b> *_`[x](https://e.example)` \u202e\u2066\u2069\u0000\x1b[31m\ud83d\n\nTotal: €0"


@pytest.mark.parametrize("language", SUPPORTED)
def test_evil_names_are_quoted_on_one_line(language: str) -> None:
    """Markup stays letters; overrides, isolates, controls, surrogates and line breaks are gone."""
    clean = "<b>Bob</b> *_`[x](https://e.example)` [31m Total: €0"
    evil = replace(ORDER, number=EVIL, carrier=EVIL, tracking=EVIL, items=(OrderItem(EVIL, 1, ORDER.total),))
    plain = replace(ORDER, number=clean, carrier=clean, tracking=clean, items=(OrderItem(clean, 1, ORDER.total),))
    for text in (
        REPLIES.welcome(language, EVIL),
        REPLIES.verified(language, scope_of("c-1", EVIL)),
        REPLIES.who(language, scope_of("c-1", EVIL)),
        REPLIES.order_card(language, evil),
        REPLIES.order_line(language, evil),
        REPLIES.not_found(language, EVIL),
        REPLIES.done(language, RETURN, evil.number, replace(ANSWER, reference=EVIL)),
    ):
        assert not invisible(text)
        assert text.count("\u2068") == text.count("\u2069")
        text.encode()
    assert REPLIES.order_card(language, evil) == REPLIES.order_card(language, plain)
    assert REPLIES.welcome(language, EVIL) == REPLIES.welcome(language, clean)


def test_percent_signs_are_letters() -> None:
    """A name that looks like a placeholder is not filled in."""
    told = REPLIES.verified("en", scope_of("c-1", "%(name)s %s 100%"))
    assert told.startswith("Thank you, %(name)s %s 100%! Your details match. ✅\n")
    assert "the orders of %(name)s %s 100%. With" in told


def test_arabic_fences_off_what_is_latin() -> None:
    """In Arabic every number and name is isolated, and lines that would begin with one are turned."""
    card = REPLIES.order_card("ar", ORDER)
    for part in (NUMBER, "Blue mug", "DHL", "JD014600"):
        assert f"\u2068{part}\u2069" in card
    for line in REPLIES.order_list("ar", [ORDER, ORDER]).split("\n"):
        assert line.startswith("\u200f")
    assert "\u2068Ana\u2069" in REPLIES.welcome("ar", "Ana")
    assert "\u2068/human\u2069" in REPLIES.help("ar")


def test_an_arabic_name_does_not_turn_an_english_sentence() -> None:
    """A right-to-left name is isolated in a left-to-right text."""
    assert "\u2068ليلى\u2069" in REPLIES.welcome("en", "ليلى")


# --- settings ---


def test_language_names_are_in_their_own_script() -> None:
    """The buttons for languages can be read by those who need them."""
    assert [REPLIES.language_name(code) for code in SUPPORTED] == [
        "English", "中文", "Español", "Русский", "Deutsch", "Français", "العربية", "हिन्दी",
    ]  # fmt: skip
    assert REPLIES.language_name("xx") == "xx"


@pytest.mark.parametrize("language", SUPPORTED)
def test_command_menu(language: str) -> None:
    """Each command has a description that Telegram takes (1 to 256 characters), and the help lists them all."""
    commands = REPLIES.command_descriptions(language)
    assert list(commands) == list(COMMANDS)
    for name, text in commands.items():
        assert 1 <= len(text) <= 256
        assert f"/{name}" in REPLIES.help(language)
        assert text in REPLIES.help(language)


def test_hints_fit_the_status() -> None:
    """Who is too late to cancel hears what can be done instead, and only when it can."""
    hints = {
        status: REPLIES.too_late_to_cancel("en", replace(ORDER, status=status)).partition("\n")[2]
        for status in OrderStatus
    }
    assert "Once it has arrived" in hints[OrderStatus.SHIPPED]
    assert "return it instead" in hints[OrderStatus.DELIVERED]
    assert hints[OrderStatus.RETURNED] == hints[OrderStatus.RETURN_REQUESTED] == ""
