from __future__ import annotations

from collections.abc import Callable, Mapping
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


class Silent(FaultyAdapter):
    """Does not say whether it honours keys."""

    def __init__(self, options: Mapping[str, Any], base_dir: Path) -> None:
        super().__init__(DemoShop.from_options(options, base_dir))
        del self.honours_keys


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
        ("shopifi", r"no order adapter 'shopifi'; the names are: csv, demo"),
        ("", "the names are: csv, demo"),
        (":build", "the names are: csv, demo"),
        ("no.such.module:build", "no.such.module.* installed"),
        ("tests.orders.test_registry:missing", "missing"),
        ("tests.orders.test_registry:HERE", "not a function"),
        ("tests.orders.test_registry:build_half", "no async method 'identify_by_phone'"),
        ("tests.orders.test_registry:Wordless", "number_shapes"),
        ("tests.orders.test_registry:Silent", "honours_keys"),
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


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a package that brings an adapter, as pip would lay it down."""

    def install(package: str, entry: str) -> None:
        folder = tmp_path / "site" / f"{package.replace('-', '_')}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[deskhand.order_adapters]\n{entry}\n")

    monkeypatch.syspath_prepend(tmp_path / "site")
    return install


async def test_installed_adapter(tmp_path: Path, install: Callable[[str, str], None]) -> None:
    """An adapter that a package brings is found by its short name, and listed with the others."""
    install("deskhand-corner", "corner = tests.orders.test_registry:build")
    adapter = load_adapter("corner", {"path": "shop.db"}, tmp_path)
    await adapter.ping()
    await adapter.close()
    assert isinstance(adapter, FaultyAdapter)
    with pytest.raises(ValueError, match=r"the names are: corner, csv, demo, .*woocommerce, or"):
        load_adapter("korner", {}, tmp_path)


async def test_built_in_names_stay(tmp_path: Path, install: Callable[[str, str], None]) -> None:
    """A package that calls its adapter like a built-in one does not get in its place."""
    install("deskhand-mean", "demo = tests.orders.test_registry:build")
    adapter = load_adapter("demo", {}, tmp_path)
    assert isinstance(adapter, DemoShop)
    await adapter.close()


def test_two_packages_with_one_name(tmp_path: Path, install: Callable[[str, str], None]) -> None:
    """Which of two packages is meant cannot be guessed: both are named."""
    install("deskhand-one", "corner = tests.orders.test_registry:build")
    install("deskhand-two", "corner = tests.orders.test_registry:build")
    with pytest.raises(ValueError, match="deskhand-one and deskhand-two"):
        load_adapter("corner", {}, tmp_path)


def test_installed_adapter_that_cannot_be_loaded(tmp_path: Path, install: Callable[[str, str], None]) -> None:
    """A package whose module is missing is named like any other that cannot be loaded."""
    install("deskhand-half", "corner = deskhand_half:Shop.from_options")
    with pytest.raises(ValueError, match=r"'corner' cannot be loaded: No module named 'deskhand_half'"):
        load_adapter("corner", {}, tmp_path)
