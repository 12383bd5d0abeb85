"""llama.cpp: a model, its context and its cells. The only file that touches llama_cpp.

The library (and numpy) is imported with the first load, so that a bot of rules alone never pays for it. A context is
one caller's: only the engine's thread uses it.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.inference import gguf_check
from bot.inference.native_vocabulary import NativeVocabulary
from bot.inference.prompting import Prompter
from bot.inference.requantise import Library
from bot.inference.sequence import Logits
from bot.inference.settings import EngineSettings, KvType, Machine

_LOG_ERROR = 4  # GGML_LOG_LEVEL_ERROR
_READ, _LOCKED = 0, 2  # LLAMA_LOAD_MODE_NONE, LLAMA_LOAD_MODE_MLOCK
_FLASH_ATTENTION = 1  # LLAMA_FLASH_ATTN_TYPE_ENABLED
_TYPES = {KvType.F16: 1, KvType.Q8_0: 8}  # GGML_TYPE_F16, GGML_TYPE_Q8_0
SEATS = 32
"""How many sequences are told apart in one memory: the prefix, and the threads whose cells can be kept."""


class DecodeFailed(RuntimeError):
    """llama.cpp could not read a batch; what is in the cells is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One token of a batch: in which seat and at which position, and whether its logits are wanted."""

    token: int
    seat: int
    position: int
    wanted: bool


class LlamaContext:
    """A loaded model with its context.

    Args:
        settings: what is not set in them is chosen; `settings` then says what.

    Raises:
        OSError, ValueError, MemoryError: it cannot be loaded; the message says why.
        ImportError: the library is not installed.
    """

    def __init__(self, path: Path, settings: EngineSettings) -> None:
        header = gguf_check.check(path)
        self.settings = settings.on(Machine.here(), header.metadata)
        self._api, errors, _ = _start()
        errors.clear()
        self._model = self._api.llama_model_load_from_file(os.fsencode(path), self._model_params())
        if not self._model:
            raise ValueError(f"llama.cpp does not load it ({'; '.join(errors) or 'it gives no reason'})")
        self._context: Any = None
        self._batch: Any = None
        try:
            self._set_up(header)
        except (OSError, ValueError, MemoryError):
            self.close()
            raise

    def _model_params(self) -> Any:
        params = self._api.llama_model_default_params()
        params.n_gpu_layers = self.settings.n_gpu_layers
        # Not mapped: llama.cpp lays most weights out anew, and the file's own pages would stay in memory beside them.
        params.load_mode = _LOCKED if self.settings.mlock else _READ
        return params

    def _set_up(self, header: gguf_check.GgufHeader) -> None:
        api = self._api
        if not api.llama_model_has_decoder(self._model) or api.llama_model_has_encoder(self._model):
            raise ValueError(f"its architecture {header.architecture!r} is not one that chats")
        self._context = api.llama_init_from_model(self._model, self._context_params())
        self._memory = self._context and api.llama_get_memory(self._context)
        if not self._memory:
            raise ValueError(f"llama.cpp makes no context of {self.settings.cells} cells for it (too little memory?)")
        self._batch = api.llama_batch_init(self.settings.batch, 0, 1)
        self.vocabulary = NativeVocabulary(api, self._model)
        own = api.llama_model_chat_template(self._model, None)
        self.prompter: Prompter = self.vocabulary.prompter(own.decode("utf-8", "replace") if own else None)

    def _context_params(self) -> Any:
        settings, params = self.settings, self._api.llama_context_default_params()
        params.n_ctx = settings.cells
        params.n_batch, params.n_ubatch = settings.batch, settings.micro_batch
        params.n_threads = params.n_threads_batch = settings.threads
        params.kv_unified = True  # One pool of cells, so that a prefix is shared and not copied.
        # The buffer of logits is as long as there are seats, but only the rows that are used cost memory.
        params.n_seq_max = params.n_outputs_max = SEATS
        # It passes over cells that a token does not see; without it every token pays for everybody's cells.
        params.flash_attn_type = _FLASH_ATTENTION
        params.type_k = params.type_v = _TYPES[settings.kv_type or KvType.F16]
        return params

    @property
    def build(self) -> str:
        """Which llama.cpp this is, and on what."""
        return f"{self._api.__version__} {self._api.llama_print_system_info().decode('ascii', 'replace')}"

    def close(self) -> None:
        """Free everything native; the object is of no use afterwards."""
        if self._batch is not None:
            self._api.llama_batch_free(self._batch)
        if self._context:
            self._api.llama_free(self._context)
        if self._model:
            self._api.llama_model_free(self._model)
        self._context = self._model = self._batch = None

    def decode(self, rows: Sequence[Row]) -> None:
        """Read a batch.

        Raises:
            DecodeFailed: nothing of it was read, or only a part.
        """
        batch = self._batch
        batch.n_tokens = len(rows)
        for at, row in enumerate(rows):
            batch.token[at], batch.pos[at] = row.token, row.position
            batch.n_seq_id[at], batch.seq_id[at][0] = 1, row.seat
            batch.logits[at] = row.wanted
        result = self._api.llama_decode(self._context, batch)
        if result != 0:
            raise DecodeFailed(f"llama_decode answered {result}")

    def logits(self, at: int) -> Logits:
        """Return the logits behind row `at` of the last batch: float32 (vocabulary,), valid until the next one."""
        import numpy as np  # It comes with llama_cpp.

        return np.ctypeslib.as_array(self._api.llama_get_logits_ith(self._context, at), (self.vocabulary.size,))

    # --- cells ---

    def cut(self, seat: int, start: int) -> bool:
        """Drop a seat's cells from position `start` on; False where the model can only drop all of them."""
        return bool(self._api.llama_memory_seq_rm(self._memory, seat, start, -1))

    def share(self, source: int, target: int, count: int) -> None:
        """Let `target` see the first `count` cells of `source`."""
        self._api.llama_memory_seq_cp(self._memory, source, target, 0, count)

    def clear(self) -> None:
        """Drop all cells of all seats."""
        self._api.llama_memory_clear(self._memory, False)

    def length(self, seat: int) -> int:
        """Return how many positions of a seat are held."""
        return int(self._api.llama_memory_seq_pos_max(self._memory, seat)) + 1

    def save(self, seat: int) -> bytes:
        """Return a seat's keys and values."""
        size = self._api.llama_state_seq_get_size(self._context, seat)
        buffer = (ctypes.c_uint8 * size)()
        written = self._api.llama_state_seq_get_data(self._context, buffer, size, seat)
        return bytes(buffer[:written])

    def load(self, seat: int, data: bytes) -> bool:
        """Put keys and values that were saved into an empty seat; False where they are not of this kind."""
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        return bool(self._api.llama_state_seq_set_data(self._context, buffer, len(data), seat))


def library() -> Library:
    """Return llama_cpp, started, for what needs no model of ours."""
    api, errors, _ = _start()
    return Library(api, errors)


@functools.cache
def _start() -> tuple[Any, deque[str], object]:
    """Start llama.cpp, once a process, with its output sent to logging at DEBUG.

    The third thing is what it calls back, which must live as long as it does.
    """
    import llama_cpp  # 30 MB with numpy, which a bot of rules alone never needs.

    native = logging.getLogger(f"{__name__}.native")
    errors: deque[str] = deque(maxlen=3)

    def receive(level: int, text: bytes, _data: ctypes.c_void_p) -> None:
        line = text.decode("utf-8", "replace").strip()
        native.debug("%s", line)
        if line and level == _LOG_ERROR:
            errors.append(line)

    callback = llama_cpp.llama_log_callback(receive)
    llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    return llama_cpp, errors, callback
