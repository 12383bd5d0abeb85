"""The adapter `csv`: reads orders from a folder of exports (CSV or Excel), and writes requests for a person to a file.

It is for a shop whose system has no door for programs. What it cannot do, cancel or take back by itself, it never
claims: a request is written down once, and the next export shows what became of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from bot.domain.actions import ActionKind
from bot.domain.model import Order, OrderStatus, Reason, ReturnLine, Scope, WriteAnswer
from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled
from bot.orders.csv_keeping import Keeper
from bot.orders.csv_options import CsvOptions, read_options
from bot.orders.csv_requests import Wish
from bot.orders.lines import wrong_line
from bot.orders.numbers import plain

_PATIENCE_S = 2.0
_NUMBERS_LOOKED_AT = 200
_OPEN = (OrderStatus.PENDING, OrderStatus.PROCESSED, OrderStatus.DELIVERED, OrderStatus.RETURN_REQUESTED)


class CsvShop:
    """The adapter. Nothing is opened before the first call.

    Args:
        now: tells the time, aware, in UTC.
        patience_s: how long a call waits for a new export to be read before the last one answers it.
    """

    name: ClassVar[str] = "csv"
    honours_keys: bool = True

    def __init__(
        self,
        options: CsvOptions,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self.number_shapes: Sequence[str] = options.number_shapes
        self._options = options
        self._now = now
        self._keeper = Keeper(options, now, patience_s)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], base_dir: Path) -> CsvShop:
        """Build it from the configuration's table `[orders.csv]`; relative names start from `base_dir`.

        Raises:
            ValueError: naming the option that is unknown or wrong.
        """
        return cls(read_options(options, base_dir))

    async def identify_by_phone(self, phone: str) -> tuple[str, str] | None:
        """Return (customer id, name) of the only customer with this E.164 number, or None."""
        return await self._keeper.read(lambda: self._keeper.reading.by_phone(phone))

    async def identify_by_order(self, number: str, *, email: str | None, phone_last4: str | None) -> str | None:
        """Return whose order this is, if what is given of e-mail and last four digits is right, and something is."""
        return await self._keeper.read(lambda: self._keeper.reading.by_order(plain(number), email, phone_last4))

    async def customer_of(self, number: str) -> tuple[str, str] | None:
        """Return (customer id, name) of whose order this is, without any proof."""
        return await self._keeper.read(lambda: self._keeper.reading.holder(plain(number)))

    async def orders(self, scope: Scope, limit: int) -> Sequence[Order]:
        """Return the customer's orders, newest first."""
        return await self._keeper.read(
            lambda: self._keeper.reading.orders(
                scope.customer_id, limit, self._keeper.requests.returning(scope.customer_id)
            )
        )

    async def order(self, scope: Scope, number: str) -> Order | None:
        """Return the customer's order of this number; None if there is none, or it is not theirs."""
        return await self._keeper.read(lambda: self._order(scope.customer_id, plain(number)))

    async def cancel(self, scope: Scope, number: str, *, key: str, reason: Reason | None = None) -> WriteAnswer:
        """Write down, once per key, that the customer wants an order cancelled; a person does it.

        Raises:
            OrderSystemGarbled: when the key was used for something else.
        """
        return await self._keeper.read(lambda: self._ask(ActionKind.CANCEL_ORDER, scope, number, key, reason, ()))

    async def request_return(
        self, scope: Scope, number: str, *, key: str, reason: Reason | None = None, lines: Sequence[ReturnLine] = ()
    ) -> WriteAnswer:
        """Write down, once per key, that the customer wants to send an order or some of it back; see `cancel`."""
        return await self._keeper.read(lambda: self._ask(ActionKind.RETURN_APPLY, scope, number, key, reason, lines))

    async def outcome(self, scope: Scope, number: str, action: ActionKind, *, key: str) -> WriteAnswer | None:
        """Return what the request of this key came to; None when nothing was written down."""
        return await self._keeper.call(
            lambda: self._keeper.requests.outcome(key, action, scope.customer_id, plain(number))
        )

    async def examine(self) -> Sequence[str]:
        """Read the exports as they are; return in sentences what does not map, and requests that seem to be lost."""
        try:
            return await self._keeper.read(lambda: list(self._findings()))
        except OrderSystemError as error:
            if self._keeper.closed:
                raise
            return [str(error)]

    async def ping(self) -> None:
        """Raise OrderSystemError unless the folder can be read and the newest files are those that are used."""
        broken = await self._keeper.read(lambda: self._keeper.loader.broken)
        if self._keeper.trouble:
            raise OrderSystemDown(self._keeper.trouble)
        for name, why in broken.items():
            raise OrderSystemGarbled(f"{name} is not used, but the last good export: {why}")

    async def close(self) -> None:
        """Let go of everything; later calls raise OrderSystemDown."""
        await self._keeper.close()

    # --- in the keeper's thread ---

    def _order(self, customer: str, number: str) -> Order | None:
        return self._keeper.reading.order(customer, number, self._keeper.requests.returning(customer))

    def _ask(
        self,
        action: ActionKind,
        scope: Scope,
        number: str,
        key: str,
        reason: Reason | None,
        lines: Sequence[ReturnLine],
    ) -> WriteAnswer:
        order = self._order(scope.customer_id, plain(number))
        objection = order and wrong_line(order, lines)
        cells = self._cells(order, reason, lines) if order else {}
        wish = Wish(key, action, scope.customer_id, plain(number), cells, objection or "")
        return self._keeper.requests.write(wish, order)

    def _cells(self, order: Order, reason: Reason | None, lines: Sequence[ReturnLine]) -> dict[str, str]:
        """Return what the person reads of a request."""
        told = self._keeper.reading.contact(order.customer_id, plain(order.number))
        names = {item.id: item.name for item in order.items}
        back = [(line.quantity, names.get(line.item_id, line.item_id)) for line in lines]
        return {
            "time": self._now().astimezone(self._options.zone).strftime("%Y-%m-%d %H:%M"),
            "order": order.number,
            "customer": told.name if told else "",
            "contact": (told.email or told.phone) if told else "",
            "items": "; ".join(f"{quantity} × {name}" for quantity, name in back) or "all",
            "reason": reason.value.replace("_", " ") if reason else "",
        }

    def _findings(self) -> Iterator[str]:
        yield from [self._keeper.trouble] if self._keeper.trouble else []
        yield from self._keeper.loader.notes()
        if self._options.number_shapes:
            numbers = self._keeper.index.some_numbers(_NUMBERS_LOOKED_AT)
            shapes = [re.compile(shape, re.IGNORECASE) for shape in self._options.number_shapes]
            if odd := [number for number in numbers if not any(shape.fullmatch(number) for shape in shapes)]:
                yield f"order numbers such as {odd[0]!r} have none of the shapes in orders.csv.number_shapes"
        folder = self._options.outbox.parent
        if not os.access(folder, os.W_OK):
            yield f"requests cannot be written to {self._options.outbox}: the folder is missing or not writable"
        yield from self._lost()

    def _lost(self) -> Iterator[str]:
        """Tell of requests whose line is gone although the newest export shows the order as it was."""
        for reference, customer, number, action in self._keeper.requests.missing():
            order = self._order(customer, number)
            if order is not None and order.status in _OPEN:
                yield (
                    f"the request {reference} ({action.value}) is not in {self._options.outbox.name} any more, and the "
                    "newest export shows its order as before: was it carried out, or was the file saved over it?"
                )
