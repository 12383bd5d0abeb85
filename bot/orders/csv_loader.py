"""Keeps the index equal to the folder: reads what is new and whole, and keeps the last good version of what is not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice

from bot.orders.csv_export import ExportReader
from bot.orders.csv_folder import Folder, Found, Print, print_of
from bot.orders.csv_index import Filed, Index
from bot.orders.csv_options import CsvOptions
from bot.orders.csv_tables import open_table

log = logging.getLogger(__name__)

_BATCH = 250
_SHOWN = 5


class Loader:
    """Reads the exports into the index. Used by one thread.

    `broken` holds file name -> why its newest version is not used, `busy` the files that were written to just now.
    """

    def __init__(self, options: CsvOptions, index: Index, folder: Folder) -> None:
        self._options = options
        self._index = index
        self._folder = folder
        self._taken: dict[str, Print] = {}
        self._notes: dict[str, list[str]] = {}
        self.broken: dict[str, str] = {}
        self.busy: list[str] = []

    def is_behind(self) -> bool:
        """Tell whether the folder has something that is not in the index, or the other way round.

        Raises:
            OSError: when the folder cannot be read.
        """
        found = self._folder.look()
        self.busy = [each.path.name for each in found if not each.quiet]
        return any(self._is_new(each) for each in found) or bool(self._gone(found))

    def steps(self) -> Iterator[None]:
        """Read everything that is new, in small steps, so that others may use the thread in between.

        Raises:
            OSError: when the folder cannot be read.
        """
        yield from self._index.purge()
        found = self._folder.look()
        for each in found:
            if self._is_new(each):
                yield from self._take(each)
        for name in self._gone(found):
            self._index.drop(name)
            for known in (self._taken, self._notes, self.broken):
                known.pop(name, None)
        yield from self._index.purge()

    def notes(self) -> list[str]:
        """Return, in sentences, what does not map in the files as they are."""
        broken = [f"{name} is not used: {why}" for name, why in sorted(self.broken.items())]
        return broken + [f"{name}: {note}" for name, notes in sorted(self._notes.items()) for note in notes]

    def _is_new(self, found: Found) -> bool:
        return found.quiet and self._taken.get(found.path.name) != found.print

    def _gone(self, found: list[Found]) -> set[str]:
        """Return the files that are gone, unless all are: a folder is empty while its export is replaced."""
        if not any(not each.items_only for each in found):
            return set()
        return self._taken.keys() - {each.path.name for each in found}

    def _take(self, found: Found) -> Iterator[None]:
        name = found.path.name
        file = self._index.begin(name, found.print[1], items_only=found.items_only)
        published = False
        try:
            with open_table(found.path, self._options) as table:
                reader = ExportReader(table, self._options, items_only=found.items_only)
                entries = reader.entries()
                while batch := list(islice(entries, _BATCH)):
                    self._index.add(file, batch)
                    yield
            if print_of(found.path) != found.print:
                # It was written to while it was read; what was read may be half of each.
                return
            filed = self._index.filed(file)
            if filed.spoilt * 2 > filed.orders:
                raise ValueError(f"most of its orders cannot be read; the first: {filed.first_problem}")
            self._index.publish(file)
            published = True
            self._done(found, filed, reader)
        except OSError as error:
            self._refuse(name, f"it cannot be read: {error.strerror or error}")
        except ValueError as error:
            self._taken[name] = found.print
            self._refuse(name, str(error))
        finally:
            if not published:
                self._index.discard(file)

    def _done(self, found: Found, filed: Filed, reader: ExportReader) -> None:
        name = found.path.name
        self._taken[name] = found.print
        self.broken.pop(name, None)
        self._notes[name] = _notes(filed, reader)
        log.info("orders.csv.read", extra={"file": name, "orders": filed.orders, "spoilt": filed.spoilt})

    def _refuse(self, name: str, why: str) -> None:
        if self.broken.get(name) != why:
            log.error("orders.csv.broken", extra={"file": name, "problem": why})
        self.broken[name] = why


def _notes(filed: Filed, reader: ExportReader) -> list[str]:
    notes = [
        f"the state {word!r} of {count} lines is not mapped; add it to orders.csv.states"
        for word, count in reader.unknown_states.most_common(_SHOWN)
    ]
    if filed.spoilt:
        notes.append(f"{filed.spoilt} of {filed.orders} orders cannot be told; the first: {filed.first_problem}")
    if reader.without_prices:
        notes.append("it names items but not their prices, so the items are left out; set orders.csv.columns.price")
    if reader.unnumbered:
        notes.append(f"{reader.unnumbered} lines have no order number and are left out")
    if not reader.can_prove:
        notes.append(
            "it has neither e-mail nor phone, so customers can only show who they are by a link from the shop; "
            "name a column in orders.csv.columns if there is one"
        )
    return notes
