from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import Money, OrderStatus, Reason, ReturnLine, WriteResult
from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.testing import scope_of
from bot.orders.woocommerce import OPTIONS, WooCommerce
from tests.support.web_faults import body, cut, redirect, status
from tests.support.woocommerce_server import READ_ONLY
from tests.support.woocommerce_shop import EMILY, Shop, woocommerce_shop

MINE = scope_of(str(EMILY), "Emily Carter")
PENDING, DELIVERED, SHIPPED, GUESTS = "1063", "1061", "1062", "2004"


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """The shop, served on this machine."""
    async with woocommerce_shop() as shop:
        yield shop


@pytest.fixture
async def adapter(shop: Shop) -> AsyncIterator[WooCommerce]:
    """An adapter that knows the shop."""
    adapter = shop.open()
    yield adapter
    await adapter.close()


# --- reading ---


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending", OrderStatus.PENDING),
        ("on-hold", OrderStatus.PENDING),
        ("processing", OrderStatus.PENDING),
        ("wc-processing", OrderStatus.PENDING),
        ("shipped", OrderStatus.SHIPPED),
        ("completed", OrderStatus.DELIVERED),
        ("cancelled", OrderStatus.CANCELLED),
        ("failed", OrderStatus.CANCELLED),
        ("refunded", OrderStatus.RETURNED),
        ("to-return", OrderStatus.RETURN_REQUESTED),
    ],
)
async def test_states(shop: Shop, adapter: WooCommerce, state: str, status: OrderStatus) -> None:
    """Each of WooCommerce's states has its meaning."""
    shop.woo.orders[1063]["status"] = state
    order = await adapter.order(MINE, PENDING)
    assert order is not None
    assert order.status is status


async def test_a_state_that_is_not_mapped(shop: Shop, adapter: WooCommerce) -> None:
    """A plugin's state is never guessed: it is named with the remedy, and can be mapped, or its orders hidden."""
    shop.woo.orders[1063]["status"] = "awaiting-pickup"
    with pytest.raises(OrderSystemGarbled, match=r"'awaiting-pickup' is not mapped.*orders\.woocommerce\.states"):
        await adapter.order(MINE, PENDING)
    assert "There are orders in the state 'awaiting-pickup': add it to orders.woocommerce.states." in (
        await adapter.examine()
    )
    for meaning, expected in (("processed", OrderStatus.PROCESSED), ("hidden", None)):
        mapped = shop.open(states={"awaiting-pickup": meaning})
        order = await mapped.order(MINE, PENDING)
        assert (order and order.status) == expected
        assert (PENDING in {each.number for each in await mapped.orders(MINE, 100)}) == (expected is not None)
        assert (await mapped.customer_of(PENDING) is not None) == (expected is not None)
        await mapped.close()


async def test_what_an_order_tells(shop: Shop, adapter: WooCommerce) -> None:
    """An order has its total, what a piece costs with its tax, how it was paid, and its parcel where a plugin knows."""
    shop.woo.orders[1062]["meta_data"].append(
        {
            "id": 5,
            "key": "_wc_shipment_tracking_items",
            "value": [{"tracking_provider": "DHL", "tracking_number": "JD0146", "date_shipped": "1793577600"}],
        }
    )
    order = await adapter.order(MINE, SHIPPED)
    assert order is not None
    assert (order.total, order.payment) == (Money(Decimal("26.05"), "EUR"), "Credit card")
    assert [(item.id, item.quantity, str(item.price.amount)) for item in order.items] == [
        ("10621", 2, "10.00"),
        ("10622", 1, "6.05"),
    ]
    assert (order.carrier, order.tracking, order.delivered_at) == ("DHL", "JD0146", None)
    assert order.shipped_at is not None
    assert order.shipped_at.isoformat() == "2026-11-02T00:00:00+00:00"


async def test_guests_are_nobodys_customers(shop: Shop, adapter: WooCommerce) -> None:
    """The orders of guests all have the customer 0, and are neither found nor told to anybody."""
    nobody = scope_of("0")
    assert await adapter.orders(nobody, 10) == []
    assert await adapter.order(nobody, GUESTS) is None
    assert (await adapter.cancel(nobody, GUESTS, key="k")).result is WriteResult.REFUSED
    assert await adapter.identify_by_order(GUESTS, email="guest@example.com", phone_last4=None) is None
    assert await adapter.customer_of(GUESTS) is None
    assert await adapter.identify_by_phone("+12025550100") is None
    assert not any("/orders?customer=0" in call for call in shop.woo.faults.calls)


async def test_every_question_for_a_customer_names_the_customer(shop: Shop, adapter: WooCommerce) -> None:
    """Whatever is read for a customer is asked for with the customer's number."""
    await adapter.orders(MINE, 100)
    await adapter.order(MINE, PENDING)
    await adapter.cancel(MINE, PENDING, key="key-1")
    await adapter.outcome(MINE, PENDING, ActionKind.CANCEL_ORDER, key="key-1")
    assert all(f"customer={EMILY}&" in call for call in shop.woo.faults.calls if call.startswith("GET"))


@pytest.mark.parametrize("numbers", ["id", "plugin"])
async def test_a_shop_that_ignores_the_filter(shop: Shop, numbers: str) -> None:
    """Orders of others that come back all the same, say because a plugin breaks the filter, are dropped."""
    adapter = shop.open(numbers=numbers)
    shop.woo.ignores_customer = True
    assert {order.customer_id for order in await adapter.orders(MINE, 100)} == {str(EMILY)}
    assert await adapter.order(MINE, "2001") is None
    assert (await adapter.cancel(MINE, "2001", key="k")).detail == "no such order"
    assert shop.woo.changes == []
    await adapter.close()


async def test_numbers_of_a_plugin(shop: Shop) -> None:
    """Where a plugin numbers the orders, its number is the order's, and the id is none."""
    shop.woo.orders[1063]["number"] = "LS-2026-77"
    adapter = shop.open(numbers="plugin", number_shapes=[r"LS-\d{4}-\d+"])
    order = await adapter.order(MINE, "ls 2026 77")
    assert order is not None
    assert order.number == "LS-2026-77"
    assert await adapter.order(MINE, PENDING) is None
    assert (await adapter.cancel(MINE, "LS-2026-77", key="k")).result is WriteResult.DONE
    assert shop.woo.orders[1063]["status"] == "cancelled"
    await adapter.close()
    other = shop.open()
    shop.woo.orders[2004]["number"] = "LS-2026-78"
    assert any('set orders.woocommerce.numbers to "plugin"' in problem for problem in await other.examine())
    await other.close()


async def test_a_phone_on_someone_elses_order(shop: Shop, adapter: WooCommerce) -> None:
    """A number that was typed into an order as another's does not open the account that placed it."""
    shop.woo.orders[2001]["billing"]["phone"] = "+1 202 555 0177"
    assert await adapter.identify_by_phone("+12025550177") is None
    shop.woo.customers[8]["billing"]["phone"] = "+1 202 555 0177"
    assert await adapter.identify_by_phone("+12025550177") == ("8", "Xiaowen Wang")


# --- writing ---


async def test_an_unpaid_order_owes_nothing(shop: Shop, adapter: WooCommerce) -> None:
    """What was not paid is not said to be paid back, and what was paid back already not again."""
    shop.woo.orders[1063].update(status="pending", date_paid_gmt=None)
    assert (await adapter.cancel(MINE, PENDING, key="key-1")).refund is None
    shop.woo.orders[1061].update(status="processing", refunds=[{"id": 1, "reason": "", "total": "-6.05"}])
    assert (await adapter.cancel(MINE, DELIVERED, key="key-2")).refund == Money(Decimal("20.00"), "EUR")


async def test_cancelling_pays_nothing_back_by_itself(shop: Shop, adapter: WooCommerce) -> None:
    """Unless the shop wants it, the money is left to people."""
    await adapter.cancel(MINE, PENDING, key="key-1", reason=Reason.CHANGED_MIND)
    assert shop.woo.changes == [(1063, "cancelled")]


@pytest.mark.parametrize(
    "fault",
    [None, status(400, {"code": "woocommerce_rest_cannot_create_order_refund", "message": "Timeout"}, acts=True)],
)
async def test_paying_back(shop: Shop, fault: Any) -> None:
    """If the shop wants it, an order is paid back once, even when the API denies a refund that stands."""
    adapter = shop.open(refund=True)
    if fault:
        shop.woo.faults.plan("POST ", fault)
    first = await adapter.cancel(MINE, PENDING, key="key-1")
    assert (first.result, first.refund, first.detail) == (WriteResult.DONE, Money(Decimal("26.05"), "EUR"), "cancelled")
    assert await adapter.cancel(MINE, PENDING, key="key-1") == first
    assert await adapter.outcome(MINE, PENDING, ActionKind.CANCEL_ORDER, key="key-1") == first
    assert shop.woo.changes == [(1063, "cancelled"), (1063, "refund")]
    order = await adapter.order(MINE, PENDING)
    assert order is not None
    assert order.status is OrderStatus.CANCELLED, "WooCommerce itself calls it refunded now"
    await adapter.close()


async def test_a_refund_that_is_refused(shop: Shop) -> None:
    """A refund that was refused and does not stand leaves a cancelled order, and says that people must pay it back."""
    adapter = shop.open(refund=True)
    shop.woo.faults.plan("POST ", status(400, {"code": "stripe", "message": "Card was closed"}))
    answer = await adapter.cancel(MINE, PENDING, key="key-1")
    assert (answer.result, answer.refund) == (WriteResult.DONE, Money(Decimal("26.05"), "EUR"))
    assert answer.detail == "cancelled, but not paid back (stripe: Card was closed): that must be done by hand"
    await adapter.close()


@pytest.mark.parametrize("acts", [True, False])
async def test_a_refund_whose_answer_is_lost(shop: Shop, acts: bool) -> None:
    """After a refund without an answer nothing is claimed; read back, it is there, or it is said to be missing."""
    adapter = shop.open(refund=True, timeout_s=0.3)
    shop.woo.faults.plan("POST ", cut(acts=acts))
    with pytest.raises(OrderSystemTimeout):
        await adapter.cancel(MINE, PENDING, key="key-1")
    found = await adapter.outcome(MINE, PENDING, ActionKind.CANCEL_ORDER, key="key-1")
    assert found is not None
    assert (found.result, "by hand" in found.detail) == (WriteResult.DONE, not acts)
    await adapter.cancel(MINE, PENDING, key="key-1")
    assert shop.woo.changes == [(1063, "cancelled"), (1063, "refund")]
    await adapter.close()


async def test_the_read_back_fails(shop: Shop, adapter: WooCommerce) -> None:
    """When the order cannot be read after it was changed, nobody says that surely nothing was done."""
    shop.woo.faults.plan("include=1063", _pass, status(503))
    with pytest.raises(OrderSystemTimeout):
        await adapter.cancel(MINE, PENDING, key="key-1")
    assert (await adapter.cancel(MINE, PENDING, key="key-1")).result is WriteResult.DONE
    assert shop.woo.changes == [(1063, "cancelled")]


async def _pass(request: Any, handler: Any) -> Any:
    return await handler(request)


async def test_half_a_change(shop: Shop, adapter: WooCommerce) -> None:
    """A mark without the state, left by a shop that broke in between, is not taken for done; the same key ends it."""
    await adapter.cancel(MINE, PENDING, key="key-1")
    shop.woo.orders[1063]["status"] = "processing"
    with pytest.raises(OrderSystemGarbled):
        await adapter.outcome(MINE, PENDING, ActionKind.CANCEL_ORDER, key="key-1")
    assert (await adapter.cancel(MINE, PENDING, key="key-2")).result is WriteResult.REFUSED
    assert (await adapter.cancel(MINE, PENDING, key="key-1")).result is WriteResult.DONE
    assert shop.woo.orders[1063]["status"] == "cancelled"


async def test_a_state_without_its_mark(shop: Shop, adapter: WooCommerce) -> None:
    """An order that somebody cancelled without a mark is told as such."""
    shop.woo.orders[1063]["status"] = "cancelled"
    found = await adapter.outcome(MINE, PENDING, ActionKind.CANCEL_ORDER, key="key-1")
    assert found is not None
    assert found.detail == "it is done, but nobody can tell by whom"


async def test_a_change_that_does_not_show(shop: Shop, adapter: WooCommerce) -> None:
    """A shop that takes a change and does not make it is not believed."""
    shop.woo.faults.plan("PUT ", status(200, {"id": 1063, "status": "cancelled"}))
    with pytest.raises(OrderSystemGarbled):
        await adapter.cancel(MINE, PENDING, key="key-1")


async def test_a_change_that_is_refused(shop: Shop, adapter: WooCommerce) -> None:
    """A change that the shop refuses, and that does not stand, is refused, with what the shop said."""
    shop.woo.faults.plan("PUT ", status(400, {"code": "locked", "message": "The order is locked."}))
    answer = await adapter.cancel(MINE, PENDING, key="key-1")
    assert (answer.result, answer.detail) == (WriteResult.REFUSED, "the shop refused (locked: The order is locked.)")
    assert await adapter.outcome(MINE, PENDING, ActionKind.CANCEL_ORDER, key="key-1") is None


async def test_two_programs_at_once(shop: Shop) -> None:
    """Of many keys over many connections at the same moment one is done: the one whose mark was first."""
    adapters = [shop.open() for _ in range(6)]
    calls = [each.cancel(MINE, PENDING, key=f"key-{place}") for place, each in enumerate(adapters)]
    results = [answer.result for answer in await asyncio.gather(*calls)]
    assert results.count(WriteResult.DONE) == 1
    assert shop.woo.changes == [(1063, "cancelled")]
    for each in adapters:
        await each.close()


async def test_returns_are_for_a_person_unless_the_shop_has_a_state_for_them(shop: Shop) -> None:
    """WooCommerce has no returns; without a state of the shop's own one is refused, so that a person takes it."""
    adapter = shop.open(return_status="")
    answer = await adapter.request_return(MINE, DELIVERED, key="key-1")
    assert answer.result is WriteResult.REFUSED
    assert "hand it over" in answer.detail
    assert shop.woo.changes == []
    await adapter.close()


async def test_a_return_tells_people_what_comes(shop: Shop, adapter: WooCommerce) -> None:
    """The order itself says which pieces come back and why."""
    lines = [ReturnLine("10611", 1)]
    await adapter.request_return(MINE, DELIVERED, key="key-1", reason=Reason.DOES_NOT_FIT, lines=lines)
    told = [entry["value"] for entry in shop.woo.orders[1061]["meta_data"] if entry["key"] == "Return requested"]
    assert told == ["RMA-1061: 1 x Linen shirt - M (does not fit)"]
    assert shop.woo.orders[1061]["status"] == "to-return"


async def test_a_mark_that_was_tampered_with(shop: Shop, adapter: WooCommerce) -> None:
    """A mark that somebody changed is not read as an answer."""
    await adapter.cancel(MINE, PENDING, key="key-1")
    for entry in shop.woo.orders[1063]["meta_data"]:
        if entry["key"].startswith("deskhand_"):
            entry["value"] = "done!"
    with pytest.raises(OrderSystemGarbled):
        await adapter.outcome(MINE, PENDING, ActionKind.CANCEL_ORDER, key="key-1")


# --- failing ---


async def test_a_key_that_may_only_read(shop: Shop) -> None:
    """A key without the right to write reads, and its refusal at a write says that nothing was done."""
    adapter = shop.open(consumer_key=READ_ONLY)
    assert await adapter.order(MINE, PENDING) is not None
    with pytest.raises(OrderSystemDown, match="write permissions"):
        await adapter.cancel(MINE, PENDING, key="key-1")
    await adapter.close()


async def test_a_wrong_key(shop: Shop) -> None:
    """A wrong key is an error of the order system that says so."""
    adapter = shop.open(consumer_secret="cs_wrong")
    with pytest.raises(OrderSystemDown, match="woocommerce_rest_cannot_view"):
        await adapter.ping()
    await adapter.close()


async def test_a_wrong_address(shop: Shop) -> None:
    """An address without WooCommerce is an error of the order system, never an empty shop."""
    adapter = shop.open(url=f"{shop.server.url}/blog")
    for call in (adapter.ping(), adapter.orders(MINE, 5), adapter.identify_by_phone("+12025550142")):
        with pytest.raises(OrderSystemError):
            await call
    await adapter.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"[]",
        b"{}",
        b"null",
        b"[1]",
        b'[{"id": 1063}]',
        b'[{"id": "1063", "customer_id": 7}]',
        b'[{"id": 1063, "customer_id": "7"}]',
        b'[{"id": 1063, "customer_id": 7, "status": 5, "number": []}]',
    ],
)
async def test_nonsense(shop: Shop, adapter: WooCommerce, answer: bytes) -> None:
    """Whatever the shop answers ends in no order or in a clear error, and in no change."""
    shop.woo.faults.always("GET ", body(answer))
    try:
        assert await adapter.order(MINE, PENDING) is None
        assert (await adapter.cancel(MINE, PENDING, key="k")).result is WriteResult.REFUSED
    except OrderSystemGarbled:
        pass
    assert shop.woo.changes == []


async def test_a_listing_without_its_number_of_pages(shop: Shop, adapter: WooCommerce) -> None:
    """A listing is never taken for whole because the shop does not say how many pages there are."""
    shop.woo.faults.always("GET ", body(b"[]"))
    with pytest.raises(OrderSystemGarbled, match="X-WP-TotalPages"):
        await adapter.orders(MINE, 100)


async def test_redirects(shop: Shop, adapter: WooCommerce) -> None:
    """A shop that moved is an error with its remedy; nobody is called there."""
    shop.woo.faults.always("GET ", redirect("https://127.0.0.1:1/"))
    with pytest.raises(OrderSystemDown, match="final address"):
        await adapter.orders(MINE, 5)


# --- options ---


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"colour": "red"}, r"orders\.woocommerce has no option 'colour'; it has: url, consumer_key, .*timeout_s"),
        ({"url": "http://shop.example"}, r"orders\.woocommerce\.url must begin with https"),
        ({"url": "shop.example"}, "web address"),
        ({"url": "https://me:secret@shop.example"}, "plain address"),
        ({"url": "https://shop.example/?a=b"}, "plain address"),
        ({"url": "https://shop.example:99999"}, "web address"),
        ({"url": ""}, "not empty"),
        ({"consumer_key": "env:NO_SUCH_VARIABLE"}, r"consumer_key asks for .*'NO_SUCH_VARIABLE', which is not set"),
        ({"consumer_secret": 5}, "consumer_secret must be a text"),
        ({"numbers": "both"}, "numbers must be one of: id, plugin"),
        ({"number_shapes": ["("]}, r"number_shapes holds '\('"),
        ({"number_shapes": r"\d+"}, "list of regular expressions"),
        ({"states": {"packed": "gone"}}, "states gives 'packed' an unknown meaning; use one of: pending, .*hidden"),
        ({"states": "packed"}, "table"),
        ({"refund": "yes"}, "refund must be true or false"),
        ({"timeout_s": 0}, "timeout_s must be a number of seconds above zero"),
        ({"return_status": 1}, "return_status must be a text"),
    ],
)
def test_wrong_options(wrong: dict[str, Any], message: str) -> None:
    """An option that is unknown or wrong is named, with what would be right."""
    options = {"url": "https://shop.example", "consumer_key": "ck", "consumer_secret": "cs"}
    with pytest.raises(ValueError, match=message):
        WooCommerce.from_options({**options, **wrong}, Path())


@pytest.mark.parametrize("missing", ["url", "consumer_key", "consumer_secret"])
def test_missing_options(missing: str) -> None:
    """An option that must be given is named."""
    options = {"url": "https://shop.example", "consumer_key": "ck", "consumer_secret": "cs"}
    del options[missing]
    with pytest.raises(ValueError, match=rf"orders\.woocommerce\.{missing}"):
        WooCommerce.from_options(options, Path())


async def test_secrets_from_the_environment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret may stand in the environment."""
    options = shop.options()
    monkeypatch.setenv("WOO_SECRET", options["consumer_secret"])
    adapter = WooCommerce.from_options({**options, "consumer_secret": "env:WOO_SECRET"}, Path())
    await adapter.ping()
    await adapter.close()


def test_every_option_is_documented() -> None:
    """The shop owner's page names each option."""
    page = (Path(__file__).parents[2] / "docs" / "orders-woocommerce.md").read_text(encoding="utf-8")
    assert [option for option in OPTIONS if f"`{option}`" not in page] == []
