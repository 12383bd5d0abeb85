"""What is wrong with settings, in words for the shop's owner: of one setting, and of settings that go together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from bot.config_layers import ANY, KeyPath, Shape, dotted, nearest

SEE = "config.example.toml shows every setting"

Wording = tuple[str, str]
"""What is wrong, and what helps."""


class Wrong(ValueError):
    """A value that its setting cannot take; holds what is wrong and what helps."""

    def __init__(self, what: str, remedy: str) -> None:
        self.wording = (what, remedy)
        super().__init__(what)


# --- one setting ------------------------------------------------------------

_PLAIN = {
    "missing": ("is missing", SEE),
    "string_too_short": ("is empty", "Fill it in, or remove the line"),
    "too_short": ("is empty", "Name at least one, or remove the line"),
    "int_type": ("must be a whole number", "Write it without quotes, such as 30"),
    "int_from_float": ("must be a whole number", "Write it without a fraction"),
    "float_type": ("must be a number", "Write it without quotes, such as 2.5"),
    "finite_number": ("must be an ordinary number", "Write it such as 2.5"),
    "bool_type": ("must be true or false", "Write it without quotes"),
    "string_type": ("must be text", 'Put it in quotes, such as "value"'),
    "path_type": ("must be text", 'Put the path in quotes, such as "data/file"'),
    "tuple_type": ("must be a list", 'Put it in brackets, such as ["a", "b"] or [1, 2]'),
    "mapping_type": ("must be a table", "Give it a table of its own, in brackets on a line alone"),
    "dict_type": ("must be a table", "Give it a table of its own, in brackets on a line alone"),
    "model_type": ("must be a table", "Give it a table of its own, in brackets on a line alone"),
}
_BOUNDS = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be at most {}"),
}


def explain(error: ErrorDetails, shape: Shape) -> Wording:
    """Say one of pydantic's findings in plain words; a secret's value is never shown."""
    path, context = error["loc"], error.get("ctx", {})
    if isinstance(wrong := context.get("error"), Wrong):
        return wrong.wording
    if error["type"] == "extra_forbidden":
        return _unknown(path, shape)
    what, remedy = _expected(error["type"], context) or (f"is not right: {error['msg']}", SEE)
    shows = what.startswith("must") and not _is_secret(path, shape)
    return (f"{what}, not {_shown(error['input'])}" if shows else what), remedy


def _expected(kind: str, context: Mapping[str, Any]) -> Wording | None:
    if kind in _BOUNDS:
        limit, sentence = _BOUNDS[kind]
        return sentence.format(context[limit]), f"Change the number; {SEE}"
    if kind in ("literal_error", "enum"):
        return f"must be {context['expected']}".replace("'", '"'), "Write one of these"
    return _PLAIN.get(kind)


def _is_secret(path: KeyPath, shape: Shape) -> bool:
    pattern = _pattern(path)
    return any(kind.is_secret and pattern[: len(secret)] == secret for secret, kind in shape.items())


def _pattern(path: KeyPath) -> KeyPath:
    return tuple(ANY if isinstance(key, int) else key for key in path)


_NAMES: Mapping[type, str] = {bool: "true or false", list: "a list", tuple: "a list", dict: "a table"}


def _shown(value: Any) -> str:
    if type(value) in _NAMES:
        return _NAMES[type(value)]
    if isinstance(value, str) and len(value) <= 40:
        return f"the text {json.dumps(value, ensure_ascii=not value.isprintable())}"
    if isinstance(value, int | float) and len(str(value)) <= 40:
        return str(value)
    return "nothing" if value is None else f"a {'long text' if isinstance(value, str) else type(value).__name__}"


def _unknown(path: KeyPath, shape: Shape) -> Wording:
    """Name the setting that was probably meant, or the table that this one belongs in."""
    what, key = "there is no such setting", str(path[-1])
    pattern = _pattern(path[:-1])
    siblings = keys_of(pattern, shape)
    if meant := nearest(key, siblings):
        return what, f"Did you mean {dotted((*path[:-1], meant))}?"
    if path[0] == "orders":
        return what, "The table of the adapter's own settings is called orders.options, or like orders.adapter"
    elsewhere = sorted({dotted(other[:-1]) for other in shape if other[-1] == key and other[:-1] != pattern})
    if elsewhere and ANY not in elsewhere[0]:
        return what, f"{key} belongs in [{elsewhere[0]}]"
    return what, f"Remove it; known here: {', '.join(siblings)}"


def keys_of(pattern: KeyPath, shape: Shape) -> list[str]:
    """Return the keys of a table, files of secrets included."""
    depth = len(pattern)
    inside = {path: kind for path, kind in shape.items() if path[:depth] == pattern}
    files = {f"{path[-1]}_file" for path, kind in inside.items() if kind.is_secret and len(path) == depth + 1}
    return sorted({str(path[depth]) for path in inside if len(path) > depth} | files)


# --- settings that go together ----------------------------------------------

Crossing = tuple[KeyPath, str, str]

_ENGINE = ("threads", "cells", "batch", "micro_batch", "n_gpu_layers", "kv_type", "mlock", "queue")

_FITTING = {
    "classifier": {"min_confidence"},
    "llama": {"model", "context_tokens", "min_confidence", *_ENGINE},
    "remote": {"model", "base_url", "api_key", "context_tokens", "max_concurrent"},
    "rules": {"min_confidence"},
}


def crossings(values: Mapping[str, Any]) -> Iterator[Crossing]:
    """Yield what is wrong between settings. The values are raw: their types may be wrong, which is found elsewhere."""
    yield from _webhook(_table(values.get("telegram")))
    yield from _approvals(_table(values.get("policy")), _table(values.get("admins")))
    tiers = _table(values.get("understanding")).get("tiers")
    names: set[str] = set()
    for place, tier in enumerate(tiers if isinstance(tiers, list | tuple) else ()):
        if isinstance(tier, dict):
            yield from _tier(("understanding", "tiers", place), tier, names)


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _webhook(telegram: Mapping[str, Any]) -> Iterator[Crossing]:
    if telegram.get("mode") != "webhook":
        return
    if not telegram.get("webhook_url"):
        remedy = "Give the https address at which Telegram reaches this bot, or set telegram.mode to polling"
        yield ("telegram", "webhook_url"), "is missing, and webhook mode needs it", remedy
    if not telegram.get("webhook_secret"):
        remedy = "Make one up: 1 to 256 of A-Z, a-z, 0-9, _ and -, in the file, the environment or a file of its own"
        yield ("telegram", "webhook_secret"), "is missing, and webhook mode needs it", remedy


def _approvals(policy: Mapping[str, Any], admins: Mapping[str, Any]) -> Iterator[Crossing]:
    for key in ("approve_cancellations", "approve_returns"):
        if policy.get(key, "never") != "never" and not admins.get("ids"):
            remedy = "Name the people who decide in admins.ids, or set it to never"
            yield ("policy", key), "needs somebody who decides, and there are no admins", remedy


def _tier(path: KeyPath, tier: Mapping[str, Any], names: set[str]) -> Iterator[Crossing]:
    kind, name = tier.get("kind"), tier.get("name") or tier.get("kind")
    if isinstance(name, str):
        if name in names:
            key = "name" if tier.get("name") else "kind"
            yield (*path, key), f'another tier is called "{name}" too', "Give each tier a name of its own"
        names.add(name)
    if not isinstance(kind, str) or kind not in _FITTING:
        return
    if kind == "llama" and not tier.get("model"):
        yield (*path, "model"), "is missing: a llama tier needs a GGUF file", "Give the path of the file"
    if kind == "remote" and not tier.get("base_url"):
        remedy = 'Give the server\'s address, such as "http://127.0.0.1:11434/v1"'
        yield (*path, "base_url"), "is missing: a remote tier needs a server", remedy
    for key in sorted((set[str]().union(*_FITTING.values()) - _FITTING[kind]) & tier.keys()):
        yield (*path, key), f'does nothing in a tier of kind "{kind}"', "Remove it, or change the tier's kind"
