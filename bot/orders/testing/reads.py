"""Reading: listing, finding, identifying, in every spelling and for nobody else."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from bot.domain.actions import ActionKind
from bot.domain.ports import OrderAdapter
from bot.errors import OrderSystemError
from bot.orders.checks import checked_orders
from bot.orders.testing.shop import UNKNOWN_NUMBER, ContractShop, WithAdapter, scope_of, spellings


class ReadContract(WithAdapter):
    """What every adapter answers when it is asked."""

    async def test_lists_newest_first(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A listing holds well-formed orders of this customer alone, the newest first."""
        orders = checked_orders(await adapter.orders(shop.mine, 100))
        assert {order.customer_id for order in orders} == {shop.customer_id}
        assert {shop.pending, shop.delivered, shop.shipped} <= {order.number for order in orders}
        placed = [order.placed_at for order in orders]
        assert placed == sorted(placed, reverse=True)

    async def test_limit(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A limit keeps the newest orders."""
        everything = await adapter.orders(shop.mine, 100)
        assert list(await adapter.orders(shop.mine, 2)) == list(everything)[:2]

    async def test_unknown_customer(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A customer whom the shop does not know has no orders, and neither has a wild one."""
        for customer_id in ("nobody", "%", "*", "' OR 1=1 --", "\x00"):
            assert not await adapter.orders(scope_of(customer_id), 100)
            assert await adapter.order(scope_of(customer_id), shop.pending) is None

    async def test_finds_what_it_lists(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """One order looked up is the same as in the list."""
        for listed in await adapter.orders(shop.mine, 100):
            assert await adapter.order(shop.mine, listed.number) == listed

    async def test_spellings(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A number is found however it is written, and comes back as the shop writes it."""
        for spelling in spellings(shop.shipped):
            order = await adapter.order(shop.mine, spelling)
            assert order is not None, spelling
            assert order.number == shop.shipped

    async def test_shapes(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """The adapter announces whether it honours keys, and shapes that fit its own numbers."""
        assert isinstance(adapter.honours_keys, bool)
        for order in await adapter.orders(shop.mine, 100):
            assert any(re.fullmatch(shape, order.number, re.IGNORECASE) for shape in adapter.number_shapes)

    async def test_items(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """The lines of an order that came can be told apart, and at least one of them can go back."""
        order = await adapter.order(shop.mine, shop.delivered)
        assert order is not None
        assert all(item.id for item in order.items)
        assert any(item.returnable for item in order.items)

    async def test_customer_of(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """The shop's own command learns whose an order is, and nothing of a number that is none."""
        for number in (shop.pending, *spellings(shop.pending)):
            assert await adapter.customer_of(number) == (shop.customer_id, shop.name)
        found = await adapter.customer_of(shop.strangers_pending)
        assert found is not None
        assert found[0] == shop.stranger_id
        for number in (UNKNOWN_NUMBER, "", "%", "*", "' OR 1=1 --"):
            assert await adapter.customer_of(number) is None

    async def test_examine(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """The examination of a shop that is in order finds nothing, and changes nothing."""
        before = await adapter.orders(shop.mine, 100)
        assert list(await adapter.examine()) == []
        assert await adapter.orders(shop.mine, 100) == before

    async def test_strangers_order_is_not_found(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """Another customer's order is found by them and by nobody else."""
        assert await adapter.order(shop.theirs, shop.strangers_pending) is not None
        assert await adapter.order(shop.mine, shop.strangers_pending) is None

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
        calls: list[Callable[[], Awaitable[object]]] = [
            adapter.ping,
            lambda: adapter.orders(shop.mine, 5),
            lambda: adapter.order(shop.mine, shop.pending),
            lambda: adapter.cancel(shop.mine, shop.pending, key="k"),
            lambda: adapter.request_return(shop.mine, shop.delivered, key="k"),
            lambda: adapter.outcome(shop.mine, shop.pending, ActionKind.CANCEL_ORDER, key="k"),
            adapter.examine,
            lambda: adapter.customer_of(shop.pending),
            lambda: adapter.identify_by_phone(shop.phone),
            lambda: adapter.identify_by_order(shop.pending, email=shop.email, phone_last4=None),
        ]
        for call in calls:
            with pytest.raises(OrderSystemError):
                await call()
