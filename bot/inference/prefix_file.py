"""What all prompts begin with, as the model has read it: kept beside the model, so that a start need not read it again.

    one line of JSON {"key": …, "model": {"size": …, "time": …, "sha256": …}, "sha256": …}, then the keys and values as
    llama.cpp lays them down

The key names what they hang on besides the model's file. A file that belongs to another model or prompt, or was
damaged, is as good as none: llama.cpp never sees it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.inference.catalogue import file_sha256

log = logging.getLogger(__name__)
_MAX_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a model's file; its hash only where it had to be taken."""

    path: Path
    size: int
    time: int
    sha256: str

    @classmethod
    def of(cls, path: Path, sha256: str = "") -> Known:
        """Look at a file; `sha256` where it was taken already."""
        found = path.stat()
        return cls(path, found.st_size, found.st_mtime_ns, sha256)

    def digest(self) -> str:
        """Return the file's SHA-256, taken now if need be."""
        return self.sha256 or file_sha256(self.path)

    def is_of(self, told: Any) -> bool:
        """Whether this is the file that was told of: the same size and time, or else the same hash."""
        if (told["size"], told["time"]) == (self.size, self.time) and self.sha256 in ("", told["sha256"]):
            return True
        return bool(told["sha256"] == self.digest())


def key_of(build: str, settings: str, tokens: Sequence[int]) -> str:
    """Return the key of a prefix: of llama.cpp, how cells are kept, and the tokens themselves."""
    return hashlib.sha256(json.dumps([build, settings, list(tokens)]).encode()).hexdigest()


def path_of(model: Path) -> Path:
    """Return where a model's prefix is kept."""
    return model.with_name(f"{model.name}.prefix")


def read(path: Path, key: str, model: Known) -> bytes | None:
    """Return the keys and values under this key; None where there are none of this model, or they are not whole."""
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline(_MAX_HEAD))
            if head["key"] != key or not model.is_of(head["model"]):
                return None
            data = file.read()
        whole = hashlib.sha256(data).hexdigest() == head["sha256"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        log.warning("prefix.unreadable", extra={"path": str(path), "detail": str(error)})
        return None
    if not whole:
        log.warning("prefix.damaged", extra={"path": str(path)})
    return data if whole else None


def write(path: Path, key: str, model: Known, data: bytes) -> None:
    """Keep them, whole or not at all; a folder that cannot be written only costs the next start some time."""
    told = {"size": model.size, "time": model.time, "sha256": model.digest()}
    head = {"key": key, "model": told, "sha256": hashlib.sha256(data).hexdigest()}
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(json.dumps(head).encode() + b"\n" + data)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        log.info("prefix.not_kept", extra={"path": str(path), "detail": str(error)})
