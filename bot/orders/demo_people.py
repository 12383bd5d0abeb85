"""The demo shop's customers and what they buy. Nobody and nothing here exists.

Phone numbers come from the ranges that regulators keep for films and examples (United States, United Kingdom,
Germany, France); elsewhere they have the right length and begin with digits that the country does not assign.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """A customer of the demo shop: `rate` turns a price in euro into `currency`, `plan` names their kind of history."""

    id: str
    name: str
    language: str
    phone: str
    email: str
    currency: str
    rate: float
    carrier: str
    plan: str = "usual"


ENGLISH = "cust-01"
CHINESE = "cust-02"
SPANISH = "cust-03"

PROFILES = (
    Profile(ENGLISH, "Emily Carter", "en", "+12025550142", "emily.carter@example.com", "USD", 1.1, "UPS", "eager"),
    Profile(CHINESE, "王晓雯", "zh", "+8610055500102", "xiaowen.wang@example.com", "CNY", 7.8, "顺丰速运", "special"),
    Profile(
        SPANISH, "Lucía Fernández", "es", "+34500555103", "lucia.fernandez@example.org", "EUR", 1, "Correos", "calm"
    ),
    Profile("cust-04", "Анна Соколова", "ru", "+71005550104", "anna.sokolova@example.com", "RUB", 95, "СДЭК"),
    Profile("cust-05", "Jonas Becker", "de", "+4917139200105", "jonas.becker@example.org", "EUR", 1, "DHL"),
    Profile("cust-06", "Camille Moreau", "fr", "+33639980106", "camille.moreau@example.com", "EUR", 1, "Colissimo"),
    Profile("cust-07", "ليلى المنصوري", "ar", "+971100555107", "layla@example.com", "AED", 4, "Aramex"),
    Profile("cust-08", "अनन्या शर्मा", "hi", "+911005550108", "ananya.sharma@example.org", "INR", 92, "India Post"),
    Profile("cust-09", "Beatriz Oliveira", "pt", "+5511100055509", "beatriz@example.com", "BRL", 6, "Correios"),
    Profile("cust-10", "佐藤 美咲", "ja", "+811000555110", "misaki.sato@example.com", "JPY", 165, "ヤマト運輸"),
    Profile("cust-11", "김민준", "ko", "+829900555111", "minjun.kim@example.org", "KRW", 1500, "CJ대한통운"),
    Profile("cust-12", "Giulia Romano", "it", "+390005551112", "giulia.romano@example.com", "EUR", 1, "BRT"),
    Profile("cust-13", "Elif Yılmaz", "tr", "+901005551113", "elif.yilmaz@example.com", "TRY", 40, "Yurtiçi Kargo"),
    Profile("cust-14", "Zofia Kowalska", "pl", "+48100555114", "zofia.kowalska@example.org", "PLN", 4.3, "InPost"),
    Profile("cust-15", "Sanne de Vries", "nl", "+31600555115", "sanne@example.com", "EUR", 1, "PostNL"),
    Profile("cust-16", "Олена Шевченко", "uk", "+380105551116", "olena@example.com", "UAH", 45, "Нова пошта"),
    Profile("cust-17", "Budi Santoso", "id", "+6210055501117", "budi.santoso@example.org", "IDR", 17500, "JNE", "new"),
    Profile(
        "cust-18", "Nguyễn Thị Hoa", "vi", "+84100555118", "hoa.nguyen@example.com", "VND", 27000, "VNPost", "none"
    ),
    # A household: the phone alone does not tell which of the two is writing.
    Profile("cust-19", "Oliver Hughes", "en", "+447700900119", "oliver@example.org", "GBP", 0.85, "Royal Mail"),
    Profile("cust-20", "Sophie Hughes", "en", "+447700900119", "sophie@example.org", "GBP", 0.85, "Royal Mail"),
)

WHOLE_CURRENCIES = frozenset({"JPY", "KRW", "IDR", "VND"})
"""Currencies whose prices have no decimals."""

GOODS = (
    ("Running shoes", 89.9, "clothes"),
    ("Rain jacket", 74.5, "clothes"),
    ("Merino sweater", 64.0, "clothes"),
    ("Linen shirt", 39.95, "clothes"),
    ("Cotton socks, 5 pairs", 12.9, "clothes"),
    ("Leather belt", 29.0, "clothes"),
    ("Winter coat", 149.0, "clothes"),
    ("Smartphone 128 GB", 399.0, "electronics"),
    ("Phone case", 14.9, "electronics"),
    ("Wireless earbuds", 59.0, "electronics"),
    ("USB-C charger 30 W", 19.9, "electronics"),
    ("Screen protector", 8.5, "electronics"),
    ("Olive oil 1 l", 11.8, "food"),
    ("Ground coffee 500 g", 9.4, "food"),
    ("Dark chocolate, 6 bars", 13.2, "food"),
    ("Green tea 200 g", 7.9, "food"),
    ("Oak desk", 329.0, "home"),
    ("Office chair", 189.0, "home"),
    ("Bookshelf", 119.0, "home"),
    ("Floor lamp", 54.9, "home"),
    ("Pillow", 24.9, "home"),
    ("Cookbook", 27.5, "books"),
    ("Crime novel", 12.0, "books"),
    ("Children's picture book", 14.0, "books"),
    ("Travel guide", 18.9, "books"),
    ("Vitamin D3, 90 tablets", 9.9, "medicine"),
    ("Digital thermometer", 12.5, "medicine"),
    ("First-aid kit", 21.0, "medicine"),
    ("Hand cream", 6.4, "medicine"),
    ("Throat lozenges", 5.2, "medicine"),
)
"""(name, price of one in euro, category)."""

LOCAL_GOODS = {
    "zh": (("龙井茶 250克", 16.0, "food"), ("真丝围巾", 45.0, "clothes"), ("儿童绘本", 9.0, "books")),
    "es": (("Zapatillas de piel", 69.9, "clothes"), ("Turrón de almendra", 8.9, "food")),
    "ru": (("Пуховый платок", 38.0, "clothes"), ("Гречневый мёд 1 кг", 12.0, "food")),
    "de": (("Wanderschuhe", 129.0, "clothes"), ("Lebkuchen 500 g", 9.9, "food")),
    "fr": (("Marinière en coton", 49.0, "clothes"), ("Confiture de figues", 5.9, "food")),
    "ar": (("عباءة مطرزة", 85.0, "clothes"), ("تمور المدينة ١ كجم", 14.0, "food")),
    "hi": (("सूती कुर्ता", 18.0, "clothes"), ("दार्जिलिंग चाय 250 ग्राम", 8.0, "food")),
    "pt": (("Tênis de corrida", 79.0, "clothes"), ("Café torrado 500 g", 8.5, "food")),
    "ja": (("今治タオル 3枚組", 24.0, "home"), ("文庫本", 6.0, "books")),
}
"""Goods that some customers' own branch of the shop sells, by language."""

CATEGORIES = {name: category for goods in (GOODS, *LOCAL_GOODS.values()) for name, _, category in goods}
"""Name of the goods -> category."""

NOT_TAKEN_BACK = frozenset({"medicine"})
"""Categories of goods that cannot be returned, once they were delivered."""

_PAYMENTS = ("Visa ·· 4242", "PayPal", "Mastercard ·· 5454", "Klarna")


def payment_of(customer_id: str) -> str:
    """Return how a customer pays, always in the same way."""
    return _PAYMENTS[sum(customer_id.encode()) % len(_PAYMENTS)]
