"""A plot as SVG, by hand: panels side by side, one line a system, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

Line = Sequence[tuple[float, float]]
"""The points of a system, from left to right."""

WIDTH, HEIGHT, LEFT, TOP, GAP, FOOT = 380, 280, 60, 40, 70, 64
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56565a")
"""Colours that people who see fewer of them tell apart as well."""

STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Panel:
    """What one panel shows: its title, what stands below, and the lines by their systems' names."""

    title: str
    below: str
    lines: Mapping[str, Line]


class Scale:
    """Places numbers on a logarithmic axis of so many pixels, which begins and ends at a round number."""

    def __init__(self, numbers: Sequence[float], pixels: float) -> None:
        self.marks = _marks(min(numbers), max(numbers))
        self._low, self._pixels = log10(self.marks[0]), pixels
        self._span = (log10(self.marks[-1]) - self._low) or 1.0

    def at(self, number: float) -> float:
        """Return how far from the axis's beginning a number is."""
        return (log10(number) - self._low) / self._span * self._pixels


def _marks(low: float, high: float) -> list[float]:
    """Return round numbers, the first at most `low`, the last at least `high`."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    rounds = [step * 10.0**power for power in powers for step in STEPS]
    first = max(number for number in rounds if number <= low * 1.0001)
    last = min(number for number in rounds if number >= high * 0.9999)
    return [number for number in rounds if first <= number <= last]


def svg(panels: Sequence[Panel]) -> str:
    """Return the picture."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    colours = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(names)}
    width = len(panels) * (LEFT + WIDTH) + (len(panels) - 1) * (GAP - LEFT) + 20
    height = TOP + HEIGHT + FOOT + 20 * len(names)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"',
        'font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for at, panel in enumerate(panels):
        parts += [f'<g transform="translate({LEFT + at * (WIDTH + GAP)} {TOP})">', *_panel(panel, colours), "</g>"]
    for at, name in enumerate(names):
        y = TOP + HEIGHT + FOOT + 20 * at
        parts.append(_stroke("line", colours[name], f'x1="{LEFT}" x2="{LEFT + 24}" y1="{y - 4}" y2="{y - 4}"'))
        parts.append(f'<text x="{LEFT + 32}" y="{y}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(panel: Panel, colours: Mapping[str, str]) -> list[str]:
    points = [point for line in panel.lines.values() for point in line]
    xs = sorted({x for x, _ in points})
    across, up = Scale(xs, WIDTH), Scale([y for _, y in points], HEIGHT)
    parts = [f'<text x="0" y="-16" font-weight="bold">{escape(panel.title)}</text>']
    for mark in up.marks:
        y = HEIGHT - up.at(mark)
        parts.append(f'<line x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="-8" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>')
    parts += [f'<text x="{across.at(x):.1f}" y="{HEIGHT + 18}" text-anchor="middle">{x:g}</text>' for x in xs]
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT + 36}" text-anchor="middle">{escape(panel.below)}</text>')
    for name, line in panel.lines.items():
        places = [(across.at(x), HEIGHT - up.at(y)) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(_stroke("polyline", colours[name], f'points="{path}" fill="none"'))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colours[name]}"/>' for x, y in places]
    return parts


def _stroke(kind: str, colour: str, where: str) -> str:
    return f'<{kind} {where} stroke="{colour}" stroke-width="2.5"/>'
