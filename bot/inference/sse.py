"""Server-sent events, decoded as their bytes arrive."""

from __future__ import annotations


class EventDecoder:
    """Takes the bytes of a stream in any pieces, and gives the data of each event once its blank line is there.

    Comments carry no data and give nothing, and so do the fields that no model server uses. What follows the last blank
    line is no event: its sender broke off.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []

    def feed(self, part: bytes) -> list[str]:
        """Return the data of the events that `part` completes, in order."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        events = []
        for line in lines:
            text = line.removesuffix(b"\r").decode("utf-8", "replace")
            field, _, value = text.partition(":")
            if not text and self._data:
                events.append("\n".join(self._data))
                self._data = []
            elif field == "data":
                self._data.append(value.removeprefix(" "))
        return events
