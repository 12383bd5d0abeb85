"""The files of a shop's own model, beside its database: the one in use and the one before it.

    classifier.npz  classifier.sha256  classifier.previous.npz  classifier.previous.sha256

Each pair is changed so that a kill at any moment leaves either the old model or the new one, whole and on record: first
both hashes are put on record, then the model is renamed into place, then its hash alone is left.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bot.inference.classifier import SHIPPED, recorded_hash

OWN, PREVIOUS = "classifier.npz", "classifier.previous.npz"
_ELSEWHERE = Path("data/models")


def models_folder(database_url: str) -> Path:
    """Return the folder of the shop's own models: `models` beside an SQLite database, else data/models."""
    scheme, _, rest = database_url.partition(":///")
    file = rest.partition("?")[0]
    if not scheme.startswith("sqlite") or not file or file.startswith((":memory:", "file:")):
        return _ELSEWHERE
    return Path(file).parent / "models"


def swap(folder: Path, data: bytes) -> Path:
    """Put a new model into use and keep the one that was; return its file."""
    if (before := _intact(folder / OWN)) is not None:
        _store(folder / PREVIOUS, before)
    else:
        _remove(folder / PREVIOUS)
    _store(folder / OWN, data)
    return folder / OWN


def revert(folder: Path) -> Path | None:
    """Bring the previous model back, the shipped one where there is none; return it, None if that is in use already."""
    if not (folder / OWN).exists():
        return None
    before = _intact(folder / PREVIOUS)
    if before is not None:
        _store(folder / OWN, before)
    else:
        _remove(folder / OWN)
    _remove(folder / PREVIOUS)
    return SHIPPED if before is None else folder / OWN


def _intact(path: Path) -> bytes | None:
    """Return a model's bytes; None if there is none, or if it is not the one on record."""
    recorded = recorded_hash(path)
    data = path.read_bytes() if recorded else b""
    return data if hashlib.sha256(data).hexdigest() == recorded else None


def _store(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    record, digest = path.with_suffix(".sha256"), hashlib.sha256(data).hexdigest()
    _write(record, f"{digest}\n{recorded_hash(path)}\n".encode())
    _write(path, data)
    _write(record, f"{digest}\n".encode())


def _write(path: Path, data: bytes) -> None:
    """Replace a file at once: after a power cut it is the old one or the new one."""
    written = path.with_name(f"{path.name}.new")
    with written.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove(path: Path) -> None:
    # The model first: a record without a model counts for nothing.
    path.unlink(missing_ok=True)
    path.with_suffix(".sha256").unlink(missing_ok=True)
