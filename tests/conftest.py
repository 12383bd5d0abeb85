"""What several rooms' tests share."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from hypothesis import settings

# How long an example takes says more about who else uses the machine than about the code.
settings.register_profile("deskhand", deadline=None)
settings.load_profile("deskhand")


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Return a function that finds a free port on loopback."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find
