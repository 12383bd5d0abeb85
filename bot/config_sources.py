"""The TOML file and the environment, read as layers of raw settings; and the files that single secrets stand in."""

from __future__ import annotations

import errno
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.config_layers import ANY, Finding, KeyPath, Kind, Layer, Merged, Place, Shape, dotted, nearest

PREFIX = "DESKHAND_"
MAX_FILE_BYTES = 1_000_000


# --- the file ---------------------------------------------------------------


@dataclass
class FileLayer(Layer):
    """A TOML file; its places are lines."""

    name: str = ""
    text: str = ""

    def _locate(self, path: KeyPath) -> Place:
        for length in range(len(path), 0, -1):
            if line := self._lines.get(path[:length]):
                return Place(0, line, f"{self.name}:{line} {dotted(path)}")
        return Place(0, 0, f"{self.name} {dotted(path)}")

    @cached_property
    def _lines(self) -> Mapping[KeyPath, int]:
        return line_numbers(self.text)


def from_file(path: Path) -> FileLayer:
    """Read a TOML file. Of one with a syntax error, everything above the error counts."""
    layer = FileLayer(name=str(path))
    try:
        layer.text = _read(str(path)).removeprefix("\ufeff").replace("\r\n", "\n")
        layer.values = tomllib.loads(layer.text)
    except OSError as error:
        layer.findings.append(_unreadable(layer.name, error.strerror or "it cannot be opened"))
    except UnicodeDecodeError:
        layer.findings.append(_unreadable(layer.name, "it is not UTF-8 text"))
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError; so are numbers beyond all measure.
        layer.findings.append(_syntax_error(layer, str(error)))
    layer.partial = bool(layer.findings)
    return layer


def _unreadable(name: str, why: str) -> Finding:
    remedy = "Check the path and its permissions; config.example.toml is a good start for a new one"
    return Finding(Place(0, 0, name), f"the file cannot be read: {why}", remedy)


def _syntax_error(layer: FileLayer, message: str) -> Finding:
    lines = layer.text.split("\n")
    at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    line = int(at[1]) if at and at[1] else len(layer.text.rstrip("\n").split("\n"))
    for length in range(line - 1, -1, -1):
        layer.text = "\n".join(lines[:length])
        if (head := _parsed(layer.text)) is not None:
            layer.values = head
            break
    what = (message[: at.start()] if at else message).rstrip(".")
    remedy = 'Correct this line; text needs quotes, as in name = "value", and no key may stand there twice'
    return Finding(Place(0, line, f"{layer.name}:{line}"), f"this is not TOML: {what}", remedy)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def line_numbers(text: str) -> dict[KeyPath, int]:
    """Return the line on which each table, key and nested value of a valid TOML text begins."""
    lines: dict[KeyPath, int] = {}
    arrays: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for line, statement, parsed in _statements(text):
        if statement.lstrip().startswith("["):
            table = _header(parsed, arrays)
            paths: Iterable[KeyPath] = (table,)
        else:
            paths = (table + path for path in _paths(parsed))
        for path in paths:
            for length in range(1, len(path) + 1):
                lines.setdefault(path[:length], line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Split at the ends of lines where what was gathered is TOML by itself: no value is whole before its end."""
    start, gathered = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        closes = not gathered or any(end in line for end in ("]", "}", '"""', "'''"))
        start = start if gathered else number
        gathered += line + "\n"
        if closes and (parsed := _parsed(gathered)) is not None:
            yield start, gathered, parsed
            gathered = ""


def _header(parsed: dict[str, Any], arrays: dict[KeyPath, int]) -> KeyPath:
    """Return the path that `[a.b]` or `[[a.b]]` opens; `arrays` holds the newest place of each array of tables."""
    path: KeyPath = ()
    while parsed:
        key, inside = next(iter(parsed.items()))
        path += (key,)
        if isinstance(inside, list):
            arrays[path] = arrays.get(path, -1) + 1
            inside = {}
        if path in arrays:
            path += (arrays[path],)
        parsed = inside
    return path


def _paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    inside: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    for key, deeper in inside:
        yield (*path, key)
        yield from _paths(deeper, (*path, key))


# --- the environment --------------------------------------------------------


@dataclass
class EnvironmentLayer(Layer):
    """The environment; its places are variables."""

    variables: dict[KeyPath, str] = field(default_factory=dict)

    def _locate(self, path: KeyPath) -> Place | None:
        for length in range(len(path), 0, -1):
            if variable := self.variables.get(path[:length]):
                inside = dotted(path[length:])
                return Place(1, 0, f"{variable} {inside}" if inside else variable)
        return None


def from_environment(environ: Mapping[str, str], shape: Shape, adapter: str) -> EnvironmentLayer:
    """Read `DESKHAND_<SECTION>__<KEY>`; the tables of the order adapter may go deeper."""
    layer = EnvironmentLayer()
    known = {path: kind for path, kind in shape.items() if ANY not in path}
    known |= {_file_key(path): Kind.TEXT for path, kind in known.items() if kind.is_secret}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        path: KeyPath = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        kind = known.get(path)
        if path[:2] == ("orders", adapter):
            path = ("orders", "options", *path[2:])
        if variable != variable.upper() or (kind is None and (path[:2] != ("orders", "options") or "" in path)):
            layer.findings.append(_unknown_variable(variable, known))
        elif path in layer.variables:
            layer.found(path, f"{variable} sets the same", "Unset one of the two")
        else:
            layer.variables[path] = variable
            raw = environ[variable]
            _put(layer.values, path, raw if kind in (Kind.TEXT, Kind.SECRET) else value_of(raw))
    return layer


def _unknown_variable(variable: str, known: Iterable[KeyPath]) -> Finding:
    names = {PREFIX + "__".join(str(key) for key in path).upper() for path in known}
    meant = nearest(variable.upper(), names)
    remedy = f"Did you mean {meant}?" if meant else f"Unset it; settings are written {PREFIX}<SECTION>__<KEY>"
    return Finding(Place(1, 0, variable), "there is no such setting", remedy)


def value_of(raw: str) -> Any:
    """Return what a JSON or TOML text stands for; what is neither stays text, and is judged by its setting."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        parsed = _parsed(f"value = {raw}") or {}
        return parsed["value"] if parsed.keys() == {"value"} else raw


def _put(tree: dict[str, Any], path: KeyPath, value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(tree.get(str(key)), dict):
            tree[str(key)] = {}
        tree = tree[str(key)]
    tree[str(path[-1])] = value


def name_adapter_table(layer: Layer, adapter: str) -> None:
    """Move the order adapter's table, `[orders.<adapter>]`, to where every adapter's is read: `orders.options`."""
    orders = layer.values.get("orders")
    if adapter == "options" or not isinstance(orders, dict) or adapter not in orders:
        return
    if "options" in orders:
        remedy = f"Keep one of the two: {dotted(('orders', adapter))} or orders.options"
        layer.found(("orders", "options"), "the order adapter's settings stand in two tables", remedy)
    orders["options"] = orders.pop(adapter)
    layer.rename(("orders", adapter), ("orders", "options"))


# --- secrets from files -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class SecretFile:
    """Stands where a secret goes that has to be read from a file."""

    path: str


def take_secret_files(layer: Layer, shape: Shape) -> None:
    """Turn every `<secret>_file` of a layer into a `SecretFile` in the secret's own place."""
    for pattern in (path for path, kind in shape.items() if kind.is_secret):
        for path, table in _tables(layer.values, pattern[:-1]):
            key, file_key = str(pattern[-1]), f"{pattern[-1]}_file"
            file = table.pop(file_key, "")
            if file == "":
                continue
            if not isinstance(file, str):
                layer.found(
                    (*path, file_key), "must be text in quotes", "Give the path of a file that holds the secret"
                )
                layer.broken.add((*path, key))
            elif table.get(key):
                remedy = "Keep one: the secret itself, or the file that holds it"
                layer.found((*path, file_key), f"{key} is given here as well", remedy)
            else:
                table[key] = SecretFile(file)
                layer.rename((*path, file_key), (*path, key))


def read_secret_files(merged: Merged, shape: Shape) -> None:
    """Put the contents of the files in the places of their secrets."""
    for pattern, kind in ((path, kind) for path, kind in shape.items() if kind.is_secret):
        for path, table in _tables(merged.values, pattern[:-1]):
            key = str(pattern[-1])
            if isinstance(file := table.get(key), SecretFile):
                try:
                    table[key] = _secret_in(file.path, kind)
                except (OSError, ValueError) as error:
                    table.pop(key)
                    merged.broken.add((*path, key))
                    remedy = "Check the path, its permissions and its contents"
                    merged.found((*path, key), _why(error, file.path), remedy)


def _secret_in(path: str, kind: Kind) -> str | list[str]:
    text = _read(path).rstrip("\r\n")
    if not text.strip():
        raise ValueError("is empty")
    return text if kind is Kind.SECRET else [line.strip() for line in text.splitlines() if line.strip()]


def _why(error: Exception, path: str) -> str:
    named = f"the file {json.dumps(path, ensure_ascii=False)}"
    if isinstance(error, OSError):
        return f"{named} cannot be read: {error.strerror or 'unknown reason'}"
    if isinstance(error, UnicodeDecodeError):
        return f"{named} is not UTF-8 text"
    return f"{named} {error}"


def _read(path: str) -> str:
    with Path(path).open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {MAX_FILE_BYTES} bytes")
    return data.decode("utf-8")


def _file_key(path: KeyPath) -> KeyPath:
    return (*path[:-1], f"{path[-1]}_file")


def _tables(tree: Any, pattern: KeyPath, path: KeyPath = ()) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """Yield every table that a pattern names, with its path."""
    if not pattern:
        if isinstance(tree, dict):
            yield path, tree
    elif pattern[0] == ANY:
        for place, deeper in enumerate(tree if isinstance(tree, list | tuple) else ()):
            yield from _tables(deeper, pattern[1:], (*path, place))
    elif isinstance(tree, dict) and pattern[0] in tree:
        yield from _tables(tree[str(pattern[0])], pattern[1:], (*path, pattern[0]))
