"""The folder of exports: which files count, and which of them are whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from os import DirEntry, scandir
from pathlib import Path

from bot.orders.csv_options import CsvOptions

_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".download", ".filepart")
Print = tuple[int, int]
"""By what a version of a file is known: its size and the time of its last change."""


@dataclass(frozen=True, slots=True)
class Found:
    """An export that lies in the folder; `quiet` once nobody has written to it for a while."""

    path: Path
    print: Print
    items_only: bool
    quiet: bool


class Folder:
    """Looks into the folder.

    Args:
        now, elapsed: the time of day, and a clock that only runs forward, in seconds.
    """

    def __init__(
        self, options: CsvOptions, now: Callable[[], float] = time.time, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options
        self._now = now
        self._elapsed = elapsed
        self._since: dict[tuple[str, Print], float] = {}

    def look(self) -> list[Found]:
        """Return the exports, the oldest first.

        Raises:
            OSError: when the folder cannot be read.
        """
        with scandir(self._options.folder) as entries:
            found = sorted(self._found(entries), key=lambda each: (each.print[1], each.path.name))
        present = {(each.path.name, each.print) for each in found}
        self._since = {known: since for known, since in self._since.items() if known in present}
        return found

    def _found(self, entries: Iterator[DirEntry[str]]) -> Iterator[Found]:
        for entry in entries:
            name = entry.name.casefold()
            if name.startswith((".", "~")) or name.endswith(_UNFINISHED) or self._is_outbox(entry):
                continue
            items_only = _fits(name, self._options.item_files)
            if (items_only or _fits(name, self._options.files)) and entry.is_file():
                print_ = print_of(Path(entry.path))
                yield Found(Path(entry.path), print_, items_only, self._is_quiet(entry.name, print_))

    def _is_outbox(self, entry: DirEntry[str]) -> bool:
        outbox = self._options.outbox
        return entry.name == outbox.name and Path(entry.path).resolve() == outbox.resolve()

    def _is_quiet(self, name: str, print_: Print) -> bool:
        """Tell whether a file has not changed for long enough, by its own time or by what was seen of it.

        A program that copies may give the file its old time at the end, or a time ahead of this machine's clock.
        """
        since = self._since.setdefault((name, print_), self._elapsed())
        age = self._now() - print_[1] / 1e9
        return age >= self._options.settle_s or self._elapsed() - since >= self._options.settle_s


def print_of(path: Path) -> Print:
    """Return by what this version of a file is known.

    Raises:
        OSError: when it is not there.
    """
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern.casefold()) for pattern in patterns)
