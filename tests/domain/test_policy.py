"""The policy: every branch, and above all no write without scope, ownership and a yes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import ActionKind
from bot.domain.model import Money, Order, OrderStatus, Scope
from bot.domain.policy import Decision, Rules, choose, decide
from bot.domain.returns import ReturnRules
from tests.support.scopes import scope_of

QUERY, CANCEL, RETURN = ActionKind.QUERY_ORDER, ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANA = scope_of("c-1", "Ana")
RULES = Rules(ReturnRules(30))
ORDER = Order("ORD1", "c-1", OrderStatus.PENDING, NOW - timedelta(days=3), Money(Decimal(5), "EUR"))


def order(status: OrderStatus, **more: object) -> Order:
    """Return an order in this state."""
    return replace(ORDER, status=status, **more)  # type: ignore[arg-type]


def decided(action: ActionKind, about: Order | None, *, scope: Scope | None = ANA, confirmed: bool = False) -> Decision:
    """Decide now, by the usual rules."""
    return decide(action, scope, about, confirmed=confirmed, now=NOW, rules=RULES)


@pytest.mark.parametrize("action", [QUERY, CANCEL, RETURN])
@pytest.mark.parametrize("about", [ORDER, None])
@pytest.mark.parametrize("confirmed", [True, False])
def test_first_who_is_this(action: ActionKind, about: Order | None, confirmed: bool) -> None:
    """Without a verified customer the only thing to do is to verify, whatever else is known."""
    assert decided(action, about, scope=None, confirmed=confirmed) is Decision.VERIFY


@pytest.mark.parametrize("action", [QUERY, CANCEL, RETURN])
@pytest.mark.parametrize("confirmed", [True, False])
def test_not_yours_is_not_found(action: ActionKind, confirmed: bool) -> None:
    """Another customer's order is answered exactly like one that does not exist."""
    theirs = replace(ORDER, customer_id="c-2")
    assert decided(action, theirs, confirmed=confirmed) is Decision.NOT_FOUND
    assert decided(action, None, confirmed=confirmed) is Decision.NOT_FOUND


@pytest.mark.parametrize("status", list(OrderStatus))
def test_looking_is_always_allowed(status: OrderStatus) -> None:
    """An own order is shown in every state."""
    assert decided(QUERY, order(status)) is Decision.SHOW


@pytest.mark.parametrize(
    ("status", "cancel", "give_back"),
    [
        (OrderStatus.PENDING, Decision.CONFIRM, Decision.NOT_DELIVERED_YET),
        (OrderStatus.PROCESSED, Decision.TOO_LATE_TO_CANCEL, Decision.NOT_DELIVERED_YET),
        (OrderStatus.SHIPPED, Decision.TOO_LATE_TO_CANCEL, Decision.NOT_DELIVERED_YET),
        (OrderStatus.DELIVERED, Decision.TOO_LATE_TO_CANCEL, Decision.CONFIRM),
        (OrderStatus.CANCELLED, Decision.ALREADY, Decision.IS_CANCELLED),
        (OrderStatus.RETURN_REQUESTED, Decision.TOO_LATE_TO_CANCEL, Decision.ALREADY),
        (OrderStatus.RETURNED, Decision.TOO_LATE_TO_CANCEL, Decision.ALREADY),
    ],
)
def test_every_state(status: OrderStatus, cancel: Decision, give_back: Decision) -> None:
    """In each state it is clear what may be done; a yes turns asking into acting and no refusal into anything else."""
    for action, wanted in ((CANCEL, cancel), (RETURN, give_back)):
        assert decided(action, order(status)) is wanted
        assert decided(action, order(status), confirmed=True) is (
            Decision.ACT if wanted is Decision.CONFIRM else wanted
        )


def test_every_state_is_tested() -> None:
    """The table above names every state there is."""
    (mark,) = test_every_state.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in mark.args[1]} == set(OrderStatus)


@pytest.mark.parametrize(
    ("delivered", "wanted"),
    [
        (timedelta(), Decision.CONFIRM),
        (timedelta(days=30), Decision.CONFIRM),
        (timedelta(days=30, seconds=1), Decision.WINDOW_CLOSED),
        (timedelta(days=3000), Decision.WINDOW_CLOSED),
        (timedelta(days=-1), Decision.CONFIRM),
    ],
)
def test_the_return_window(delivered: timedelta, wanted: Decision) -> None:
    """The window runs from the delivery to the second, and its end still counts."""
    about = order(OrderStatus.DELIVERED, delivered_at=NOW - delivered, placed_at=NOW - timedelta(days=9999))
    assert decided(RETURN, about) is wanted


def test_the_window_of_an_order_without_a_delivery_date() -> None:
    """Where the shop does not say when it was delivered, the window runs from the order's day."""
    assert decided(RETURN, order(OrderStatus.DELIVERED, placed_at=NOW - timedelta(days=30))) is Decision.CONFIRM
    assert decided(RETURN, order(OrderStatus.DELIVERED, placed_at=NOW - timedelta(days=31))) is Decision.WINDOW_CLOSED


def test_the_window_in_another_zone() -> None:
    """A time in another zone is the same moment."""
    tokyo = (NOW - timedelta(days=30)).astimezone(ZoneInfo("Asia/Tokyo"))
    assert decided(RETURN, order(OrderStatus.DELIVERED, delivered_at=tokyo)) is Decision.CONFIRM


def test_a_shops_own_rules() -> None:
    """A shop may cancel later and take back for longer."""
    rules = Rules(ReturnRules(365), cancellable=frozenset({OrderStatus.PENDING, OrderStatus.PROCESSED}))
    late = order(OrderStatus.DELIVERED, delivered_at=NOW - timedelta(days=300))
    assert decide(RETURN, ANA, late, confirmed=False, now=NOW, rules=rules) is Decision.CONFIRM
    packed = order(OrderStatus.PROCESSED)
    assert decide(CANCEL, ANA, packed, confirmed=False, now=NOW, rules=rules) is Decision.CONFIRM
    gone = order(OrderStatus.SHIPPED)
    assert decide(CANCEL, ANA, gone, confirmed=False, now=NOW, rules=rules) is Decision.TOO_LATE_TO_CANCEL


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
ORDERS = st.builds(
    Order,
    st.sampled_from(["ORD1", "ORD2"]),
    st.sampled_from(["c-1", "c-2"]),
    st.sampled_from(OrderStatus),
    MOMENTS,
    st.just(ORDER.total),
    delivered_at=st.none() | MOMENTS,
)
SCOPES = st.none() | st.builds(scope_of, st.sampled_from(["c-1", "c-2", "%"]))
SHOPS = st.builds(Rules, st.builds(ReturnRules, st.integers(0, 400)), st.frozensets(st.sampled_from(OrderStatus)))


@given(st.sampled_from([QUERY, CANCEL, RETURN]), SCOPES, st.none() | ORDERS, st.booleans(), MOMENTS, SHOPS)
def test_no_write_without_scope_ownership_and_a_yes(
    action: ActionKind, scope: Scope | None, about: Order | None, confirmed: bool, now: datetime, rules: Rules
) -> None:
    """Whatever the facts: to act takes a verified customer, their own order, a state that allows it, and a yes."""
    decision = decide(action, scope, about, confirmed=confirmed, now=now, rules=rules)
    if decision in (Decision.ACT, Decision.CONFIRM, Decision.SHOW):
        assert scope is not None
        assert about is not None
        assert about.customer_id == scope.customer_id
    if decision is Decision.ACT:
        assert confirmed
        assert action.is_write
        assert about is not None
        if action is CANCEL:
            assert about.status in rules.cancellable
        else:
            assert about.status is OrderStatus.DELIVERED
            assert now - (about.delivered_at or about.placed_at) <= timedelta(days=rules.returns.window_days)
    if decision is Decision.CONFIRM:
        assert not confirmed


@given(SCOPES, ORDERS, st.booleans(), MOMENTS, SHOPS, st.sampled_from([QUERY, CANCEL, RETURN]))
def test_strangers_learn_nothing(
    scope: Scope | None, about: Order, confirmed: bool, now: datetime, rules: Rules, action: ActionKind
) -> None:
    """Whoever does not own an order gets the same decision as if it did not exist."""
    if scope is None or scope.customer_id != about.customer_id:
        seen = decide(action, scope, about, confirmed=confirmed, now=now, rules=rules)
        assert seen is decide(action, scope, None, confirmed=confirmed, now=now, rules=rules)


# --- which order is meant ---


def chosen(
    action: ActionKind, *orders: Order, latest: bool = False, named: tuple[str, ...] = ()
) -> tuple[Decision, tuple[Order, ...]]:
    """Choose now, by the usual rules."""
    return choose(action, orders, latest=latest, now=NOW, rules=RULES, named=named)


NEW, OLD = order(OrderStatus.PENDING, number="NEW"), order(OrderStatus.PENDING, number="OLD")
SENT, HOME = order(OrderStatus.SHIPPED, number="SENT"), order(OrderStatus.DELIVERED, number="HOME")


@pytest.mark.parametrize("action", [QUERY, CANCEL, RETURN])
@pytest.mark.parametrize("latest", [True, False])
def test_no_orders(action: ActionKind, latest: bool) -> None:
    """Whoever never ordered is told so."""
    assert chosen(action, latest=latest) == (Decision.NO_ORDERS, ())


def test_the_only_one_that_fits() -> None:
    """If just one order can be meant, it is."""
    assert chosen(QUERY, SENT) == (Decision.SHOW, (SENT,))
    assert chosen(CANCEL, SENT, NEW, HOME) == (Decision.SHOW, (NEW,))
    assert chosen(RETURN, SENT, NEW, HOME) == (Decision.SHOW, (HOME,))


def test_several_fit() -> None:
    """If several can be meant, the customer is asked about those and no others, in their order."""
    assert chosen(QUERY, SENT, NEW) == (Decision.CHOOSE, (SENT, NEW))
    assert chosen(CANCEL, NEW, SENT, OLD) == (Decision.CHOOSE, (NEW, OLD))


def test_none_fits() -> None:
    """If nothing can be cancelled, or taken back, all orders are shown."""
    assert chosen(CANCEL, SENT, HOME) == (Decision.NONE_FIT, (SENT, HOME))
    assert chosen(RETURN, SENT, NEW) == (Decision.NONE_FIT, (SENT, NEW))


def test_one_of_those_that_were_named() -> None:
    """Whoever wrote several numbers is asked about these, or it is the one that fits; of others not a word."""
    assert chosen(CANCEL, NEW, SENT, OLD, named=("OLD", "NEW")) == (Decision.CHOOSE, (NEW, OLD))
    assert chosen(CANCEL, NEW, SENT, OLD, named=("SENT", "OLD")) == (Decision.SHOW, (OLD,))
    assert chosen(QUERY, NEW, SENT, OLD, named=("SENT",)) == (Decision.SHOW, (SENT,))


def test_none_of_those_that_were_named_fits() -> None:
    """Where none of them fits, no other is taken instead: the customer chooses, and hears why not of that one."""
    assert chosen(CANCEL, NEW, SENT, HOME, named=("SENT", "HOME")) == (Decision.CHOOSE, (SENT, HOME))
    assert chosen(CANCEL, NEW, SENT, HOME, named=("SENT",)) == (Decision.SHOW, (SENT,))


def test_the_last_one() -> None:
    """'My last order' is the newest, even where it does not fit: then it is said why."""
    assert chosen(CANCEL, SENT, NEW, latest=True) == (Decision.SHOW, (SENT,))
    assert chosen(QUERY, NEW, SENT, latest=True) == (Decision.SHOW, (NEW,))


@given(st.sampled_from([CANCEL, RETURN]), st.lists(ORDERS, max_size=6), MOMENTS, SHOPS)
def test_what_is_offered_may_be_confirmed(action: ActionKind, orders: list[Order], now: datetime, rules: Rules) -> None:
    """An order that the bot offers for a write is one for which it would then ask for the yes."""
    decision, offered = choose(action, orders, latest=False, now=now, rules=rules)
    if decision in (Decision.SHOW, Decision.CHOOSE):
        for about in offered:
            scope = scope_of(about.customer_id)
            assert decide(action, scope, about, confirmed=False, now=now, rules=rules) is Decision.CONFIRM
