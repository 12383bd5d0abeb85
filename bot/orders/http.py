"""Any shop's REST API as an order system, by a mapping in the configuration; docs/orders-http.md explains it.

Every request for a customer carries the customer's id, and every order that comes back is compared with it: an order
that is somebody else's is treated as one that is not there.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, ClassVar

from bot.domain.actions import ActionKind
from bot.domain.model import Order, Reason, ReturnLine, Scope, WriteAnswer
from bot.errors import OrderSystemGarbled
from bot.orders.http_client import Client
from bot.orders.http_examine import examine
from bot.orders.http_lookup import Person, is_proved, only_owner, owner_of
from bot.orders.http_mapping import Listing, ShopMapping
from bot.orders.http_options import read_mapping
from bot.orders.http_pages import documents
from bot.orders.http_reading import Found, is_theirs, read_order
from bot.orders.http_template import Values
from bot.orders.http_verdict import check_greeting, meaning_of
from bot.orders.http_writes import Writes
from bot.orders.numbers import plain

log = logging.getLogger(__name__)

_E164 = re.compile(r"\+[0-9]{6,15}")


class HttpShop:
    """The adapter `http`. Nothing is opened before the first call.

    Args:
        mapping: what `read_mapping` returns.
    """

    name: ClassVar[str] = "http"

    def __init__(self, mapping: ShopMapping) -> None:
        self.number_shapes: Sequence[str] = mapping.number_shapes
        self.honours_keys = mapping.honours_keys
        self._mapping = mapping
        self._client = Client(mapping.base_url, mapping.auth, mapping.limits)
        self._writes = Writes(mapping, self._client, self.found)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], base_dir: Path) -> HttpShop:
        """Build it from the configuration's table; no option is a path, so `base_dir` is not looked at.

        Raises:
            ValueError: naming every option that is unknown, missing or wrong.
        """
        return cls(read_mapping(options))

    async def identify_by_phone(self, phone: str) -> tuple[str, str] | None:
        """Return (customer id, name) of the only customer with this E.164 number, or None."""
        self._client.check_open()
        lookup = self._mapping.by_phone
        if lookup is None or not _E164.fullmatch(phone):
            return None
        found = await self.all(lookup.listing, {"phone": phone, "phone_digits": phone[1:]})
        return only_owner(self._mapping, lookup, found, phone)

    async def identify_by_order(self, number: str, *, email: str | None, phone_last4: str | None) -> str | None:
        """Return whose order this is, if what is given of e-mail and last four digits is right, and something is."""
        owner = await self._owner(number)
        return owner.id if owner is not None and is_proved(owner, email, phone_last4) else None

    async def customer_of(self, number: str) -> tuple[str, str] | None:
        """Return (customer id, name) of whose order this is, without a proof: for the shop's own commands only."""
        owner = await self._owner(number)
        return None if owner is None else (owner.id, owner.name)

    async def orders(self, scope: Scope, limit: int) -> Sequence[Order]:
        """Return the customer's orders, newest first."""
        found: dict[str, Order] = {}
        strangers = 0
        values = {"customer_id": scope.customer_id, "limit": limit}
        async with self._documents(self._mapping.orders, values) as listed:
            async for document in listed:
                if is_theirs(self._mapping, document, scope.customer_id):
                    order = read_order(self._mapping, document).order
                    # A list that grows while its pages are read may give an order twice.
                    found.setdefault(order.number, order)
                else:
                    strangers += 1
                if self._mapping.newest_first and len(found) >= limit:
                    break
        if strangers:
            log.error("orders.http_foreign", extra={"orders": strangers, "remedy": "check the filter by customer_id"})
        return self._newest(list(found.values()))[:limit]

    async def order(self, scope: Scope, number: str) -> Order | None:
        """Return the customer's order of this number; None if there is none, or it is not theirs."""
        found = await self.found(scope, number)
        return None if found is None else found.order

    async def cancel(self, scope: Scope, number: str, *, key: str, reason: Reason | None = None) -> WriteAnswer:
        """Cancel an order, once per key where the API honours keys."""
        return await self._writes.write(ActionKind.CANCEL_ORDER, scope, number, key, reason, ())

    async def request_return(
        self, scope: Scope, number: str, *, key: str, reason: Reason | None = None, lines: Sequence[ReturnLine] = ()
    ) -> WriteAnswer:
        """Open a return of these lines, or of the whole order; see `cancel`."""
        return await self._writes.write(ActionKind.RETURN_APPLY, scope, number, key, reason, lines)

    async def outcome(self, scope: Scope, number: str, action: ActionKind, *, key: str) -> WriteAnswer | None:
        """Return what the write of this key came to; None when it surely had no effect."""
        return await self._writes.outcome(scope, number, action, key)

    async def examine(self) -> Sequence[str]:
        """Read the example's orders, and name every pointer that leads nowhere and every value that makes no sense."""
        await self.ping()
        return await examine(self._mapping, self)

    async def ping(self) -> None:
        """Raise OrderSystemError unless the API answers and lets us in."""
        endpoint = self._mapping.ping
        if endpoint is None:
            check_greeting(await self._client.hello())
        else:
            meaning_of(endpoint, await self._client.read(self._client.request(endpoint, {})), changing=False)

    async def close(self) -> None:
        """Close the connections; later calls raise OrderSystemDown."""
        await self._client.close()

    async def found(self, scope: Scope, number: str) -> Found | None:
        """Return the customer's order with the id by which the API knows it; None if there is none of theirs."""
        written = self._written(number)
        if written is None:
            return None
        documents = await self.all(self._mapping.order, {"customer_id": scope.customer_id, "number": written})
        theirs = [document for document in documents if is_theirs(self._mapping, document, scope.customer_id)]
        found = [read_order(self._mapping, document) for document in theirs]
        same = [one for one in found if plain(one.order.number) == plain(written)]
        if found and not same and "number" in self._mapping.order.endpoint.path.names:
            # A search may find more than was meant; a path that holds the number may not.
            raise self._mapping.fields.number.wrong("is not the number that was asked for")
        return same[0] if same else None

    async def all(self, listing: Listing, values: Values) -> Sequence[Any]:
        """Return the objects of a list, all its pages; none when the values can be nobody's."""
        async with self._documents(listing, values) as found:
            return [document async for document in found]

    def _documents(self, listing: Listing, values: Values) -> aclosing[AsyncGenerator[Any]]:
        return aclosing(documents(self._client, listing, values, self._mapping.limits.total_s))

    async def _owner(self, number: str) -> Person | None:
        written, lookup = self._written(number), self._mapping.by_number
        if lookup is None or written is None:
            return None
        return owner_of(self._mapping, lookup, await self.all(lookup.listing, {"number": written}), written)

    def _written(self, number: str) -> str | None:
        self._client.check_open()
        return self._mapping.number.written(number)

    def _newest(self, orders: list[Order]) -> list[Order]:
        newest = sorted(orders, key=lambda order: order.placed_at, reverse=True)
        if self._mapping.newest_first and newest != orders:
            # The pages that were not read would hold newer ones.
            raise OrderSystemGarbled("orders.http.orders is not newest first, as orders.http.newest_first says")
        return newest
