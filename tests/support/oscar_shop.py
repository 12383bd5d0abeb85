"""A django-oscar shop: made by its own migrations, filled and asked through its own code.

It runs in a process of its own, whose path leads to django-oscar (`oscar_run.py`), for its packages and the bot's
cannot be installed side by side: `python oscar_shop.py WHAT DATABASE [NUMBER]`. It answers in JSON.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlsplit

PIPELINE = {
    "Pending": ("Being processed", "Cancelled"),
    "Being processed": ("Shipped", "Cancelled"),
    "Shipped": ("Delivered",),
    "Delivered": ("Return requested",),
    "Return requested": ("Returned",),
    "Returned": (),
    "Cancelled": (),
}
CASCADE = {"Being processed": "Being processed", "Cancelled": "Cancelled", "Shipped": "Shipped"}
LINES = {
    "Pending": ("Being processed", "Cancelled"),
    "Being processed": ("Shipped", "Cancelled"),
    "Shipped": (),
    "Cancelled": (),
}


def set_up(database: str) -> None:
    """Configure Django for one database: a file's path, or "postgresql://user@host:port/name"."""
    import django
    import oscar
    import oscar.defaults
    from django.conf import settings

    parts = urlsplit(database)
    if parts.scheme == "postgresql":
        where = {"ENGINE": "django.db.backends.postgresql", "NAME": parts.path.strip("/"), "USER": parts.username}
        where |= {"HOST": unquote(parts.hostname or ""), "PORT": str(parts.port)}
    else:
        where = {"ENGINE": "django.db.backends.sqlite3", "NAME": database}
    settings.configure(
        **{name: getattr(oscar.defaults, name) for name in dir(oscar.defaults) if name.startswith("OSCAR_")}
        | {
            "OSCAR_INITIAL_ORDER_STATUS": "Pending",
            "OSCAR_INITIAL_LINE_STATUS": "Pending",
            "OSCAR_ORDER_STATUS_PIPELINE": PIPELINE,
            "OSCAR_ORDER_STATUS_CASCADE": CASCADE,
            "OSCAR_LINE_STATUS_PIPELINE": LINES,
            "OSCAR_DEFAULT_CURRENCY": "EUR",
            "OSCAR_SEND_REGISTRATION_EMAIL": False,
        },
        SECRET_KEY="only a test",
        DATABASES={"default": where},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        TIME_ZONE="UTC",
        SITE_ID=1,
        HAYSTACK_CONNECTIONS={"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
        INSTALLED_APPS=oscar.INSTALLED_APPS,
        TEMPLATES=[],
        ROOT_URLCONF="",
    )
    django.setup()


def migrate() -> None:
    """Make the tables as a shop's owner does."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def fill() -> dict[str, str]:
    """Put customers and orders in, and return the numbers and ids by what they are in the tests."""
    emily = _customer("Emily", "Carter", "emily.carter@example.com", "+12025550142")
    wang = _customer("小文", "王", "xiaowen.wang@example.com", "+8613800138000")
    for name in ("Ada", "Bo"):
        _customer(name, "Twin", f"{name.lower()}@example.com", "+447700900119")
    numbers = {"customer": str(emily.pk), "stranger": str(wang.pk)}
    plan = [
        ("returned", emily, 90, ["Being processed", "Shipped", "Delivered", "Return requested", "Returned"]),
        ("delivered", emily, 12, ["Being processed", "Shipped", "Delivered"]),
        ("delivered_twin", emily, 11, ["Being processed", "Shipped", "Delivered"]),
        ("shipped", emily, 4, ["Being processed", "Shipped"]),
        ("processed", emily, 3, ["Being processed"]),
        ("pending_twin", emily, 2, []),
        ("pending", emily, 1, []),
        ("strangers_delivered", wang, 9, ["Being processed", "Shipped", "Delivered"]),
        ("strangers_pending", wang, 1, []),
        ("guests", None, 5, []),
    ]
    for role, user, days, states in plan:
        numbers[role] = _order(user, days, states)
    return numbers


def _customer(first: str, last: str, email: str, phone: str) -> Any:
    from django.contrib.auth import get_user_model
    from oscar.core.loading import get_model

    user = get_user_model().objects.create_user(email, email, "secret", first_name=first, last_name=last)
    country, _ = get_model("address", "Country").objects.get_or_create(
        iso_3166_1_a2="GB", defaults={"name": "UNITED KINGDOM", "printable_name": "United Kingdom"}
    )
    address = {
        "first_name": first,
        "last_name": last,
        "line1": "1 Egg Street",
        "line4": "London",
        "postcode": "N12 9RT",
    }
    book = get_model("address", "UserAddress").objects
    book.create(user=user, country=country, phone_number=phone, is_default_for_billing=True, **address)
    # Gifts go to somebody else, whose number says nothing of who the customer is.
    gift = {**address, "line1": "2 Egg Street"}
    book.create(user=user, country=country, phone_number="+4915112345678", is_default_for_billing=False, **gift)
    return user


def _order(user: Any, days: int, states: list[str]) -> str:
    from django.utils import timezone
    from oscar.core.loading import get_class, get_model
    from oscar.test.factories import create_order, create_product, create_stockrecord

    basket = get_model("basket", "Basket").objects.create(owner=user)
    basket.strategy = get_class("partner.strategy", "Default")()
    for title, price, quantity in (("Trail shoes", "79.90", 1), ("Wool socks", "9.95", 3)):
        product = create_product(title=title, product_class="Clothing")
        create_stockrecord(product, price=Decimal(price), num_in_stock=20, currency="EUR")
        basket.add_product(product, quantity)
    placed = timezone.now() - timedelta(days=days)
    guest = {} if user else {"guest_email": "guest@example.com"}
    order = create_order(basket=basket, user=user, date_placed=placed, **guest)
    visa, _ = get_model("payment", "SourceType").objects.get_or_create(name="Visa")
    total = order.total_incl_tax
    order.sources.create(source_type=visa, currency="EUR", amount_allocated=total, amount_debited=total, label="4242")
    for index, state in enumerate(states, 1):
        _go_on(order, state, placed + timedelta(hours=20 * index))
    return str(order.number)


def _go_on(order: Any, state: str, at: Any) -> None:
    from oscar.core.loading import get_class, get_model

    handler = get_class("order.processing", "EventHandler")()
    handler.handle_order_status_change(order, state)
    order.status_changes.filter(new_status=state).update(date_created=at)
    if state == "Shipped":
        lines = list(order.lines.all())
        kind, _ = get_model("order", "ShippingEventType").objects.get_or_create(name="Shipped")
        handler.handle_shipping_event(order, kind, lines, [line.quantity for line in lines], reference="1Z999AA10123")
        handler.consume_stock_allocations(order)


def cancel(number: str) -> None:
    """Cancel an order as the shop itself does: its state, its lines', and the goods that are free again."""
    from oscar.core.loading import get_class, get_model

    order = get_model("order", "Order").objects.get(number=number)
    handler = get_class("order.processing", "EventHandler")()
    handler.handle_order_status_change(order, "Cancelled")
    handler.cancel_stock_allocations(order)


def show(number: str) -> dict[str, Any]:
    """Return what the shop's own code sees of an order, without what differs from one order to the next."""
    from oscar.core.loading import get_model

    order = get_model("order", "Order").objects.get(number=number)
    return {
        "status": order.status,
        "next": list(order.available_statuses()),
        "lines": [
            [line.title, line.status, line.num_allocated, line.allocation_cancelled, line.stockrecord.num_allocated]
            for line in order.lines.order_by("id")
        ],
        "changes": [[change.old_status, change.new_status] for change in order.status_changes.order_by("id")],
        "notes": [[note.note_type, note.message] for note in order.notes.order_by("id")],
    }


def main() -> None:
    """Do what the command line says."""
    what, database, *rest = sys.argv[1:]
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    set_up(database)
    if what == "make":
        migrate()
        print(json.dumps(fill()))
    elif what == "cancel":
        cancel(*rest)
    else:
        print(json.dumps({number: show(number) for number in rest}))


if __name__ == "__main__":
    main()
