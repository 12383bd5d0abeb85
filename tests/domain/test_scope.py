"""A scope: made of a proof, and of nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.model import Proof, ProofKind, Scope
from tests.support.scopes import PROOF
from tests.support.store import NOON


@pytest.mark.parametrize(
    "given", [("7",), ("7", "Ana"), ("7", "Ana", None), ("7", "Ana", "contact"), ("7", "Ana", True)]
)
def test_no_scope_without_a_proof(given: tuple[Any, ...]) -> None:
    """Text alone is no scope, whatever it says."""
    with pytest.raises(TypeError):
        Scope(*given)


@pytest.mark.parametrize("customer_id", ["", "  ", None, 7])
def test_no_scope_without_a_customer(customer_id: Any) -> None:
    """An empty customer, which an order system could take for everybody, is none."""
    with pytest.raises(ValueError, match="customer"):
        Scope(customer_id, "Ana", PROOF)


def test_a_proof_ends() -> None:
    """A scope holds until the moment its proof expires, and for ever where there is none."""
    lasting = Scope("7", "Ana", Proof(ProofKind.CONTACT, NOON, NOON + timedelta(days=1)))
    assert lasting.holds(NOON + timedelta(hours=23))
    assert not lasting.holds(NOON + timedelta(days=1))
    assert Scope("7", "Ana", PROOF).holds(NOON + timedelta(days=10_000))
