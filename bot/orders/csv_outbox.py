"""The file of requests that a person works off: one line a request, in a CSV file that a spreadsheet opens.

A spreadsheet that saves the file may give it another encoding, another separator, another order of columns and columns
of its own; a line is added in the way in which the file is written now.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import OrderSystemTimeout
from bot.orders.csv_options import DELIMITERS

HEADINGS = ("time", "reference", "action", "order", "customer", "contact", "items", "reason", "key", "done")
_NEEDED = ("reference", "key")
_ENDING = "\r\n"
# A spreadsheet takes a cell that begins so for a formula, in the wide forms of East Asian keyboards too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """Return a text as a spreadsheet must show it and never run it: on one line, and with an apostrophe if need be."""
    line = " ".join(text.split())
    return f"'{line}" if text.startswith(_FORMULA) or line.startswith(_FORMULA) else line


@dataclass(frozen=True, slots=True)
class _Style:
    """How the file is written now; `mark` is what its first bytes are, before the text."""

    encoding: str
    mark: bytes
    delimiter: str
    headings: tuple[str, ...]


class Outbox:
    """The file. Who writes to it holds the lock of the record of requests.

    Args:
        delimiter: what separates the cells of a new file.
    """

    def __init__(self, path: Path, delimiter: str) -> None:
        self.path = path
        self._delimiter = delimiter

    def add(self, cells: Mapping[str, str], torn: Sequence[Mapping[str, str]]) -> None:
        """Add a line and wait until the disk has it.

        Args:
            cells: heading -> text.
            torn: the requests whose line a crash may have cut off; what is left of such a line is removed first.

        Raises:
            OSError: when it cannot be written; nothing is added.
            OrderSystemTimeout: when writing failed half-way, and so did taking it back.
            ValueError: when it is not this outbox, with the remedy.
        """
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o660)
        with open(descriptor, "r+b", buffering=0) as file:
            content = file.read()
            kept, lines = self._mended(content, torn)
            style = self._style(kept) if kept else None
            end = len(kept)
            try:
                file.truncate(end)
                file.seek(end)
                self._put(file, lines + (self._line(cells, style) if style else self._first_lines(cells)))
                os.fsync(file.fileno())
            except OSError as error:
                self._take_back(file, end, error)
                raise
        if is_new:
            _sync_folder(self.path.parent)

    def written(self) -> set[str]:
        """Return the keys of the requests whose lines are whole.

        Raises:
            OSError, ValueError: when it cannot be read, or is not this outbox.
        """
        if not self.path.exists():
            return set()
        content = self.path.read_bytes()
        if not content or self._new_head().startswith(content):
            return set()
        style = self._style(content)
        text = content[len(style.mark) :].decode(style.encoding, errors="replace")
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=style.delimiter))
        except csv.Error as error:
            raise ValueError(f"{self.path} is no table any more: {error}") from error
        if not text.endswith("\n") and len(rows[-1]) < len(style.headings):
            # A crash cut it off.
            rows.pop()
        place = style.headings.index("key")
        return {row[place].removeprefix("'") for row in rows[1:] if len(row) > place}

    def _mended(self, content: bytes, torn: Sequence[Mapping[str, str]]) -> tuple[bytes, bytes]:
        """Return what of the file is kept, and what must stand before the next line."""
        if self._new_head().startswith(content):
            # Nothing, or the headings that a crash cut off.
            return b"", b""
        style = self._style(content)
        newline = "\n".encode(style.encoding)
        before, found, tail = content.rpartition(newline)
        if not tail:
            return content, b""
        if any(self._line(cells, style).startswith(tail) for cells in torn):
            return before + found, b""
        # A person's editor may end the file without ending its last line.
        return content, _ENDING.encode(style.encoding)

    def _take_back(self, file: io.FileIO, end: int, cause: OSError) -> None:
        try:
            file.truncate(end)
        except OSError:
            raise OrderSystemTimeout(f"writing to {self.path} failed half-way: {cause}") from cause

    def _put(self, file: io.FileIO, content: bytes) -> None:
        while content:
            content = content[file.write(content) :]

    def _style(self, content: bytes) -> _Style:
        encoding, mark = _encoding(content)
        head = content[len(mark) :].decode(encoding, errors="replace").splitlines()[:1] or [""]
        for delimiter in DELIMITERS:
            headings = tuple(cell.strip().casefold() for cell in next(csv.reader(head, delimiter=delimiter), []))
            if set(_NEEDED) <= set(headings):
                return _Style(encoding, mark, delimiter, headings)
        raise ValueError(
            f"{self.path} has no columns {' and '.join(_NEEDED)}; give it its headings back, or move it away and a new "
            "one is begun"
        )

    def _line(self, cells: Mapping[str, str], style: _Style) -> bytes:
        row = _row([harmless(cells.get(heading, "")) for heading in style.headings], style.delimiter)
        return row.encode(style.encoding, errors="replace")

    def _first_lines(self, cells: Mapping[str, str]) -> bytes:
        return self._new_head() + self._line(cells, _Style("utf-8", codecs.BOM_UTF8, self._delimiter, HEADINGS))

    def _new_head(self) -> bytes:
        return codecs.BOM_UTF8 + _row(HEADINGS, self._delimiter).encode()


def _row(cells: Sequence[str], delimiter: str) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=_ENDING).writerow(cells)
    return line.getvalue()


def _encoding(content: bytes) -> tuple[str, bytes]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return encoding, mark
    try:
        # Its last letter may be cut off.
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return "cp1252", b""
    return "utf-8", b""


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
