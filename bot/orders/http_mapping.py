"""What the mapping of `[orders.http]` says, as plain data: where to ask, and where in an answer everything stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.domain.actions import MAX_ORDER_ID_CHARS, ActionKind
from bot.domain.model import OrderStatus, Reason
from bot.orders.http_pointer import Place, Pointer
from bot.orders.http_template import Template
from bot.orders.http_values import Forms
from bot.orders.numbers import plain


class Meaning(StrEnum):
    """What an answer of the order system means, by its status and the values in it."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    DONE = "done"
    REFUSED = "refused"
    KEY_REUSED = "key_reused"
    NOT_DONE = "not_done"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of `answers`; without a pointer the status alone decides."""

    statuses: frozenset[int]
    means: Meaning
    pointer: Pointer | None = None
    values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One kind of request. `option` is its table's name, `body` a JSON value with templates."""

    option: str
    method: str
    path: Template
    query: Mapping[str, Template]
    headers: Mapping[str, Template]
    body: Any
    rules: tuple[Rule, ...]


class PagingKind(StrEnum):
    """How the next page is asked for."""

    NONE = "none"
    PAGE = "page"
    CURSOR = "cursor"
    URL = "url"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Paging:
    """Where the next page is: `place` of the cursor or address, `parameter` of the query for a number or a cursor."""

    kind: PagingKind = PagingKind.NONE
    parameter: str = ""
    first: int = 1
    size: int = 0
    place: Place | None = None
    max_pages: int = 20


@dataclass(frozen=True, slots=True)
class Listing:
    """An endpoint that answers with a list, or with one object, which is a list of one."""

    endpoint: Endpoint
    at: Place
    paging: Paging


@dataclass(frozen=True, slots=True)
class ItemPlaces:
    """Where the parts of an order's line stand, seen from the line."""

    name: Place
    quantity: Place
    price: Place
    id: Place | None
    category: Place | None
    returnable: Place | None


@dataclass(frozen=True, slots=True)
class OrderPlaces:
    """Where the parts of an order stand, seen from the order. A currency may be a constant."""

    number: Place
    customer_id: Place
    status: tuple[Place, ...]
    placed_at: Place
    total: Place
    currency: Place | str
    id: Place | None
    shipped_at: Place | None
    delivered_at: Place | None
    expected_at: Place | None
    carrier: Place | None
    tracking: Place | None
    payment: Place | None
    items: Place | None
    item: ItemPlaces | None


@dataclass(frozen=True, slots=True)
class PersonPlaces:
    """Where a customer's data stand in the answer of a lookup; `number` only in that of an order."""

    customer_id: Place
    name: Place | None
    phone: Place | None
    email: Place | None
    number: Place | None


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a customer is found, before anybody is verified."""

    listing: Listing
    places: PersonPlaces


@dataclass(frozen=True, slots=True)
class Report:
    """Where the answer to a write says what came of it; of the details the first that is there counts."""

    reference: Place | None
    refund: Place | None
    refund_currency: Place | str | None
    detail: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """A cancellation or a return; `line` is the JSON of one line that goes back, None where only whole orders do."""

    endpoint: Endpoint
    report: Report
    line: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it is read back what the write of a key came to; `number` and `action` tell which write that was."""

    endpoint: Endpoint
    report: Report
    number: Place
    action: Place
    actions: Mapping[ActionKind, str]


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How the order system wants a number to be written, from its letters and digits alone."""

    match: re.Pattern[str] | None = None
    write: str = ""

    def written(self, number: str) -> str | None:
        """Return any spelling of an order number as it is asked for; None if it cannot be one of this shop's."""
        bare = plain(number)
        if not bare or len(number) > MAX_ORDER_ID_CHARS:
            return None
        if self.match is None:
            return bare
        match = self.match.fullmatch(bare)
        return match and match.expand(self.write)


@dataclass(frozen=True, slots=True)
class Auth:
    """What opens the door: headers, or entries of the query; both hold secrets, so neither is shown."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take."""

    connect_s: float
    total_s: float
    max_answer_bytes: int


@dataclass(frozen=True, slots=True)
class Example:
    """Whose orders `deskhand check` reads."""

    customer_id: str
    phone: str


@dataclass(frozen=True, slots=True)
class ShopMapping:
    """All of it."""

    base_url: str
    auth: Auth
    limits: Limits
    number_shapes: tuple[str, ...]
    number: NumberForm
    honours_keys: bool
    guest_ids: frozenset[str]
    phone_region: str
    forms: Forms
    states: Mapping[str, OrderStatus]
    reasons: Mapping[Reason, str]
    fields: OrderPlaces
    orders: Listing
    newest_first: bool
    order: Listing
    by_phone: Lookup | None
    by_number: Lookup | None
    cancel: Write | None
    request_return: Write | None
    outcome: Outcome | None
    ping: Endpoint | None
    example: Example | None
