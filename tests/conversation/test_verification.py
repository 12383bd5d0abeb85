"""Who is this: credentials in whatever way people write them, tries that are counted, and one way to win a scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.draft import Draft
from bot.conversation.handoff import Handoff
from bot.conversation.links import Links
from bot.conversation.verification import Credentials, Verification
from bot.domain.actions import ActionKind
from bot.domain.journal import Try, TryLimits
from bot.domain.model import Channel, Contact, Proof, ProofKind, Scope, Thread, ThreadKey, ThreadStatus, Waiting
from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import Identity
from bot.errors import OrderSystemDown
from bot.orders.phones import to_e164
from bot.telegram.post import TelegramPost
from tests.support.replies_said import REPLIES
from tests.support.store import NOON, text

ORDER = "ORD20241112001"
DEMO = (r"ORD\d{11}",)
ANA = ("c-1", "Ana")


@dataclass
class FewCustomers:
    """A desk that knows one customer: by a phone, and by an order with two secrets."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    away: bool = False

    async def identify_by_phone(self, phone: str) -> Identity | None:
        """Know one phone."""
        self.asked.append((phone,))
        return ANA if phone == "+34600111222" else None

    async def identify_by_order(self, number: str, *, email: str | None, phone_last4: str | None) -> Identity | None:
        """Know one order."""
        self.asked.append((number, email, phone_last4))
        if self.away:
            raise OrderSystemDown
        return ANA if number == ORDER and (email == "ana@example.com" or phone_last4 == "1222") else None


@dataclass
class Tries:
    """Gives tries, each with this many left; or none, where they are used up."""

    left: int | None = 4
    asked: list[tuple[int, str, datetime]] = field(default_factory=list)

    async def take_try(self, thread_id: int, number: str, now: datetime, _limits: TryLimits) -> Try | None:
        """Give one."""
        self.asked.append((thread_id, number, now))
        return None if self.left is None else Try(17, self.left)


class NoEntries:
    """A ledger of nothing."""

    async def entry(self, _key: str) -> None:
        """Have none."""


class NoLinks:
    """A shop that has made no link yet."""

    async def secret(self) -> None:
        """Have none."""


def verification(
    desk: FewCustomers | None = None,
    tries: Tries | None = None,
    shapes: Sequence[str] = (),
    lasts: timedelta | None = None,
) -> Verification:
    """Return a verification whose proofs last so long."""
    handoff = Handoff(TelegramPost((900,)), REPLIES)
    return Verification(
        desk or FewCustomers(),  # type: ignore[arg-type]
        tries or Tries(),  # type: ignore[arg-type]
        NoEntries(),  # type: ignore[arg-type]
        REPLIES,
        handoff,
        OrderNumbers(shapes),
        lambda phone: to_e164(phone, region="ES"),
        Links(desk or FewCustomers(), NoLinks()),  # type: ignore[arg-type]
        lasts=lasts,
    )


def draft(**thread: Any) -> Draft:
    """Return a turn of an unverified customer."""
    return Draft(text(), 1, NOON, replace(Thread(5, ThreadKey(Channel.TELEGRAM, "7")), **thread), (), "en")


EMAIL = Credentials(ORDER, email="ana@example.com")
LAST4 = Credentials(ORDER, phone_last4="1222")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (f"{ORDER} ana@example.com", EMAIL),
        (f"{ORDER} 1222", LAST4),
        (f"{ORDER}, 1222", LAST4),
        (f"1222 {ORDER}", LAST4),
        (f"#{ORDER}\n1222", LAST4),
        (f"{ORDER},1222", LAST4),
        (f"My order is {ORDER} and my e-mail is Ana@Example.COM.", EMAIL),
        (f"order {ORDER}; phone ends in 1222!", LAST4),
        (f"{ORDER} (ana@example.com)", EMAIL),
        (f"{ORDER} <ana@example.com>", EMAIL),
        (f"{ORDER} 'ana@example.com', please", EMAIL),
        (f"{ORDER} mailto:ana@example.com?", EMAIL),
        (f"ana@example.com/{ORDER}", EMAIL),
        (f"订单号{ORDER}，邮箱ana@example.com", EMAIL),
        (f"我的邮箱是ana@example.com订单号{ORDER}", EMAIL),
        (f"订单 {ORDER} 手机尾号1222", LAST4),
        (f"заказ {ORDER}, почта ana@example.com", EMAIL),
        (f"الطلب {ORDER} وآخر أربعة أرقام ١٢٢٢", LAST4),
        (f"ऑर्डर {ORDER} फोन १२२२", LAST4),
        (f"{ORDER} １２２２", LAST4),
        ("ｏｒｄ２０２４１１１２００１ ana＠example.com", replace(EMAIL, number="ord20241112001")),
        (f"{ORDER} ana+shop.2024@mail.example.co.uk", Credentials(ORDER, email="ana+shop.2024@mail.example.co.uk")),
        (f"{ORDER} иван@почта.рф", Credentials(ORDER, email="иван@почта.рф")),
        (f"{ORDER} 1111 no, 1222", LAST4),
        (f"{ORDER} 0042", Credentials(ORDER, phone_last4="0042")),
        (f"\u2068{ORDER}\u2069 \u200e1222\u200f", LAST4),
    ],
)
def test_order_and_secret_in_one_message(written: str, read: Credentials) -> None:
    """An order number with an e-mail address or four digits is found in every script, order and punctuation."""
    assert verification(shapes=DEMO).read(written, None) == read


@pytest.mark.parametrize(
    "written",
    [
        f"{ORDER} ana@example.com",
        f"订单号{ORDER}，邮箱ana@example.com",
        f"我的邮箱是ana@example.com，订单号{ORDER}",
        f"我的邮箱是ana@example.com订单号{ORDER}",
        f"{ORDER}のメールはana@example.com",
    ],
)
def test_without_a_shops_shape(written: str) -> None:
    """Where the shop names no shape of its own, a number is still found beside an address that touches it."""
    assert verification().read(written, None) == EMAIL


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1222", LAST4),
        ("it's 1222.", LAST4),
        ("…1222", LAST4),
        ("١٢٢٢", LAST4),
        ("ana@example.com", EMAIL),
        ("ANA@EXAMPLE.COM", EMAIL),
        (f"{ORDER} 1222", LAST4),
        ("ORD20249999999 1222", Credentials("ORD20249999999", phone_last4="1222")),
    ],
)
def test_the_secret_after_the_number(written: str, read: Credentials) -> None:
    """With the order number given before, the secret alone is enough; a number in the message comes first."""
    assert verification().read(written, ORDER) == read


@pytest.mark.parametrize(
    "written",
    ["", "hello", ORDER, "122", "12222", "+34 600 111 222", "600111222", "ana@example", "@", "2,50 EUR", "\x00", "no"],
)
def test_no_secret(written: str) -> None:
    """What holds no secret is no try: it is not counted, and may mean something else."""
    assert verification().read(written, ORDER) is None


@pytest.mark.parametrize("written", ["1222", "ana@example.com", "my phone ends in 1222", ""])
def test_no_number(written: str) -> None:
    """A secret without any order number proves nothing."""
    assert verification().read(written, None) is None


@pytest.mark.parametrize("written", [f"{ORDER}", "ord 2024 1112 001", "ORD-2024-1112-001", "#2024 1112 4001"])
def test_the_numbers_own_digits_are_no_secret(written: str) -> None:
    """Four digits inside the order number, however it is spaced, are not taken for the phone's."""
    assert verification().read(written, None) is None


def test_a_shops_own_shape() -> None:
    """With the shop's own shape of numbers, a short one is found beside its secret."""
    assert verification(shapes=[r"K\d{2}"]).read("k77 1222", None) == Credentials("k77", phone_last4="1222")


@given(st.text(max_size=200), st.none() | st.just(ORDER))
def test_reading_never_fails(written: str, known: str | None) -> None:
    """Whatever is written, reading finds credentials with exactly one secret, or none."""
    found = verification().read(written, known)
    if found:
        assert (found.email is None) != (found.phone_last4 is None)
        assert found.phone_last4 is None or (found.phone_last4.isascii() and len(found.phone_last4) == 4)


@pytest.mark.parametrize(("given_", "kind"), [(EMAIL, ProofKind.ORDER_EMAIL), (LAST4, ProofKind.ORDER_PHONE)])
async def test_the_right_secret_wins_the_scope(given_: Credentials, kind: ProofKind) -> None:
    """With the order's own e-mail or phone the thread is bound to its customer, and nothing is counted."""
    turn = draft()
    assert await verification().by_credentials(turn, given_)
    scope = Scope(*ANA, Proof(kind, NOON, expires=None))
    assert (turn.thread.scope, turn.decision, turn.forgiven) == (scope, "verified", 17)
    assert turn.replies[-1].text == REPLIES.verified("en", scope)
    assert turn.replies[-1].drop_keyboard


@pytest.mark.parametrize("days", [1, 90])
async def test_a_proof_lasts_as_long_as_the_shop_says(days: int) -> None:
    """The scope ends after the configured days, and the customer is told the day and how to end it sooner."""
    turn = draft()
    assert await verification(lasts=timedelta(days=days)).by_contact(turn, Contact("600 111 222", own=True))
    scope = turn.thread.scope
    assert scope is not None
    assert scope.proof.expires == NOON + timedelta(days=days)
    assert {1: "March 2, 2026", 90: "May 30, 2026"}[days] in turn.replies[-1].text
    assert "/unlink" in turn.replies[-1].text


@pytest.mark.parametrize("left", [4, 1, 0])
async def test_a_wrong_secret_is_counted(left: int) -> None:
    """A wrong answer binds nothing, stays counted for its order, and says how many tries are left."""
    turn, tries = draft(), Tries(left)
    assert not await verification(tries=tries).by_credentials(turn, Credentials("ord-2024 111", phone_last4="0000"))
    assert (turn.thread.scope, turn.decision, turn.forgiven) == (None, "credentials_wrong", None)
    assert turn.replies[-1].text == REPLIES.credentials_wrong("en", left)
    assert tries.asked == [(5, "ORD2024111", NOON)]


async def test_used_up() -> None:
    """When the tries are used up, the right secret wins nothing, and a person takes over."""
    turn, desk = draft(), FewCustomers()
    assert not await verification(desk, Tries(None)).by_credentials(turn, EMAIL)
    assert desk.asked == [], "the order system is not even asked"
    assert turn.thread.scope is None
    assert turn.thread.status is ThreadStatus.OPEN
    assert turn.decision == "too_many_tries"
    assert [call.chat_id for call in turn.calls] == [900]


async def test_an_order_system_that_does_not_answer_costs_no_try() -> None:
    """Whether the secret was right is not known then, so the try is forgiven."""
    turn, desk = draft(), FewCustomers(away=True)
    with pytest.raises(OrderSystemDown):
        await verification(desk).by_credentials(turn, EMAIL)
    assert turn.forgiven == 17


async def test_the_own_contact_wins_the_scope() -> None:
    """A contact that Telegram calls the sender's own is looked up in its international form."""
    turn, desk = draft(), FewCustomers()
    assert await verification(desk).by_contact(turn, Contact("600 111 222", own=True))
    assert desk.asked == [("+34600111222",)]
    assert turn.thread.scope == Scope(*ANA, Proof(ProofKind.CONTACT, NOON, expires=None))


async def test_another_persons_contact() -> None:
    """Somebody else's contact is refused without a look at whose it is."""
    turn, desk = draft(), FewCustomers()
    assert not await verification(desk).by_contact(turn, Contact("+34600111222", own=False))
    assert desk.asked == []
    assert (turn.thread.scope, turn.decision, turn.forgiven) == (None, "contact_not_yours", None)


@pytest.mark.parametrize("phone", ["+34600999999", "nonsense", "", "+1" * 50])
async def test_an_unknown_contact(phone: str) -> None:
    """A contact that is nobody's is said to be so, and counted for the thread alone."""
    turn = draft()
    assert not await verification().by_contact(turn, Contact(phone, own=True))
    assert (turn.thread.scope, turn.decision, turn.forgiven) == (None, "contact_unknown", None)


async def test_a_contact_when_the_tries_are_used_up() -> None:
    """Contacts count, too: after too many tries a person takes over."""
    turn = draft()
    assert not await verification(tries=Tries(None)).by_contact(turn, Contact("+34600111222", own=True))
    assert (turn.thread.scope, turn.decision) == (None, "too_many_tries")


def test_asking_remembers_what_for() -> None:
    """The question goes out with the contact button, and what it was for is kept for afterwards."""
    turn = draft()
    verification().ask(turn, ActionKind.CANCEL_ORDER, None, latest=True)
    dialogue = turn.thread.dialogue
    assert (dialogue.waiting, dialogue.action, dialogue.order_id, dialogue.latest, dialogue.since) == (
        Waiting.VERIFICATION,
        ActionKind.CANCEL_ORDER,
        None,
        True,
        NOON,
    )
    assert turn.replies[-1].contact_button == REPLIES.contact_button("en")
