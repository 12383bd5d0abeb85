"""What all prompts begin with, as the model has read it: kept beside the model, so that a start need not read it again.

    one line of JSON {"key": …, "sha256": …}, then the keys and values as llama.cpp lays them down

The key names everything that they hang on. A file that is of another key or was damaged is as good as none: llama.cpp
never sees it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)
_MAX_HEAD = 4096


def key_of(model_sha256: str, build: str, settings: str, tokens: Sequence[int]) -> str:
    """Return the key of a prefix: of the model's file, llama.cpp, how cells are kept, and the tokens themselves."""
    told = json.dumps([model_sha256, build, settings, list(tokens)])
    return hashlib.sha256(told.encode()).hexdigest()


def path_of(model: Path) -> Path:
    """Return where a model's prefix is kept."""
    return model.with_name(f"{model.name}.prefix")


def read(path: Path, key: str) -> bytes | None:
    """Return the keys and values under this key; None where there are none, or they are not whole."""
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline(_MAX_HEAD))
            if head["key"] != key:
                return None
            data = file.read()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("prefix.unreadable", extra={"path": str(path), "detail": str(error)})
        return None
    if hashlib.sha256(data).hexdigest() != head.get("sha256"):
        log.warning("prefix.damaged", extra={"path": str(path)})
        return None
    return data


def write(path: Path, key: str, data: bytes) -> None:
    """Keep them, whole or not at all; a folder that cannot be written only costs the next start some time."""
    head = json.dumps({"key": key, "sha256": hashlib.sha256(data).hexdigest()}).encode() + b"\n"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(head + data)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        log.info("prefix.not_kept", extra={"path": str(path), "detail": str(error)})
