from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import Money, OrderStatus, Reason, ReturnLine, WriteResult
from bot.errors import OrderSystemDown, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.desk import OrderDesk
from bot.orders.shopify import Shopify
from bot.orders.shopify_options import OPTIONS
from bot.orders.testing import scope_of
from tests.support.shopify_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    MAX_COST,
    access_denied,
    internal_error,
    throttled,
)
from tests.support.shopify_shop import EMILY, Shop, shopify_shop
from tests.support.web_faults import body, cut, status

MINE, THEIRS = scope_of(str(EMILY), "Emily Carter"), scope_of("8")
PENDING, DELIVERED, SHIPPED, LONG = "#1063", "#1061", "#1062", "#1060"
CANCEL = ActionKind.CANCEL_ORDER


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """The shop, served on this machine."""
    async with shopify_shop() as shop:
        yield shop


@pytest.fixture
async def adapter(shop: Shop) -> AsyncIterator[Shopify]:
    """An adapter that knows the shop."""
    adapter = shop.open()
    yield adapter
    await adapter.close()


def order_in(shop: Shop, name: str) -> dict[str, Any]:
    """Return an order as the shop keeps it."""
    return next(order for order in shop.shopify.orders.values() if order["name"] == name)


# --- reading ---


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"displayFulfillmentStatus": "UNFULFILLED"}, OrderStatus.PENDING),
        ({"displayFulfillmentStatus": "ON_HOLD"}, OrderStatus.PENDING),
        ({"displayFulfillmentStatus": "SCHEDULED"}, OrderStatus.PENDING),
        ({"displayFulfillmentStatus": "IN_PROGRESS"}, OrderStatus.PROCESSED),
        ({"displayFulfillmentStatus": "PARTIALLY_FULFILLED"}, OrderStatus.SHIPPED),
        ({"displayFulfillmentStatus": "FULFILLED"}, OrderStatus.SHIPPED),
        ({"displayFinancialStatus": "REFUNDED"}, OrderStatus.RETURNED),
        ({"displayFinancialStatus": None}, OrderStatus.PENDING),
        ({"returnStatus": "RETURN_REQUESTED"}, OrderStatus.RETURN_REQUESTED),
        ({"returnStatus": "IN_PROGRESS"}, OrderStatus.RETURN_REQUESTED),
        ({"returnStatus": "RETURNED"}, OrderStatus.RETURNED),
        ({"returnStatus": "INSPECTION_COMPLETE"}, OrderStatus.RETURNED),
        ({"returnStatus": "RETURN_FAILED"}, OrderStatus.PENDING),
        ({"cancelledAt": "2026-11-21T10:00:00Z", "displayFinancialStatus": "REFUNDED"}, OrderStatus.CANCELLED),
    ],
)
async def test_states(shop: Shop, adapter: Shopify, fields: dict[str, Any], expected: OrderStatus) -> None:
    """Cancelled comes first, then returns, then money, then where the parcels are."""
    order_in(shop, PENDING).update(fields)
    order = await adapter.order(MINE, PENDING)
    assert order is not None
    assert order.status is expected


@pytest.mark.parametrize(
    ("parcels", "expected"),
    [
        (("DELIVERED",), OrderStatus.DELIVERED),
        (("PICKED_UP",), OrderStatus.DELIVERED),
        (("DELIVERED", "IN_TRANSIT"), OrderStatus.SHIPPED),
        (("CANCELED", "DELIVERED"), OrderStatus.DELIVERED),
        (("LABEL_PRINTED",), OrderStatus.SHIPPED),
        (("CANCELED",), OrderStatus.SHIPPED),
    ],
)
async def test_parcels(shop: Shop, adapter: Shopify, parcels: tuple[str, ...], expected: OrderStatus) -> None:
    """An order has come when all its parcels have, those that were called off aside."""
    shop.shopify.add_order(1100, EMILY, "2026-11-10", *parcels)
    order = await adapter.order(MINE, "1100")
    assert order is not None
    assert (order.status, order.delivered_at is not None) == (expected, expected is OrderStatus.DELIVERED)


async def test_what_an_order_tells(shop: Shop, adapter: Shopify) -> None:
    """An order has what the customer paid in their own currency, its goods' kind, its parcel and when that comes."""
    order = await adapter.order(MINE, SHIPPED)
    assert order is not None
    assert (order.total, order.payment) == (Money(Decimal("26.05"), "EUR"), "shopify_payments")
    assert [(item.id, item.quantity, item.category) for item in order.items] == [
        ("106201", 2, "Clothes"),
        ("106202", 1, "Clothes"),
    ]
    assert (order.carrier, order.tracking) == ("DHL", "JD014600000")
    assert order.expected_at is not None
    assert order.expected_at.isoformat() == "2026-11-05T18:00:00+00:00"


async def test_a_long_order(adapter: Shopify) -> None:
    """All lines of an order are there, however many pages they take, in a listing too."""
    order = await adapter.order(MINE, LONG)
    assert order is not None
    assert len({item.id for item in order.items}) == 72
    assert order in await adapter.orders(MINE, 100)


async def test_no_operation_costs_too_much(shop: Shop, adapter: Shopify) -> None:
    """Whatever is sent stays below what Shopify lets a single operation cost."""
    await adapter.orders(MINE, 100)
    await adapter.identify_by_phone("+12025550142")
    await adapter.customer_of(PENDING)
    await adapter.cancel(MINE, PENDING, key="key-1")
    await adapter.request_return(MINE, DELIVERED, key="key-2", reason=Reason.DAMAGED)
    await adapter.examine()
    assert len(shop.shopify.costs) >= 11
    assert max(shop.shopify.costs.values()) <= MAX_COST / 2


async def test_every_question_for_a_customer_is_asked_of_the_customer(shop: Shop, adapter: Shopify) -> None:
    """Orders are only looked for below the customer's own record; what is read by its id is compared."""
    await adapter.orders(MINE, 100)
    await adapter.order(MINE, PENDING)
    assert set(shop.shopify.faults.calls) == {"query CustomersOrders", "query MoreLines"}


async def test_an_order_that_changes_hands(shop: Shop, adapter: Shopify) -> None:
    """An order that belongs to somebody else when it is read once more is not told of, and nothing is claimed."""

    async def taken(request: Any, handler: Any) -> Any:
        response = await handler(request)
        order_in(shop, PENDING)["customer"] = shop.shopify.customers["gid://shopify/Customer/8"]
        return response

    shop.shopify.faults.plan("mutation CancelOrder", taken)
    with pytest.raises(OrderSystemGarbled):
        await adapter.cancel(MINE, PENDING, key="key-1")
    assert await adapter.order(MINE, PENDING) is None


async def test_an_order_without_a_customer(adapter: Shopify) -> None:
    """An order that was made for nobody is nobody's, whoever asks."""
    assert await adapter.customer_of("#2004") is None
    assert await adapter.identify_by_order("#2004", email="", phone_last4=None) is None


async def test_a_phone_on_an_address_is_no_identity(adapter: Shopify) -> None:
    """A number that stands only on orders' addresses proves an order by its last digits, but identifies nobody."""
    assert await adapter.identify_by_phone("+447700900119") is None
    assert await adapter.identify_by_order("#2002", email=None, phone_last4="0119") == "9"


async def test_numbers_with_letters(shop: Shop) -> None:
    """A shop whose numbers have letters around them is found in every spelling, and check says what they are."""
    shop.shopify.prefix = "LS-"
    shop.shopify.add_order(77, EMILY, "2026-11-24")
    adapter = shop.open(number_prefix="LS-")
    for spelling in ("LS-77", "ls 77", "#LS77", "77"):
        order = await adapter.order(MINE, spelling)
        assert order is not None, spelling
        assert order.number == "LS-77"
    assert list(adapter.number_shapes) == [r"LS\-\d{1,12}"]
    await adapter.close()
    other = shop.open()
    assert any('set orders.shopify.number_prefix = "LS-"' in problem for problem in await other.examine())
    await other.close()


# --- writing ---


async def test_cancelling(shop: Shop, adapter: Shopify) -> None:
    """A cancellation says what the shop owes, is the customer's, and pays nothing back by itself."""
    answer = await adapter.cancel(MINE, PENDING, key="key-1", reason=Reason.CHANGED_MIND)
    assert (answer.result, answer.refund) == (WriteResult.DONE, Money(Decimal("26.05"), "EUR"))
    (sent,) = shop.shopify.inputs
    assert (sent["reason"], sent["restock"], sent["notifyCustomer"]) == ("CUSTOMER", True, True)
    assert sent["refundMethod"] == {"originalPaymentMethodsRefund": False}
    assert "key-1" not in sent["staffNote"]


async def test_cancelling_as_the_shop_wants_it(shop: Shop) -> None:
    """Paying back, restocking and writing to the customer are the shop's choice; the answer is the same afterwards."""
    adapter = shop.open(refund=True, restock=False, notify=False)
    first = await adapter.cancel(MINE, PENDING, key="key-1")
    (sent,) = shop.shopify.inputs
    assert (sent["restock"], sent["notifyCustomer"]) == (False, False)
    assert sent["refundMethod"] == {"originalPaymentMethodsRefund": True}
    assert first.refund == Money(Decimal("26.05"), "EUR")
    assert await adapter.cancel(MINE, PENDING, key="key-1") == first
    assert await adapter.outcome(MINE, PENDING, CANCEL, key="key-1") == first
    await adapter.close()


async def test_an_unpaid_order_owes_nothing(shop: Shop, adapter: Shopify) -> None:
    """What was not paid is not said to be paid back."""
    money = {"amount": "0.0", "currencyCode": "EUR"}
    order_in(shop, PENDING)["netPaymentSet"] = {"presentmentMoney": money, "shopMoney": money}
    answer = await adapter.cancel(MINE, PENDING, key="key-1")
    assert (answer.result, answer.refund) == (WriteResult.DONE, None)
    assert await adapter.outcome(MINE, PENDING, CANCEL, key="key-1") == answer


async def test_a_job_is_followed_to_its_end(shop: Shop) -> None:
    """Nobody says that an order is cancelled before it is."""
    shop.shopify.job_takes = 4
    adapter = shop.open(job_s=10)
    assert (await adapter.cancel(MINE, PENDING, key="key-1")).result is WriteResult.DONE
    assert shop.shopify.faults.calls.count("query Job") >= 3
    assert order_in(shop, PENDING)["cancelledAt"] is not None
    await adapter.close()


async def test_a_job_that_never_ends(shop: Shop, adapter: Shopify) -> None:
    """A cancellation that does not end may yet be done: it is never told as done, nor as refused."""
    shop.shopify.job_takes = None
    for _ in range(2):
        with pytest.raises(OrderSystemTimeout):
            await adapter.cancel(MINE, PENDING, key="key-1")
        with pytest.raises(OrderSystemGarbled):
            await adapter.outcome(MINE, PENDING, CANCEL, key="key-1")
    assert shop.shopify.faults.calls.count("mutation CancelOrder") == 1
    shop.shopify.carry_out_jobs()
    assert await adapter.outcome(MINE, PENDING, CANCEL, key="key-1") == await adapter.cancel(MINE, PENDING, key="key-1")
    assert shop.shopify.changes == [(PENDING, "cancelled")]


async def test_a_job_that_ends_late(shop: Shop) -> None:
    """Whoever asks afterwards waits for a job that may still be in the queue, and then hears of it."""
    shop.shopify.job_takes = 3
    adapter = shop.open(job_s=10)
    shop.shopify.faults.plan("mutation CancelOrder", cut(acts=True))
    with pytest.raises(OrderSystemTimeout):
        await adapter.cancel(MINE, PENDING, key="key-1")
    found = await adapter.outcome(MINE, PENDING, CANCEL, key="key-1")
    assert found is not None
    assert (found.result, found.refund) == (WriteResult.DONE, Money(Decimal("26.05"), "EUR"))
    await adapter.close()


async def test_a_second_try_while_the_first_is_in_the_queue(shop: Shop) -> None:
    """A try that Shopify refuses because an earlier one is under way is done when that one is, not refused."""
    shop.shopify.job_takes = 5
    adapter = shop.open(job_s=10)
    shop.shopify.faults.plan("mutation CancelOrder", cut(acts=True))
    with pytest.raises(OrderSystemTimeout):
        await adapter.cancel(MINE, PENDING, key="key-1")
    assert (await adapter.cancel(MINE, PENDING, key="key-1")).result is WriteResult.DONE
    assert shop.shopify.changes == [(PENDING, "cancelled")]
    await adapter.close()


async def test_a_job_that_ends_without_cancelling(shop: Shop, adapter: Shopify) -> None:
    """A job that ended although the order is not cancelled is for a person to look at."""
    shop.shopify.faults.always("query Job", status(200, {"data": {"job": {"done": True}}}))
    shop.shopify.job_takes = None
    with pytest.raises(OrderSystemGarbled):
        await adapter.cancel(MINE, PENDING, key="key-1")


@pytest.mark.parametrize("failing", ["query Job", "query OneOrder"])
@pytest.mark.parametrize("how", [status(503), status(429), status(200, throttled())])
async def test_what_fails_after_the_cancellation(shop: Shop, adapter: Shopify, failing: str, how: Any) -> None:
    """Once a cancellation is on its way, no failure says that surely nothing was done."""
    shop.shopify.faults.plan(failing, how)
    with pytest.raises(OrderSystemTimeout):
        await adapter.cancel(MINE, PENDING, key="key-1")
    found = await adapter.outcome(MINE, PENDING, CANCEL, key="key-1")
    assert found is not None
    assert found.result is WriteResult.DONE


async def test_someone_else_was_first(shop: Shop, adapter: Shopify) -> None:
    """An order that was cancelled by people in the meantime is refused, and is not this request's doing."""

    async def first(request: Any, handler: Any) -> Any:
        order_in(shop, PENDING).update(cancelledAt="2026-11-24T10:00:00Z", cancellation={"staffNote": "by phone"})
        return await handler(request)

    shop.shopify.faults.plan("mutation CancelOrder", first)
    answer = await adapter.cancel(MINE, PENDING, key="key-1")
    assert (answer.result, answer.detail) == (WriteResult.REFUSED, "another request was first")
    assert await adapter.outcome(MINE, PENDING, CANCEL, key="key-1") is None


async def test_shopify_refuses_a_cancellation(shop: Shop, adapter: Shopify) -> None:
    """What Shopify itself refuses is refused, with what it said."""

    async def packed(request: Any, handler: Any) -> Any:
        order_in(shop, PENDING)["parcels"] += order_in(shop, SHIPPED)["parcels"]
        return await handler(request)

    shop.shopify.faults.plan("mutation CancelOrder", packed)
    answer = await adapter.cancel(MINE, PENDING, key="key-1")
    assert answer.result is WriteResult.REFUSED
    assert answer.detail == "INVALID: Cannot cancel an order that has fulfillments"


async def test_two_programs_at_once(shop: Shop) -> None:
    """Of many keys over many connections at the same moment Shopify takes one, and only that is done."""
    adapters = [shop.open(job_s=2) for _ in range(4)]
    calls = [each.cancel(MINE, PENDING, key=f"key-{place}") for place, each in enumerate(adapters)]
    results = [answer.result for answer in await asyncio.gather(*calls)]
    assert results.count(WriteResult.DONE) == 1
    assert shop.shopify.changes == [(PENDING, "cancelled")]
    for each in adapters:
        await each.close()


async def test_a_return(shop: Shop, adapter: Shopify) -> None:
    """A return names the pieces, the reason out of Shopify's library, and in words for people."""
    answer = await adapter.request_return(
        MINE, DELIVERED, key="key-1", reason=Reason.WRONG_ITEM, lines=[ReturnLine("106101", 1)]
    )
    assert (answer.result, answer.reference) == (WriteResult.DONE, "#1061-R1")
    (line,) = shop.shopify.inputs[0]["returnLineItems"]
    assert (line["fulfillmentLineItemId"], line["quantity"]) == ("gid://shopify/FulfillmentLineItem/106101", 1)
    assert line["returnReasonDefinitionId"] == "gid://shopify/ReturnReasonDefinition/2"
    assert line["customerNote"].startswith("wrong item (Deskhand ")
    assert "key-1" not in line["customerNote"]


async def test_a_reason_that_shopify_does_not_know(
    shop: Shop, adapter: Shopify, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reason without a counterpart is told in words alone."""
    monkeypatch.setattr("tests.support.shopify_server.REASONS", {})
    answer = await adapter.request_return(MINE, DELIVERED, key="key-1", reason=Reason.DAMAGED)
    assert answer.result is WriteResult.DONE
    assert {line["returnReasonDefinitionId"] for line in shop.shopify.inputs[0]["returnLineItems"]} == {None}


async def test_pieces_that_are_no_more_returnable(shop: Shop, adapter: Shopify) -> None:
    """Pieces that came back before cannot come back again."""
    await adapter.request_return(MINE, DELIVERED, key="key-1", lines=[ReturnLine("106101", 2)])
    order_in(shop, DELIVERED)["returnStatus"] = "NO_RETURN"
    again = await adapter.request_return(MINE, DELIVERED, key="key-2", lines=[ReturnLine("106101", 1)])
    assert (again.result, len(shop.shopify.changes)) == (WriteResult.REFUSED, 1)
    rest = await adapter.request_return(MINE, DELIVERED, key="key-3")
    assert rest.result is WriteResult.DONE
    assert [line["quantity"] for line in shop.shopify.inputs[1]["returnLineItems"]] == [1]


async def test_a_return_that_people_declined(shop: Shop, adapter: Shopify) -> None:
    """A return that was declined in Shopify is not told as open."""
    await adapter.request_return(MINE, DELIVERED, key="key-1")
    order_in(shop, DELIVERED)["returned"][0]["status"] = "DECLINED"
    found = await adapter.outcome(MINE, DELIVERED, ActionKind.RETURN_APPLY, key="key-1")
    assert found is not None
    assert (found.result, found.detail) == (WriteResult.REFUSED, "the return #1061-R1 was declined")


async def test_too_many_parcels(adapter: Shopify) -> None:
    """A return of more lines than are read at once is refused whole, for a person, and never cut short."""
    answer = await adapter.request_return(MINE, LONG, key="key-1")
    assert answer.result is WriteResult.REFUSED
    assert "hand it over" in answer.detail


async def test_shopify_refuses_a_return(shop: Shop, adapter: Shopify) -> None:
    """What Shopify itself refuses is refused, with what it said."""

    async def gone(request: Any, handler: Any) -> Any:
        order_in(shop, DELIVERED)["parcels"].clear()
        return await handler(request)

    shop.shopify.faults.plan("mutation RequestReturn", gone)
    answer = await adapter.request_return(MINE, DELIVERED, key="key-1")
    assert (answer.result, answer.detail) == (
        WriteResult.REFUSED,
        "INVALID: Quantity is not available for return.",
    )


# --- failing ---


@pytest.mark.parametrize(
    ("fault", "reading", "changing"),
    [
        (status(200, throttled()), OrderSystemDown, OrderSystemDown),
        (status(200, access_denied()), OrderSystemDown, OrderSystemDown),
        (status(200, internal_error()), OrderSystemDown, OrderSystemTimeout),
        (status(200, {"errors": [{"message": "Field 'x' doesn't exist on type 'Order'"}]}), *[OrderSystemGarbled] * 2),
        (status(200, {"errors": "oops"}), OrderSystemGarbled, OrderSystemGarbled),
        (status(200, {"data": None}), OrderSystemGarbled, OrderSystemGarbled),
        (status(200, {"data": {}}), OrderSystemGarbled, OrderSystemGarbled),
        (status(401, {"errors": "[API] Invalid API key or access token"}), OrderSystemDown, OrderSystemDown),
        (status(402, {"errors": "Payment Required"}), OrderSystemDown, OrderSystemDown),
        (status(403, {"errors": "Forbidden"}), OrderSystemDown, OrderSystemDown),
        (status(404, {"errors": "Not Found"}), OrderSystemDown, OrderSystemDown),
        (status(423, {"errors": "Locked"}), OrderSystemDown, OrderSystemDown),
        (status(429, {"errors": "Too Many Requests"}), OrderSystemDown, OrderSystemDown),
        (status(500), OrderSystemDown, OrderSystemTimeout),
        (body(b"[]"), OrderSystemGarbled, OrderSystemGarbled),
    ],
)
async def test_failures(
    shop: Shop, adapter: Shopify, fault: Any, reading: type[Exception], changing: type[Exception]
) -> None:
    """Errors that come with a 200 are told apart like the others, and half an answer beside them is never used."""
    shop.shopify.faults.always("mutation ", fault)
    with pytest.raises(changing):
        await adapter.cancel(MINE, PENDING, key="key-1")
    with pytest.raises(changing):
        await adapter.request_return(MINE, DELIVERED, key="key-2")
    shop.shopify.faults.always("query CustomersOrders", fault)
    with pytest.raises(reading):
        await adapter.order(MINE, PENDING)
    assert shop.shopify.changes == []


async def test_a_throttled_question_is_asked_again(shop: Shop, adapter: Shopify) -> None:
    """The desk asks again after a while, and the customer notices nothing."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    shop.shopify.faults.plan("query CustomersOrders", status(200, throttled()), status(429, {"errors": "Too many"}))
    order = await OrderDesk(adapter, sleep=sleep).for_customer(MINE).find(PENDING)
    assert order is not None
    assert len(waited) == 2


@pytest.mark.parametrize("field", ["displayFulfillmentStatus", "returnStatus"])
async def test_a_state_that_is_new(shop: Shop, adapter: Shopify, field: str) -> None:
    """A state that a later version may bring is never guessed, but named."""

    async def changed(request: Any, handler: Any) -> Any:
        response = await handler(request)
        shown = response.text.replace('"UNFULFILLED"', '"TELEPORTED"').replace('"NO_RETURN"', '"TELEPORTED"')
        response.text = shown
        return response

    shop.shopify.faults.always("query ", changed)
    with pytest.raises(OrderSystemGarbled, match="TELEPORTED"):
        await adapter.order(MINE, PENDING)


# --- the token, and deskhand check ---


async def test_an_app_of_the_dev_dashboard(shop: Shop) -> None:
    """Its token is asked for once, with its id and secret, and again when Shopify takes it no more."""
    adapter = shop.open(access_token=None, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    await asyncio.gather(*(adapter.ping() for _ in range(5)))
    asked = "POST /admin/oauth/access_token"
    assert shop.shopify.faults.calls.count(asked) == 1
    shop.shopify.tokens.clear()
    assert (await adapter.cancel(MINE, PENDING, key="key-1")).result is WriteResult.DONE
    assert shop.shopify.faults.calls.count(asked) == 2
    await adapter.close()


async def test_a_wrong_secret(shop: Shop) -> None:
    """An app that Shopify does not know is an error that says what to check."""
    adapter = shop.open(access_token=None, client_id=CLIENT_ID, client_secret="wrong")
    with pytest.raises(OrderSystemDown, match="check client_id and client_secret"):
        await adapter.ping()
    await adapter.close()


async def test_check(shop: Shop, adapter: Shopify) -> None:
    """Check names the rights that are missing, and a version that Shopify serves no more."""
    assert list(await adapter.examine()) == []
    shop.shopify.rights = ["write_orders", "read_customers"]
    shop.shopify.served_version = "2027-01"
    problems = list(await adapter.examine())
    assert problems == [
        "The app lacks the rights read_products, read_returns, write_returns: "
        "add them, release a version and install it again.",
        "Without the right read_all_orders, orders older than 60 days are not found.",
        "Shopify serves version 2027-01 of its API instead of 2026-10: "
        "set orders.shopify.api_version to one that it has.",
    ]
    shop.shopify.faults.always("query PersonalData", status(200, access_denied()))
    assert any(problem.startswith("Nobody can be identified before") for problem in await adapter.examine())
    shop.shopify.orders.clear()
    assert "The shop has no order yet, so that none could be read." in await adapter.examine()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"colour": "red"}, r"orders\.shopify has no option 'colour'; it has: shop, access_token, .*timeout_s"),
        ({"shop": "shop.example"}, r"shop must be the shop's name at Shopify"),
        ({"shop": "http://shop.example"}, "must begin with https"),
        ({"shop": "evil.example/my-shop.myshopify.com"}, "shop must be"),
        ({"shop": ""}, "not empty"),
        ({"access_token": "env:NO_SUCH_VARIABLE"}, "'NO_SUCH_VARIABLE', which is not set"),
        ({"client_secret": "s"}, "access_token or client_id and client_secret must be given, and not both"),
        ({"access_token": None}, "must be given, and not both"),
        ({"access_token": None, "client_secret": "s"}, "client_id must be a text"),
        ({"api_version": "latest"}, "api_version must be one of Shopify's"),
        ({"number_prefix": 'A"'}, "number_prefix must hold neither"),
        ({"number_suffix": "7"}, "number_suffix must hold neither"),
        ({"refund": 1}, "refund must be true or false"),
        ({"job_s": -1}, "job_s must be a number of seconds"),
    ],
)
def test_wrong_options(wrong: dict[str, Any], message: str) -> None:
    """An option that is unknown, missing or wrong is named, with what would be right."""
    options = {"shop": "my-shop.myshopify.com", "access_token": "shpat", **wrong}
    with pytest.raises(ValueError, match=message):
        Shopify.from_options({name: value for name, value in options.items() if value is not None}, Path())


def test_every_option_is_documented() -> None:
    """The shop owner's page names each option."""
    page = (Path(__file__).parents[2] / "docs" / "orders-shopify.md").read_text(encoding="utf-8")
    assert [option for option in OPTIONS if f"`{option}`" not in page] == []
