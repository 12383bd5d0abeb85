"""An export as a table: its headings and its lines, however the file was encoded and separated.

Nothing here holds more of a file than a line and a piece of it, so that a large export costs no memory.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bot.orders.csv_options import DELIMITERS, CsvOptions
from bot.orders.csv_values import Cell, cleaned
from bot.orders.csv_xlsx import open_sheet

_PIECE = 1 << 20
_HEAD_CHARS = 65_536
_PREAMBLE_LINES = 20
_NOT_WHOLE = "is it still being copied? Export it again if it stays so"

Line = tuple[int, Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Table:
    """The headings of a file, and its lines below them with their numbers, each as long as the headings."""

    headings: tuple[str, ...]
    lines: Iterator[Line]


@contextlib.contextmanager
def open_table(path: Path, options: CsvOptions) -> Iterator[Table]:
    """Open an export for reading it once.

    Raises:
        OSError: when it cannot be read.
        ValueError: when it is no table; raised while the lines are read, too.
    """
    if path.suffix.casefold() == ".xlsx":
        with open_sheet(path) as sheet:
            yield _table(sheet, whole=True)
        return
    encoding, whole = _look_through(path, options.encoding)
    try:
        with path.open(encoding=encoding, newline="") as file:
            delimiter = options.delimiter or _delimiter(file.read(_HEAD_CHARS))
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            yield _table(((reader.line_num, cells) for cells in reader), whole)
    except UnicodeError as error:
        raise ValueError(f"it is not written in {encoding}; set orders.csv.encoding") from error
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}; {_NOT_WHOLE}") from error


def _look_through(path: Path, encoding: str) -> tuple[str, bool]:
    """Return a file's encoding, and whether its last line is ended."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if not head:
            raise ValueError(f"it is empty; {_NOT_WHOLE}")
        if encoding:
            return encoding, _ends_a_line(file)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16", _ends_a_line(file)
        if head[1::2] == b"\0\0":
            return "utf-16-le", _ends_a_line(file)
        if head[::2] == b"\0\0":
            return "utf-16-be", _ends_a_line(file)
        plain = "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
        return (plain if _is_utf8(file) else "cp1252"), _ends_a_line(file)


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    fits = True
    while piece := file.read(_PIECE):
        if b"\0" in piece:
            raise ValueError(f"it has a hole of zeros; {_NOT_WHOLE}")
        try:
            fits and decoder.decode(piece)
        except UnicodeDecodeError:
            fits = False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        fits = False
    return fits


def _ends_a_line(file: BinaryIO) -> bool:
    file.seek(-min(4, file.seek(0, io.SEEK_END)), io.SEEK_END)
    return bool({*file.read()} & {*b"\r\n"})


def _delimiter(head: str) -> str:
    """Return what separates the headings: what makes the most of the first line that has any."""
    best, most = DELIMITERS[0], 1
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(head), delimiter=delimiter)
        with contextlib.suppress(csv.Error):
            columns = max(_filled(cells) for cells, _ in zip(reader, range(_PREAMBLE_LINES), strict=False))
            if columns > most:
                best, most = delimiter, columns
    return best


def _filled(cells: Sequence[Cell]) -> int:
    return sum(cleaned(cell) != "" for cell in cells)


def _table(lines: Iterator[Line], whole: bool) -> Table:
    """Find the headings: the first line with two of them, for exports may begin with a title or an empty line."""
    for number, cells in lines:
        if _filled(cells) >= 2:
            headings = tuple(str(cell) for cell in cells)
            return Table(headings, _even(lines, len(headings), whole))
        if number > _PREAMBLE_LINES:
            break
    raise ValueError("it has no line of headings; the first line must name the columns")


def _even(lines: Iterator[Line], width: int, whole: bool) -> Iterator[Line]:
    """Make every line as long as the headings; empty ones are left out.

    Raises:
        ValueError: when a line has more cells than there are headings, or the last one breaks off.
    """
    short = False
    for number, cells in lines:
        short = len(cells) < width
        if len(cells) > width and _filled(cells[width:]):
            raise ValueError(f"line {number} has {len(cells)} cells under {width} headings; {_NOT_WHOLE}")
        if any(cells):
            yield number, [*cells[:width], *[""] * (width - len(cells))]
    if short and not whole:
        raise ValueError(f"its last line breaks off; {_NOT_WHOLE}")
