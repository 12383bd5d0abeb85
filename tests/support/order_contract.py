"""What every order adapter must do. Subclass `OrderAdapterContract` and give it a fixture `shop`.

class TestMyAdapter(OrderAdapterContract):
    @pytest.fixture
    def shop(self, tmp_path):
        return ContractShop(open=lambda: MyAdapter(tmp_path), customer_id="7", ...)
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from bot.domain.model import OrderStatus, WriteResult
from bot.domain.ports import OrderAdapter
from bot.errors import OrderSystemError
from bot.orders.checks import checked_answer, checked_orders

UNKNOWN_NUMBER = "ZZZ99999999999"


@dataclass(frozen=True)
class ContractShop:
    """What the suite must know about the data behind an adapter. Every call of `open` reaches the same data.

    The customer's phone is theirs alone and they have at least three orders; `shared_phone` belongs to two others.
    """

    open: Callable[[], OrderAdapter]
    customer_id: str
    name: str
    phone: str
    email: str
    pending: str
    delivered: str
    shipped: str
    stranger_id: str
    strangers_email: str
    strangers_pending: str
    strangers_delivered: str
    shared_phone: str
    unknown_phone: str = "+12025550199"


def spellings(number: str) -> list[str]:
    """Return ways in which customers write an order number."""
    full_width = "".join(chr(ord(letter) + 0xFEE0) for letter in number)
    return [
        number.lower(),
        f"#{number}",
        f"  {number} ",
        f"{number[:3]} {number[3:]}",
        f"\u2068{number}\u2069",
        full_width,
    ]


class OrderAdapterContract:
    """The suite."""

    @pytest.fixture
    async def adapter(self, shop: ContractShop) -> AsyncIterator[OrderAdapter]:
        adapter = shop.open()
        yield adapter
        await adapter.close()

    async def test_lists_newest_first(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A listing holds well-formed orders of this customer alone, the newest first."""
        orders = checked_orders(await adapter.orders(shop.customer_id, 100))
        assert {order.customer_id for order in orders} == {shop.customer_id}
        assert {shop.pending, shop.delivered, shop.shipped} <= {order.number for order in orders}
        placed = [order.placed_at for order in orders]
        assert placed == sorted(placed, reverse=True)

    async def test_limit(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A limit keeps the newest orders."""
        everything = await adapter.orders(shop.customer_id, 100)
        assert list(await adapter.orders(shop.customer_id, 2)) == list(everything)[:2]

    async def test_unknown_customer(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A customer whom the shop does not know has no orders, and neither has an empty or a wild one."""
        for customer_id in ("nobody", "", "%", "*"):
            assert not await adapter.orders(customer_id, 100)
            assert await adapter.order(customer_id, shop.pending) is None

    async def test_finds_what_it_lists(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """One order looked up is the same as in the list."""
        for listed in await adapter.orders(shop.customer_id, 100):
            assert await adapter.order(shop.customer_id, listed.number) == listed

    async def test_spellings(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A number is found however it is written, and comes back as the shop writes it."""
        for spelling in spellings(shop.shipped):
            order = await adapter.order(shop.customer_id, spelling)
            assert order is not None, spelling
            assert order.number == shop.shipped

    async def test_shapes(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """The shapes that the adapter announces fit its own numbers."""
        for order in await adapter.orders(shop.customer_id, 100):
            assert any(re.fullmatch(shape, order.number, re.IGNORECASE) for shape in adapter.number_shapes)

    @pytest.mark.parametrize("number", ["", " ", "%", "_", "*", "#", "' OR 1=1 --", "\x00", "\ud800", "9" * 5000, "0"])
    async def test_hostile_numbers(self, adapter: OrderAdapter, shop: ContractShop, number: str) -> None:
        """A text that is no order number of this customer is not found, whatever it is."""
        assert await adapter.order(shop.customer_id, number) is None
        assert (await adapter.cancel(shop.customer_id, number, key="k")).result is WriteResult.REFUSED

    async def test_strangers_order_is_not_found(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """Another customer's order is found by them and by nobody else."""
        assert await adapter.order(shop.stranger_id, shop.strangers_pending) is not None
        assert await adapter.order(shop.customer_id, shop.strangers_pending) is None

    async def test_strangers_order_is_not_changed(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A write to another customer's order is answered exactly like one to no order, and does nothing."""
        before = await adapter.orders(shop.stranger_id, 100)
        missing = await adapter.cancel(shop.customer_id, UNKNOWN_NUMBER, key="k1")
        assert missing.result is WriteResult.REFUSED
        assert await adapter.cancel(shop.customer_id, shop.strangers_pending, key="k2") == missing
        missing = await adapter.request_return(shop.customer_id, UNKNOWN_NUMBER, key="k3")
        assert missing.result is WriteResult.REFUSED
        assert await adapter.request_return(shop.customer_id, shop.strangers_delivered, key="k4") == missing
        assert await adapter.orders(shop.stranger_id, 100) == before

    async def test_cancel(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A cancellation is done once per key: the same key, even with the number respelled, repeats the answer."""
        before = {order.number: order for order in await adapter.orders(shop.customer_id, 100)}
        first = checked_answer(await adapter.cancel(shop.customer_id, shop.pending, key="key-1"))
        assert first.result is WriteResult.DONE
        assert first.refund == before[shop.pending].total
        assert await adapter.cancel(shop.customer_id, f"# {shop.pending.lower()}", key="key-1") == first
        after = {order.number: order for order in await adapter.orders(shop.customer_id, 100)}
        assert after.pop(shop.pending).status is OrderStatus.CANCELLED
        del before[shop.pending]
        assert after == before

    async def test_return(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A return is opened once per key, and has a reference."""
        first = checked_answer(await adapter.request_return(shop.customer_id, shop.delivered, key="key-1"))
        assert first.result is WriteResult.DONE
        assert first.reference
        assert await adapter.request_return(shop.customer_id, shop.delivered, key="key-1") == first
        order = await adapter.order(shop.customer_id, shop.delivered)
        assert order is not None
        assert order.status is OrderStatus.RETURN_REQUESTED

    async def test_second_key_is_refused(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """What was done is not done again under another key."""
        await adapter.cancel(shop.customer_id, shop.pending, key="key-1")
        await adapter.request_return(shop.customer_id, shop.delivered, key="key-2")
        again = await adapter.cancel(shop.customer_id, shop.pending, key="key-3")
        assert (again.result, again.refund) == (WriteResult.REFUSED, None)
        again = await adapter.request_return(shop.customer_id, shop.delivered, key="key-4")
        assert (again.result, again.reference) == (WriteResult.REFUSED, None)

    async def test_wrong_state_is_refused(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """What has left cannot be cancelled and what has not arrived cannot go back; a refusal is repeated per key."""
        before = await adapter.orders(shop.customer_id, 100)
        cancel = await adapter.cancel(shop.customer_id, shop.shipped, key="key-1")
        back = await adapter.request_return(shop.customer_id, shop.pending, key="key-2")
        assert {cancel.result, back.result} == {WriteResult.REFUSED}
        assert await adapter.cancel(shop.customer_id, shop.shipped, key="key-1") == cancel
        assert await adapter.orders(shop.customer_id, 100) == before

    async def test_key_belongs_to_one_request(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A key that comes back with another order, action or customer is an error, and nothing is done."""
        await adapter.cancel(shop.customer_id, shop.pending, key="key-1")
        mine = await adapter.orders(shop.customer_id, 100)
        theirs = await adapter.orders(shop.stranger_id, 100)
        with pytest.raises(OrderSystemError):
            await adapter.cancel(shop.customer_id, shop.shipped, key="key-1")
        with pytest.raises(OrderSystemError):
            await adapter.request_return(shop.customer_id, shop.pending, key="key-1")
        for number in (shop.pending, shop.strangers_pending):
            with pytest.raises(OrderSystemError):
                await adapter.cancel(shop.stranger_id, number, key="key-1")
        assert await adapter.orders(shop.customer_id, 100) == mine
        assert await adapter.orders(shop.stranger_id, 100) == theirs

    async def test_same_key_at_once(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """Twenty calls with one key at the same moment, over two connections, have one effect and one answer."""
        other = shop.open()
        try:
            calls = [each.cancel(shop.customer_id, shop.pending, key="key-1") for each in [adapter, other] * 10]
            answers = await asyncio.gather(*calls)
        finally:
            await other.close()
        assert answers[0].result is WriteResult.DONE
        assert all(answer == answers[0] for answer in answers)

    async def test_many_keys_at_once(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """Of twenty different requests for one order at the same moment exactly one is done."""
        calls = [adapter.request_return(shop.customer_id, shop.delivered, key=f"key-{n}") for n in range(20)]
        results = [answer.result for answer in await asyncio.gather(*calls)]
        assert results.count(WriteResult.DONE) == 1
        assert results.count(WriteResult.REFUSED) == 19

    async def test_identify_by_phone(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A phone number identifies its only owner, and nobody when it is unknown or shared."""
        assert await adapter.identify_by_phone(shop.phone) == (shop.customer_id, shop.name)
        for phone in (shop.unknown_phone, shop.shared_phone, shop.phone[:-1], "", "%"):
            assert await adapter.identify_by_phone(phone) is None

    async def test_identify_by_order(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """An order number with its customer's e-mail, in any case, or last four digits tells whose it is."""
        last4 = shop.phone[-4:]
        for email, digits in [
            (shop.email, None),
            (f" {shop.email.upper()} ", None),
            (None, last4),
            (shop.email, last4),
        ]:
            for number in (shop.shipped, *spellings(shop.shipped)):
                found = await adapter.identify_by_order(number, email=email, phone_last4=digits)
                assert found == shop.customer_id, (number, email, digits)

    async def test_identify_by_order_with_wrong_proof(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A wrong, missing, wild or another customer's proof is answered exactly like an unknown order."""
        wrong4 = f"{(int(shop.phone[-4:]) + 1) % 10000:04}"
        wrong = [
            (None, None),
            ("", None),
            ("%", None),
            ("wrong@example.com", None),
            (shop.strangers_email, None),
            ("\ud800@example.com", None),
            (None, ""),
            (None, "____"),
            (None, wrong4),
            (None, shop.phone[-3:]),
            (shop.email, wrong4),
        ]
        for email, last4 in wrong:
            assert await adapter.identify_by_order(shop.shipped, email=email, phone_last4=last4) is None, (email, last4)
        for number in (UNKNOWN_NUMBER, "", "%", shop.strangers_pending):
            assert await adapter.identify_by_order(number, email=shop.email, phone_last4=None) is None

    async def test_closed(self, shop: ContractShop) -> None:
        """After closing, which may be repeated, every call is an error of the order system."""
        adapter = shop.open()
        await adapter.ping()
        await adapter.close()
        await adapter.close()
        calls = [
            adapter.ping,
            lambda: adapter.orders(shop.customer_id, 5),
            lambda: adapter.order(shop.customer_id, shop.pending),
            lambda: adapter.cancel(shop.customer_id, shop.pending, key="k"),
            lambda: adapter.request_return(shop.customer_id, shop.delivered, key="k"),
            lambda: adapter.identify_by_phone(shop.phone),
            lambda: adapter.identify_by_order(shop.pending, email=shop.email, phone_last4=None),
        ]
        for call in calls:
            with pytest.raises(OrderSystemError):
                await call()

    async def test_reopened(self, shop: ContractShop) -> None:
        """What was done stands after closing and opening again, and so does the key with its answer."""
        adapter = shop.open()
        done = await adapter.cancel(shop.customer_id, shop.pending, key="key-1")
        before = await adapter.orders(shop.customer_id, 100)
        await adapter.close()
        adapter = shop.open()
        try:
            assert await adapter.orders(shop.customer_id, 100) == before
            assert await adapter.cancel(shop.customer_id, shop.pending, key="key-1") == done
        finally:
            await adapter.close()
