"""How a model is run on this machine: what the owner set, and what is chosen where nothing was set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

MAX_THREADS = 8
MOST_CELLS, FEWEST_CELLS = 32_768, 2_048
KV_SHARE = 0.1
"""How much of the memory the cells may take where nothing is set."""

SMALL_BYTES, SMALL_MICRO_BATCH = 3 << 30, 128
"""Below how much memory a machine is small: cells are kept in fewer bits, and fewer tokens read at once."""

BATCH = 256
RUNNING = 16
"""How many answers are written at once; what comes beyond waits for a place among them."""


class KvType(StrEnum):
    """How a cell's keys and values are kept: two bytes each, or about one."""

    F16 = "f16"
    Q8_0 = "q8_0"

    @property
    def bytes_each(self) -> float:
        """How many bytes a number takes."""
        return {KvType.F16: 2.0, KvType.Q8_0: 34 / 32}[self]


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine is set to; 0 lets it choose.

    Args:
        threads: processor threads.
        context_tokens: how long one thread's prompt and answer may be.
        cells: how many tokens are kept in memory, of all threads together.
        batch: how many tokens are read in one step.
        micro_batch: how many of them at once; memory grows with it.
        n_gpu_layers: how many layers a graphics card takes, where llama.cpp was built for one; -1 is all.
        kv_type: how the cells are kept; None lets it choose.
        mlock: keep the model's pages in memory.
        queue: how many requests may wait before others are passed on at once.
    """

    threads: int = 0
    context_tokens: int = 4096
    cells: int = 0
    batch: int = BATCH
    micro_batch: int = 0
    n_gpu_layers: int = -1
    kv_type: KvType | None = None
    mlock: bool = False
    queue: int = 32

    def on(self, machine: Machine, metadata: Mapping[str, Any]) -> EngineSettings:
        """Return them with everything chosen, for a model of these GGUF metadata."""
        longest = int(metadata.get(f"{metadata.get('general.architecture')}.context_length", self.context_tokens))
        context = min(self.context_tokens, longest)
        is_small = machine.memory_bytes < SMALL_BYTES
        kv_type = self.kv_type or (KvType.Q8_0 if is_small else KvType.F16)
        each = cell_bytes(metadata, kv_type)
        affordable = int(machine.memory_bytes * KV_SHARE / each) if each else FEWEST_CELLS
        chosen = max(context, min(MOST_CELLS, max(FEWEST_CELLS, affordable)))
        cells = max(self.cells, context) if self.cells else chosen
        return replace(
            self,
            threads=self.threads or min(machine.cores, MAX_THREADS),
            context_tokens=context,
            cells=cells // 256 * 256 if cells % 256 == 0 else (cells // 256 + 1) * 256,
            micro_batch=min(self.micro_batch or (SMALL_MICRO_BATCH if is_small else self.batch), self.batch),
            kv_type=kv_type,
        )

    def __str__(self) -> str:
        layers = f", {self.n_gpu_layers} layers on the graphics card" if self.n_gpu_layers > 0 else ""
        locked = ", locked in memory" if self.mlock else ""
        kept = f"{self.cells} cells ({self.kv_type or 'auto'}), {self.context_tokens} tokens a thread"
        threads = f"{self.threads} thread{'s' if self.threads != 1 else ''}"
        return f"{threads}, {kept}, batches of {self.batch} (micro {self.micro_batch}){layers}{locked}"


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is: cores this process may use, and bytes of memory, of the container where that has less."""

    cores: int
    memory_bytes: int

    @classmethod
    def here(cls) -> Machine:
        """Look."""
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return cls(len(os.sched_getaffinity(0)), min(whole, _container_limit() or whole))


def default_threads() -> int:
    """Return how many threads a model gets where nothing is set."""
    return min(Machine.here().cores, MAX_THREADS)


def cell_bytes(metadata: Mapping[str, Any], kv_type: KvType) -> int:
    """Return how many bytes a token's keys and values take; 0 where the metadata do not say."""

    def number(name: str) -> int:
        value = metadata.get(f"{metadata.get('general.architecture')}.{name}", 0)
        return value if isinstance(value, int) else 0

    heads = number("attention.head_count")
    if not heads:
        return 0
    width = number("embedding_length") // heads
    keys = number("attention.key_length") or width
    values = number("attention.value_length") or width
    shared = number("attention.head_count_kv") or heads
    return int(number("block_count") * shared * (keys + values) * kv_type.bytes_each)


def _container_limit() -> int | None:
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(path).read_text("ascii").strip()
        except OSError:
            continue
        if text.isdecimal():
            return int(text)
    return None
