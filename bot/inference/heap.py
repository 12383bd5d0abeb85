"""What was freed goes back to the system."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Let the system have what was freed: after a model's loading glibc keeps a dozen megabytes of it otherwise."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
