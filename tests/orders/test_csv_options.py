from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.orders.csv_columns import FIELDS
from bot.orders.csv_options import DEFAULTS, read_options
from bot.orders.registry import load_adapter

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "folder is missing"),
        ({"folder": 5}, "folder must be a text"),
        ({"folder": "x", "colour": "red"}, "no option 'colour'; it has: folder, files"),
        ({"folder": "x", "files": 3}, "files must be a list"),
        ({"folder": "x", "files": [""]}, "files must be a list"),
        ({"folder": "x", "columns": {"price_tag": "P"}}, "no field 'price_tag'; it has: number"),
        ({"folder": "x", "columns": []}, "columns must be a table"),
        ({"folder": "x", "columns": {"number": 7}}, "number must be a list"),
        ({"folder": "x", "states": {"gone": "away"}}, "'gone' must be one of: ignore, pending"),
        ({"folder": "x", "states": "shipped"}, "states must be a table"),
        ({"folder": "x", "currency": "euro"}, "currency must be an ISO 4217 code"),
        ({"folder": "x", "decimal": "point"}, 'decimal must be "." or ","'),
        ({"folder": "x", "date_format": "DD/MM"}, "date_format must be"),
        ({"folder": "x", "time_zone": "Mars/Base"}, "time_zone: there is no 'Mars/Base'"),
        ({"folder": "x", "time_zone": "../etc"}, "time_zone: there is no"),
        ({"folder": "x", "encoding": "martian"}, "encoding: there is no 'martian'"),
        ({"folder": "x", "delimiter": ",,"}, "delimiter must be one of"),
        ({"folder": "x", "number_shapes": ["("]}, "is no regular expression"),
        ({"folder": "x", "phone_region": "Spain"}, "phone_region must be a country"),
        ({"folder": "x", "delivered_after_days": -1}, "delivered_after_days must be a number"),
        ({"folder": "x", "settle_s": True}, "settle_s must be a number"),
    ],
)
def test_wrong_options(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    """Each wrong option is named, with what would be right."""
    with pytest.raises(ValueError, match=re.escape(message)):
        read_options(options, tmp_path)


def test_built_in(tmp_path: Path) -> None:
    """The adapter is found by its name, and opens nothing before it is asked."""
    load_adapter("csv", {"folder": "no/such/folder"}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_option_is_documented() -> None:
    """The example configuration shows every option with its default, and the guide every option and every field."""
    marked = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    block = re.search(r"^# \[orders\.csv\]\n((?:#.*\n)+)", marked, re.MULTILINE)
    assert block is not None
    shown = tomllib.loads(re.sub(r"^# (?=\[|[a-z_]+ = |\")", "", block[0], flags=re.MULTILINE))["orders"]["csv"]
    assert shown.keys() == DEFAULTS.keys()
    examples = {"folder", "columns", "states", "outbox"}
    assert {key: value for key, value in shown.items() if key not in examples} == {
        key: value for key, value in DEFAULTS.items() if key not in examples
    }
    assert read_options(shown, ROOT)
    guide = (ROOT / "docs" / "orders-csv.md").read_text(encoding="utf-8")
    assert [name for name in (*DEFAULTS, *FIELDS) if f"`{name}`" not in guide] == []
