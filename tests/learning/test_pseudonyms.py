"""Stand-ins: what tells who wrote is gone, and what a tier looks at is still there."""

from __future__ import annotations

import re

import pytest

from bot.domain.order_numbers import OrderNumbers, same_number
from bot.learning.pseudonyms import Pseudonyms
from bot.orders.phones import to_e164

NUMBERS = OrderNumbers([r"ORD\d{11}"])


def pseudonyms(key: bytes = b"a key for tests") -> Pseudonyms:
    """Return the stand-ins of a new file."""
    return Pseudonyms(key, NUMBERS.find)


def rewrite(text: str, *names: str) -> str:
    """Return a thread's only text, written anew."""
    return pseudonyms().of_thread(names, [text])(text)


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("soy ANA garcia, ok?", ("Ana García",), "soy Name1 Name2, ok?"),
        ("Banana for Ana", ("Ana",), "Banana for Name1"),
        ("la caja de Li y De Li", ("De Li",), "la caja de Name2 y Name1 Name2"),
        ("我是王小明,叫我小明", ("王小明",), "我是Name1,叫我Name2"),
        ("मैं अनीता हूँ", ("अनीता",), "मैं Name1 हूँ"),
        ("Jean-Pierre's parcel", ("Jean-Pierre 🚚", "Pierre"), "Name1-Name2's parcel"),
    ],
)
def test_names(text: str, names: tuple[str, ...], expected: str) -> None:
    """The customer's names are replaced part by part, in any case and without accents, but not inside of words."""
    assert rewrite(text, *names) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail Ana.Garcia+x@gmail.com, not bob@x.org.", "mail person1@example.com, not person2@example.com."),
        ("ana@x.com or ANA@X.COM", "person1@example.com or person1@example.com"),
        ("邮箱ana@x.com谢谢", "邮箱person1@example.com谢谢"),
        ("see https://shop.de/me?u=ana, please", "see https://example.com/page1, please"),
        (
            "www.ana.es/x and t.me/ana and ana.com!",
            "www.example.com/page1 and example.com/page2 and example.com/page3!",
        ),
        ("write to @ana_garcia", "write to @person1"),
    ],
)
def test_addresses(text: str, expected: str) -> None:
    """E-mail addresses, web addresses and handles are replaced by numbered ones, the same by the same."""
    assert rewrite(text) == expected


@pytest.mark.parametrize(
    "text",
    ["+34 600 111 222", "0034600111222", "+1 (212) 555-0187", "8 912 345-67-89", "06.12.34.56.78", "13812345678"],
)
def test_phones(text: str) -> None:
    """A phone number becomes another phone number, written in the same way, and of the same country."""
    found = rewrite(f"call {text} now").removeprefix("call ").removesuffix(" now")
    assert found != text
    assert re.sub(r"\d", "9", found) == re.sub(r"\d", "9", text)
    region = {"8": "RU", "0": "FR", "1": "CN"}.get(text[0])
    assert to_e164(found, region)
    assert NUMBERS.find(found) == () or NUMBERS.find(text) != ()


def test_cards() -> None:
    """A card's digits become others that are no order number either, spaced in the same way."""
    found = rewrite("4111 1111 1111 1111 / 4111111111111111")
    assert re.fullmatch(r"\d{4} \d{4} \d{4} \d{4} / \d{16}", found)
    assert "4111" not in found[:4] + found[-16:-12] or found[5:9] != "1111"
    assert found.split(" / ")[0].replace(" ", "") == found.split(" / ")[1]
    assert NUMBERS.find(found) == ()


@pytest.mark.parametrize(
    "number", ["ORD20241112001", "GSO1H27K99", "7F3K-99X2", "404-1234567-7654321", "10023", "A/2024/77"]
)
def test_order_numbers(number: str) -> None:
    """An order number becomes another one of its shape, which is found as the first one was."""
    text = f"order {number}: where is it?"
    found = rewrite(text)
    assert number not in found
    assert re.sub(r"\d", "9", found) == re.sub(r"\d", "9", text)
    assert len(NUMBERS.find(found)) == len(NUMBERS.find(text)) == 1


def test_the_same_number_everywhere() -> None:
    """However a number is written, in whichever thread, it has one stand-in, which is the label's as well."""
    file = pseudonyms()
    first = file.of_thread((), ["ORD20241112001", "ord 20241112001", "٢٠٢٤١١١٢٠٠١"])
    second = file.of_thread((), ["and #ORD-20241112001?"])
    label = file.number("ORD20241112001")
    assert first("ORD20241112001") == label
    assert first("ord 20241112001") == f"ord {label[3:]}"
    assert same_number(first("٢٠٢٤١١١٢٠٠١"), label[3:])
    assert first("٢٠٢٤١١١٢٠٠١").isdecimal()
    assert not first("٢٠٢٤١١١٢٠٠١").isascii()
    assert second("and #ORD-20241112001?") == f"and #ORD-{label[3:]}?"


def test_different_numbers_stay_different() -> None:
    """No two numbers of a file get the same stand-in."""
    file = pseudonyms()
    assert len({file.number(f"A{number}") for number in range(1000, 2000)}) == 1000


def test_what_stays() -> None:
    """Dates, times, prices, years and small numbers are left: they tell nobody, and a model reads them."""
    text = "On 12.03.2025 at 14:30 I paid 1,299.00 € ($20), 2 pairs in size 42, since 2024; 2025-03-01 too."
    assert rewrite(text) == text


def test_every_file_has_its_own() -> None:
    """With another key the same number has another stand-in."""
    assert pseudonyms(b"one").number("ORD20241112001") != pseudonyms(b"two").number("ORD20241112001")


@pytest.mark.parametrize(
    "text", ["", "1" * 500, "@" * 3000, "a." * 3000, "1 " * 3000, "\u0130ß…ﬁ² ①", "9" * 7 + "\x00"]
)
def test_odd_texts(text: str) -> None:
    """Whatever a customer sends, it can be written anew."""
    assert isinstance(rewrite(text, "", "İ", "🚚", "a" * 300), str)
