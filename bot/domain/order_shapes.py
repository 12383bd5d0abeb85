"""What order numbers look like, and what only looks like one: phones, prices, dates, postcodes, parcels, cards."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

# What stands before a number says what it is. Each list ends right before the number.
_LINK = (
    r"(?:\s*(?:is|es|ist|est|no|nr|n[°º]|num|numero|número|number|nummer|номер|id|code|号码|号|番号|번호|رقم|है|é|è|är|er|это|là|adalah|[:=–-]|は|是|为)"
    r"\.?)*\s*[#(\[\"'«„“]*$"
)
_ORDER = (
    r"(?:#|\b(?:order|ord|po|pedido|orden|compra|encomenda|bestell\w*|auftrag\w*|commande|cmd|ordin[ei]|zam[oó]wieni\w*|"
    r"sipari\w*|заказ\w*|замовлен\w*|טל?הזמנה|הזמנה|pesanan|beställning\w*|ordre|tilau\w*|objedn\w*|comand[aă]|comenzi\w*|"
    r"rendelés\w*|παραγγελί\w*|bestilling\w*|ऑर्डर|आर्डर|order\w*)|(?:ال)?طلب\w*|سفارش|(?:অর্ডার|ऑर्डर)|订单|訂單|(?<![递遞流运運])[单單]|注文|オーダー|주문|"
    r"คำสั่งซื้อ|ออเดอร์|đơn(?:\s+hàng)?|mã)"
)
ORDER_WORD = re.compile(_ORDER + _LINK, re.IGNORECASE)
_OTHER = (
    r"(?:\b(?:phone|tel|telefon\w*|tel[eé]fono|t[eé]l[eé]phone|mobile|mobil\w*|m[oó]vil|cell\w*|celular|handy\w*|call|whatsapp|sms|zip|"
    r"pin\s?code|cap|c\.?p\.?|nip|awb|gu[ií]a|post(?:al)?\s?code|postcode|c[oó]digo|code|(?:c[oó]digo|code)\s+posta\w+|codice|kod|plz|cep|pin|otp|cvv|card|tarjeta|karte|carte|tracking\w*|track\s?(?:nr|no|id)|трек\w*|"
    r"sendungs\w*|suivi|seguimiento|rastreo|rastreio|rastreamento|iban|isbn|ean|imei|invoice|factura|rechnung\w*|price|precio|телефон\w*|индекс\w*|код\w*|"
    r"карт\w*|цена|phone\s+number|last\s+(?:four|4)(?:\s+digits)?|"
    r"customer|client\w*|kunden\w*|klant\w*|klient\w*|клиент\w*|müşteri|tax|vat|steuer\w*|nif|cif|cpf|cnpj|nip|инн|ssn|"
    r"pesel|fiscale|promo\w*|coupon|voucher|gutschein\w*|cup[oó]n|kupon\w*|купон\w*|промокод\w*|psč|τκ|error|erreur|fehler|"
    r"ошибк\w*|visa|mastercard|ending|ends|endet|size|taille|talla|taglia|tamanho|größe|maat|rozmiar|velikost|méret|"
    r"mărime\w*|storlek|koko|beden|размер\w*|розмір\w*|μέγεθος|ukuran|cỡ|street|st|str|straße|road|calle|rue|rua|via|"
    r"avenida|jl|jalan|ул|вул|улица|apt|flat|room|кв|model\w*|модел\w*|version|iso|din|page|floor|iphone|galaxy|pixel|windows|office|playstation|xbox|rtx|gtx|thinkpad|nikon|canon|"
    r"айфон|account|konto|age|sđt)|手机|手機|电话|電話|邮编|郵編|验证码|驗證碼|运单|運單|快递单|物流单|価格|"
    r"電話番号|郵便|追跡|전화|우편|운송장|송장|(?:ال)?هاتف|(?:ال)?جوال|تلفن|फोन|मोबाइल|מידה|מספר\s+לקוח|טלפון|مقاس|سایز|ايفون|آیفون|আইফোন|आईफोन|साइज|সাইজ|ไซส์|サイズ|사이즈|顧客|会員|客户|客戶|优惠码|優惠碼|पिन\s?कोड|পিন\s?কোড|クーポン|쿠폰|尾号|尾號"
    r"|[路街道弄巷]|错误|エラー|오류|모델|型号)"
)
OTHER_WORD = re.compile(_OTHER + _LINK, re.IGNORECASE)

_CURRENCY = "[$€£¥₽₹₩₺₴₪฿₫%]"
# In scripts without spaces an order number may stand right before an address, with only their letters in between.
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_DATE = r"(?<![0-9A-Za-z-])\d{1,4}[./-]\d{1,2}[./-]\d{2,4}(?![\d-])"
_SPOILT = (
    r"[^\s@]{1,64}@[^\s@]{1,200}|(?:https?://|www\.)\S{1,300}"  # e-mail and web addresses
    r"|(?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?!\d)"  # times
    rf"|(?:{_CURRENCY}|\b(?:usd|eur|gbp|rub|inr|rs|rp|sar|aed|vnd|cny|rmb|jpy|krw|pln|uah)\b\.?)\s?\d[\d .,]{{0,14}}"
    rf"|(?<![\d.,])(?<![0-9A-Za-z]-)\d[\d .,]{{0,14}}\s?(?:{_CURRENCY}|(?:usd|eur|euros?|gbp|rub|руб\w{{0,5}}"
    r"|р|inr|rs|rupees|元|块|円|원|грн|zł|kč|kr|lei|ft|tl|vnd|đ|dollars?|dólares|reais|pesos|ريال|درهم|دينار|تومان|บาท)"
    r"(?!\w))"  # prices
    r"|\+\s?\d[\d\s().-]{6,18}\d|\(\d{2,5}\)\s?\d[\d\s.-]{4,12}\d"  # phones with a plus or brackets
    r"|(?<![\w#-])(?<!\d )0\d{1,4}[ /]\d{3,8}(?:[ -]\d{2,4}){0,3}(?![\w-])"  # phones with an area code
)
SPOILT = re.compile(f"{_SPOILT}|{_DATE}", re.IGNORECASE)
PARCEL_OR_BANK = re.compile(
    r"\b(?:1Z[0-9A-Z]{16}|[A-Z]{2}\d{9}[A-Z]{2}|J?JD\d{14,}|TBA\d{9,}|(?:SF|YT|LP|ZTO)\d{12,16}|9[2-5]\d{18,20}"
    r"|[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){4,7}(?: ?[0-9A-Z]{1,3})?)\b",
    re.ASCII,
)

_EDGE_BEFORE = r"(?<![0-9A-Za-z@_])(?<!\d[.,/:-])(?<![A-Za-z]-)"
_EDGE_AFTER = r"(?![0-9A-Za-z]|[.,:/]\d|-[0-9A-Za-zΑ-ΩЀ-Я])"
_UNITS = (
    "k?g|[cmk]?m|m?l|[kmgt]b|k?w|v|k?wh|mah|rpm|hz|kcal|cal|p|x|steps|people|times|years?|hours?|days?|minutes?|st|stk|"
    "pcs|pieces|шт|лет|г|кг|см|мл|个|年|月|日|人|本|枚|歳|명|년|원|คน|ปี|साल|রুপি|টাকা|रुपये|रुपए|लोग"
)
NO_PREFIX = re.compile(
    "tel|usd|eur|gbp|rub|inr|pln|aed|sar|idr|vnd|cny|iphone|model|size|rtx|gtx|awb|covid", re.IGNORECASE
)
POSTCODE = re.compile(r"\d\d-\d{3}|\d{5}-\d{3,4}|\d{3}-\d{4}|\d{3}-\d{3}-\d{4}")  # And phones of North America.
COMMAND = re.compile(r"(?:^|\s)/\w{1,32} ?$")
TOWN = re.compile(r" [A-ZÀ-Þ][a-zß-ÿ]{2}")
YEAR = re.compile(r"(?:19|20)\d\d")
_PHONE = re.compile(
    r"0\d{8,11}|00[1-9]\d{7,13}|1[3-9]\d{9}|[6-9]\d{9}|[78]9\d{9}|380\d{9}|966\d{9}|971\d{9}|91[6-9]\d{9}"
)

Judge = Callable[["re.Match[str]"], bool]


def _is_called(match: re.Match[str], what: re.Pattern[str]) -> bool:
    start = match.start("n")
    return what.search(match.string, max(0, start - 40), start) is not None


def is_order(match: re.Match[str]) -> bool:
    """Whether a word for an order, or '#', stands right before a match."""
    return _is_called(match, ORDER_WORD)


def is_other(match: re.Match[str]) -> bool:
    """Whether a word for something else stands right before a match."""
    return _is_called(match, OTHER_WORD) and not is_order(match)


def _digits(match: re.Match[str]) -> str:
    return "".join(letter for letter in match.group("n") if letter.isdigit())


def _prefix(match: re.Match[str]) -> str:
    return re.split(r"[\d -]", match.group("n"), maxsplit=1)[0].casefold()


def _judge_lettered(match: re.Match[str]) -> bool:
    if is_other(match) or NO_PREFIX.fullmatch(_prefix(match)):
        return False
    return len(_digits(match)) >= 4 or is_order(match)


def _judge_dashed(match: re.Match[str]) -> bool:
    if is_other(match) or NO_PREFIX.fullmatch(_prefix(match)):
        return False
    return len(_digits(match)) >= 3


def _judge_spaced(match: re.Match[str]) -> bool:
    if is_other(match) or NO_PREFIX.fullmatch(_prefix(match)):
        return False
    return len(_digits(match)) >= (4 if is_order(match) else 6)


def _judge_joined(match: re.Match[str]) -> bool:
    """Digits joined by hyphens: a word before them is needed where they look like a postcode or a phone number."""
    if is_order(match):
        return True
    number, digits = match.group("n"), _digits(match)
    return len(digits) >= 5 and not (is_other(match) or POSTCODE.fullmatch(number) or digits.startswith("0"))


def _judge_slashed(match: re.Match[str]) -> bool:
    return is_order(match) or (not is_other(match) and match.group("n")[0].isalpha())


def _judge_grouped(match: re.Match[str]) -> bool:
    """Groups of digits look like phones, dates and cards: only a word before them makes them an order number."""
    return len(_digits(match)) >= 6 and is_order(match)


def _judge_digits(match: re.Match[str]) -> bool:
    number = match.group("n")
    if is_order(match):
        return len(number) >= 4
    if is_other(match) or len(number) < 5 or COMMAND.search(match.string, 0, match.start()):
        return False
    town = len(number) == 5 and TOWN.match(match.string, match.end())
    return not (town or is_date(number) or is_phone(number) or _is_card(number))


def _judge_mixed(match: re.Match[str]) -> bool:
    """Letters among the digits: `GSO1H27K`, `240910ABCDEF12`, `7F3K-99X2`."""
    number, digits = match.group("n"), _digits(match)
    if len(digits) < 3 or number.replace("-", "").isdigit() or not number.isascii() or is_other(match):
        return False
    if is_order(match):
        return len(number) >= 5
    return number == number.upper() and len(digits) >= 6 and len(number) >= 8


def is_date(number: str) -> bool:
    """Whether eight digits can be a date without separators."""
    if len(number) != 8:
        return False
    for year, month, day in ((number[:4], number[4:6], number[6:]), (number[4:], number[2:4], number[:2])):
        try:
            if 1990 <= date(int(year), int(month), int(day)).year <= 2050:
                return True
        except ValueError:
            continue
    return False


def is_phone(number: str) -> bool:
    """Whether bare digits look like a phone number in a country where many write it so."""
    return _PHONE.fullmatch(number) is not None


def _is_card(number: str) -> bool:
    """Whether these are the 16 digits of a payment card (Luhn's sum)."""
    if len(number) != 16 or number[0] not in "3456":
        return False
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(number)]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _judge_sure(match: re.Match[str]) -> bool:
    return not is_other(match)


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


# --- what the hard reading looks at ---

_LETTERS = "A-Za-zÀ-ɏͰ-ϿЀ-ӿḀ-ỿ"
# Letters of these scripts belong to a number only before a hyphen; Hebrew's articles and prepositions never do.
_FAR = "\u0620-\u064a\u066e-\u06d3אגדזחטיסעפצקרת\u0904-\u0939\u0985-\u09b9"
RUN = re.compile(rf"(?:(?<![\w])[{_FAR}]{{1,3}}-)?[0-9{_LETTERS}]+(?:[-‐–−./_][0-9{_LETTERS}]+)*")
"""A word or a number with everything that is joined to it without spaces."""

HARD_SPOILT = re.compile(
    rf"{_SPOILT}|(?P<date>{_DATE})"
    r"|\b1Z(?: ?[0-9A-Z]){16}\b"  # parcels in groups
    r"|(?-i:\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b|\b[A-Z]\d[A-Z] \d[A-Z]\d\b|\b\d{4} [A-Z]{2}\b(?! ?\d))"  # postcodes
    r"|(?<![\w.])\d{1,5}(?:[.,]\d)?\s?[x×х*]\s?\d{1,5}(?![\w-])|[*•]+\s?\d{3,4}(?!\d)",  # measures, cards
    re.IGNORECASE,
)
ORDER_NEAR = re.compile(_ORDER + rf"(?![{_LETTERS}])[^\d.!?,;:。！？，；：]{{0,16}}$", re.IGNORECASE)
ORDER_AFTER = re.compile(
    r"(?:号|番|번|-?\w{1,3})?[^\d.!?,;#。！？，；]{0,10}?" + _ORDER.replace("#|", "", 1), re.IGNORECASE
)
ORDER_ANYWHERE = re.compile(_ORDER, re.IGNORECASE)
OTHER_NEAR = re.compile(_OTHER + rf"(?![{_LETTERS}])[^\d!?;。！？；]{{0,12}}$", re.IGNORECASE)
OTHER_AFTER = re.compile(
    rf"\s?(?:{_UNITS}|{_CURRENCY})(?!\w)"
    r"|[-\s]?(?:numara ayakkab|inch|zoll|码|碼|사이즈|サイズ|号室|楼|級|版|歳|岁|세|次|件|台|본|개)"
    r"|\s(?:[^\W\d]+\s){0,2}(?:street|st|road|rd|avenue|ave|lane|drive|blvd|grams?|orders|items|emails?|working|business)\b",
    re.IGNORECASE,
)
MODEL = re.compile(
    r"[AB][0-6]|E(?:10|14|27)|IP\d\d|WD-?40|MP[34]|PS[1-5]|S2\d|X1|CR\d{4}|LR\d+|(?:COVID|USB|HDMI|WIFI)\W?\d+|H2O|CO2"
)
"""What so many things are called that it is hardly ever an order."""
