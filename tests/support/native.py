"""llama.cpp for tests that call it themselves."""

from __future__ import annotations

import atexit
import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.inference.llama import library
from bot.inference.native_vocabulary import NativeVocabulary
from bot.inference.requantise import Library


@functools.cache
def close_at_the_end() -> None:
    """Close, when the process ends, the two files that llama_cpp opens at import and never closes; not before, since
    its own class for a model writes to them.
    """
    for stream in ("outnull_file", "errnull_file"):
        atexit.register(getattr(sys.modules["llama_cpp._utils"], stream).close)


def started() -> Iterator[Library]:
    """Yield the library; for a fixture of the session, since others use it as well."""
    yield library()
    close_at_the_end()


@contextmanager
def vocabulary(native: Library, path: Path) -> Iterator[NativeVocabulary]:
    """Give the vocabulary of a file, as llama.cpp reads it."""
    parameters = native.api.llama_model_default_params()
    parameters.vocab_only = True
    model = native.api.llama_model_load_from_file(os.fsencode(path), parameters)
    assert model, list(native.errors)
    try:
        yield NativeVocabulary(native.api, model)
    finally:
        native.api.llama_model_free(model)
