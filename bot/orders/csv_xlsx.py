"""The first sheet of an Excel file, line by line. The only file that touches openpyxl."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

from bot.orders.csv_values import Cell

_MAX_BYTES = 1 << 30
_NOT_A_SHEET = "it is no whole Excel file (.xlsx); is it still being copied? Export it again if it stays so"


@contextlib.contextmanager
def open_sheet(path: Path) -> Iterator[Iterator[tuple[int, list[Cell]]]]:
    """Open the first sheet; give its lines with their numbers.

    Raises:
        OSError: when the file cannot be read.
        ValueError: when it is no Excel file.
    """
    # Only a shop with Excel files spends the memory that it takes.
    import openpyxl  # type: ignore[import-untyped]  # It has no types of its own.

    with path.open("rb") as file:
        try:
            _weigh(path)
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            sheet = book.worksheets[0]
            # Some programs write a wrong size into the file.
            sheet.reset_dimensions()
        except OSError:
            raise
        # There is no list of what the library and its parsers raise over a damaged file: the file is at fault.
        except Exception as error:
            raise ValueError(_NOT_A_SHEET) from error
        try:
            yield _lines(sheet.iter_rows(values_only=True))
        finally:
            book.close()


def _weigh(path: Path) -> None:
    """Refuse a file that would grow without measure when it is unpacked."""
    with zipfile.ZipFile(path) as packed:
        if sum(part.file_size for part in packed.infolist()) > _MAX_BYTES:
            raise ValueError("too large")


def _lines(rows: Iterator[tuple[object, ...]]) -> Iterator[tuple[int, list[Cell]]]:
    number = 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except OSError:
            raise
        # As above: a sheet may be damaged in its middle.
        except Exception as error:
            raise ValueError(_NOT_A_SHEET) from error
        number += 1
        yield number, [_cell(value) for value in row]


def _cell(value: object) -> Cell:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Binary fractions: 0.1 + 0.2 is meant to be 0.3.
        number = Decimal(repr(round(value, 6)))
        return number.to_integral_value() if number == number.to_integral_value() else number
    return str(value)
