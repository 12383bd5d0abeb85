"""What order numbers look like, and what only looks like one: phones, prices, dates, postcodes, parcels, cards."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

# What stands before a number says what it is. Each list ends right before the number.
_LINK = (
    r"(?:\s*(?:is|es|ist|est|no|nr|n[°º]|num|numero|número|number|nummer|номер|id|code|号码|号|番号|번호|رقم|है|[:=–-]|は|是|为)"
    r"\.?)*\s*[#(\[\"'«„“]*$"
)
ORDER_WORD = re.compile(
    r"(?:#|\b(?:order|ord|po|pedido|orden|compra|encomenda|bestell\w*|auftrag\w*|commande|cmd|ordin[ei]|zam[oó]wieni\w*|"
    r"sipari\w*|заказ\w*|замовлен\w*|טל?הזמנה|הזמנה|pesanan|beställning\w*|ordre|tilau\w*|objedn\w*|comand[aă]|comenzi\w*|"
    r"rendelés\w*|παραγγελί\w*|bestilling\w*|ऑर्डर|आर्डर|order\w*)|(?:ال)?طلب\w*|سفارش|(?:অর্ডার|ऑर्डर)|订单|訂單|(?<![递遞流运運])[单單]|注文|オーダー|주문|"
    r"คำสั่งซื้อ|ออเดอร์|đơn(?:\s+hàng)?|mã)" + _LINK,
    re.IGNORECASE,
)
_OTHER_WORD = re.compile(
    r"(?:\b(?:phone|tel|telefon\w*|tel[eé]fono|t[eé]l[eé]phone|mobile|mobil\w*|m[oó]vil|cell\w*|celular|handy\w*|call|whatsapp|sms|zip|"
    r"pin\s?code|cap|c\.?p\.?|nip|awb|gu[ií]a|post(?:al)?\s?code|postcode|c[oó]digo|code|codice|kod|plz|cep|pin|otp|cvv|card|tarjeta|karte|carte|track\w*|трек\w*|"
    r"sendungs\w*|suivi|seguimiento|rastre\w*|iban|isbn|ean|imei|invoice|factura|rechnung\w*|price|precio|телефон\w*|индекс\w*|код\w*|"
    r"карт\w*|цена|phone\s+number|last\s+(?:four|4)(?:\s+digits)?)|手机|手機|电话|電話|邮编|郵編|验证码|驗證碼|运单|運單|快递单|物流单|価格|"
    r"電話番号|郵便|追跡|전화|우편|운송장|송장|(?:ال)?هاتف|(?:ال)?جوال|تلفن|फोन|मोबाइल)" + _LINK,
    re.IGNORECASE,
)

_CURRENCY = "[$€£¥₽₹₩₺₴₪฿₫%]"
# In scripts without spaces an order number may stand right before an address, with only their letters in between.
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
SPOILT = re.compile(
    r"[^\s@]{1,64}@[^\s@]{1,200}|(?:https?://|www\.)\S{1,300}"  # e-mail and web addresses
    r"|(?<![0-9A-Za-z-])\d{1,4}[./-]\d{1,2}[./-]\d{2,4}(?![\d-])"  # dates
    r"|(?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?!\d)"  # times
    rf"|(?:{_CURRENCY}|\b(?:usd|eur|gbp|rub|inr|rs|rp|sar|aed|vnd|cny|rmb|jpy|krw|pln|uah)\b\.?)\s?\d[\d .,]{{0,14}}"
    rf"|(?<![\d.,])(?<![0-9A-Za-z]-)\d[\d .,]{{0,14}}\s?(?:{_CURRENCY}|(?:usd|eur|euros?|gbp|rub|руб\w{{0,5}}"
    r"|р|inr|rs|rupees|元|块|円|원|грн|zł|kč|kr|lei|ft|tl|vnd|đ|dollars?|dólares|reais|pesos|ريال|درهم|دينار|تومان|บาท)"
    r"(?!\w))"  # prices
    r"|\+\s?\d[\d\s().-]{6,18}\d|\(\d{2,5}\)\s?\d[\d\s.-]{4,12}\d"  # phones with a plus or brackets
    r"|(?<![\w#-])0\d{1,4}[ /]\d{3,8}(?:[ -]\d{2,4}){0,3}(?![\w-])",  # phones with an area code
    re.IGNORECASE,
)
PARCEL_OR_BANK = re.compile(
    r"\b(?:1Z[0-9A-Z]{16}|[A-Z]{2}\d{9}[A-Z]{2}|J?JD\d{14,}|TBA\d{9,}|(?:SF|YT|LP|ZTO)\d{12,16}|9[2-5]\d{18,20}"
    r"|[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){4,7}(?: ?[0-9A-Z]{1,3})?)\b",
    re.ASCII,
)

_EDGE_BEFORE = r"(?<![0-9A-Za-z@_])(?<!\d[.,/:-])(?<![A-Za-z]-)"
_EDGE_AFTER = r"(?![0-9A-Za-z]|[.,:/]\d|-[0-9A-Za-z])"
_UNITS = (
    "k?g|[cmk]?m|m?l|[kmgt]b|k?w|v|k?wh|mah|rpm|hz|kcal|cal|p|x|steps|people|times|years?|hours?|days?|minutes?|st|stk|"
    "pcs|pieces|шт|лет|г|кг|см|мл|个|年|月|日|人|本|枚|歳|명|년|원|คน|ปี|साल|রুপি|টাকা|लोग"
)
_NO_PREFIX = frozenset(
    {
        "tel",
        "usd",
        "eur",
        "gbp",
        "rub",
        "inr",
        "pln",
        "aed",
        "sar",
        "idr",
        "vnd",
        "cny",
        "iphone",
        "model",
        "size",
        "rtx",
        "gtx",
        "awb",
        "covid",
    }
)
_POSTCODE = re.compile(r"\d\d-\d{3}|\d{5}-\d{3,4}|\d{3}-\d{4}|\d{3}-\d{3}-\d{4}")  # And phones of North America.
_COMMAND = re.compile(r"(?:^|\s)/\w{1,32} ?$")
_YEAR = re.compile(r"(?:19|20)\d\d")
_PHONE = re.compile(
    r"0\d{8,11}|00[1-9]\d{7,13}|1[3-9]\d{9}|[6-9]\d{9}|[78]9\d{9}|380\d{9}|966\d{9}|971\d{9}|91[6-9]\d{9}"
)

Judge = Callable[["re.Match[str]"], bool]


def _is_called(match: re.Match[str], what: re.Pattern[str]) -> bool:
    start = match.start("n")
    return what.search(match.string, max(0, start - 40), start) is not None


def _is_order(match: re.Match[str]) -> bool:
    return _is_called(match, ORDER_WORD)


def _is_other(match: re.Match[str]) -> bool:
    return _is_called(match, _OTHER_WORD) and not _is_order(match)


def _digits(match: re.Match[str]) -> str:
    return "".join(letter for letter in match.group("n") if letter.isdigit())


def _prefix(match: re.Match[str]) -> str:
    return re.split(r"[\d -]", match.group("n"), maxsplit=1)[0].casefold()


def _judge_lettered(match: re.Match[str]) -> bool:
    if _is_other(match) or _prefix(match) in _NO_PREFIX:
        return False
    return len(_digits(match)) >= 4 or _is_order(match)


def _judge_dashed(match: re.Match[str]) -> bool:
    if _is_other(match) or _prefix(match) in _NO_PREFIX:
        return False
    return len(_digits(match)) >= 3


def _judge_spaced(match: re.Match[str]) -> bool:
    if _is_other(match) or _prefix(match) in _NO_PREFIX:
        return False
    return len(_digits(match)) >= (4 if _is_order(match) else 6)


def _judge_joined(match: re.Match[str]) -> bool:
    """Digits joined by hyphens: a word before them is needed where they look like a postcode or a phone number."""
    if _is_order(match):
        return True
    number, digits = match.group("n"), _digits(match)
    return len(digits) >= 5 and not (_is_other(match) or _POSTCODE.fullmatch(number) or digits.startswith("0"))


def _judge_slashed(match: re.Match[str]) -> bool:
    return _is_order(match) or (not _is_other(match) and match.group("n")[0].isalpha())


def _judge_grouped(match: re.Match[str]) -> bool:
    """Groups of digits look like phones, dates and cards: only a word before them makes them an order number."""
    return len(_digits(match)) >= 6 and _is_order(match)


def _judge_digits(match: re.Match[str]) -> bool:
    number = match.group("n")
    if _is_order(match):
        return len(number) >= 4
    if _is_other(match) or len(number) < 5 or _COMMAND.search(match.string, 0, match.start()):
        return False
    return not (_is_date(number) or _is_phone(number) or _is_card(number))


def _judge_mixed(match: re.Match[str]) -> bool:
    """Letters among the digits: `GSO1H27K`, `240910ABCDEF12`, `7F3K-99X2`."""
    number, digits = match.group("n"), _digits(match)
    if len(digits) < 3 or number.replace("-", "").isdigit() or not number.isascii() or _is_other(match):
        return False
    if _is_order(match):
        return len(number) >= 5
    return number == number.upper() and len(digits) >= 6 and len(number) >= 8


def _is_date(number: str) -> bool:
    if len(number) != 8:
        return False
    for year, month, day in ((number[:4], number[4:6], number[6:]), (number[4:], number[2:4], number[:2])):
        try:
            if 1990 <= date(int(year), int(month), int(day)).year <= 2050:
                return True
        except ValueError:
            continue
    return False


def _is_phone(number: str) -> bool:
    """Whether bare digits look like a phone number in a country where many write it so."""
    return _PHONE.fullmatch(number) is not None


def _is_card(number: str) -> bool:
    """Whether these are the 16 digits of a payment card (Luhn's sum)."""
    if len(number) != 16 or number[0] not in "3456":
        return False
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(number)]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _judge_sure(match: re.Match[str]) -> bool:
    return not _is_other(match)


SHAPES: tuple[tuple[re.Pattern[str], Judge], ...] = tuple(
    (re.compile(f"{_EDGE_BEFORE}#?(?P<n>{shape}){_EDGE_AFTER}"), judge)
    for shape, judge in (
        (r"\d{3}-\d{7}-\d{7}", _judge_sure),
        (r"[A-Za-z]{1,6}(?:-\d{2,18}){1,5}", _judge_dashed),
        (r"[A-Za-z]{1,6}-?\d{2,18}(?:-[0-9A-Z]{1,10}){1,4}", _judge_lettered),
        (r"[A-Za-z]{1,6}\d{3,20}", _judge_lettered),
        (r"(?:[A-Z]{1,5}|[Oo][Rr][Dd]|[Pp][Oo])(?: \d{2,12}){1,5}", _judge_spaced),
        (r"\d{2,12}(?:-\d{1,10}){1,4}", _judge_joined),
        (r"[A-Za-z]{0,5}/?\d{2,10}(?:/\d{2,10}){1,2}|[A-Za-z]{1,4}/\d{3,10}", _judge_slashed),
        (r"\d{4,10}-[A-Z]{1,2}", _judge_sure),
        (r"\d{2,10}(?: \d{2,10}){1,5}", _judge_grouped),
        (r"\d{3,20}", _judge_digits),
        (r"[A-Za-z0-9]{2,20}(?:-[A-Za-z0-9]{2,20}){0,3}", _judge_mixed),
    )
)


def _judge_lonely(match: re.Match[str]) -> bool:
    """What is read as an order number only where a message has nothing that looks more like one."""
    digits = _digits(match)
    if _is_other(match) or digits.startswith("0") or _is_phone(digits):
        return False
    return 6 <= len(digits) <= 9 if " " in match.group("n") else not _YEAR.fullmatch(digits)


LAST_RESORTS: tuple[tuple[re.Pattern[str], Judge], ...] = (
    (re.compile(rf"{_EDGE_BEFORE}(?P<n>\d{{2,6}}(?: \d{{2,6}}){{1,3}}){_EDGE_AFTER}"), _judge_lonely),
    (
        re.compile(rf"{_EDGE_BEFORE}(?<!\d )(?P<n>\d{{4}}){_EDGE_AFTER}(?! ?\d|\s?(?:{_UNITS})(?!\w))", re.IGNORECASE),
        _judge_lonely,
    ),
)
