"""Stand-ins of the same shape for what tells who wrote: names, numbers, e-mail and web addresses.

The same original gets the same stand-in everywhere in one file. Digits are drawn with a random key that nobody keeps,
so that no stand-in leads back. Dates, times and prices stay. What no pattern can know stays as well: streets, and the
names of people other than the customer.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from bot.domain.order_numbers import squeeze
from bot.domain.text import fold, normalise

Find = Callable[[str], Sequence[str]]

TRIES = 100
LONG_RUN, SHORT_RUN = 7, 4

# All patterns see the text as `_shadow` writes it: lower case, ASCII digits, one character for one.
_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'\u3000-\u9fff\uac00-\ud7af]*[^\s<>\"'\u3000-\u9fff\uac00-\ud7af.,;:!?)\]]"
)
_EMAIL = re.compile(r"[a-z0-9._%+-]{1,64} ?@ ?(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}")
# In other letters, or without its ending. Only then: in scripts without spaces it would take in the words around it.
_ODD_EMAIL = re.compile(r"[^\s@<>(),;:\"'\x00]{1,64}@[^\s@<>(),;:\"'\x00]{1,200}")
_SITE = re.compile(
    r"(?<![\w@.-])(?:[a-z0-9-]{1,63}\.){1,8}(?:[a-z]{2,24}/[^\s<>\"'\u3000-\u9fff\uac00-\ud7af]*"
    r"|(?:com|net|org|info|io|shop|store|ru|fr|pl|uk|tr|nl|cn|jp|eu|ua|cz)(?![\w-]))"
)
_HANDLE = re.compile(r"(?<![\w@])@[a-z0-9_]{3,64}")
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_AMOUNT = r"(?:\d{1,3}(?:[.,']\d{3}){1,3}|\d{1,7})(?:[.,]\d{1,2})?"
_MONEY = r"[$€£¥₽₹₩₺₴₪฿₫]"
_MONEY_WORD = r"(?:usd|eur|euros?|gbp|rub|руб|inr|rs|pln|zł|kč|kr|lei|ft|tl|aed|sar|cny|rmb|jpy|krw|vnd|uah|dollars?)"
_KEPT = re.compile(
    rf"(?<![\w.+/-])(?:(?:19|20)\d\d([./-]){_DAY}\1{_DAY}|{_DAY}([./-]){_DAY}\2(?:(?:19|20)\d\d|\d\d))(?!\w|[./-]\d)"
    r"|(?<![\d:])\d{1,2}:\d{2}(?::\d{2})?(?![\d:])"
    rf"|(?:{_MONEY}|\b{_MONEY_WORD}\.?) ?{_AMOUNT}(?![\d-])"
    rf"|(?<![\w.,+-]){_AMOUNT} ?(?:{_MONEY}|{_MONEY_WORD}(?!\w))"
    r"|(?<![\w.,+-])\d{1,6}[.,]\d{2}(?![\w-]|[.,]\d)"
)
_RUN = re.compile(r"\+? ?\(?\d(?:[ ().\-/\u2010-\u2015]{0,2}\d){3,59}")
_SOLID = re.compile(r"\d+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_COUNTRY = re.compile(r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3}")
_BETWEEN = r"[\s#_/\-\u2010-\u2015]{0,2}"

_NAME_PARTS = re.compile(r"[\s.,;:()\[\]{}|/\\\"'`´’“”«»_+@#*~<>=\d-]+")
_LETTERS = re.compile(r"[^\W\d_]+")
# Scripts whose words stand between spaces and have no marks of their own; in the others a name is looked for anywhere.
_SPACED = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u052f\u1e00-\u1fff]+")
_UNSPACED_NAME = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{3,4}")


class Pseudonyms:
    """The stand-ins of one file; `find` returns the order numbers of a text."""

    def __init__(self, key: bytes, find: Find) -> None:
        self._key = key
        self._find = find
        self._counted: dict[str, dict[str, int]] = {}
        self._digits: dict[tuple[str, int], str] = {}
        self._used: set[str] = set()

    def of_thread(
        self, names: Iterable[str], texts: Iterable[str], numbers: Iterable[str] = ()
    ) -> Callable[[str], str]:
        """Return what writes a thread's texts anew; its customer's names and its order numbers are told by all of it.

        Args:
            names: the customer's names, as the chat and the shop have them.
            texts: every text of the thread, since a number may be called an order's in one of them only.
            numbers: order numbers that are known from elsewhere.
        """
        found = {squeeze(number) for text in texts for number in self._find(text)} | set(map(squeeze, numbers))
        orders = [_written_freely(number) for number in sorted(found - {""}, key=lambda one: (-len(one), one))]
        words, parts = self._names(names)
        done: dict[str, str] = {}

        def rewrite(text: str) -> str:
            if text not in done:
                done[text] = self._rewrite(text, orders, words, parts)
            return done[text]

        return rewrite

    def number(self, written: str, kept: int = 0) -> str:
        """Return the stand-in of an order number or another number: other digits, all else as it was written."""
        seen = _shadow(written)
        drawn = iter(self._stand_in("".join(_SOLID.findall(seen)), kept))
        return "".join(
            _digit_like(original, next(drawn)) if shadow.isdecimal() else original
            for original, shadow in zip(written, seen, strict=True)
        )

    # --- one text ---

    def _rewrite(
        self, text: str, orders: Sequence[re.Pattern[str]], words: dict[str, str], parts: dict[str, str]
    ) -> str:
        cover = _Cover(text)
        cover.put(_URL, lambda match: self._site(match.group()))
        for email in (_EMAIL, _ODD_EMAIL):
            cover.put(email, lambda match: f"person{self._count('mail', match.group().replace(' ', ''))}@example.com")
        cover.put(_SITE, lambda match: self._site(match.group()))
        cover.put(_HANDLE, lambda match: f"@person{self._count('mail', match.group())}")
        for order in orders:
            cover.put(order, lambda match: self.number(cover.original(match)))
        cover.put(_KEPT, cover.original)
        cover.put(_RUN, lambda match: self._run(match.group(), cover.original(match)))
        # What is left of a run that was too short for a telephone number.
        cover.put(_SOLID, lambda match: self._solid(match.group(), cover.original(match)))
        if parts:
            cover.put(re.compile("|".join(map(re.escape, parts))), lambda match: parts[match.group()])
        cover.put(_LETTERS, lambda match: _named(match.group(), cover.original(match), words))
        return cover.result()

    def _site(self, seen: str) -> str:
        scheme = next((start for start in ("https://", "http://", "www.") if seen.startswith(start)), "")
        return f"{scheme}example.com/page{self._count('site', seen.removeprefix(scheme))}"

    def _run(self, seen: str, written: str) -> str | None:
        digits = "".join(_SOLID.findall(seen))
        if len(digits) < LONG_RUN:
            return None
        kept = 0
        # A telephone number of another country would be another kind of number.
        for start in ("+", "00"):
            if seen.lstrip(" (").startswith(start):
                national = digits.removeprefix("00") if start == "00" else digits
                country = _COUNTRY.match(national)
                kept = len(digits) - len(national) + (country.end() if country else 0)
        return self.number(written, kept)

    def _solid(self, digits: str, written: str) -> str | None:
        return None if len(digits) < SHORT_RUN or _YEAR.fullmatch(digits) else self.number(written)

    # --- stand-ins ---

    def _count(self, kind: str, original: str) -> int:
        known = self._counted.setdefault(kind, {})
        return known.setdefault(original, len(known) + 1)

    def _names(self, names: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the stand-ins of names that are words, by their folded form, and of those found anywhere."""
        words: dict[str, str] = {}
        anywhere: dict[str, str] = {}
        for part in (part for name in names for part in _NAME_PARTS.split(name) if len(part) > 1):
            folded = fold(normalise(part))
            if not folded:
                continue
            if _SPACED.fullmatch(part):
                words[folded] = f"Name{self._count('name', folded)}"
            elif _LETTERS.search(part):
                anywhere[_shadow(part)] = f"Name{self._count('name', folded)}"
                if _UNSPACED_NAME.fullmatch(part):
                    # The family name is one character, and people also write the other one alone.
                    anywhere[_shadow(part[1:])] = f"Name{self._count('name', folded[1:])}"
        # The longer name first: it may begin with the shorter one.
        return words, dict(sorted(anywhere.items(), key=lambda one: -len(one[0])))

    def _stand_in(self, digits: str, kept: int) -> str:
        """Return other digits that an order number's finder takes for the same kind of number."""
        if (digits, kept) not in self._digits:
            self._digits[digits, kept] = self._draw(digits, kept)
            self._used.add(self._digits[digits, kept])
        return self._digits[digits, kept]

    def _draw(self, digits: str, kept: int) -> str:
        is_order, best = bool(self._find(digits)), ""
        for attempt in range(TRIES):
            drawn = digits[:kept] + _drawn(self._key, digits[kept:], attempt)
            if drawn == digits:
                continue
            best = best or drawn
            if drawn not in self._used and bool(self._find(drawn)) is is_order:
                return drawn
        return best or digits


class _Cover:
    """A text of which one part after the other is covered; what is covered is out of sight of the next pattern."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._shadow = _shadow(text)
        self._put: list[tuple[int, int, str]] = []

    def original(self, match: re.Match[str]) -> str:
        """Return what stands in the text where a pattern was found."""
        return self._text[match.start() : match.end()]

    def put(self, pattern: re.Pattern[str], say: Callable[[re.Match[str]], str | None]) -> None:
        """Cover what a pattern finds with what `say` returns; None leaves it in sight."""

        def cover(match: re.Match[str]) -> str:
            stand_in = say(match)
            if stand_in is None:
                return match.group()
            self._put.append((match.start(), match.end(), stand_in))
            return "\x00" * len(match.group())

        self._shadow = pattern.sub(cover, self._shadow)

    def result(self) -> str:
        """Return the text with all that was put over it."""
        pieces, at = [], 0
        for start, end, stand_in in sorted(self._put):
            pieces += [self._text[at:start], stand_in]
            at = end
        return "".join([*pieces, self._text[at:]])


def _shadow(text: str) -> str:
    """Return the text as patterns see it, every character in its place."""
    return "".join(map(_seen, text))


def _seen(character: str) -> str:
    if character.isascii():
        return character.lower()
    plain = unicodedata.normalize("NFKC", character).casefold()
    if len(plain) != 1:
        return character
    digit = unicodedata.decimal(plain, None)
    return plain if digit is None else str(digit)


def _digit_like(original: str, digit: str) -> str:
    """Return a digit in the script of another one."""
    value = unicodedata.decimal(original, None)
    return digit if value is None else chr(ord(original) - value + int(digit))


def _drawn(key: bytes, digits: str, attempt: int) -> str:
    """Return as many digits, told by the key; a leading zero stays one, and none appears where there was none."""
    if not digits:
        return ""
    said = hashlib.blake2b(f"{digits}:{attempt}".encode(), key=key).digest()
    first, rest = divmod(int.from_bytes(said), 10 ** (len(digits) - 1))
    lead = "0" if digits[0] == "0" else str(1 + first % 9)
    return lead + (str(rest).zfill(len(digits) - 1) if len(digits) > 1 else "")


def _written_freely(number: str) -> re.Pattern[str]:
    """Return what finds an order number however it is spaced, but not inside of a date, a price or another number."""
    return re.compile(
        r"(?<![0-9a-z])(?<!\d[.,:/-])" + _BETWEEN.join(map(re.escape, number)) + r"(?![0-9a-z]|[.,:/-]\d)"
    )


def _named(seen: str, written: str, words: dict[str, str]) -> str | None:
    # Names of two letters are particles as well ("de", "La"): only with a capital letter they are taken for a name.
    return words.get(fold(seen)) if len(seen) > 2 or written[0].isupper() else None
