"""What `deskhand check` finds out about a shop at Shopify, in sentences that name the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from bot.errors import OrderSystemGarbled
from bot.orders.checks import checked_order
from bot.orders.shopify_options import TABLE, Numbers
from bot.orders.shopify_orders import read_order
from bot.orders.web_reading import Fields

RIGHTS = ("read_orders", "write_orders", "read_customers", "read_products", "read_returns", "write_returns")


def examined(data: Fields, numbers: Numbers) -> Iterator[str]:
    """Yield what does not fit in the answer to `EXAMINATION`: the app's rights, order numbers, the newest order.

    Raises:
        OrderSystemGarbled: when the answer itself makes no sense.
    """
    given = {scope.text("handle") for scope in data.part("currentAppInstallation").each("accessScopes")}
    # Who may write may read, whether that is listed or not.
    given |= {right.replace("write_", "read_") for right in given}
    if missing := [right for right in RIGHTS if right not in given]:
        yield f"The app lacks the rights {', '.join(missing)}: add them, release a version and install it again."
    if "read_all_orders" not in given:
        yield "Without the right read_all_orders, orders older than 60 days are not found."
    shop = data.part("shop")
    prefix = shop.text_or_none("orderNumberFormatPrefix") or ""
    suffix = shop.text_or_none("orderNumberFormatSuffix") or ""
    if (prefix, suffix) != (numbers.prefix, numbers.suffix):
        yield (
            "The shop writes its order numbers otherwise: "
            f'set {TABLE}.number_prefix = "{prefix}" and number_suffix = "{suffix}".'
        )
    nodes = data.part("orders").each("nodes")
    if not nodes:
        yield "The shop has no order yet, so that none could be read."
    yield from (problem for node in nodes if (problem := _wrong(node)))


def _wrong(node: Fields) -> str | None:
    # Orders that were made in the shop's admin may have no customer; nobody can ask for them.
    if node.part_or_none("customer") is None:
        return None
    try:
        checked_order(read_order(node).order)
    except OrderSystemGarbled as error:
        return f"{error}."
    return None
