"""A short list of models by name, and how one is fetched: room first, then file and hash, and only then its name."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bot.errors import DeskhandError
from bot.inference import gguf_check

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Told bytes fetched and bytes in all; called for every part that arrives."""

SPARE_BYTES = 200 << 20  # What must stay free on the disk: the database lives there, too.


class PullError(DeskhandError):
    """The model could not be fetched; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that is known to serve; `about_mb` is for the reader, the hub knows the exact size."""

    name: str
    repo: str
    file: str
    about_mb: int
    licence: str
    note: str


def _qwen(size: str, quantisation: str, about_mb: int, note: str) -> KnownModel:
    stem = f"qwen2.5-{size}-instruct"
    repo = f"Qwen/Qwen2.5-{size.upper()}-Instruct-GGUF"
    file = f"{stem}-{quantisation}.gguf"
    return KnownModel(f"qwen2.5-{size}-{quantisation}", repo, file, about_mb, "Apache-2.0", note)


KNOWN = (
    _qwen("0.5b", "q4_0", 429, "the fastest on a small computer; the first to try"),
    _qwen("0.5b", "q4_k_m", 491, "a little better, about half as fast at reading"),
    _qwen("0.5b", "q8_0", 676, "nearly lossless, and slower"),
    _qwen("1.5b", "q4_0", 1066, "clearly better; wants 4 GB of memory"),
    _qwen("1.5b", "q4_k_m", 1117, "the best of these; wants 4 GB of memory"),
)


def known(name: str) -> KnownModel:
    """Return the model of this name.

    Raises:
        PullError: there is none; the message lists those that are.
    """
    for model in KNOWN:
        if model.name == name.strip().lower():
            return model
    raise PullError(f"No model is called {name!r}. Known are: {', '.join(model.name for model in KNOWN)}.")


def pull(name: str, into: Path, progress: Progress, *, endpoint: str | None = None) -> Path:
    """Fetch a model into the folder `into` and return its path; go on where an earlier try stopped.

    Blocks until it is done. The file bears its own name only once its SHA-256 is what the hub says.

    Args:
        endpoint: another hub's address; by default HF_ENDPOINT's, or the public one.

    Raises:
        PullError: no such model, no room, no network, or what came is not what was promised.
    """
    model = known(name)
    target = into / model.file
    try:
        into.mkdir(parents=True, exist_ok=True)
        size, sha256 = _promised(model, endpoint)
        if target.exists() and target.stat().st_size == size and file_sha256(target) == sha256:
            record(target, sha256)
            progress(size, size)
            return target
        # Named after the content, so that an older version's part is never continued with a newer one's.
        part = into / f".{model.file}.{sha256[:12]}.part"
        fetched = part.stat().st_size if part.exists() else 0
        require_room(into, size - fetched)
        _download(model, part, size, progress, endpoint)
        verify(part, sha256)
        record(target, sha256)
        os.replace(part, target)
    except OSError as error:
        raise PullError(f"{into} cannot be written: {error.strerror or error}. Name another folder.") from error
    log.info("model.pulled", extra={"model": model.name, "bytes": size})
    return target


def require_room(folder: Path, needed: int) -> None:
    """Raise PullError unless `needed` bytes fit on the folder's disk with some to spare."""
    free = shutil.disk_usage(folder).free
    if needed + SPARE_BYTES > free:
        raise PullError(
            f"The disk of {folder} has {_mb(free)} MB free, and the model needs {_mb(needed + SPARE_BYTES)} MB "
            "with what should stay free. Free some space, or name another folder."
        )


def verify(path: Path, sha256: str) -> None:
    """Raise PullError, and delete the file, unless it has this SHA-256 and the structure of a GGUF."""
    if file_sha256(path) != sha256:
        path.unlink()
        raise PullError("What was fetched has another SHA-256 than the hub promised; it was deleted. Pull it again.")
    try:
        gguf_check.check(path)
    except gguf_check.BadGguf as error:
        path.unlink()
        raise PullError(f"What was fetched is no sound model ({error}); it was deleted.") from error


def record(model: Path, sha256: str) -> None:
    """Write a model's SHA-256 beside it, in the form that `sha256sum -c` reads."""
    _record_path(model).write_text(f"{sha256}  {model.name}\n", "utf-8")


def recorded_sha256(model: Path) -> str:
    """Return the SHA-256 that stands beside a model; "" where there is none.

    Raises:
        ValueError: what stands there is no SHA-256.
    """
    path = _record_path(model)
    try:
        words = path.read_text("utf-8").split()
    except FileNotFoundError:
        return ""
    if not words or len(words[0]) != 64 or set(words[0].lower()) - set(string.hexdigits):
        raise ValueError(f"{path.name} beside it holds no SHA-256; delete it, or pull the model again")
    return words[0].lower()


def _record_path(model: Path) -> Path:
    return model.with_name(f"{model.name}.sha256")


def file_sha256(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _promised(model: KnownModel, endpoint: str | None) -> tuple[int, str]:
    """Ask the hub for the file's size and SHA-256."""
    from huggingface_hub import HfApi, RepoFile

    with _hub_errors(model):
        entries = HfApi(endpoint=endpoint, token=False).get_paths_info(model.repo, [model.file])
    for entry in entries:
        if isinstance(entry, RepoFile) and entry.lfs is not None:
            return entry.lfs.size, entry.lfs.sha256
    raise PullError(f"The hub has no file {model.file} in {model.repo} any more, or no hash of it.")


def _download(model: KnownModel, part: Path, size: int, progress: Progress, endpoint: str | None) -> None:
    """Fetch what is not in `part` yet; the library goes on after a broken connection, and this after a broken run."""
    from huggingface_hub import hf_hub_url

    # hf_hub_download throws away what it has when it fails; this, which it is built on, can go on.
    from huggingface_hub.file_download import http_get

    url = hf_hub_url(model.repo, model.file, endpoint=endpoint)
    bar: Any = partial(_Bar, progress)  # The library asks for something like tqdm's class.
    with _hub_errors(model), part.open("ab") as file:
        if file.tell() > size:
            file.truncate(0)
            file.seek(0)
        http_get(url, file, resume_size=file.tell(), expected_size=size, tqdm_class=bar)
        file.flush()
        os.fsync(file.fileno())


class _Bar:
    """As much of tqdm as huggingface_hub uses, passing the figures on."""

    def __init__(self, progress: Progress, *, total: int | None = None, initial: int = 0, **_: object) -> None:
        self._progress = progress
        self.total = total or 0
        self.n = initial

    def update(self, more: float = 1) -> None:
        self.n += int(more)
        self._progress(self.n, max(self.total, self.n))

    def close(self) -> None:
        """Nothing is drawn, so nothing is cleared."""

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _hub_errors(model: KnownModel) -> Iterator[None]:
    """Map what huggingface_hub raises at this boundary, and close its connections."""
    from huggingface_hub import close_session, errors

    # The library hands its HTTP client's own errors through, and imports their root here.
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    try:
        yield
    except (HTTPError, errors.LocalEntryNotFoundError, errors.FileMetadataError, errors.OfflineModeIsEnabled) as error:
        if isinstance(error, errors.RepositoryNotFoundError | errors.RemoteEntryNotFoundError):
            raise PullError(f"The hub has no {model.file} in {model.repo} any more.") from error
        raise PullError(f"The hub does not give {model.name}: {_first_line(error)}. Try again later.") from error
    except OSError as error:
        if error.errno is not None:  # The disk's, not the library's own 'another length than promised'.
            raise
        raise PullError(f"The hub does not give all of {model.name}: {_first_line(error)}. Pull it again.") from error
    finally:
        close_session()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")


def _mb(count: int) -> int:
    return count // 1_000_000
