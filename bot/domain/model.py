"""The words of DESIGN.md as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.domain.actions import Action, ActionKind

# --- the shop ---------------------------------------------------------------


class OrderStatus(StrEnum):
    """Where an order stands, as the desk understands it."""

    PENDING = "pending"
    PROCESSED = "processed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    RETURN_REQUESTED = "return_requested"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in an ISO 4217 currency."""

    amount: Decimal
    currency: str


class Reason(StrEnum):
    """Why a customer cancels or sends back."""

    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"
    DOES_NOT_FIT = "does_not_fit"
    CHANGED_MIND = "changed_mind"
    ARRIVED_LATE = "arrived_late"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One line of an order; `price` is for one piece.

    `id` is the order system's own name of the line, unique within the order, and empty where it has none; `category`
    the shop's own word for the kind of goods; `returnable` whether the shop takes such goods back at all.
    """

    name: str
    quantity: int
    price: Money
    id: str = ""
    category: str = ""
    returnable: bool = True


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """How many pieces of one line of an order go back."""

    item_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the order system tells it; times are aware and in UTC.

    `payment` is how it was paid, in the order system's words ("Visa ·· 4242"): refunds go there.
    """

    number: str
    customer_id: str
    status: OrderStatus
    placed_at: datetime
    total: Money
    items: tuple[OrderItem, ...] = ()
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    expected_at: datetime | None = None
    carrier: str | None = None
    tracking: str | None = None
    payment: str | None = None


class ProofKind(StrEnum):
    """How somebody showed which customer they are; `earlier` was won before proofs were kept."""

    CONTACT = "contact"
    ORDER_EMAIL = "order_email"
    ORDER_PHONE = "order_phone"
    LINK = "link"
    EARLIER = "earlier"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a scope rests on: how and when it was won, and when it ends (None for never); times are aware and in UTC.

    Only `conversation/verification.py` and the store make one; a test watches over it.
    """

    kind: ProofKind
    at: datetime
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Scope:
    """The right to see and change one customer's orders; it is made where its proof is, and from nothing else.

    Raises:
        TypeError: without a proof.
        ValueError: without a customer, for an order system could take that for all of them.
    """

    customer_id: str
    name: str
    proof: Proof

    def __post_init__(self) -> None:
        if not isinstance(self.proof, Proof):
            raise TypeError("a scope needs the proof that it was won by")
        if not isinstance(self.customer_id, str) or not self.customer_id.strip():
            raise ValueError("a scope needs the id of its customer")

    def holds(self, now: datetime) -> bool:
        """Whether the proof still counts."""
        return self.proof.expires is None or now < self.proof.expires


WHOLE_ONLY = "only all of the order can go back"
"""The detail of a refusal that says so; the customer is then asked whether they want that."""


class WriteResult(StrEnum):
    """What the order system said of a write; REQUESTED that it was handed in, and a person will carry it out."""

    DONE = "done"
    REFUSED = "refused"
    REQUESTED = "requested"


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """The order system's answer to a cancel or a return.

    `reference` is what it calls the thing it made (an RMA, a refund), `refund` what it will pay back,
    `detail` its own words: for the ledger and the admins, never for the customer.
    """

    result: WriteResult
    reference: str | None = None
    refund: Money | None = None
    detail: str = ""


# --- the conversation -------------------------------------------------------


class Channel(StrEnum):
    """Where a thread lives."""

    TELEGRAM = "telegram"
    REST = "rest"


class ThreadStatus(StrEnum):
    """Who owns the thread: `pending` is the bot's, `open` a person's."""

    PENDING = "pending"
    OPEN = "open"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Author(StrEnum):
    """Who wrote a message."""

    CUSTOMER = "customer"
    BOT = "bot"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class ThreadKey:
    """A thread's address: the Telegram chat id, or the REST key's name and the caller's thread id."""

    channel: Channel
    address: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.address}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a thread."""

    author: Author
    text: str
    at: datetime
    id: int = 0


class Waiting(StrEnum):
    """What the bot has asked the customer for."""

    NOTHING = "nothing"
    VERIFICATION = "verification"
    ORDER_NUMBER = "order_number"
    ITEMS = "items"
    QUANTITY = "quantity"
    REASON = "reason"
    NOTE = "note"
    PHOTO = "photo"
    CONFIRMATION = "confirmation"
    MEANING = "meaning"


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message in a Telegram chat."""

    chat_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer has said so far of the cancellation or the return that they want.

    `lines` are the items that go back, of quantity 0 where it was not said how many; `picked` that no more will be
    named. `note` is the reason in their own words, `photo` the message that shows it, `skipped` the questions that
    they would not answer.
    """

    lines: tuple[ReturnLine, ...] = ()
    picked: bool = False
    reason: Reason | None = None
    note: str = ""
    photo: MessageRef | None = None
    skipped: frozenset[Waiting] = frozenset()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The open question of a thread: what is waited for, for which action, and since when.

    `key` is the ledger's idempotency key of a proposal that waits for its yes or no, or the group of the buttons that
    answer another question; `latest` that the customer spoke of their last order; `wish` what is known of a write.
    MEANING waits for whether `action`, which was only suspected, is what the customer means.
    """

    waiting: Waiting = Waiting.NOTHING
    action: ActionKind | None = None
    order_id: str | None = None
    key: str | None = None
    since: datetime | None = None
    latest: bool = False
    wish: Wish | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation with one customer."""

    id: int
    key: ThreadKey
    status: ThreadStatus = ThreadStatus.PENDING
    name: str = ""
    language: str | None = None
    language_fixed: bool = False
    scope: Scope | None = None
    dialogue: Dialogue = Dialogue()
    open_until: datetime | None = None
    summary: str = ""
    summary_upto: int = 0
    away_told: bool = False


class IncomingKind(StrEnum):
    """The shapes in which a customer's turn arrives."""

    TEXT = "text"
    COMMAND = "command"
    BUTTON = "button"
    CONTACT = "contact"
    MEDIA = "media"
    EDITED = "edited"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Contact:
    """A shared contact; `own` is true only when Telegram says it is the sender's own, and it was not forwarded."""

    phone: str
    own: bool


@dataclass(frozen=True, slots=True)
class Incoming:
    """One customer message, freed of its channel.

    For a COMMAND `text` is the argument and `command` its name; for a BUTTON `token` is the opaque id that was
    pressed, `callback_id` what Telegram wants answered and `ref` the message that carried it; for MEDIA `text`
    is the caption and `media` the kind ("photo", "sticker", "voice", ...), `ref` the message to show to a person.
    """

    kind: IncomingKind
    key: ThreadKey
    text: str = ""
    command: str = ""
    token: str = ""
    callback_id: str = ""
    media: str = ""
    contact: Contact | None = None
    ref: MessageRef | None = None
    name: str = ""
    language_hint: str | None = None
    history: tuple[Message, ...] = ()


class ButtonKind(StrEnum):
    """What a button does; `data` is the ledger key, the order number or the language it stands for.

    CHOOSE_ACTION says what was meant, about the order of `data` if there is one; NOT_MEANT that `action` was not.
    ANSWER answers a question about a write, `data` says with what. The last four are for admins: whether a write may be
    done, and whether one of which nobody knew was.
    """

    CONFIRM = "confirm"
    DECLINE = "decline"
    CHOOSE_ORDER = "choose_order"
    CHOOSE_ACTION = "choose_action"
    NOT_MEANT = "not_meant"
    ANSWER = "answer"
    LANGUAGE = "language"
    HUMAN = "human"
    APPROVE = "approve"
    REFUSE = "refuse"
    WAS_DONE = "was_done"
    WAS_NOT_DONE = "was_not_done"


@dataclass(frozen=True, slots=True)
class Button:
    """A button: a label and an opaque, single-use token; all of one `group` are used up together.

    It is the customer's, or that of the one admin whose Telegram id is `admin`.
    """

    label: str
    token: str
    kind: ButtonKind
    group: str
    data: str = ""
    action: ActionKind | None = None
    expires_at: datetime | None = None
    admin: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the customer gets: plain text, rows of buttons, or a button (of that label) that shares the contact.

    A `fact` tells what was done; it is delivered even when a person has taken the thread over in the meantime.
    """

    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    contact_button: str = ""
    drop_keyboard: bool = False
    fact: bool = False


# --- understanding ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Query:
    """What a tier is asked to understand.

    `candidates` are the order numbers that stand in the message or the thread, newest first, as they were written;
    `thread` names the conversation, for tiers that keep something of it in memory; `tell` takes a text for the customer
    as far as it is written.
    """

    text: str
    language: str
    history: tuple[Message, ...] = ()
    summary: str = ""
    candidates: tuple[str, ...] = ()
    facts: str = ""
    thread: str = ""
    tell: Callable[[str], None] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Passed:
    """A tier that was asked and did not answer, why, and how long that took (seconds)."""

    tier: str
    reason: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """An action, the tier it came from, and that tier's own words.

    `likely` is how likely each action is, where the tier weighs them against each other; they sum to 1. `suspected`
    are the writes that the message may ask for although it was not understood as one, the likeliest first.
    """

    action: Action
    tier: str
    raw: str = ""
    confidence: float = 1.0
    passed: tuple[Passed, ...] = ()
    likely: Mapping[ActionKind, float] = field(default_factory=dict)
    suspected: tuple[ActionKind, ...] = ()


# --- ledger and trace -------------------------------------------------------


class LedgerState(StrEnum):
    """The life of a write: proposed, confirmed by the customer, in flight, then one of the ends.

    UNKNOWN waits for a person to tell what became of it. Which state may follow which is said in `ledger.py`.
    """

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    IN_FLIGHT = "in_flight"
    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One write and its fate; `key` is the idempotency key that the adapter honours.

    `digest` is the fingerprint of what was proposed: the action, whose order, `lines` (none for all of it), `reason`
    and `amount`. `note` and `photo` are the customer's own words and picture, for the people of the shop.
    `needs_approval` that a person of the shop has to agree; `approved_by` is the admin who did, or did
    not, and `settled_by` the one who told what became of it, as Telegram user ids. `confirmed_by` is the inbox id of
    the customer's yes. `answer` is what the order system said; `entered` when each state was entered, `at` the newest
    of these.
    """

    key: str
    thread_id: int
    customer_id: str
    action: ActionKind
    order_number: str
    state: LedgerState
    detail: str = ""
    at: datetime | None = None
    reason: Reason | None = None
    lines: tuple[ReturnLine, ...] = ()
    amount: Money | None = None
    note: str = ""
    photo: MessageRef | None = None
    digest: str = ""
    needs_approval: bool = False
    confirmed_by: int | None = None
    approved_by: int | None = None
    settled_by: int | None = None
    answer: WriteAnswer | None = None
    entered: Mapping[LedgerState, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace:
    """How a turn went: stage -> seconds, who answered, who passed, and what policy decided."""

    tier: str = ""
    action: Action | None = None
    raw: str = ""
    decision: str = ""
    passed: tuple[Passed, ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FaqEntry:
    """A question in the ways people ask it, and the shop's own answer, in one language."""

    language: str
    questions: tuple[str, ...]
    answer: str
    id: int = 0
