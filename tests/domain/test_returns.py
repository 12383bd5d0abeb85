"""What of an order may go back: windows by category, goods that are never taken, and what is left of an order then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import ActionKind
from bot.domain.model import Money, Order, OrderItem, OrderStatus, ReturnLine
from bot.domain.policy import Approval, Decision, Rules, choose, decide, lines_to_return
from bot.domain.returns import Backward, ReturnRules, amount_of, going_back, items_of
from tests.support.scopes import scope_of

CANCEL, RETURN = ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANA = scope_of("c-1", "Ana")


def euros(amount: str) -> Money:
    """Return an amount in euros."""
    return Money(Decimal(amount), "EUR")


SHOES = OrderItem("Red shoes", 2, euros("40.00"), "1", "Shoes")
CREAM = OrderItem("Hand cream", 1, euros("5.50"), "2", "Hygiene")
CARD = OrderItem("Gift card", 1, euros("25.00"), "3", returnable=False)
VOUCHER = OrderItem("Voucher", 1, euros("-10.00"), "4")


def order(*items: OrderItem, days: int = 3) -> Order:
    """Return an order of these items, delivered so many days ago."""
    delivered = NOW - timedelta(days=days)
    placed, total = delivered - timedelta(days=3), euros("85.50")
    return Order("ORD1", "c-1", OrderStatus.DELIVERED, placed, total, items, delivered_at=delivered)


def decided(about: Order, rules: ReturnRules, *lines: ReturnLine, confirmed: bool = False) -> Decision:
    """Decide about a return now."""
    return decide(RETURN, ANA, about, confirmed=confirmed, now=NOW, rules=Rules(rules), lines=lines)


def test_another_window_for_a_category() -> None:
    """A category has its own number of days, however it is written; everything else has the usual one."""
    rules = ReturnRules(30, {"  SHOES ": 60, "hygiene": 0})
    assert decided(order(SHOES, days=60), rules) is Decision.CONFIRM
    assert decided(order(SHOES, days=61), rules) is Decision.WINDOW_CLOSED
    assert decided(order(replace(SHOES, category=""), days=31), rules) is Decision.WINDOW_CLOSED
    assert decided(order(CREAM, days=1), rules) is Decision.WINDOW_CLOSED
    assert [rules.days(order(*items)) for items in ((SHOES, CREAM), (CREAM,), (CARD,), ())] == [60, 0, 30, 30]


@pytest.mark.parametrize("name", ["hygiene", "Hand  CREAM", "2"])
def test_goods_that_are_never_taken(name: str) -> None:
    """A category, or an item by its name or id, does not go back; and what the order system says does not, neither."""
    rules = ReturnRules(not_taken=(name,))
    assert decided(order(CREAM), rules) is Decision.NOT_RETURNABLE
    assert decided(order(CARD), ReturnRules()) is Decision.NOT_RETURNABLE
    assert decided(order(CREAM), ReturnRules()) is Decision.CONFIRM


def test_what_was_closed_says_more_than_what_is_never_taken() -> None:
    """Where something could have gone back in time, that is the reason that is told."""
    assert decided(order(CARD, SHOES, days=31), ReturnRules()) is Decision.WINDOW_CLOSED


def test_a_part_of_an_order_goes_back() -> None:
    """Where only some of it may, exactly these lines are offered; the whole of it cannot be confirmed."""
    about, rules = order(SHOES, CARD, CREAM, VOUCHER), ReturnRules(not_taken=("hygiene",))
    lines = going_back(about, NOW, rules)
    assert lines == (ReturnLine("1", 2),)
    assert lines_to_return(RETURN, about, NOW, Rules(rules)) == lines
    assert lines_to_return(CANCEL, about, NOW, Rules(rules)) == ()
    assert decided(about, rules) is Decision.CONFIRM
    assert decided(about, rules, confirmed=True) is Decision.NOT_RETURNABLE
    assert decided(about, rules, *lines, confirmed=True) is Decision.ACT
    assert items_of(about, lines) == (SHOES,)
    assert items_of(about, (ReturnLine("1", 1),)) == (replace(SHOES, quantity=1),)
    assert items_of(about, ()) == about.items
    assert choose(RETURN, [about], latest=False, now=NOW, rules=Rules(rules)) == (Decision.SHOW, (about,))


def test_all_or_nothing_needs_no_lines() -> None:
    """Where all of it may go back, or none, or lines have no ids, there is nothing to choose."""
    nameless = order(replace(SHOES, id=""), CARD)
    for about in (order(SHOES, VOUCHER), order(CARD), nameless, order()):
        assert going_back(about, NOW, ReturnRules()) == ()
    assert decided(nameless, ReturnRules()) is Decision.NOT_RETURNABLE


@pytest.mark.parametrize(
    "lines",
    [
        (ReturnLine("9", 1),),
        (ReturnLine("", 1),),
        (ReturnLine("1", 3),),
        (ReturnLine("1", 0),),
        (ReturnLine("1", 1), ReturnLine("1", 2)),
        (ReturnLine("1", 1), ReturnLine("3", 1)),
        (ReturnLine("4", 1),),
    ],
)
def test_lines_that_cannot_go_back(lines: tuple[ReturnLine, ...]) -> None:
    """An unknown line, more than was ordered, goods that are never taken, or a voucher: none of it may be asked for."""
    about = order(SHOES, CARD, VOUCHER)
    assert decided(about, ReturnRules(), *lines) is Decision.NOT_RETURNABLE
    assert decided(about, ReturnRules(), *lines, confirmed=True) is Decision.NOT_RETURNABLE


def test_an_order_without_lines_has_no_line_to_send_back() -> None:
    """Where the order system tells no lines, the usual window counts, and a line that is named is unknown."""
    assert decided(order(days=30), ReturnRules(), confirmed=True) is Decision.ACT
    assert decided(order(days=31), ReturnRules()) is Decision.WINDOW_CLOSED
    assert ReturnRules().why_not(order(), (ReturnLine("1", 1),), NOW) is Backward.NOT_TAKEN


def test_what_it_is_about() -> None:
    """The amount is the order's, or that of the lines, whatever else there is."""
    about = order(SHOES, CREAM)
    assert amount_of(about) == euros("85.50")
    assert amount_of(about, (ReturnLine("1", 1), ReturnLine("2", 1))) == euros("45.50")
    assert amount_of(about, (ReturnLine("9", 1),)) == euros("0")


# --- who has to agree ---


def test_rules_for_approvals_as_they_are_written() -> None:
    """Always, never, or above an amount; anything else is a mistake."""
    assert Approval.read("always") == Approval(always=True)
    assert Approval.read("never") == Approval()
    assert Approval.read("above 99.90 EUR") == Approval(above=euros("99.90"))
    for wrong in ("below 3 EUR", "above 3", "sometimes", ""):
        with pytest.raises(ValueError, match="no rule"):
            Approval.read(wrong)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("always", Decision.APPROVE),
        ("never", Decision.ACT),
        ("above 85.49 EUR", Decision.APPROVE),
        ("above 85.50 EUR", Decision.ACT),
        ("above 9999 USD", Decision.APPROVE),
    ],
)
def test_who_has_to_agree(rule: str, wanted: Decision) -> None:
    """What is confirmed waits for a person where the rule says so, and not once that person has agreed."""
    pending = replace(order(), status=OrderStatus.PENDING)
    rules = Rules(approvals={CANCEL: Approval.read(rule)})

    def decision(*, confirmed: bool, approved: bool = False) -> Decision:
        return decide(CANCEL, ANA, pending, confirmed=confirmed, now=NOW, rules=rules, approved=approved)

    assert decision(confirmed=False) is Decision.CONFIRM
    assert decision(confirmed=False, approved=True) is Decision.CONFIRM, "nobody can agree for the customer"
    assert decision(confirmed=True) is wanted
    assert decision(confirmed=True, approved=True) is Decision.ACT


def test_an_approval_is_for_one_action() -> None:
    """A rule about cancellations says nothing about returns; the amount of a return is that of its lines."""
    about = order(SHOES, CREAM)
    rules = Rules(approvals={CANCEL: Approval(always=True), RETURN: Approval.read("above 50 EUR")})
    for lines, wanted in (((), Decision.APPROVE), ((ReturnLine("2", 1),), Decision.ACT)):
        assert decide(RETURN, ANA, about, confirmed=True, now=NOW, rules=rules, lines=lines) is wanted


ITEMS = st.lists(st.sampled_from([SHOES, CREAM, CARD, VOUCHER]), unique=True).map(tuple)
LINES = st.lists(st.builds(ReturnLine, st.sampled_from(["1", "2", "3", "4", "9"]), st.integers(0, 4)), max_size=3)
SHOPS = st.builds(
    ReturnRules,
    st.integers(0, 60),
    st.dictionaries(st.sampled_from(["shoes", "hygiene"]), st.integers(0, 60)),
    st.lists(st.sampled_from(["shoes", "hygiene", "2"])).map(tuple),
)


@given(ITEMS, st.integers(0, 90), LINES.map(tuple), SHOPS)
def test_nothing_goes_back_that_may_not(
    items: tuple[OrderItem, ...], days: int, lines: tuple[ReturnLine, ...], rules: ReturnRules
) -> None:
    """Whatever the shop's rules: what is acted on is delivered, in its window, taken by the shop, and not too much."""
    about = order(*items, days=days)
    if decided(about, rules, *lines, confirmed=True) is not Decision.ACT:
        return
    for item in items_of(about, lines):
        if item.price.amount >= 0:
            assert item.returnable
            assert not {item.category.casefold(), item.id} & set(rules.not_taken)
            assert days <= rules.windows.get(item.category.casefold(), rules.window_days)
    assert all(line.quantity <= next(item.quantity for item in items if item.id == line.item_id) for line in lines)


@given(ITEMS, st.integers(0, 90), SHOPS)
def test_what_is_offered_may_be_confirmed(items: tuple[OrderItem, ...], days: int, rules: ReturnRules) -> None:
    """The lines that the bot would ask about are lines that a yes then may act on."""
    about = order(*items, days=days)
    if decided(about, rules) is Decision.CONFIRM:
        lines = going_back(about, NOW, rules)
        assert decided(about, rules, *lines, confirmed=True) is Decision.ACT
