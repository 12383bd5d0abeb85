"""Orders out of the lines of an export: one line an order, or one line an item.

A line that cannot be read spoils its own order only, and the order says why. What concerns all of a file, such as a
column that is missing or dates that can be read in two ways, spoils the file: then none of it is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby, islice

from bot.orders.csv_columns import MONEY_FIELDS, TIME_FIELDS, Layout, lay_out
from bot.orders.csv_options import CsvOptions
from bot.orders.csv_order import Entry, FieldReader, Numbered, OrderReader
from bot.orders.csv_tables import Line, Table
from bot.orders.csv_values import Cell, decimal_mark, month_comes_first, text_of
from bot.orders.numbers import plain

_SAMPLE = 2000
_DATA = ({"total", "placed"}, {"item", "quantity"})
"""What a line has that belongs to an order: either pair of fields."""


class ExportReader:
    """Reads one file.

    Args:
        items_only: the file has the items of orders that stand in another file.

    `unknown_states` counts the words for states that are not known, `unnumbered` the lines that have an order's data
    but no number; both are complete when `entries` is used up. `can_prove` tells whether a customer could prove who
    they are with what the file has, `without_prices` that its items are left out for want of a price.

    Raises:
        ValueError: when the file lacks a column, or a sample of it can be read in two ways.
    """

    def __init__(self, table: Table, options: CsvOptions, *, items_only: bool = False) -> None:
        layout = lay_out(table.headings, options.columns, options.states)
        _require(table.headings, layout, options, items_only)
        self.without_prices = layout.has("item") and not layout.has("price", "line_total")
        if self.without_prices:
            layout = replace(layout, places={**layout.places, "item": ()})
        sample = list(islice(table.lines, _SAMPLE))
        self.can_prove = items_only or layout.has("email", "phone")
        self.unnumbered = 0
        self.unknown_states: Counter[str] = Counter()
        self._fields = FieldReader(layout)
        self._order = OrderReader(
            layout,
            options,
            options.decimal or decimal_mark(_cells(sample, layout, MONEY_FIELDS)),
            _month_first(sample, layout, options),
            self.unknown_states,
        )
        self._items_only = items_only
        self._lines = chain(sample, table.lines)

    def entries(self) -> Iterator[Entry]:
        """Yield the orders; lines of one order stand together.

        Raises:
            ValueError: when the file as a whole makes no sense.
        """
        for number, lines in groupby(self._numbered(), lambda line: plain(text_of(line[1]["number"]))):
            yield self._order.read(number, list(lines), items_only=self._items_only)

    def _numbered(self) -> Iterator[Numbered]:
        for at, cells in self._lines:
            fields = self._fields.fields(cells)
            # A count of records or the seller's name may stand below the orders.
            if any(character.isdigit() for character in text_of(fields.get("number", ""))):
                yield at, fields
            elif any(fields.keys() >= pair for pair in _DATA):
                self.unnumbered += 1


def _require(headings: Sequence[str], layout: Layout, options: CsvOptions, items_only: bool) -> None:
    needed = ("number", "item", "quantity") if items_only else ("number", "total", "placed")
    if missing := [name for name in needed if not layout.has(name)]:
        shown = ", ".join(heading.strip() for heading in headings if heading.strip())
        raise ValueError(
            f"no column is known for: {', '.join(missing)}; name it in orders.csv.columns; the columns are: {shown}"
        )
    if not items_only and not options.currency and not layout.has("currency"):
        raise ValueError("it has no column for the currency; set orders.csv.currency, or orders.csv.columns.currency")


def _cells(lines: Iterable[Line], layout: Layout, names: Sequence[str]) -> Iterator[Cell]:
    places = [place for name in names for place in layout.places.get(name, ())]
    return (cells[place] for _, cells in lines for place in places)


def _month_first(sample: Sequence[Line], layout: Layout, options: CsvOptions) -> bool | None:
    if options.date_format:
        return options.date_format == "month-first"
    found = month_comes_first(_cells(sample, layout, TIME_FIELDS))
    return layout.month_first if found is None else found
