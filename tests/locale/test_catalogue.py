from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo

from bot.domain.model import Money
from bot.locale.__main__ import extracted, main, po_file, read
from bot.locale.catalogue import FOLDER, SUPPORTED, Catalogue, best, catalogue

TRANSLATED = SUPPORTED[1:]
LATE = datetime(2024, 11, 12, 23, 30, tzinfo=UTC)
COMMAND = re.compile(r"/[a-z]+")
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
# Plural forms that stand for exactly one number may say it in a word: "two parcels" is one word in Arabic.
ONE_NUMBER = {"ar": {1, 2}}


def texts(found: Catalog) -> dict[object, object]:
    """Return the messages of a catalogue without its header."""

    def frozen(text: object) -> object:
        return tuple(text) if isinstance(text, list) else text

    return {frozen(message.id): frozen(message.string) for message in found if message.id}


def plain(text: str) -> str:
    """Return an amount without the marks and no-break spaces of its language."""
    return re.sub("[\u200e\u200f\u2068\u2069]", "", text).replace("\u00a0", " ").replace("\u202f", " ")


# --- the files ---


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    """Each text of the source has a finished translation, and there is none too many."""
    found = read(FOLDER, language)
    source = {message.id for message in extracted() if message.id}
    assert len(source) > 90
    assert {message.id for message in found if message.id} == source
    for message in found:
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(forms), message.id
        assert not message.fuzzy, message.id
        if message.pluralizable:
            assert len(forms) == found.num_plurals, message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_the_placeholders(language: str) -> None:
    """A translation names exactly the values of its source, in every plural form, and nothing else with a percent."""
    for message in read(FOLDER, language):
        if not message.id:
            continue
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = {name for source in sources for name in PLACEHOLDER.findall(source)}
        for index, form in enumerate(forms):
            spoken = {"count"} if len(forms) > 1 and index in ONE_NUMBER.get(language, ()) else set()
            assert wanted - spoken <= set(PLACEHOLDER.findall(form)) <= wanted, form
            assert "%" not in PLACEHOLDER.sub("", form), form


@pytest.mark.parametrize("language", TRANSLATED)
def test_compiled_catalogues_match_their_sources(language: str) -> None:
    """The committed .mo says what the .po says, with the same plural rule."""
    source = read(FOLDER, language)
    with po_file(FOLDER, language).with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    assert texts(compiled) == texts(source)
    assert compiled.plural_expr == source.plural_expr


@pytest.mark.parametrize("language", TRANSLATED)
def test_lines_and_marks_survive_translation(language: str) -> None:
    """A translation has as many lines as its source, the same leading sign, and the same commands."""
    for message in read(FOLDER, language):
        if isinstance(message.id, tuple) or not message.id:
            continue
        assert message.string.count("\n") == message.id.count("\n"), message.string
        assert COMMAND.findall(message.string) == COMMAND.findall(message.id), message.string
        if message.id[0] in "✅📱🙋😊":
            assert message.string[0] == message.id[0]


def test_the_tool_changes_nothing_that_is_up_to_date(tmp_path: Path) -> None:
    """`update` on finished catalogues leaves every text as it was."""
    shutil.copytree(FOLDER, tmp_path / "catalogues")
    assert main(["update"], tmp_path / "catalogues") == 0
    for language in TRANSLATED:
        assert texts(read(tmp_path / "catalogues", language)) == texts(read(FOLDER, language))


def test_the_tool_marks_new_texts_and_drops_old_ones(tmp_path: Path) -> None:
    """`update` adds what the source has gained as untranslated and takes out what it has lost."""
    shutil.copytree(FOLDER, tmp_path / "catalogues")
    file = po_file(tmp_path / "catalogues", "de")
    file.write_text(file.read_text().replace('msgid "delivered"', 'msgid "thrown over the fence"'))
    main(["update"], tmp_path / "catalogues")
    found = texts(read(tmp_path / "catalogues", "de"))
    assert found["delivered"] == ""
    assert "thrown over the fence" not in found


def test_the_tool_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command gets the two that exist, and exit code 2."""
    assert main(["translate"]) == 2
    assert "python -m bot.locale compile" in capsys.readouterr().err


# --- which language ---


@pytest.mark.parametrize(
    ("language", "allowed", "expected"),
    [
        ("de", ["en", "de"], "de"),
        ("zh-hant", ["en", "zh"], "zh"),
        ("zh_TW", ["zh"], "zh"),
        ("ES-419", ["en", "es"], "es"),
        ("es", ["en", "es-MX"], "es"),
        ("pt-br", ["en", "pt"], "en"),
        ("pt-br", ["es", "en"], "es"),
        ("pt-br", ["pt", "fr"], "fr"),
        ("ru", ["en", "de"], "en"),
        (None, ["hi", "en"], "hi"),
        ("", ["en"], "en"),
        ("de", [], "en"),
        ("xx", ["yy"], "en"),
        ("\u0000;drop", ["en"], "en"),
    ],
)
def test_best_language(language: str | None, allowed: list[str], expected: str) -> None:
    """The customer's language is taken if the shop allows it, else the shop's first that is spoken, else English."""
    assert best(language, allowed) == expected


def test_unsupported_languages_speak_english() -> None:
    """A language without texts gets English throughout: words, dates and money."""
    found = catalogue("sw")
    assert found is catalogue("en")
    assert found.gettext("shipped") == "shipped"
    assert found.ngettext("%(count)s item:", "%(count)s items:", 1) == "%(count)s item:"


def test_catalogues_are_made_once() -> None:
    """The same object serves every spelling of a language."""
    assert catalogue("zh-Hans-CN") is catalogue("zh") is catalogue("ZH_tw")


def test_an_unknown_text_comes_back_as_it_is() -> None:
    """A text that no catalogue knows is said in English rather than not at all."""
    assert catalogue("de").gettext("Never seen.") == "Never seen."


# --- plurals ---


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", {0: "0 items:", 1: "1 item:", 2: "2 items:", 5: "5 items:", 11: "11 items:", 21: "21 items:"}),
        ("zh", {1: "共 1 件商品：", 2: "共 2 件商品：", 21: "共 21 件商品："}),
        ("es", {1: "1 artículo:", 2: "2 artículos:", 21: "21 artículos:"}),
        ("fr", {0: "0 article :", 1: "1 article :", 2: "2 articles :", 21: "21 articles :"}),
        ("hi", {1: "1 वस्तु:", 2: "2 वस्तुएँ:", 21: "21 वस्तुएँ:"}),
        (
            "ru",
            {0: "0 товаров:", 1: "1 товар:", 2: "2 товара:", 5: "5 товаров:", 11: "11 товаров:", 12: "12 товаров:"}
            | {21: "21 товар:", 22: "22 товара:", 111: "111 товаров:", 121: "121 товар:"},
        ),
        (
            "ar",
            {0: "0 منتج:", 1: "منتج واحد:", 2: "منتجان:", 5: "5 منتجات:", 11: "11 منتجًا:", 21: "21 منتجًا:"}
            | {99: "99 منتجًا:", 100: "100 منتج:", 101: "101 منتج:", 103: "103 منتجات:"},
        ),
    ],
)
def test_plural_forms(language: str, expected: dict[int, str]) -> None:
    """Counts stand with the form of the noun that the language's grammar asks for."""
    words = catalogue(language)
    for count, text in expected.items():
        assert words.ngettext("%(count)s item:", "%(count)s items:", count) % {"count": count} == text


# --- money and dates ---


@pytest.mark.parametrize(
    ("language", "currency", "expected"),
    [
        ("en", "USD", "$12.50"),
        ("en", "EUR", "€12.50"),
        ("en", "JPY", "¥12"),
        ("en", "KWD", "KWD12.500"),
        ("de", "EUR", "12,50 €"),
        ("fr", "EUR", "12,50 €"),
        ("es", "EUR", "12,50 €"),
        ("ru", "RUB", "12,50 ₽"),
        ("zh", "CNY", "¥12.50"),
        ("hi", "INR", "₹12.50"),
        ("ar", "USD", "12.50 US$"),
        ("de", "XQX", "12,50 XQX"),
    ],
)
def test_money(language: str, currency: str, expected: str) -> None:
    """Amounts carry the sign, the place and the decimals of their language and currency."""
    assert plain(catalogue(language).money(Money(Decimal("12.5"), currency))) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "November 13, 2024"),
        ("zh", "2024年11月13日"),
        ("es", "13 de noviembre de 2024"),
        ("ru", "13 ноября 2024 г."),
        ("de", "13. November 2024"),
        ("fr", "13 novembre 2024"),
        ("ar", "13 نوفمبر 2024"),
        ("hi", "13 नवंबर 2024"),
    ],
)
def test_dates_stand_in_the_shops_timezone(language: str, expected: str) -> None:
    """The day is the shop's: half an hour before midnight in UTC it is already tomorrow in Madrid."""
    assert plain(catalogue(language).date(LATE, "Europe/Madrid")) == expected


def test_dates_follow_the_timezone() -> None:
    """The same moment is another day and hour elsewhere."""
    words = catalogue("de")
    assert words.date(LATE, "America/New_York") == "12. November 2024"
    assert words.datetime(LATE, "America/New_York") == "12. November 2024, 18:30"
    assert words.datetime(LATE, "Asia/Shanghai") == "13. November 2024, 07:30"
    assert plain(catalogue("en").datetime(LATE, "UTC")) == "November 12, 2024, 11:30 PM"
    assert words.short_date(LATE, "UTC") == "12. Nov. 2024"


# --- directions ---


@pytest.mark.parametrize("language", ["ar", "he", "fa", "ur"])
def test_right_to_left_languages_isolate(language: str) -> None:
    """Numbers and names are fenced off in languages that run from right to left."""
    assert Catalogue(language).isolate("ORD-1") == "\u2068ORD-1\u2069"


@pytest.mark.parametrize("language", [code for code in SUPPORTED if code != "ar"])
def test_left_to_right_languages_isolate_only_what_runs_the_other_way(language: str) -> None:
    """An order number stays as it is, to be copied; an Arabic or Hebrew name is fenced off."""
    words = catalogue(language)
    assert words.isolate("ORD-1 李 Ünal") == "ORD-1 李 Ünal"
    assert words.isolate("ليلى") == "\u2068ليلى\u2069"
    assert words.isolate("Noa נועה") == "\u2068Noa נועה\u2069"
