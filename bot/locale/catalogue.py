"""What the bot says in one language: gettext messages, and dates and money as that language writes them.

English is the source text and needs no catalogue. Babel's data comes in with the first date or amount of a language,
not before: each language costs about a megabyte.
"""

from __future__ import annotations

import datetime as clock
import gettext
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.domain.model import Money

if TYPE_CHECKING:
    from babel import Locale

SUPPORTED: tuple[str, ...] = ("en", "zh", "es", "ru", "de", "fr", "ar", "hi")
DOMAIN = "deskhand"
FOLDER = Path(__file__).with_name("catalogues")

_RIGHT_TO_LEFT = frozenset({"ar", "he", "fa", "ur"})
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


class Catalogue:
    """One language's words. A language without a catalogue speaks English."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._translations = gettext.translation(DOMAIN, FOLDER, [language], fallback=True)

    def gettext(self, message: str) -> str:
        """Return the translation of `message`, or itself."""
        return self._translations.gettext(message)

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        """Return the translation in the plural form that `count` takes in this language."""
        return self._translations.ngettext(singular, plural, count)

    def date(self, dt: clock.datetime, timezone: str) -> str:
        """Return the day of `dt` (aware) in the shop's timezone, with the month's name."""
        from babel.dates import format_date

        return format_date(dt.astimezone(ZoneInfo(timezone)), "long", self._locale)

    def short_date(self, dt: clock.datetime, timezone: str) -> str:
        """Return the day of `dt` with the month's short name, for lists and buttons."""
        from babel.dates import format_skeleton

        return format_skeleton("yMMMd", dt.astimezone(ZoneInfo(timezone)), locale=self._locale)

    def datetime(self, dt: clock.datetime, timezone: str) -> str:
        """Return the day and the time of `dt` (aware), to the minute, in the shop's timezone."""
        from babel.dates import format_time

        local = dt.astimezone(ZoneInfo(timezone))
        return f"{self.date(dt, timezone)}, {format_time(local, 'short', locale=self._locale)}"

    def money(self, money: Money) -> str:
        """Return an amount with its currency's sign and as many decimals as the currency has."""
        from babel.numbers import format_currency

        return format_currency(money.amount, money.currency, locale=self._locale)

    def isolate(self, text: str) -> str:
        """Keep `text` from mixing its direction with what stands around it.

        Needed for everything in a right-to-left language, and elsewhere for text that holds right-to-left letters.
        """
        if self.language in _RIGHT_TO_LEFT or _has_right_to_left(text):
            return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"
        return text

    @property
    def _locale(self) -> Locale:
        return _babel_locale(self.language)


def catalogue(language: str) -> Catalogue:
    """Return the catalogue of a language in any spelling ("es-MX", "zh_Hant"); English for an unsupported one."""
    code = primary(language)
    return _loaded(code if code in SUPPORTED else "en")


def best(language: str | None, allowed: Sequence[str]) -> str:
    """Return the supported language to answer in.

    That is `language` without its region if it is among `allowed`, else the first of `allowed` that is supported,
    else "en".
    """
    choices = [code for code in map(primary, allowed) if code in SUPPORTED]
    wanted = primary(language or "")
    if wanted in choices:
        return wanted
    return choices[0] if choices else "en"


def primary(language: str) -> str:
    """Return the first part of a language tag in lower case: "pt" for "pt-BR"."""
    return language.strip().replace("_", "-").partition("-")[0].lower()


@cache
def _loaded(language: str) -> Catalogue:
    return Catalogue(language)


@cache
def _babel_locale(language: str) -> Locale:
    from babel import Locale

    return Locale.parse(language)


def _has_right_to_left(text: str) -> bool:
    """Tell whether Hebrew, Arabic, Syriac, Thaana or N'Ko letters, or their presentation forms, stand in `text`."""
    return any("\u0590" <= c <= "\u08ff" or "\ufb1d" <= c <= "\ufdff" or "\ufe70" <= c <= "\ufefc" for c in text)
