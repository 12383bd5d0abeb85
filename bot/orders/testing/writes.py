"""Writing: what is done, once per key, for its own customer, and what is refused."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.model import OrderItem, OrderStatus, Reason, ReturnLine, WriteAnswer, WriteResult
from bot.domain.ports import OrderAdapter
from bot.errors import OrderSystemError
from bot.orders.checks import checked_answer
from bot.orders.testing.shop import UNKNOWN_NUMBER, ContractShop, WithAdapter


def assert_repeated(adapter: OrderAdapter, first: WriteAnswer, again: WriteAnswer) -> None:
    """The same key again: the same answer where keys are honoured, and nothing worse than a refusal where not."""
    assert again == first or (not adapter.honours_keys and again.result is WriteResult.REFUSED)


async def returnable(adapter: OrderAdapter, shop: ContractShop) -> OrderItem:
    """Return a line of the delivered order that can go back."""
    order = await adapter.order(shop.mine, shop.delivered)
    assert order is not None
    return next(item for item in order.items if item.returnable)


class WriteContract(WithAdapter):
    """What every adapter does when it is told to."""

    @pytest.mark.parametrize("reason", [None, *Reason])
    async def test_cancel(self, adapter: OrderAdapter, shop: ContractShop, reason: Reason | None) -> None:
        """A cancellation, whatever the reason, is done once per key: the same key in any spelling does nothing more."""
        before = {order.number: order for order in await adapter.orders(shop.mine, 100)}
        first = checked_answer(await adapter.cancel(shop.mine, shop.pending, key="key-1", reason=reason))
        assert first.result is shop.taken
        assert first.refund == (before[shop.pending].total if shop.tells_refund else None)
        again = await adapter.cancel(shop.mine, f"# {shop.pending.lower()}", key="key-1", reason=reason)
        assert_repeated(adapter, first, again)
        after = {order.number: order for order in await adapter.orders(shop.mine, 100)}
        assert not shop.acts_at_once or after[shop.pending].status is OrderStatus.CANCELLED
        del after[shop.pending], before[shop.pending]
        assert after == before

    @pytest.mark.parametrize("reason", [None, *Reason])
    async def test_return(self, adapter: OrderAdapter, shop: ContractShop, reason: Reason | None) -> None:
        """A return, whatever the reason, is opened once per key, and has a reference."""
        first = checked_answer(await adapter.request_return(shop.mine, shop.delivered, key="key-1", reason=reason))
        assert first.result is shop.taken
        assert first.reference
        again = await adapter.request_return(shop.mine, shop.delivered, key="key-1", reason=reason)
        assert_repeated(adapter, first, again)
        order = await adapter.order(shop.mine, shop.delivered)
        assert order is not None
        assert not shop.acts_at_once or order.status is OrderStatus.RETURN_REQUESTED

    async def test_return_of_one_line(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """One piece of one line goes back; a shop that cannot do that refuses, and never takes back more instead."""
        line = ReturnLine((await returnable(adapter, shop)).id, 1)
        answer = await adapter.request_return(shop.mine, shop.delivered, key="key-1", lines=[line])
        assert answer.result is (shop.taken if shop.takes_lines else WriteResult.REFUSED)
        if not shop.takes_lines:
            whole = await adapter.request_return(shop.mine, shop.delivered, key="key-2")
            assert whole.result is shop.taken

    async def test_wrong_lines_are_refused(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """Lines that the order does not have, or more pieces than were bought, are refused, and nothing goes back."""
        item = await returnable(adapter, shop)
        fine, more, none = (ReturnLine(item.id, quantity) for quantity in (1, item.quantity + 1, 0))
        wrong = [[ReturnLine("no-such-line", 1)], [more], [none], [fine, fine], [fine, ReturnLine("%", 1)]]
        before = await adapter.orders(shop.mine, 100)
        for place, lines in enumerate(wrong):
            answer = await adapter.request_return(shop.mine, shop.delivered, key=f"key-{place}", lines=lines)
            assert answer.result is WriteResult.REFUSED
        assert await adapter.orders(shop.mine, 100) == before

    async def test_second_key_is_refused(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """What was done is not done again under another key."""
        await adapter.cancel(shop.mine, shop.pending, key="key-1")
        await adapter.request_return(shop.mine, shop.delivered, key="key-2")
        again = await adapter.cancel(shop.mine, shop.pending, key="key-3")
        assert (again.result, again.refund) == (WriteResult.REFUSED, None)
        again = await adapter.request_return(shop.mine, shop.delivered, key="key-4")
        assert (again.result, again.reference) == (WriteResult.REFUSED, None)

    async def test_wrong_state_is_refused(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """What has left cannot be cancelled and what has not arrived cannot go back; a refusal is repeated per key."""
        before = await adapter.orders(shop.mine, 100)
        cancel = await adapter.cancel(shop.mine, shop.shipped, key="key-1")
        back = await adapter.request_return(shop.mine, shop.pending, key="key-2")
        assert {cancel.result, back.result} == {WriteResult.REFUSED}
        assert await adapter.cancel(shop.mine, shop.shipped, key="key-1") == cancel
        assert await adapter.orders(shop.mine, 100) == before

    @pytest.mark.parametrize("number", ["", " ", "%", "_", "*", "#", "' OR 1=1 --", "\x00", "\ud800", "9" * 5000, "0"])
    async def test_hostile_numbers(self, adapter: OrderAdapter, shop: ContractShop, number: str) -> None:
        """A text that is no order number of this customer is not found, whatever it is."""
        assert await adapter.order(shop.mine, number) is None
        assert (await adapter.cancel(shop.mine, number, key="k")).result is WriteResult.REFUSED

    async def test_strangers_order_is_not_changed(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A write to another customer's order is answered exactly like one to no order, and does nothing."""
        before = await adapter.orders(shop.theirs, 100)
        missing = await adapter.cancel(shop.mine, UNKNOWN_NUMBER, key="k1")
        assert missing.result is WriteResult.REFUSED
        assert await adapter.cancel(shop.mine, shop.strangers_pending, key="k2") == missing
        missing = await adapter.request_return(shop.mine, UNKNOWN_NUMBER, key="k3")
        assert missing.result is WriteResult.REFUSED
        assert await adapter.request_return(shop.mine, shop.strangers_delivered, key="k4") == missing
        assert await adapter.orders(shop.theirs, 100) == before

    async def test_key_belongs_to_one_request(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A key that comes back with another order, action or customer is an error, and nothing is done."""
        if not adapter.honours_keys:
            pytest.skip("this order system keeps no keys")
        await adapter.cancel(shop.mine, shop.pending, key="key-1")
        mine = await adapter.orders(shop.mine, 100)
        theirs = await adapter.orders(shop.theirs, 100)
        with pytest.raises(OrderSystemError):
            await adapter.cancel(shop.mine, shop.shipped, key="key-1")
        with pytest.raises(OrderSystemError):
            await adapter.request_return(shop.mine, shop.pending, key="key-1")
        for number in (shop.pending, shop.strangers_pending):
            with pytest.raises(OrderSystemError):
                await adapter.cancel(shop.theirs, number, key="key-1")
        assert await adapter.orders(shop.mine, 100) == mine
        assert await adapter.orders(shop.theirs, 100) == theirs

    async def test_same_key_at_once(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """Twenty calls with one key at once have one effect, and over two connections where keys are honoured."""
        other = shop.open()
        each = [adapter, other if adapter.honours_keys else adapter] * 10
        try:
            answers = await asyncio.gather(*(one.cancel(shop.mine, shop.pending, key="key-1") for one in each))
        finally:
            await other.close()
        done = [answer for answer in answers if answer.result is shop.taken]
        assert done
        assert all(answer == done[0] for answer in done)
        assert len(done) == len(answers) or not adapter.honours_keys

    async def test_many_keys_at_once(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """Of twenty different requests for one order at the same moment exactly one is done."""
        calls = [adapter.request_return(shop.mine, shop.delivered, key=f"key-{n}") for n in range(20)]
        results = [answer.result for answer in await asyncio.gather(*calls)]
        assert results.count(shop.taken) == 1
        assert results.count(WriteResult.REFUSED) == 19

    async def test_reopened(self, shop: ContractShop) -> None:
        """What was done stands after closing and opening again, and is not done again with its key."""
        adapter = shop.open()
        done = await adapter.cancel(shop.mine, shop.pending, key="key-1")
        before = await adapter.orders(shop.mine, 100)
        await adapter.close()
        adapter = shop.open()
        try:
            assert await adapter.orders(shop.mine, 100) == before
            assert_repeated(adapter, done, await adapter.cancel(shop.mine, shop.pending, key="key-1"))
        finally:
            await adapter.close()
