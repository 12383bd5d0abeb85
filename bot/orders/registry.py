"""The order adapters by name, imported only when asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from bot.domain.ports import OrderAdapter

Factory = Callable[[Mapping[str, Any], Path], OrderAdapter]

BUILT_IN = {
    "demo": "bot.orders.demo:DemoShop.from_options",
}
"""Name in the configuration -> "module:factory"."""

_METHODS = (
    "identify_by_phone",
    "identify_by_order",
    "orders",
    "order",
    "cancel",
    "request_return",
    "ping",
    "close",
)


def load_adapter(name: str, options: Mapping[str, Any], base_dir: Path) -> OrderAdapter:
    """Build the order adapter that the configuration names.

    Args:
        name: one of `BUILT_IN`, or "package.module:factory"; a factory takes `options` and `base_dir`.
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
    return adapter


def _factory(name: str) -> Factory:
    target = BUILT_IN.get(name, name)
    module_name, colon, attributes = target.partition(":")
    if not (module_name and colon and attributes):
        raise ValueError(
            f"there is no order adapter {name!r}; the names are: {', '.join(sorted(BUILT_IN))}, "
            'or one of your own as "package.module:factory"'
        )
    try:
        found: Any = import_module(module_name)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"the order adapter {name!r} cannot be loaded: {error}; check the name and that it is installed"
        ) from error
    if not callable(found):
        raise ValueError(f"the order adapter {name!r} is not a function or class; name one that builds the adapter")
    return cast(Factory, found)
