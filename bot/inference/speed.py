"""How fast this machine reads and writes with a model, as llama-bench and llama-batched-bench measure it.

llama.cpp is handed in, so that only `llama.py` imports it.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import DeskhandError
from bot.inference.requantise import Library, checked

PROMPT = 512
"""Tokens of the prompt that is timed (llama-bench's pp512)."""

BEFORE, STEPS = 128, 32
"""Tokens that stand in each sequence before decoding is timed, and how many each then decodes."""

RUNS = 3


class SpeedError(DeskhandError):
    """The model cannot be measured; the message says why."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second: of one long prompt, and decoded by all sequences together.

    `rss_mb` is the resident memory of the whole process while it decoded.
    """

    prompt: float
    decode: float
    rss_mb: float


def measure(library: Library, path: Path, threads: int, sequences: int) -> Speed:
    """Measure the file with so many threads, and so many sequences that decode at the same time.

    Blocks for some seconds: each speed is the median of three runs after one that warms up.

    Raises:
        RequantiseError: it is no sound GGUF file.
        SpeedError: llama.cpp does not load or run it.
    """
    checked(path)
    with _context(library, path, threads, sequences) as bench:
        prompt = _median(bench.read)
        bench.begin()
        decode = _median(bench.decode)
        return Speed(prompt, decode, resident_mb())


def resident_mb() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _median(run: Callable[[], float]) -> float:
    run()
    return statistics.median(run() for _ in range(RUNS))


@contextmanager
def _context(library: Library, path: Path, threads: int, sequences: int) -> Iterator[_Bench]:
    api = library.api
    model = api.llama_model_load_from_file(os.fsencode(path), api.llama_model_default_params())
    if not model:
        raise SpeedError(f"llama.cpp does not load {path} ({'; '.join(library.errors) or 'it gives no reason'}).")
    context = None
    try:
        parameters = api.llama_context_default_params()
        # Each sequence has memory of its own, as in llama-batched-bench, and the first must hold the long prompt.
        parameters.n_ctx, parameters.n_seq_max = sequences * PROMPT, sequences
        parameters.n_batch = parameters.n_ubatch = max(PROMPT, sequences)
        parameters.n_threads = parameters.n_threads_batch = threads
        context = api.llama_init_from_model(model, parameters)
        if not context:
            raise SpeedError(
                f"llama.cpp makes no context of {parameters.n_ctx} tokens for {path} (too little memory?)."
            )
        yield _Bench(api, model, context, sequences)
    finally:
        if context:
            api.llama_free(context)
        api.llama_model_free(model)


class _Bench:
    def __init__(self, api: Any, model: Any, context: Any, sequences: int) -> None:
        self._api, self._context, self._sequences = api, context, sequences
        self._memory = api.llama_get_memory(context)
        count = api.llama_vocab_n_tokens(api.llama_model_get_vocab(model))
        chance = random.Random(0)  # noqa: S311 - any tokens will do
        self._tokens = [chance.randrange(count) for _ in range(PROMPT)]

    def read(self) -> float:
        """Return the tokens a second of one long prompt."""
        self._api.llama_memory_clear(self._memory, True)
        began = time.perf_counter()
        self._run([(token, place, 0) for place, token in enumerate(self._tokens)])
        return PROMPT / (time.perf_counter() - began)

    def begin(self) -> None:
        """Read a short prompt into each sequence."""
        self._api.llama_memory_clear(self._memory, True)
        for sequence in range(self._sequences):
            self._run([(token, place, sequence) for place, token in enumerate(self._tokens[:BEFORE])])
        self._place = BEFORE

    def decode(self) -> float:
        """Return the tokens a second that all sequences decode together, going on from where they are."""
        sequences, began = range(self._sequences), time.perf_counter()
        for place in range(self._place, self._place + STEPS):
            self._run([(self._tokens[(place + sequence) % PROMPT], place, sequence) for sequence in sequences], True)
        self._place += STEPS
        return STEPS * self._sequences / (time.perf_counter() - began)

    def _run(self, cells: Sequence[tuple[int, int, int]], every: bool = False) -> None:
        """Decode tokens, each with its place and sequence; the last one's logits are asked for, or `every` one's."""
        api, batch = self._api, self._api.llama_batch_init(len(cells), 0, 1)
        try:
            batch.n_tokens = len(cells)
            for at, (token, place, sequence) in enumerate(cells):
                batch.token[at], batch.pos[at], batch.n_seq_id[at] = token, place, 1
                batch.seq_id[at][0] = sequence
                batch.logits[at] = every or at == len(cells) - 1
            status = api.llama_decode(self._context, batch)
            if status != 0:
                raise SpeedError(f"llama_decode answered {status}.")
            api.llama_synchronize(self._context)
        finally:
            api.llama_batch_free(batch)
