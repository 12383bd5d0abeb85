from __future__ import annotations

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import OrderStatus, Reason, ReturnLine, WriteResult
from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.desk import CustomerDesk, OrderDesk
from tests.support.demo_orders import DELIVERED, EMILY, GOING_BACK, PENDING, status
from tests.support.faulty_adapter import FaultyAdapter, down, hang, late, raising

WRITES = [
    ("cancel", ActionKind.CANCEL_ORDER, PENDING.number, OrderStatus.CANCELLED),
    ("request_return", ActionKind.RETURN_APPLY, DELIVERED.number, OrderStatus.RETURN_REQUESTED),
]
each_write = pytest.mark.parametrize(("method", "action", "number", "after"), WRITES)


@each_write
async def test_write_while_down(
    shop: FaultyAdapter, mine: CustomerDesk, method: str, action: ActionKind, number: str, after: OrderStatus
) -> None:
    """A write that surely did nothing is tried again with the same key."""
    shop.plan(method, down(), down())
    assert (await mine.write(action, number, "key-1")).result is WriteResult.DONE
    assert await status(shop, number) is after
    assert [keywords["key"] for name, _, keywords in shop.calls if name == method] == ["key-1"] * 3


@each_write
async def test_write_stays_down(
    shop: FaultyAdapter, mine: CustomerDesk, method: str, action: ActionKind, number: str, after: OrderStatus
) -> None:
    """A write that never got through is reported as surely not done."""
    shop.always(method, down())
    with pytest.raises(OrderSystemDown):
        await mine.write(action, number, "key-1")
    assert shop.tries(method) == 3


@each_write
async def test_answer_lost(
    shop: FaultyAdapter, mine: CustomerDesk, method: str, action: ActionKind, number: str, after: OrderStatus
) -> None:
    """A write whose answer got lost is asked for once more with its key, and tells what was done the first time."""
    shop.plan(method, late())
    answer = await mine.write(action, number, "key-1")
    assert answer.result is WriteResult.DONE
    assert answer.reference
    assert shop.tries(method) == 2


@each_write
async def test_answer_lost_twice(
    shop: FaultyAdapter, mine: CustomerDesk, method: str, action: ActionKind, number: str, after: OrderStatus
) -> None:
    """After a second time-out the desk says that it may have been done, and leaves it at that."""
    shop.plan(method, late(), late())
    with pytest.raises(OrderSystemTimeout):
        await mine.write(action, number, "key-1")
    assert shop.tries(method) == 2
    assert await status(shop, number) is after


@each_write
async def test_answer_lost_without_keys(
    shop: FaultyAdapter, mine: CustomerDesk, method: str, action: ActionKind, number: str, after: OrderStatus
) -> None:
    """An adapter that does not promise to honour keys is never called again after a time-out."""
    shop.plan(method, late())
    shop.honours_keys = False
    with pytest.raises(OrderSystemTimeout):
        await mine.write(action, number, "key-1")
    assert shop.tries(method) == 1


async def test_down_after_a_timeout_is_not_surely_nothing(shop: FaultyAdapter, mine: CustomerDesk) -> None:
    """A system that loses an answer and then goes down may have acted: the desk does not claim otherwise."""
    shop.plan("cancel", late(), down(), down())
    with pytest.raises(OrderSystemTimeout):
        await mine.cancel(PENDING.number, "key-1")
    assert await status(shop, PENDING.number) is OrderStatus.CANCELLED


async def test_timeout_between_two_downs(shop: FaultyAdapter, mine: CustomerDesk) -> None:
    """Being down, losing an answer and answering at last is still one effect with one key."""
    shop.plan("cancel", down(), late())
    assert (await mine.cancel(PENDING.number, "key-1")).refund == PENDING.total
    assert shop.tries("cancel") == 3


async def test_no_tries_left_after_a_timeout(shop: FaultyAdapter) -> None:
    """A desk without retries does not repeat a write either."""
    shop.plan("cancel", late())
    with pytest.raises(OrderSystemTimeout):
        await OrderDesk(shop, read_retries=0).for_customer(EMILY).cancel(PENDING.number, "key-1")
    assert shop.tries("cancel") == 1


@each_write
async def test_write_that_hangs(
    shop: FaultyAdapter, hasty: OrderDesk, method: str, action: ActionKind, number: str, after: OrderStatus
) -> None:
    """A write that never answers ends at its time limit."""
    shop.always(method, hang())
    with pytest.raises(OrderSystemTimeout):
        await hasty.for_customer(EMILY).write(action, number, "key-1")


@pytest.mark.parametrize("error", [OrderSystemGarbled(), ValueError(), ConnectionResetError(), OrderSystemError()])
async def test_write_that_may_have_been_done(shop: FaultyAdapter, mine: CustomerDesk, error: Exception) -> None:
    """A write that failed in a way that tells nothing is never repeated, and never said to be surely undone."""
    shop.plan("cancel", late(error))
    with pytest.raises(OrderSystemError) as caught:
        await mine.cancel(PENDING.number, "key-1")
    assert not isinstance(caught.value, OrderSystemDown)
    assert shop.tries("cancel") == 1


@pytest.mark.parametrize("key", ["", " "])
async def test_write_without_a_key(shop: FaultyAdapter, mine: CustomerDesk, key: str) -> None:
    """A write without an idempotency key is a mistake of the caller, and reaches no adapter."""
    with pytest.raises(ValueError, match="key"):
        await mine.cancel(PENDING.number, key)
    assert shop.calls == []


async def test_reason_and_lines_reach_the_shop(shop: FaultyAdapter, mine: CustomerDesk) -> None:
    """What the customer said about a return is passed on, and only those pieces go back."""
    lines = (ReturnLine(GOING_BACK.id, 1),)
    assert (await mine.cancel(PENDING.number, "key-1", reason=Reason.CHANGED_MIND)).result is WriteResult.DONE
    done = await mine.request_return(DELIVERED.number, "key-2", reason=Reason.DAMAGED, lines=lines)
    assert done.result is WriteResult.DONE
    assert [keywords for _, _, keywords in shop.calls] == [
        {"key": "key-1", "reason": Reason.CHANGED_MIND},
        {"key": "key-2", "reason": Reason.DAMAGED, "lines": lines},
    ]


@pytest.mark.parametrize(
    "lines", [[ReturnLine("1", 0)], [ReturnLine("", 1)], [ReturnLine("1", 1), ReturnLine("2", -1)]]
)
async def test_lines_that_are_none(shop: FaultyAdapter, mine: CustomerDesk, lines: list[ReturnLine]) -> None:
    """A line of a return without its item or its pieces is a mistake of the caller, and reaches no adapter."""
    with pytest.raises(ValueError, match="line"):
        await mine.request_return(DELIVERED.number, "key-1", lines=lines)
    assert shop.calls == []


async def test_a_cancellation_has_no_lines(shop: FaultyAdapter, mine: CustomerDesk) -> None:
    """An order is cancelled as a whole: lines would be lost, so they are refused."""
    with pytest.raises(ValueError, match="whole"):
        await mine.write(ActionKind.CANCEL_ORDER, PENDING.number, "key-1", lines=[ReturnLine("1", 1)])
    assert shop.calls == []


@each_write
async def test_outcome_after_a_lost_answer(
    shop: FaultyAdapter, mine: CustomerDesk, method: str, action: ActionKind, number: str, after: OrderStatus
) -> None:
    """A write that was done although no answer came reads back as what it would have been answered."""
    shop.honours_keys = False
    shop.plan(method, late())
    assert await mine.outcome(action, number, "key-1") is None
    with pytest.raises(OrderSystemTimeout):
        await mine.write(action, number, "key-1")
    shop.plan("outcome", down(), raising(OrderSystemTimeout()))
    found = await mine.outcome(action, number, "key-1")
    assert found is not None
    assert found.result is WriteResult.DONE
    assert found.reference
    assert shop.tries(method) == 1
