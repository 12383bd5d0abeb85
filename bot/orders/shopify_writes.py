"""Shopify's two changes. It keeps no idempotency keys, so each carries a mark: in the staff's note, or the customer's.

A cancellation is a job: Shopify answers at once, does it later, and it cannot be undone. So the job is followed to its
end, and only the order itself says that it was cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.domain.actions import ActionKind
from bot.domain.model import OrderStatus, Reason, ReturnLine, WriteAnswer, WriteResult
from bot.errors import OrderSystemGarbled, OrderSystemTimeout
from bot.orders.lines import wrong_line
from bot.orders.shopify_api import Graph
from bot.orders.shopify_orders import ShopifyOrder, answer_in, id_of, note_for
from bot.orders.shopify_queries import CANCEL_ORDER, JOB, REQUEST_RETURN, RETURN_REASONS, RETURNABLE, RETURNS
from bot.orders.web_calls import may_have_acted
from bot.orders.web_keys import mark_of
from bot.orders.web_reading import Fields

NO_SUCH_ORDER = WriteAnswer(WriteResult.REFUSED, detail="no such order")

_CANCELLABLE = (OrderStatus.PENDING, OrderStatus.PROCESSED)
_FIRST_LOOK_S, _LATER_LOOKS_S = 0.1, 0.5
_UNDER_WAY = {"REQUESTED", "OPEN", "CLOSED"}
# The library of reasons is Shopify's and may grow; the first handle that it knows is taken, or none.
_HANDLES = {
    Reason.DAMAGED: ["damaged", "damaged-or-defective", "defective"],
    Reason.WRONG_ITEM: ["wrong-item", "received-wrong-item"],
    Reason.DOES_NOT_FIT: ["wrong-size", "does-not-fit", "fit"],
    Reason.CHANGED_MIND: ["changed-mind", "unwanted", "no-longer-needed"],
    Reason.ARRIVED_LATE: ["arrived-late"],
    Reason.OTHER: ["other"],
}

ReadAgain = Callable[[], Awaitable[ShopifyOrder | None]]


@dataclass(frozen=True, slots=True)
class Rules:
    """How this shop wants it.

    Args:
        refund: whether a cancelled order is paid back to the way it was paid, by Shopify and at once.
        restock: whether its goods are counted as there again.
        notify: whether Shopify writes to the customer.
        job_s: for how long a cancellation is followed.
    """

    refund: bool
    restock: bool
    notify: bool
    job_s: float


class ShopifyWrites:
    """The changes, to an order that was read for its customer just before; `again` reads it once more."""

    def __init__(self, graph: Graph, rules: Rules) -> None:
        self._graph = graph
        self._rules = rules
        # The cancellations that Shopify took on and had not ended when they were looked at last: mark -> job.
        self._under_way: dict[str, str] = {}

    async def cancel(self, found: ShopifyOrder, again: ReadAgain, key: str) -> WriteAnswer:
        """Cancel an order that is not sent yet, and follow it to its end."""
        if found.order.status not in _CANCELLABLE:
            return answer_in(found.note, key) or _refused(f"the order is {found.order.status.value}, not pending")
        if mark_of(key) not in self._under_way:
            payload = (await self._graph.mutate(CANCEL_ORDER, **self._cancellation(found, key))).part("orderCancel")
            if problems := payload.each("orderCancelUserErrors"):
                # It may also be refused because an earlier try, whose answer was lost, is still in the queue.
                with may_have_acted():
                    return _cancelled(await self._watch(found, again), key) or _refused(_said(problems))
            self._under_way[mark_of(key)] = payload.part("job").text("id")
        with may_have_acted():
            await self._follow(key)
            answer = _cancelled(await again(), key)
        if answer is None:
            raise OrderSystemGarbled("Shopify ended the job, but the order is not cancelled")
        return answer

    async def request_return(
        self, found: ShopifyOrder, key: str, reason: Reason | None, lines: Sequence[ReturnLine]
    ) -> WriteAnswer:
        """Open a return of what was delivered; the shop's people approve it in Shopify."""
        if done := await self.return_of(found, key):
            return done
        if found.order.status is not OrderStatus.DELIVERED:
            return _refused(f"the order is {found.order.status.value}, not delivered")
        if wrong := wrong_line(found.order, lines):
            return _refused(wrong)
        picked = await self._pick(found, lines)
        if not picked:
            return _refused("Shopify takes these pieces back no more, or they are too many parcels: hand it over")
        told = {"customerNote": _customer_note(key, reason), "returnReasonDefinitionId": await self._reason_id(reason)}
        lines_in = [{"fulfillmentLineItemId": gid, "quantity": count, **told} for gid, count in picked]
        data = await self._graph.mutate(REQUEST_RETURN, input={"orderId": found.gid, "returnLineItems": lines_in})
        payload = data.part("returnRequest")
        if problems := payload.each("userErrors"):
            with may_have_acted():
                return await self.return_of(found, key) or _refused(_said(problems))
        return _return_answer(payload.part("return"))

    async def outcome(self, found: ShopifyOrder, again: ReadAgain, action: ActionKind, key: str) -> WriteAnswer | None:
        """Tell what the write of this key came to, changing nothing.

        A cancellation may still be a job in the queue, so an order that is not cancelled is watched for a while.
        """
        if action is ActionKind.RETURN_APPLY:
            return await self.return_of(found, key)
        if found.order.status in _CANCELLABLE and mark_of(key) in self._under_way:
            if not await self._is_ended(key):
                raise OrderSystemGarbled("Shopify has taken on the cancellation and not ended it yet")
            found = await again() or found
        found = await self._watch(found, again)
        # Shopify writes the note with the cancellation, so one without this key's was somebody else's.
        return answer_in(found.note, key) if found.order.status is OrderStatus.CANCELLED else None

    async def return_of(self, found: ShopifyOrder, key: str) -> WriteAnswer | None:
        """Return the answer of this key's return, if there is one."""
        order = (await self._graph.query(RETURNS, id=found.gid)).part("order")
        if id_of(order.part("customer").text("id")) != found.order.customer_id:
            raise OrderSystemGarbled("the order changed its customer while it was read")
        for each in order.part("returns").each("nodes"):
            notes = [line.text_or_none("customerNote") or "" for line in each.part("returnLineItems").each("nodes")]
            if any(mark_of(key) in note for note in notes):
                return _return_answer(each)
        return None

    async def _watch(self, found: ShopifyOrder, again: ReadAgain) -> ShopifyOrder:
        """Read an order until it is cancelled, or for as long as a job may take."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._rules.job_s
        while found.order.status in _CANCELLABLE and loop.time() < until:
            await asyncio.sleep(min(_LATER_LOOKS_S, self._rules.job_s / 4))
            found = await again() or found
        return found

    def _cancellation(self, found: ShopifyOrder, key: str) -> dict[str, object]:
        return {
            "id": found.gid,
            "refund": {"originalPaymentMethodsRefund": self._rules.refund},
            "restock": self._rules.restock,
            "notify": self._rules.notify,
            "note": note_for(key, found.owed),
        }

    async def _follow(self, key: str) -> None:
        """Wait until the cancellation of this key has ended, one way or the other."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + self._rules.job_s, min(_FIRST_LOOK_S, self._rules.job_s / 4)
        while True:
            await asyncio.sleep(pause)
            if await self._is_ended(key):
                return
            pause = _LATER_LOOKS_S
            if loop.time() + pause > until:
                raise OrderSystemTimeout("Shopify has not ended the cancellation yet")

    async def _is_ended(self, key: str) -> bool:
        job = (await self._graph.query(JOB, id=self._under_way[mark_of(key)])).part_or_none("job")
        if job is None:
            raise OrderSystemGarbled("Shopify knows the job no more")
        if job.flag("done"):
            del self._under_way[mark_of(key)]
        return job.flag("done")

    async def _pick(self, found: ShopifyOrder, lines: Sequence[ReturnLine]) -> list[tuple[str, int]]:
        """Return which pieces of which parcels go back, as (fulfilment's line, quantity); none if it cannot be so."""
        page = (await self._graph.query(RETURNABLE, id=found.gid)).part("returnableFulfillments")
        parcels = [parcel.part("returnableFulfillmentLineItems") for parcel in page.each("nodes")]
        if any(part.part("pageInfo").flag("hasNextPage") for part in (page, *parcels)):
            return []
        there = [
            (id_of(line.part("lineItem").text("id")), line.text("id"), entry.whole("quantity"))
            for parcel in parcels
            for entry in parcel.each("nodes")
            for line in [entry.part("fulfillmentLineItem")]
        ]
        if not lines:
            return [(gid, quantity) for _, gid, quantity in there if quantity > 0]
        return _allot(there, lines)

    async def _reason_id(self, reason: Reason | None) -> str | None:
        if reason is None:
            return None
        handles = _HANDLES[reason]
        data = await self._graph.query(RETURN_REASONS, handles=handles)
        known = {
            each.text("handle"): each.text("id")
            for each in data.part("returnReasonDefinitions").each("nodes")
            if not each.flag("deleted")
        }
        return next((known[handle] for handle in handles if handle in known), None)


def _allot(there: Sequence[tuple[str, str, int]], lines: Sequence[ReturnLine]) -> list[tuple[str, int]]:
    picked: list[tuple[str, int]] = []
    for line in lines:
        wanted = line.quantity
        for item_id, gid, quantity in there:
            if item_id == line.item_id and min(wanted, quantity) > 0:
                picked.append((gid, min(wanted, quantity)))
                wanted -= min(wanted, quantity)
        if wanted:
            return []
    return picked


def _cancelled(order: ShopifyOrder | None, key: str) -> WriteAnswer | None:
    """Return the answer of an order that is cancelled now; None for one that is not."""
    if order is None or order.order.status is not OrderStatus.CANCELLED:
        return None
    return answer_in(order.note, key) or _refused("another request was first")


def _return_answer(data: Fields) -> WriteAnswer:
    status = data.text("status")
    if status not in _UNDER_WAY:
        return _refused(f"the return {data.text('name')} was {status.lower()}")
    return WriteAnswer(WriteResult.DONE, reference=data.text("name"), detail="return requested")


def _customer_note(key: str, reason: Reason | None) -> str:
    return f"{reason.value.replace('_', ' ') if reason else 'no reason given'} (Deskhand {mark_of(key)})"


def _said(problems: Sequence[Fields]) -> str:
    return "; ".join(f"{each.text_or_none('code')}: {each.text_or_none('message')}" for each in problems)[:200]


def _refused(detail: str) -> WriteAnswer:
    return WriteAnswer(WriteResult.REFUSED, detail=detail)
