"""Which column of an export is what: the headings that common shops write, and what the shop says itself.

The headings were taken from the exports' own documentation: Shopify's order export, WooCommerce's import and export
suite, Etsy's sold orders and sold order items, eBay's orders report. A shop's own table `columns` comes before them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.model import OrderStatus

Columns = Mapping[str, tuple[str, ...]]
"""Field -> headings. The first that is filled counts; those of `name` are joined, and each of `status` speaks."""

FIELDS = (
    "number",
    "customer",
    "name",
    "email",
    "phone",
    "status",
    "placed",
    "total",
    "currency",
    "cancelled",
    "shipped",
    "delivered",
    "expected",
    "carrier",
    "tracking",
    "payment",
    "item",
    "item_id",
    "quantity",
    "price",
    "line_total",
    "category",
)

MONEY_FIELDS = ("total", "price", "line_total")
TIME_FIELDS = ("placed", "cancelled", "shipped", "delivered", "expected")


@dataclass(frozen=True, slots=True)
class Maker:
    """A kind of export: the headings that give it away, what they mean, and words that only it uses so."""

    signature: tuple[str, ...]
    columns: Columns
    states: Mapping[str, OrderStatus | None] = field(default_factory=dict)
    month_first: bool | None = None


MAKERS: Mapping[str, Maker] = {
    "shopify": Maker(
        ("Name", "Financial Status", "Lineitem name"),
        {
            "number": ("Name",),
            "name": ("Billing Name",),
            "email": ("Email",),
            "phone": ("Phone", "Billing Phone", "Shipping Phone"),
            "status": ("Fulfillment Status", "Financial Status"),
            "placed": ("Created at",),
            "total": ("Total",),
            "cancelled": ("Cancelled at",),
            "shipped": ("Fulfilled at",),
            "item": ("Lineitem name",),
            "item_id": ("Lineitem sku",),
            "quantity": ("Lineitem quantity",),
            "price": ("Lineitem price",),
        },
    ),
    "etsy": Maker(
        ("Sale Date", "Order ID"),
        {"number": ("Order ID",), "placed": ("Sale Date",), "item_id": ("Transaction ID",)},
        # Etsy calls complete what its seller has sent off.
        {"completed": OrderStatus.SHIPPED, "complete": OrderStatus.SHIPPED},
        month_first=True,
    ),
    "ebay": Maker(
        ("Sales Record Number", "Order Number"),
        {
            "number": ("Order Number",),
            "customer": ("Buyer Username",),
            "phone": ("Ship To Phone", "Buyer Phone"),
            "placed": ("Sale Date",),
            "shipped": ("Shipped On Date",),
            "expected": ("Maximum Estimated Delivery Date",),
            "item_id": ("Transaction ID", "Item Number"),
            "line_total": ("Sold For",),
        },
    ),
}

# For every field, the headings it may have, the likelier first. Those in brackets belong together.
_COMMON: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "number": (
        ("order_number_formatted",),
        ("Order Number",),
        ("Order No",),
        ("Order Nr",),
        ("Order ID",),
        ("Order",),
        ("Number",),
        ("Bestellnummer",),
        ("Número de pedido",),
        ("Numéro de commande",),
    ),
    "customer": (("Customer ID",), ("customer_user",), ("Buyer User ID",), ("Customer Number",), ("Kundennummer",)),
    "name": (
        ("Customer Name",),
        ("billing_full_name",),
        ("billing_first_name", "billing_last_name"),
        ("First Name (Billing)", "Last Name (Billing)"),
        ("Full Name",),
        ("Buyer Name",),
        ("Customer",),
        ("Name",),
    ),
    "email": (
        ("Email",),
        ("billing_email",),
        ("customer_email",),
        ("Email (Billing)",),
        ("Buyer Email",),
        ("Email Address",),
    ),
    "phone": (
        ("Phone",),
        ("billing_phone",),
        ("customer_phone",),
        ("Phone (Billing)",),
        ("Phone Number",),
        ("Telephone",),
        ("Telefon",),
        ("Teléfono",),
    ),
    "status": (("Order Status",), ("Status",), ("State",)),
    "placed": (("order_date",), ("Created at",), ("Date Created",), ("Placed at",), ("Date",)),
    "total": (("Order Total",), ("Order Total Amount",), ("Total Price",), ("Grand Total",), ("Total",)),
    "currency": (("order_currency",), ("Currency",)),
    "cancelled": (("Cancelled at",), ("Date Cancelled",)),
    "shipped": (("Shipped at",), ("Date Shipped",), ("Fulfilled at",), ("Ship Date",)),
    "delivered": (("Delivered at",), ("Date Delivered",)),
    "expected": (("Expected at",), ("Expected Delivery Date",), ("Estimated Delivery Date",)),
    "carrier": (("Carrier",), ("Shipping Carrier",), ("Shipping Provider",)),
    "tracking": (("Tracking Number",), ("Tracking",), ("Tracking Code",)),
    "payment": (("payment_method_title",), ("Payment Method",)),
    "item": (("Item Name",), ("Product Name",), ("Item Title",), ("Product",), ("Item",)),
    "item_id": (("Item ID",), ("item_sku",), ("SKU",)),
    "quantity": (("item_quantity",), ("Quantity",), ("Quantity (- Refund)",), ("Qty",)),
    "price": (("item_price",), ("Unit Price",), ("Item Cost",), ("Price",)),
    "line_total": (("item_total",), ("Line Total",)),
    "category": (("Category",), ("Product Category",)),
}

_STATES: Mapping[str, OrderStatus | None] = {
    **{status.value: status for status in OrderStatus},
    "new": OrderStatus.PENDING,
    "open": OrderStatus.PENDING,
    "onhold": OrderStatus.PENDING,
    "checkoutdraft": OrderStatus.PENDING,
    "processing": OrderStatus.PROCESSED,
    "packed": OrderStatus.PROCESSED,
    "partial": OrderStatus.PROCESSED,
    "fulfilled": OrderStatus.SHIPPED,
    "sent": OrderStatus.SHIPPED,
    "dispatched": OrderStatus.SHIPPED,
    "completed": OrderStatus.DELIVERED,
    "complete": OrderStatus.DELIVERED,
    "canceled": OrderStatus.CANCELLED,
    "voided": OrderStatus.CANCELLED,
    "expired": OrderStatus.CANCELLED,
    "failed": OrderStatus.CANCELLED,
    "refunded": OrderStatus.RETURNED,
    "paid": None,
    "authorized": None,
    "partiallypaid": None,
    "partiallyrefunded": None,
    "unfulfilled": None,
    "restocked": None,
}


def bare(text: str) -> str:
    """Return the letters and digits of a heading or a state's word, without case and accents."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in folded if character.isalnum())


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each field stands in a file, as places in its lines, and what is known of the file's words and dates."""

    places: Mapping[str, tuple[int, ...]]
    states: Mapping[str, OrderStatus | None]
    month_first: bool | None

    def has(self, *fields: str) -> bool:
        """Tell whether any of the fields has a column."""
        return any(self.places.get(name) for name in fields)


def lay_out(headings: Sequence[str], own: Columns, own_states: Mapping[str, OrderStatus | None]) -> Layout:
    """Find the columns of a file.

    Args:
        headings: the file's own, in their order.
        own: what the shop says: field -> headings; each must be there.
        own_states: the shop's own words for the states.

    Raises:
        ValueError: naming the heading that is missing.
    """
    places: dict[str, int] = {}
    for place, heading in enumerate(headings):
        places.setdefault(bare(heading), place)
    maker = next((maker for maker in MAKERS.values() if all(bare(name) in places for name in maker.signature)), None)
    found: dict[str, tuple[int, ...]] = {}
    for name in FIELDS:
        if name in own:
            found[name] = tuple(_place(places, heading, name, headings) for heading in own[name])
        else:
            found[name] = _guess(places, name, maker)
    states = {**_STATES, **(maker.states if maker else {}), **{bare(word): state for word, state in own_states.items()}}
    return Layout(_without_doubles(found, own), states, maker.month_first if maker else None)


def _place(places: Mapping[str, int], heading: str, name: str, headings: Sequence[str]) -> int:
    if bare(heading) not in places:
        shown = ", ".join(heading.strip() for heading in headings if heading.strip())
        raise ValueError(f"there is no column {heading!r} for orders.csv.columns.{name}; the columns are: {shown}")
    return places[bare(heading)]


def _guess(places: Mapping[str, int], name: str, maker: Maker | None) -> tuple[int, ...]:
    if maker and (known := [places[bare(h)] for h in maker.columns.get(name, ()) if bare(h) in places]):
        return tuple(known)
    for headings in _COMMON[name]:
        if all(bare(heading) in places for heading in headings):
            return tuple(places[bare(heading)] for heading in headings)
    return ()


def _without_doubles(found: Mapping[str, tuple[int, ...]], own: Columns) -> dict[str, tuple[int, ...]]:
    """Take a guess back whose column is another field's already, such as Shopify's `Name`, which is the number."""
    taken = {place for name in own for place in found[name]}
    kept: dict[str, tuple[int, ...]] = {}
    for name, places in found.items():
        if name in own:
            kept[name] = places
        elif not taken & set(places):
            kept[name] = places
            taken |= set(places)
    return kept
