"""Which quantisation and how many threads suit this machine: measured, weighed and put into words."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.inference import shapes
from bot.inference.requantise import Library, checked, full_precision, requantise
from bot.inference.shapes import Shape
from bot.inference.speed import Speed, measure

TRIED = ("Q4_0", "IQ4_NL", "Q4_K_M", "Q8_0")
SEQUENCES = 8
"""How many chats decode at the same time while that is timed."""

# What a turn costs: the customer's message and the forced parts of the answer, and what is decoded of it.
TURN_PROMPT, TURN_DECODED = 65, 6
_NEARLY = 1.1

Say = Callable[[str], None]
"""Told what is being done, for whoever waits."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A file with so many threads of the processor; `name` is the quantisation."""

    name: str
    file_mb: float
    threads: int
    speed: Speed

    @property
    def turn_ms(self) -> float:
        """What a turn of a chat costs, many writing at once."""
        return 1e3 * (TURN_PROMPT / self.speed.prompt + TURN_DECODED / self.speed.decode)


@dataclass(frozen=True, slots=True)
class Source:
    """What the files to be measured are made of: a model's file, or where there is none, a shape of random weights.

    Args:
        folder: where a shape's files are put; those of a model are put beside it.
        keep: whether the recommended file stays when it was made for this.
    """

    library: Library
    path: Path | None
    shape: Shape
    folder: Path
    keep: bool

    def quantised(self) -> str | None:
        """Return the quantisation of a model's file that has one already.

        Raises:
            RequantiseError: it is no sound GGUF file.
        """
        if self.path is None or full_precision(self.path) is not None:
            return None
        number = checked(self.path).metadata.get("general.file_type", -1)
        return str(self.library.api.llama_ftype_name(int(number)).decode())

    def target(self, quant: str) -> Path:
        """Return where the file of a quantisation is."""
        if self.path is None:
            return shapes.file_of(self.shape, quant, self.folder)
        stem = re.sub(r"[-._](fp?16|fp?32|bf16)$", "", self.path.stem, flags=re.IGNORECASE)
        return self.path.with_name(f"{stem}-{quant}.gguf")

    def make(self, quant: str, threads: int, say: Say) -> Path:
        """Return the file of a quantisation, made unless it is there."""
        if self.path is None:
            return shapes.make(self.library, self.shape, quant, self.folder, threads)
        target = self.target(quant)
        if not target.exists():
            say(f"{quant}: requantising, which can take minutes ...")
            requantise(self.library, self.path, target, quant, threads)
        return target


class _Files:
    """The files that are made for a measurement; they go again, so that two at most take room at the same time."""

    def __init__(self, source: Source, threads: int, say: Say) -> None:
        self._source, self._threads, self._say = source, threads, say
        self._made: set[str] = set()

    def file(self, quant: str) -> Path:
        """Return the file of a quantisation."""
        if not self._source.target(quant).exists():
            self._made.add(quant)
        return self._source.make(quant, self._threads, self._say)

    def keep_only(self, quants: Container[str]) -> None:
        """Remove what was made, but for some."""
        for quant in [quant for quant in self._made if quant not in quants]:
            self._source.target(quant).unlink(missing_ok=True)
            self._made.discard(quant)


def thread_counts(cores: int) -> list[int]:
    """Return what is worth trying on so many cores: all, and the powers of two below."""
    return sorted({cores, *(1 << power for power in range(cores.bit_length()) if 1 << power <= cores)})


def tune(source: Source, cores: int, say: Say) -> list[Measured]:
    """Measure each quantisation with all cores, and the fastest with fewer; a quantised file only the latter.

    Raises:
        RequantiseError: the file is unsound, or llama.cpp does not quantise it.
        SpeedError: llama.cpp does not run it.
        PullError: there is no room.
    """
    quantised = source.quantised()
    if quantised is not None and source.path is not None:
        counts = thread_counts(cores)
        return [_measured(source.library, quantised, source.path, threads, say) for threads in counts]
    found: list[Measured] = []
    files, kept = _Files(source, cores, say), set[str]()
    try:
        for quant in TRIED:
            found.append(_measured(source.library, quant, files.file(quant), cores, say))
            files.keep_only({fastest(found).name})
        best = fastest(found).name
        fewer = thread_counts(cores)[:-1]
        found += [_measured(source.library, best, files.file(best), threads, say) for threads in fewer]
        kept = {best} if source.keep else kept
    finally:
        files.keep_only(kept)
    return found


def fastest(found: Sequence[Measured]) -> Measured:
    """Return what answers a turn in the shortest time, with fewer threads where that is nearly as fast."""
    least = min(one.turn_ms for one in found)
    return min((one for one in found if one.turn_ms <= least * _NEARLY), key=lambda one: (one.threads, one.turn_ms))


def table(found: Sequence[Measured]) -> list[str]:
    """Return the lines of a table."""
    heads = (
        f"{'prompt':>10}{'decoded':>10}{'a turn':>10}{'memory':>10}",
        f"{'tokens/s':>10}{'tokens/s':>10}{'':10}{'measuring':>10}",
    )
    lines = [f"{'':12}{'file':>9}{'threads':>9}{heads[0]}", f"{'':30}{heads[1]}"]
    for one in found:
        speed = f"{one.speed.prompt:10,.0f}{one.speed.decode:10,.0f}{one.turn_ms:7,.0f} ms{one.speed.rss_mb:7,.0f} MB"
        lines.append(f"{one.name:12}{one.file_mb:6,.0f} MB{one.threads:9}{speed}")
    return lines


def advice(found: Sequence[Measured], source: Source, cores: int) -> list[str]:
    """Return what to do, in words, and the lines to write into the configuration."""
    best, quantised = fastest(found), source.quantised()
    lines = [f"{best.name} with {_threads(best.threads)} answers fastest here: {best.turn_ms:,.0f} ms a turn."]
    if quantised is not None:
        lines.append(
            f"The file is quantised already ({quantised}), so only thread counts were measured. "
            "For the other quantisations, tune the model's F16 file."
        )
    else:
        lines += _finer(found, best)
    if best.threads < cores:
        lines.append("More threads gain little, and leave less to the rest of the machine.")
    model = source.path if quantised is not None else source.target(best.name)
    if source.path is None:
        lines += ["", "The weights are random. With the real model's file, write into the configuration:"]
        return [*lines, *_config("models/MODEL.gguf", best)]
    if quantised is None and not source.keep:
        lines.append("Its file was removed again; the same command with --keep leaves it.")
    return [*lines, "", "Write into the configuration:", *_config(str(model), best)]


def _finer(found: Sequence[Measured], best: Measured) -> list[str]:
    """Say what the quantisation that is nearest to the original costs, each with all threads."""
    if best.name == TRIED[-1]:
        return [f"{best.name} is also the nearest to the original."]
    times = {one.name: one.turn_ms for one in reversed(found)}
    share = times[TRIED[-1]] / times[best.name]
    return [f"{TRIED[-1]} is the nearest to the original, and takes {share:.1f} times as long."]


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def _config(model: str, best: Measured) -> list[str]:
    return ["", "[[understanding.tiers]]", 'kind = "llama"', f'model = "{model}"', f"threads = {best.threads}"]


def _measured(library: Library, name: str, path: Path, threads: int, say: Say) -> Measured:
    say(f"{name}: measuring with {_threads(threads)} ...")
    return Measured(name, path.stat().st_size / 1e6, threads, measure(library, path, threads, SEQUENCES))
