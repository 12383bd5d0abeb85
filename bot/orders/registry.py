"""The order adapters by name, imported only when asked for.

Other packages bring their own with an entry point, whose name then stands in the configuration:

    [project.entry-points."deskhand.order_adapters"]
    prestashop = "deskhand_prestashop:PrestaShop.from_options"

A built-in name always means the built-in adapter, whatever is installed beside it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, cast

from bot.domain.ports import OrderAdapter

Factory = Callable[[Mapping[str, Any], Path], OrderAdapter]

BUILT_IN = {
    "demo": "bot.orders.demo:DemoShop.from_options",
    "sql": "bot.orders.sql:SqlShop.from_options",
    "http": "bot.orders.http:HttpShop.from_options",
    "woocommerce": "bot.orders.woocommerce:WooCommerce.from_options",
    "shopify": "bot.orders.shopify:Shopify.from_options",
    "csv": "bot.orders.csv_files:CsvShop.from_options",
}
"""Name in the configuration -> "module:factory"."""

GROUP = "deskhand.order_adapters"

_METHODS = (
    "identify_by_phone",
    "identify_by_order",
    "customer_of",
    "orders",
    "order",
    "cancel",
    "request_return",
    "outcome",
    "examine",
    "ping",
    "close",
)


def load_adapter(name: str, options: Mapping[str, Any], base_dir: Path) -> OrderAdapter:
    """Build the order adapter that the configuration names.

    Args:
        name: one of `BUILT_IN`, one that an installed package brings, or "package.module:factory"; a factory takes
            `options` and `base_dir`.
        options: the adapter's own table of the configuration.
        base_dir: the folder that relative file names in the options start from.

    Raises:
        ValueError: naming what is wrong with the name or the options, and the remedy.
    """
    factory = _factory(name)
    adapter = factory(options, base_dir)
    if missing := [method for method in _METHODS if not inspect.iscoroutinefunction(getattr(adapter, method, None))]:
        raise ValueError(f"the order adapter {name!r} has no async method {missing[0]!r}; see bot/domain/ports.py")
    if isinstance(getattr(adapter, "number_shapes", ""), str):
        raise ValueError(f"the order adapter {name!r} needs number_shapes, a list of regular expressions")
    if not isinstance(getattr(adapter, "honours_keys", None), bool):
        raise ValueError(
            f"the order adapter {name!r} needs honours_keys: True where the order system does a write once per key, "
            "False where it knows no keys"
        )
    return adapter


def _factory(name: str) -> Factory:
    try:
        found = _load(BUILT_IN.get(name) or _installed(name) or name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"the order adapter {name!r} cannot be loaded: {error}; check the name and that it is installed"
        ) from error
    if found is None:
        names = sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=GROUP))})
        raise ValueError(
            f"there is no order adapter {name!r}; the names are: {', '.join(names)}, "
            'or one of your own as "package.module:factory"'
        )
    if not callable(found):
        raise ValueError(f"the order adapter {name!r} is not a function or class; name one that builds the adapter")
    return cast(Factory, found)


def _load(target: str | EntryPoint) -> object | None:
    """Import what is named; None when it is no name of something to import."""
    if isinstance(target, EntryPoint):
        return cast(object, target.load())
    module_name, colon, attributes = target.partition(":")
    if not (module_name and colon and attributes):
        return None
    found: object = import_module(module_name)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found


def _installed(name: str) -> EntryPoint | None:
    """Return the only entry point of this name."""
    found = list(entry_points(group=GROUP, name=name))
    if len(found) > 1:
        packages = " and ".join(sorted(entry.dist.name if entry.dist else entry.value for entry in found))
        raise ValueError(f"the order adapter {name!r} is brought by {packages}; uninstall all but one of them")
    return found[0] if found else None
