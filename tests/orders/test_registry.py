from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.orders.demo import DemoShop
from bot.orders.registry import load_adapter
from tests.support.faulty_adapter import FaultyAdapter


def build(options: Mapping[str, Any], base_dir: Path) -> FaultyAdapter:
    """Build an adapter as an outside package would."""
    return FaultyAdapter(DemoShop.from_options(options, base_dir))


def build_half(options: Mapping[str, Any], base_dir: Path) -> object:
    """Build what is no adapter."""
    return object()


class Wordless(FaultyAdapter):
    """Has one pattern where a list of them belongs."""

    def __init__(self, options: Mapping[str, Any], base_dir: Path) -> None:
        super().__init__(DemoShop.from_options(options, base_dir))
        self.number_shapes = "ORD"


HERE = __name__


async def test_built_in(tmp_path: Path) -> None:
    """A built-in name gives that adapter with its options."""
    adapter = load_adapter("demo", {"path": "shop.db"}, tmp_path)
    await adapter.ping()
    await adapter.close()
    assert (tmp_path / "shop.db").exists()


async def test_dotted_path(tmp_path: Path) -> None:
    """A dotted path gives an adapter of one's own, built with the same two arguments."""
    adapter = load_adapter("tests.orders.test_registry:build", {"path": "shop.db"}, tmp_path)
    await adapter.ping()
    await adapter.close()
    assert (tmp_path / "shop.db").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shopifi", r"no order adapter 'shopifi'; the names are: demo"),
        ("", "the names are: demo"),
        (":build", "the names are: demo"),
        ("no.such.module:build", "no.such.module.* installed"),
        ("tests.orders.test_registry:missing", "missing"),
        ("tests.orders.test_registry:HERE", "not a function"),
        ("tests.orders.test_registry:build_half", "no async method 'identify_by_phone'"),
        ("tests.orders.test_registry:Wordless", "number_shapes"),
    ],
)
def test_wrong_names(tmp_path: Path, name: str, message: str) -> None:
    """A name that leads to no adapter is named, with what would be right."""
    with pytest.raises(ValueError, match=message):
        load_adapter(name, {}, tmp_path)


def test_wrong_option(tmp_path: Path) -> None:
    """An option that the adapter does not know is named."""
    with pytest.raises(ValueError, match="colour"):
        load_adapter("demo", {"colour": "red"}, tmp_path)
