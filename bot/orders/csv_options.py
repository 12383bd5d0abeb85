"""The options of the `csv` adapter: read once, every mistake named with its remedy."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.model import OrderStatus
from bot.orders.csv_columns import FIELDS, Columns

State = OrderStatus | None
"""What a word of an export means; None for a word that says nothing about the order's state."""

DEFAULTS: Mapping[str, Any] = {
    "folder": "",
    "files": ["*.csv", "*.tsv", "*.txt", "*.xlsx"],
    "item_files": [],
    "outbox": "",
    "record": "data/csv-requests.db",
    "columns": {},
    "states": {},
    "currency": "",
    "decimal": "",
    "date_format": "",
    "time_zone": "UTC",
    "encoding": "",
    "delimiter": "",
    "outbox_delimiter": ",",
    "number_shapes": [],
    "phone_region": "",
    "delivered_after_days": 0,
    "settle_s": 2.0,
}
"""Every option and what it is when it is not given."""

OUTBOX = "deskhand-requests.csv"
DELIMITERS = (",", ";", "\t", "|")
IGNORED = "ignore"


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """The options, checked; `decimal`, `date_format`, `encoding` and `delimiter` are "" where the files tell."""

    folder: Path
    files: tuple[str, ...]
    item_files: tuple[str, ...]
    outbox: Path
    record: Path
    columns: Columns
    states: Mapping[str, State]
    currency: str
    decimal: str
    date_format: str
    zone: ZoneInfo
    encoding: str
    delimiter: str
    outbox_delimiter: str
    number_shapes: tuple[str, ...]
    phone_region: str | None
    delivered_after_days: int
    settle_s: float


def read_options(options: Mapping[str, Any], base_dir: Path) -> CsvOptions:
    """Return the options of the table `[orders.csv]`; relative names start from `base_dir`.

    Raises:
        ValueError: naming the option that is unknown or wrong, and the remedy.
    """
    if unknown := sorted(options.keys() - DEFAULTS.keys()):
        raise ValueError(f"orders.csv has no option {unknown[0]!r}; it has: {', '.join(DEFAULTS)}")
    given = {**DEFAULTS, **options}
    if not _text(given, "folder"):
        raise ValueError('orders.csv.folder is missing; name the folder of your exports, such as "exports"')
    folder = base_dir / given["folder"]
    return CsvOptions(
        folder=folder,
        files=_texts(given, "files"),
        item_files=_texts(given, "item_files"),
        outbox=base_dir / _text(given, "outbox") if given["outbox"] else folder / OUTBOX,
        record=base_dir / (_text(given, "record") or DEFAULTS["record"]),
        columns=_columns(given["columns"]),
        states=_states(given["states"]),
        currency=_fitting(given, "currency", "[A-Z]{3}", 'an ISO 4217 code such as "EUR"'),
        decimal=_fitting(given, "decimal", "[.,]", '"." or ","'),
        date_format=_fitting(given, "date_format", "day-first|month-first|.*%.*", _DATE_FORMATS),
        zone=_zone(_text(given, "time_zone")),
        encoding=_encoding(_text(given, "encoding")),
        delimiter=_fitting(given, "delimiter", r"[,;\t|]", r'one of "," ";" "\t" "|"'),
        outbox_delimiter=_fitting(given, "outbox_delimiter", r"[,;\t|]", r'one of "," ";" "\t" "|"') or ",",
        number_shapes=_shapes(given),
        phone_region=_fitting(given, "phone_region", "[A-Z]{2}", 'a country of two letters such as "ES"') or None,
        delivered_after_days=int(_number(given, "delivered_after_days")),
        settle_s=_number(given, "settle_s"),
    )


_DATE_FORMATS = '"day-first", "month-first", or a pattern such as "%d/%m/%Y %H:%M"'


def _text(options: Mapping[str, Any], name: str) -> str:
    value = options[name]
    if not isinstance(value, str):
        raise ValueError(f"orders.csv.{name} must be a text in quotes")
    return value if name.endswith("delimiter") else value.strip()


def _fitting(options: Mapping[str, Any], name: str, pattern: str, what: str) -> str:
    value = _text(options, name)
    if value and not re.fullmatch(pattern, value):
        raise ValueError(f"orders.csv.{name} must be {what}")
    return value


def _texts(options: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = options[name]
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f'orders.csv.{name} must be a list of texts, such as ["…"]')
    return tuple(texts)


def _number(options: Mapping[str, Any], name: str) -> float:
    value = options[name]
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1000:
        raise ValueError(f"orders.csv.{name} must be a number from 0 to 1000")
    return float(value)


def _shapes(options: Mapping[str, Any]) -> tuple[str, ...]:
    shapes = _texts(options, "number_shapes")
    for shape in shapes:
        try:
            re.compile(shape)
        except re.error as error:
            raise ValueError(f"orders.csv.number_shapes: {shape!r} is no regular expression: {error}") from error
    return shapes


def _columns(table: object) -> Columns:
    if not isinstance(table, Mapping):
        raise ValueError('orders.csv.columns must be a table: number = "Order No", total = "Sum", …')
    if unknown := sorted(table.keys() - set(FIELDS)):
        raise ValueError(f"orders.csv.columns has no field {unknown[0]!r}; it has: {', '.join(FIELDS)}")
    return {field: _texts(table, field) for field in table}


def _states(table: object) -> dict[str, State]:
    if not isinstance(table, Mapping):
        raise ValueError('orders.csv.states must be a table: "On its way" = "shipped", …')
    known = [IGNORED, *(status.value for status in OrderStatus)]
    for word, state in table.items():
        if state not in known:
            raise ValueError(f"orders.csv.states: {word!r} must be one of: {', '.join(known)}")
    return {word: None if state == IGNORED else OrderStatus(state) for word, state in table.items()}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f'orders.csv.time_zone: there is no {name!r}; name one such as "Europe/Madrid"') from error


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name if name else ""
    except LookupError as error:
        raise ValueError(f'orders.csv.encoding: there is no {name!r}; name one such as "cp1252"') from error
