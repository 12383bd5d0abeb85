"""Who a customer is, from the answers of the two lookups. What a customer claims is compared here, not by the API."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.orders.http_mapping import Lookup, ShopMapping
from bot.orders.http_pointer import Place
from bot.orders.http_values import optional_text, text, text_or_none
from bot.orders.numbers import plain
from bot.orders.phones import to_e164


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as a lookup tells them; what it leaves out is empty."""

    id: str
    name: str
    email: str
    phone: str


def only_owner(mapping: ShopMapping, lookup: Lookup, documents: Sequence[Any], phone: str) -> tuple[str, str] | None:
    """Return (customer id, name) of the only one among these with this E.164 number.

    Raises:
        OrderSystemGarbled: naming the pointer that leads nowhere.
    """
    owners = owners_of(mapping, lookup, documents, phone)
    return next(iter(owners.items())) if len(owners) == 1 else None


def owners_of(mapping: ShopMapping, lookup: Lookup, documents: Sequence[Any], phone: str) -> dict[str, str]:
    """Return the names of all among these with this E.164 number, by customer id; see `only_owner`."""
    people = [person for document in documents if (person := _person(mapping, lookup, document)) is not None]
    return {person.id: person.name for person in people if _e164(person.phone, mapping) == phone}


def owner_of(mapping: ShopMapping, lookup: Lookup, documents: Sequence[Any], number: str) -> Person | None:
    """Return whose order this is; None when it is a guest's.

    Raises:
        OrderSystemGarbled: naming the pointer that leads nowhere, or when two customers have an order of this number.
    """
    place = lookup.places.number
    same = [one for one in documents if place is None or plain(text(place, one)) == plain(number)]
    people = [person for document in same if (person := _person(mapping, lookup, document)) is not None]
    if len({person.id for person in people}) > 1:
        raise lookup.places.customer_id.wrong("differs between two orders of one number")
    return people[0] if people else None


def is_proved(person: Person, email: str | None, phone_last4: str | None) -> bool:
    """Whether everything that is given of e-mail and last four digits is this customer's, and something is given."""
    if email is None and phone_last4 is None:
        return False
    if email is not None and not _same(email.strip().casefold(), person.email.strip().casefold()):
        return False
    digits = plain(person.phone)
    return phone_last4 is None or (len(phone_last4) == 4 and _same(phone_last4, digits[-4:]))


def _person(mapping: ShopMapping, lookup: Lookup, document: Any) -> Person | None:
    places = lookup.places
    customer_id = text_or_none(places.customer_id, document)
    if customer_id is None or customer_id in mapping.guest_ids:
        return None
    return Person(customer_id, *(_text(place, document) for place in (places.name, places.email, places.phone)))


def _text(place: Place | None, document: Any) -> str:
    return optional_text(place, document) or ""


def _e164(phone: str, mapping: ShopMapping) -> str | None:
    return to_e164(phone, mapping.phone_region or None) if phone else None


def _same(claimed: str, known: str) -> bool:
    return bool(known) and hmac.compare_digest(claimed.encode("utf-8", "replace"), known.encode("utf-8", "replace"))
