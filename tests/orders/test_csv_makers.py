"""The exports of common shop systems, with nothing in the configuration but the folder."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from bot.domain.model import Money, Order, OrderItem, OrderStatus
from bot.orders.testing import scope_of
from tests.support.csv_exports import open_shop, write_export

SHOPIFY = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,\
Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,Billing Phone,Shipping Name,\
Cancelled at,Payment Method,Id,Phone
#1041,mia@example.com,paid,2026-11-01 09:12:00 +0100,fulfilled,2026-11-02 08:00:00 +0100,yes,EUR,84.00,5.00,0.00,\
89.00,2026-11-01 09:12:00 +0100,1,Truffle box,48.00,TR-12,Mia Koch,'+4915112345678,Mia Koch,,Visa,7410991464714,
#1041,mia@example.com,,,,,,,,,,,,2,Caramels,18.00,CA-6,,,,,,,
#1042,mia@example.com,paid,2026-11-03 09:12:00 +0100,unfulfilled,,no,EUR,30.00,0.00,0.00,\
30.00,2026-11-03 09:12:00 +0100,1,Dark bar,30.00,,Mia Koch,,Mia Koch,,PayPal,7410991464715,
#1043,mia@example.com,refunded,2026-11-04 09:12:00 +0100,unfulfilled,,no,EUR,30.00,0.00,0.00,\
30.00,2026-11-04 09:12:00 +0100,1,Dark bar,30.00,,Mia Koch,,Mia Koch,2026-11-05 10:00:00 +0100,PayPal,7410991464716,
"""

WOOCOMMERCE = """\
order_id,order_number,order_date,paid_date,status,shipping_total,order_total,order_currency,payment_method,\
payment_method_title,customer_id,customer_user,customer_email,billing_first_name,billing_last_name,billing_email,\
billing_phone,item_name,item_quantity,item_total
812,812,11/14/2026 6:29:00,11/14/2026 6:30:00,wc-processing,4.90,44.90,EUR,stripe,Stripe,7,7,leo@example.com,\
Leo,Marti,leo@example.com,600 111 333,Cup,4,40.00
813,813,11/15/2026 6:29:00,,completed,0,12.00,EUR,cod,Cash,0,0,guest@example.com,Eva,Gil,guest@example.com,,Jar,1,12.00
"""

ETSY_ORDERS = """\
Sale Date,Order ID,Buyer User ID,Full Name,First Name,Last Name,Number of Items,Payment Method,Date Shipped,Street 1,\
Ship City,Currency,Order Value,Shipping,Order Total,Status,Buyer,SKU
11/02/26,3935119409,777,Ann Smith,Ann,Smith,2,Credit Card,11/04/26,1 Main St,Austin,USD,"1,059.00",5.00,\
"1,064.00",Completed,annbuys,"A-1,B-2"
"""
ETSY_ITEMS = """\
Sale Date,Item Name,Buyer,Quantity,Price,Item Total,Currency,Transaction ID,Listing ID,Date Shipped,Order ID,SKU
11/02/26,"Mug, speckled",annbuys,2,29.50,59.00,USD,4001,1501,11/04/26,3935119409,A-1
11/02/26,Lamp,annbuys,1,"1,000.00","1,000.00",USD,4002,1502,11/04/26,3935119409,B-2
"""

EBAY = """\

"Sales Record Number","Order Number","Buyer Username","Buyer Name","Buyer Email","Ship To Phone","Item Number",\
"Item Title","Quantity","Sold For","Shipping And Handling","Total Price","Payment Method","Sale Date",\
"Maximum Estimated Delivery Date","Shipped On Date","Tracking Number","Transaction ID"
"","","","","","","","","","","","","","","","","",""
"119","11-10000-00003","buyer_four","Kim Lee","a1b2@members.ebay.com","+1 202 555 0142","","","3","$28.00","$1.55",\
"$29.55","PayPal","Aug-25-26","Sep-02-26","Aug-26-26","1Z01","99"
"119","11-10000-00003","buyer_four","Kim Lee","a1b2@members.ebay.com","+1 202 555 0142","2200","Card","2","$18.00","",\
"","","Aug-25-26","","Aug-26-26","1Z01","100"
"119","11-10000-00003","buyer_four","Kim Lee","a1b2@members.ebay.com","+1 202 555 0142","2201","Book","1","$10.00","",\
"","","Aug-25-26","","Aug-26-26","1Z01","101"

"1","record(s) downloaded,","from ","Aug-01-26"," 00:00:00"," to ","Aug-31-26"," 23:59:59"
Seller ID : some_seller
"""


async def orders_of(base: Path, customer: str, **options: object) -> list[Order]:
    """Return a customer's orders out of `base`/exports."""
    shop = open_shop(base, number_shapes=[], **options)
    try:
        return list(await shop.orders(scope_of(customer), 10))
    finally:
        await shop.close()


async def test_shopify(tmp_path: Path) -> None:
    """Shopify: an order's later lines are bare, a time has its zone, and two columns together tell the state."""
    write_export(tmp_path / "exports", "orders_export.csv", SHOPIFY)
    cancelled, new, sent = await orders_of(tmp_path, "email:mia@example.com")
    assert [order.status for order in (cancelled, new, sent)] == [
        OrderStatus.CANCELLED,
        OrderStatus.PENDING,
        OrderStatus.SHIPPED,
    ]
    assert sent == Order(
        "1041",
        "email:mia@example.com",
        OrderStatus.SHIPPED,
        datetime(2026, 11, 1, 8, 12, tzinfo=UTC),
        Money(Decimal("89.00"), "EUR"),
        (
            OrderItem("Truffle box", 1, Money(Decimal("48.00"), "EUR"), id="TR-12"),
            OrderItem("Caramels", 2, Money(Decimal("18.00"), "EUR"), id="CA-6"),
        ),
        shipped_at=datetime(2026, 11, 2, 7, tzinfo=UTC),
        payment="Visa",
    )


async def test_shopify_proof(tmp_path: Path) -> None:
    """The phone that Shopify writes behind an apostrophe proves a customer, whole or by its last digits."""
    write_export(tmp_path / "exports", "orders_export.csv", SHOPIFY)
    shop = open_shop(tmp_path)
    assert await shop.identify_by_phone("+4915112345678") == ("email:mia@example.com", "Mia Koch")
    assert await shop.identify_by_order("#1041", email=None, phone_last4="5678") == "email:mia@example.com"
    await shop.close()


async def test_woocommerce(tmp_path: Path) -> None:
    """WooCommerce: names in two columns, the month first, a line's total, and guests, who have the customer 0."""
    write_export(tmp_path / "exports", "orders.csv", WOOCOMMERCE)
    (packed,) = await orders_of(tmp_path, "id:7", time_zone="Europe/Madrid")
    assert (packed.status, packed.placed_at) == (OrderStatus.PROCESSED, datetime(2026, 11, 14, 5, 29, tzinfo=UTC))
    assert packed.items == (OrderItem("Cup", 4, Money(Decimal("10.00"), "EUR"), id="1"),)
    (guests,) = await orders_of(tmp_path, "email:guest@example.com")
    assert (guests.number, guests.status, guests.payment) == ("813", OrderStatus.DELIVERED, "Cash")
    assert await orders_of(tmp_path, "id:0") == []


async def test_etsy(tmp_path: Path) -> None:
    """Etsy: orders in one file and their items in another, the month first though no date of the file shows it."""
    write_export(tmp_path / "exports", "EtsySoldOrders2026-11.csv", ETSY_ORDERS)
    write_export(tmp_path / "exports", "EtsySoldOrderItems2026-11.csv", ETSY_ITEMS)
    options = {"files": "EtsySoldOrders2*.csv", "item_files": "EtsySoldOrderItems*.csv"}
    (order,) = await orders_of(tmp_path, "id:777", **options)
    assert (order.status, order.placed_at.date().isoformat()) == (OrderStatus.SHIPPED, "2026-11-02")
    assert order.total == Money(Decimal("1064.00"), "USD")
    assert [(item.id, item.name, item.quantity, str(item.price.amount)) for item in order.items] == [
        ("4001", "Mug, speckled", 2, "29.50"),
        ("4002", "Lamp", 1, "1000.00"),
    ]


async def test_ebay(tmp_path: Path) -> None:
    """eBay: an empty line above, a line for the sum and one an item, and a count of records that is no order."""
    write_export(tmp_path / "exports", "eBay-OrdersReport.csv", EBAY)
    shop = open_shop(tmp_path, number_shapes=[], currency="USD")
    (order,) = await shop.orders(scope_of("id:buyer_four"), 10)
    assert (order.number, order.status, order.tracking) == ("11-10000-00003", OrderStatus.SHIPPED, "1Z01")
    assert order.total == Money(Decimal("29.55"), "USD")
    assert order.expected_at == datetime(2026, 9, 2, tzinfo=UTC)
    assert [(item.id, item.name, item.quantity, str(item.price.amount)) for item in order.items] == [
        ("100", "Card", 2, "9.00"),
        ("101", "Book", 1, "10.00"),
    ]
    assert await shop.identify_by_phone("+12025550142") == ("id:buyer_four", "Kim Lee")
    assert list(await shop.examine()) == []
    await shop.close()
