"""Make a smaller file of a model's weights: from 16 or 32 bits each to the 4 to 8 bits that a small computer wants.

llama.cpp does it. It is handed in, so that only `llama.py` imports it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from bot.errors import DeskhandError
from bot.inference import gguf_check
from bot.inference.catalogue import require_room

QUANTS = ("Q4_0", "IQ4_NL", "Q4_K_M", "Q8_0", "Q4_1", "Q5_K_M", "Q6_K")
"""The quantisations that can be asked for, by llama.cpp's names; those worth trying first come first."""

F32, F16, BF16 = 0, 1, 30
_FULL = {F32: "F32", F16: "F16", BF16: "BF16"}
_MOST_BYTES = 34 / 32  # Of a weight: those of Q8_0, the widest type that any of QUANTS falls back to.


class RequantiseError(DeskhandError):
    """The model cannot be requantised; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Library:
    """llama.cpp, started.

    Args:
        api: the module llama_cpp.
        errors: where its latest errors are kept.
    """

    api: Any
    errors: Sequence[str]


def full_precision(path: Path) -> str | None:
    """Return "F32", "F16" or "BF16" when all matrices of a file have that many bits; None when it is quantised.

    Raises:
        RequantiseError: it is no sound GGUF file.
    """
    header = checked(path)
    types = {header.types[name] for name, shape in header.tensors.items() if len(shape) > 1}
    return _FULL[max(types)] if types and types <= _FULL.keys() else None


def checked(path: Path) -> gguf_check.GgufHeader:
    """Return what a file says of itself.

    Raises:
        RequantiseError: it is no sound GGUF file.
    """
    try:
        return gguf_check.check(path)
    except gguf_check.BadGguf as error:
        raise RequantiseError(f"{path} cannot be used: {error}. Name a GGUF file.") from error


def requantise(library: Library, source: Path, target: Path, quant: str, threads: int) -> None:
    """Write `source`, a file of 16 or 32 bits a weight, as `target`, whole or not at all.

    Blocks until it is done, and lets go of Python's lock meanwhile.

    Raises:
        RequantiseError: the quantisation is unknown, the source is no sound file or quantised already, the target
            exists, or llama.cpp cannot do it.
        PullError: there is no room.
    """
    if full_precision(source) is None:
        raise RequantiseError(
            f"{source} is quantised already, and would only get worse. Take the model's F16 (or F32, BF16) file."
        )
    convert(library, source, target, quant, threads)


def convert(library: Library, source: Path, target: Path, quant: str, threads: int) -> None:
    """Do the same with a source of any precision."""
    api, parameters = library.api, library.api.llama_model_quantize_default_params()
    if quant not in QUANTS:
        raise RequantiseError(f"No quantisation is called {quant!r}. Known are: {', '.join(QUANTS)}.")
    require_room(target.parent, int(sum(map(prod, checked(source).tensors.values())) * _MOST_BYTES))
    parameters.ftype = getattr(api, f"LLAMA_FTYPE_MOSTLY_{quant}")
    parameters.nthread = threads
    parameters.allow_requantize = True
    with draft_of(target) as draft:
        status = api.llama_model_quantize(os.fsencode(source), os.fsencode(draft), ctypes.byref(parameters))
        if status != 0:
            reason = "; ".join(library.errors) or "it gives no reason"
            raise RequantiseError(f"llama.cpp does not write {source} as {quant}: {reason}")
        checked(draft)


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """Give a path to write to, which becomes `target` when all went well, and vanishes when it did not.

    Raises:
        RequantiseError: the target exists.
    """
    if target.exists():
        raise RequantiseError(f"{target} exists already. Remove it, or name another place.")
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
