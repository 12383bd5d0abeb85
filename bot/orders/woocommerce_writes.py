"""WooCommerce's two changes. It keeps no idempotency keys, so each leaves a mark on the order, and is read back.

The state and the mark go there in one call. After that, whatever the call itself answered, the order says what was
done: the API may refuse with a 400 what stands all the same, when a plugin stumbles after the order was saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.actions import ActionKind
from bot.domain.model import Order, OrderStatus, Reason, ReturnLine, WriteAnswer, WriteResult
from bot.errors import OrderSystemGarbled
from bot.orders.lines import wrong_line
from bot.orders.web_calls import may_have_acted
from bot.orders.web_keys import mark_of
from bot.orders.woocommerce_api import Refusal, WooApi
from bot.orders.woocommerce_orders import WooOrder, meta_entry, read_order

NO_SUCH_ORDER = WriteAnswer(WriteResult.REFUSED, detail="no such order")
NO_RETURNS = WriteAnswer(
    WriteResult.REFUSED,
    detail="WooCommerce has no returns, and orders.woocommerce.return_status is not set: hand it over",
)
_AFTER = {
    ActionKind.CANCEL_ORDER: OrderStatus.CANCELLED,
    ActionKind.RETURN_APPLY: OrderStatus.RETURN_REQUESTED,
}
_CANCELLABLE = (OrderStatus.PENDING, OrderStatus.PROCESSED)


@dataclass(frozen=True, slots=True)
class Rules:
    """How this shop wants it.

    Args:
        states: the shop's states -> ours.
        return_status: the shop's own state of an order that is to come back; None where a person must take returns.
        refunds: whether a cancelled order is paid back at once.
    """

    states: Mapping[str, str]
    return_status: str | None
    refunds: bool


class WooWrites:
    """The changes, to an order that was read for its customer just before."""

    def __init__(self, api: WooApi, rules: Rules) -> None:
        self._api = api
        self._rules = rules

    async def cancel(self, order: WooOrder, shown: Order, key: str, reason: Reason | None) -> WriteAnswer:
        """Cancel an order that is not sent yet, once per key."""
        action = ActionKind.CANCEL_ORDER
        mark = order.mark(action, key)
        refusal = None
        # A mark without the state is half a change: the same key finishes it.
        if mark is None or shown.status in _CANCELLABLE:
            if no := _is_taken(order, action, key) or _wrong_state(shown, _CANCELLABLE):
                return no
            answer = (
                mark.answer if mark else WriteAnswer(WriteResult.DONE, refund=order.owed, detail=_cancelled(reason))
            )
            changes = {"status": "cancelled", "meta_data": [meta_entry(action, key, answer)]}
            refusal = await self._api.update(order.id, changes)
            order = await self._again(order)
        answer = _settled(order, action, key, refusal)
        if not self._rules.refunds:
            return answer
        with may_have_acted():
            return await self._pay_back(order, key, answer)

    async def request_return(
        self, order: WooOrder, shown: Order, key: str, reason: Reason | None, lines: Sequence[ReturnLine]
    ) -> WriteAnswer:
        """Give a delivered order the state of one that is to come back, and say in it what comes; once per key."""
        action = ActionKind.RETURN_APPLY
        if order.mark(action, key) is not None:
            return _settled(order, action, key, None)
        if self._rules.return_status is None:
            return NO_RETURNS
        if (
            no := _is_taken(order, action, key)
            or _wrong_state(shown, (OrderStatus.DELIVERED,))
            or _no_line(shown, lines)
        ):
            return no
        answer = WriteAnswer(WriteResult.DONE, reference=f"RMA-{shown.number}", detail="return requested")
        wish = {"key": "Return requested", "value": _spelt(shown, reason, lines, answer.reference)}
        changes = {"status": self._rules.return_status, "meta_data": [meta_entry(action, key, answer), wish]}
        refusal = await self._api.update(order.id, changes)
        return _settled(await self._again(order), action, key, refusal)

    async def outcome(self, order: WooOrder, shown: Order, action: ActionKind, key: str) -> WriteAnswer | None:
        """Tell what the write of this key came to, changing nothing."""
        if order.mark(action, key) is not None:
            answer = _settled(order, action, key, None)
            if self._rules.refunds and answer.refund and not await self._is_paid_back(order.id, key):
                return replace(answer, detail="cancelled, but not paid back: that must be done by hand")
            return answer
        if shown.status is _AFTER[action] and not order.marks[action]:
            refund = order.owed if action is ActionKind.CANCEL_ORDER else None
            return WriteAnswer(WriteResult.DONE, refund=refund, detail="it is done, but nobody can tell by whom")
        return None

    async def _again(self, order: WooOrder) -> WooOrder:
        with may_have_acted():
            data = await self._api.order_of(order.customer, order.id)
        if data is None:
            raise OrderSystemGarbled("the order was gone when it was read back")
        return read_order(data, self._rules.states)

    async def _pay_back(self, order: WooOrder, key: str, answer: WriteAnswer) -> WriteAnswer:
        """Pay a cancelled order back, unless that was done: by this key, or by people and in full."""
        if answer.result is not WriteResult.DONE or answer.refund is None or order.owed is None:
            return answer
        if await self._is_paid_back(order.id, key):
            return answer
        amount = min(answer.refund.amount, order.owed.amount)
        refusal = await self._api.add_refund(order.id, str(amount), f"Cancelled by the customer ({mark_of(key)})")
        if refusal is None or await self._is_paid_back(order.id, key):
            return answer
        return replace(answer, detail=f"cancelled, but not paid back ({refusal}): that must be done by hand")

    async def _is_paid_back(self, order_id: int, key: str) -> bool:
        mark = mark_of(key)
        return any(mark in (refund.text_or_none("reason") or "") for refund in await self._api.refunds(order_id))


def _is_taken(order: WooOrder, action: ActionKind, key: str) -> WriteAnswer | None:
    if order.marks[action] and order.marks[action][0].mark != mark_of(key):
        return WriteAnswer(WriteResult.REFUSED, detail="another request was first")
    return None


def _wrong_state(shown: Order, right: Sequence[OrderStatus]) -> WriteAnswer | None:
    if shown.status in right:
        return None
    return WriteAnswer(WriteResult.REFUSED, detail=f"the order is {shown.status.value}, not {right[0].value}")


def _no_line(shown: Order, lines: Sequence[ReturnLine]) -> WriteAnswer | None:
    wrong = wrong_line(shown, lines)
    return None if wrong is None else WriteAnswer(WriteResult.REFUSED, detail=wrong)


def _settled(order: WooOrder, action: ActionKind, key: str, refusal: Refusal | None) -> WriteAnswer:
    """Return what the order, as it stands, says of a write.

    Raises:
        OrderSystemGarbled: when it holds half of it, or none although the API took it.
    """
    mark = order.mark(action, key)
    if mark is None:
        if refusal is None:
            raise OrderSystemGarbled("the shop took the change, but the order does not show it")
        return WriteAnswer(WriteResult.REFUSED, detail=f"the shop refused ({refusal})")
    if no := _is_taken(order, action, key):
        return no
    if action is ActionKind.CANCEL_ORDER and (order.order is None or order.order.status is not OrderStatus.CANCELLED):
        raise OrderSystemGarbled(f"the order is marked as cancelled by this request, but its state is {order.state!r}")
    return mark.answer


def _cancelled(reason: Reason | None) -> str:
    return f"cancelled ({reason.value})" if reason else "cancelled"


def _spelt(shown: Order, reason: Reason | None, lines: Sequence[ReturnLine], reference: str | None) -> str:
    """Return what comes back and why, for the people who read the order."""
    names = {item.id: item.name for item in shown.items}
    what = ", ".join(f"{line.quantity} x {names[line.item_id]}" for line in lines) or "all of the order"
    why = reason.value.replace("_", " ") if reason else "no reason given"
    return f"{reference}: {what} ({why})"
