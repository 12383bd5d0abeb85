from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.model import Author, Message
from bot.domain.order_numbers import MAX_CANDIDATES, OrderNumbers, same_number, squeeze
from bot.errors import ConfigError

NUMBERS = OrderNumbers()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("ORD20241112001", "ORD20241112001"),
        ("查询订单号ORD20241112001的状态", "ORD20241112001"),
        ("cancel ORD20241112001!", "ORD20241112001"),
        ("ord20241112001", "ord20241112001"),
        ("ＯＲＤ２０２４１１１２００１", "ORD20241112001"),
        ("ORD 20241112001", "ORD 20241112001"),
        ("ORD-2024-1112-001", "ORD-2024-1112-001"),
        ("ORD\u200b20241112001", "ORD20241112001"),
        ("order #K7730214 please", "K7730214"),
        ("order:K7730214,thanks", "K7730214"),
        ("(K7730214)", "K7730214"),
        ("K7730214.", "K7730214"),
        ("204-7781936-5520418", "204-7781936-5520418"),
        ("where is A-2291?", "A-2291"),
        ("WEB-10023", "WEB-10023"),
        ("883421", "883421"),
        ("#883421", "883421"),
        ("№ 883421", "883421"),
        ("заказ 883421", "883421"),
        ("注文番号８８３４２１", "883421"),
        ("طلب ٨٨٣٤٢١", "883421"),
        ("ऑर्डर ८८३४२१", "883421"),
        ("订单号：883421", "883421"),
        ("commande n°883421", "883421"),
        ("주문번호 883421이요", "883421"),
        ("my order is 883 421", "883 421"),
        ("order 12-345-678", "12-345-678"),
        ("order number is 20241112", "20241112"),
        ("order no. 4711", "4711"),
        ("Bestellung Nr. 4711", "4711"),
        ("pedido nº 4711", "4711"),
        ("订单4711", "4711"),
        ("#1001", "1001"),
        ("GSO1H27K993", "GSO1H27K993"),
        ("I paid $49.90 on 12.11.2024 for 883421", "883421"),
        ("883421, tel. +49 170 1234567, me@b12345.example", "883421"),
    ],
)
def test_order_numbers(text: str, number: str) -> None:
    """An order number is found in every shape, among words of any language, and given as it was written."""
    assert NUMBERS.find(text) == (number,)


@pytest.mark.parametrize(
    "text",
    [
        "call me at +49 170 1234567", "0170 1234567", "手机号13812345678", "my phone is 5551234567", "555-123-4567",
        "(555) 123-4567", "00441234567890", "телефон 89161234567", "+7 916 123-45-67", "call 212 555 1234",
        "$1299", "1299.00 EUR", "I paid 150000 rupees", "it costs 12.500 euro", "price 1299", "100%", "¥12900",
        "2024-11-12", "12.11.2024", "11/12/2024", "20241112", "2024年11月12日", "٢٠٢٤/١١/١٢", "in 2024", "10:45",
        "24/7",
        "my zip is 94103", "PLZ 80331", "邮编100080", "индекс 630099", "otp 483920", "验证码 483920",
        "a@b12345.example", "mail order883421@shop.example", "https://shop.example/o/883421", "www.shop.example/883421",
        "tracking 1Z999AA10123456784", "RR123456789CN", "JD014600003828392817", "SF1234567890123",
        "快递单号 75312345678901",
        "4111 1111 1111 1111", "4111111111111111", "DE89 3700 0400 4404 0532 013000", "my card ends 4242",
        "last four digits 4242", "iPhone15", "size 42", "covid19", "v1.2.3", "192.168.10.12", "2x", "3 items",
        "ISBN 9783161484100", "@user12345", "/start 12345", "", "order", "#", "订单",
    ],
)  # fmt: skip
def test_other_numbers(text: str) -> None:
    """Phones, prices, dates, times, postcodes, codes, cards, tracking numbers and addresses are no order numbers."""
    assert NUMBERS.find(text) == ()


def test_several_numbers() -> None:
    """Numbers come in order of appearance, and each once however it is written."""
    assert NUMBERS.find("A-2291, ORD20241112001 and a-2291 again, #883421") == ("A-2291", "ORD20241112001", "883421")


def test_the_shops_own_shape_comes_first() -> None:
    """What the shop calls an order number is one, even where it looks like a date or a phone."""
    own = OrderNumbers([r"\d{8}", r"W/\d{3}"])
    assert own.find("it is 20241112") == ("20241112",)
    assert own.find("order W/123?") == ("W/123",)
    assert own.find("and ORD20241112001") == ("ORD20241112001",)


def test_a_shape_that_is_no_expression() -> None:
    """A shape that cannot be read is named, with what to do."""
    with pytest.raises(ConfigError, match=r"order number shape '\(\['"):
        OrderNumbers(["(["])


def test_candidates_come_newest_first() -> None:
    """The message's own numbers stand before the thread's, the newest first, and there are at most eight."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    thread = [Message(Author.CUSTOMER, f"order {883400 + place}", now, place) for place in range(60)]
    found = NUMBERS.candidates("A-2291 or order 883459", thread)
    assert found[:3] == ("A-2291", "883459", "883458")
    assert len(found) == MAX_CANDIDATES
    assert NUMBERS.candidates("hello", ()) == ()


def test_writings_of_one_number() -> None:
    """Case, signs, spaces and full-width forms make no other number."""
    assert same_number("#ORD-2024 1112", "ｏｒｄ20241112")
    assert squeeze("204-7781936-5520418") == "20477819365520418"
    assert not same_number("883421", "883422")
    assert not same_number("", "#")


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece",
    ["1", "1-", "1.", "1 ", "a1", "A-12 ", "order ", "order no. ", "order # 123 ", "$1 ", "+1 ", "(", "a@", "http://",
     "0123 ", "单", "\ufdfa", "\ud800", "\0", "\u0661", "100000 ", "-", 'order "', "ORD20241112001"],
)  # fmt: skip
def test_hostile_texts(piece: str) -> None:
    """32 KB of anything are searched, soon; what is found is short and stands in the text."""
    text = piece * (32_768 // len(piece))
    for number in OrderNumbers([r"ORD\d{11}"]).find(text):
        assert 0 < len(number) <= 40


def test_a_text_is_searched_the_same_again() -> None:
    """Numbers that were found before are remembered without mixing up shops or texts."""
    own = OrderNumbers([r"\d{3}"])
    assert [own.find("123"), NUMBERS.find("123"), own.find("123"), own.find("124")] == [
        ("123",),
        (),
        ("123",),
        ("124",),
    ]
