"""The files that people and the bot have sent, held in memory."""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass
from typing import Any

FILES_LIMIT = 64 * 1024 * 1024
DOWNLOAD_LIMIT = 20 * 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file by its two ids and its path for downloads."""

    file_id: str
    unique_id: str
    path: str
    content: bytes
    content_type: str
    name: str = ""

    def described(self) -> dict[str, Any]:
        """Return the part that all of the Bot API's file objects share."""
        return {"file_id": self.file_id, "file_unique_id": self.unique_id, "file_size": len(self.content)}


class FileStore:
    """Files by id and by path; the oldest go when all together are too large."""

    def __init__(self) -> None:
        self._files: dict[str, StoredFile] = {}
        self._size = 0

    def add(self, folder: str, content: bytes, name: str = "", content_type: str = "") -> StoredFile:
        """Keep a file under new ids."""
        unique, kind = secrets.token_hex(8), content_type or image_type(content) or "application/octet-stream"
        ending = {"image/jpeg": ".jpg", "image/png": ".png"}.get(kind, "")
        path = f"{folder}/file_{unique}{ending}"
        stored = StoredFile("Ag" + secrets.token_urlsafe(24), unique, path, content, kind, name)
        self._files[stored.file_id] = stored
        self._size += len(content)
        while self._size > FILES_LIMIT and len(self._files) > 1:
            self._size -= len(self._files.pop(next(iter(self._files))).content)
        return stored

    def get(self, file_id: str) -> StoredFile | None:
        """Return a file by its id."""
        return self._files.get(file_id)

    def by_path(self, path: str) -> StoredFile | None:
        """Return a file by its download path."""
        return next((stored for stored in self._files.values() if stored.path == path), None)

    def by_unique_id(self, unique_id: str) -> StoredFile | None:
        """Return a file by the id that the page knows."""
        return next((stored for stored in self._files.values() if stored.unique_id == unique_id), None)

    def photo(self, content: bytes) -> list[dict[str, Any]] | None:
        """Keep a JPEG or PNG and return the Bot API's PhotoSizes, the largest last; None if it is neither."""
        kind, size = image_type(content), image_size(content)
        if kind is None or size is None:
            return None
        stored = self.add("photos", content, content_type=kind)
        width, height = size
        small = min(1.0, 320 / max(width, height))
        thumbnail = {"width": max(1, round(width * small)), "height": max(1, round(height * small))}
        full = {"width": width, "height": height}
        return [stored.described() | dimensions for dimensions in ([full] if small == 1 else [thumbnail, full])]


def image_type(content: bytes) -> str | None:
    """Return the media type of a JPEG or PNG, by its first bytes."""
    if content.startswith(_PNG):
        return "image/png"
    return "image/jpeg" if content.startswith(b"\xff\xd8\xff") else None


def image_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and height of a JPEG or PNG, or None."""
    if content.startswith(_PNG):
        return struct.unpack(">II", content[16:24]) if len(content) >= 24 else None
    return _jpeg_size(content) if content.startswith(b"\xff\xd8") else None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if marker in _START_OF_FRAME:
            height, width = struct.unpack(">HH", content[position + 5 : position + 9])
            return width, height
        position += 2 + int(struct.unpack(">H", content[position + 2 : position + 4])[0])
    return None
