"""Scopes of customers who were verified before a test began."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.domain.model import Proof, ProofKind, Scope

PROOF = Proof(ProofKind.CONTACT, datetime(2026, 1, 1, tzinfo=UTC), expires=None)


def scope_of(customer_id: str, name: str = "", proof: Proof = PROOF) -> Scope:
    """Return a customer's scope."""
    return Scope(customer_id, name, proof)
