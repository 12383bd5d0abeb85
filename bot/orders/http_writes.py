"""Cancelling and taking back over the API, and reading back what came of it.

The order is read first, each time. So it is known to be the customer's before anything is changed, even where the API
itself would not look; and what fails until then has surely changed nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.domain.actions import ActionKind
from bot.domain.model import WHOLE_ONLY, Order, OrderStatus, Reason, ReturnLine, Scope, WriteAnswer, WriteResult
from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled
from bot.orders.http_client import Client
from bot.orders.http_mapping import Meaning, Outcome, ShopMapping, Write
from bot.orders.http_reading import Found
from bot.orders.http_template import NotAddressable, Values, fill
from bot.orders.http_values import text
from bot.orders.http_verdict import NO_SUCH_ORDER, meaning_of, write_answer
from bot.orders.lines import wrong_line
from bot.orders.numbers import plain

_ALREADY = {
    ActionKind.CANCEL_ORDER: (OrderStatus.CANCELLED,),
    ActionKind.RETURN_APPLY: (OrderStatus.RETURN_REQUESTED, OrderStatus.RETURNED),
}

Find = Callable[[Scope, str], Awaitable[Found | None]]


class Writes:
    """The changes of one shop.

    Args:
        find: returns a customer's order, None when it is not theirs.
    """

    def __init__(self, mapping: ShopMapping, client: Client, find: Find) -> None:
        self._mapping = mapping
        self._client = client
        self._find = find

    async def write(
        self,
        action: ActionKind,
        scope: Scope,
        number: str,
        key: str,
        reason: Reason | None,
        lines: Sequence[ReturnLine],
    ) -> WriteAnswer:
        """Cancel an order, or take it or these lines of it back.

        Raises:
            OrderSystemDown: surely nothing was done.
            OrderSystemTimeout, OrderSystemGarbled: something may have been done.
        """
        found = await self._before(scope, number, action, key)
        if found is None:
            return NO_SUCH_ORDER
        write = self._mapping.cancel if action is ActionKind.CANCEL_ORDER else self._mapping.request_return
        refusal = self._refusal(write, found.order, action, lines)
        if write is None or refusal:
            return WriteAnswer(WriteResult.REFUSED, detail=refusal)
        values = {
            "customer_id": scope.customer_id,
            "number": self._mapping.number.written(number),
            "id": found.api_id,
            "key": key,
            "reason": reason and self._mapping.reasons[reason],
            "lines": _lines(write, found.order, lines),
        }
        try:
            request = self._client.request(write.endpoint, values)
        except NotAddressable as error:
            raise OrderSystemDown(f"{write.endpoint.option}: {error}; nothing was asked for") from error
        answer = await self._client.write(request)
        meaning = meaning_of(write.endpoint, answer, changing=True)
        return write_answer(meaning, write.report, answer, found.order, self._mapping.forms.money)

    async def outcome(self, scope: Scope, number: str, action: ActionKind, key: str) -> WriteAnswer | None:
        """Return what the write of this key came to; None when it surely had no effect.

        Raises:
            OrderSystemGarbled: when it cannot be told, or the key was used for another request.
        """
        found = await self._find(scope, number)
        if self._mapping.outcome is not None:
            values = self._asked(scope, number, key)
            return await self._kept(self._mapping.outcome, values, found, action)
        if found is None:
            return None
        return self._by_state(found.order.status, action)

    async def _before(self, scope: Scope, number: str, action: ActionKind, key: str) -> Found | None:
        try:
            found = await self._find(scope, number)
        except OrderSystemError as error:
            raise OrderSystemDown(f"{error}; nothing was asked for yet") from error
        if found is None and self._mapping.outcome is not None:
            # A key that was used for anything else is an error of ours; it must not look like a refusal.
            await self._kept(self._mapping.outcome, self._asked(scope, number, key), None, action)
        return found

    def _asked(self, scope: Scope, number: str, key: str) -> Values:
        return {"customer_id": scope.customer_id, "number": self._mapping.number.written(number) or "-", "key": key}

    async def _kept(
        self, outcome: Outcome, values: Values, found: Found | None, action: ActionKind
    ) -> WriteAnswer | None:
        option = outcome.endpoint.option
        try:
            request = self._client.request(outcome.endpoint, values)
        except NotAddressable:
            return None
        answer = await self._client.read(request)
        meaning = meaning_of(outcome.endpoint, answer, changing=False)
        if meaning is Meaning.NOT_FOUND:
            return None
        document = answer.document()
        said = text(outcome.number, document)
        same = found is not None and (plain(said) == plain(found.order.number) or said == found.api_id)
        if found is None or not same or text(outcome.action, document) != outcome.actions[action]:
            raise OrderSystemGarbled(f"{option}: this idempotency key was used for another request")
        if meaning is Meaning.UNCLEAR:
            raise OrderSystemGarbled(f"{option}: the shop's API does not say yet what came of it")
        return write_answer(meaning, outcome.report, answer, found.order, self._mapping.forms.money)

    def _by_state(self, status: OrderStatus, action: ActionKind) -> WriteAnswer | None:
        if status in _ALREADY[action]:
            return WriteAnswer(WriteResult.DONE, detail=f"the order is {status.value}; who did it cannot be told")
        back = self._mapping.request_return
        if action is ActionKind.RETURN_APPLY and back is not None and back.line is not None:
            # A return of some lines may leave the order in its state.
            raise OrderSystemGarbled(
                f"{back.endpoint.option}: the order's state does not tell whether a part goes back"
            )
        return None

    def _refusal(self, write: Write | None, order: Order, action: ActionKind, lines: Sequence[ReturnLine]) -> str:
        """Return why this is not even asked for, "" when it is."""
        if write is None:
            return "the mapping of the shop's API has no request for this"
        if not self._mapping.honours_keys and order.status in _ALREADY[action]:
            return f"the order is {order.status.value} already"
        if lines and write.line is None and not _is_all(order, lines):
            return WHOLE_ONLY
        return wrong_line(order, lines) or ""


def _is_all(order: Order, lines: Sequence[ReturnLine]) -> bool:
    wanted = {(line.item_id, line.quantity) for line in lines}
    return len(lines) == len(order.items) and wanted == {(item.id, item.quantity) for item in order.items}


def _lines(write: Write, order: Order, lines: Sequence[ReturnLine]) -> list[Any]:
    """Return the lines as the API wants them; without any named, all of the order."""
    pairs = [(line.item_id, line.quantity) for line in lines] or [(item.id, item.quantity) for item in order.items]
    return [fill(write.line, {"item_id": item_id, "quantity": quantity}) for item_id, quantity in pairs]
