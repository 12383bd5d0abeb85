"""What customers type, made safe to store, to show and to read."""

from __future__ import annotations

import re
import unicodedata

from bot.domain.model import Incoming, IncomingKind

MAX_STORED = 32_768
MAX_READ = 4_096

# Overrides and embeddings can make a text look like another one; the isolates and marks that scripts need stay.
_HARMFUL = re.compile("[\u202a-\u202e\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Return at most 32 KB of `text`, without control characters and direction overrides, lone surrogates replaced."""
    text = _SURROGATE.sub("\ufffd", text[:MAX_STORED])
    text = _HARMFUL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", text).strip()


def excerpt(text: str, limit: int = MAX_READ) -> str:
    """Return a long text's beginning and end: the point of a long letter stands in one of them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n…\n{text[-half:]}"


def one_line(text: str, limit: int) -> str:
    """Return the text on one line, cut with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def heard(incoming: Incoming) -> str:
    """Return the message as the thread remembers it."""
    text = clean(incoming.text)
    match incoming.kind:
        case IncomingKind.MEDIA:
            return f"[{incoming.media}] {text}".strip()
        case IncomingKind.COMMAND if incoming.command == "start":
            # What follows may be a link that is still good for whoever reads it: a model, or an admin.
            return "/start"
        case IncomingKind.COMMAND:
            return f"/{incoming.command} {text}".strip()
        case IncomingKind.CONTACT:
            return "[contact]"
        case IncomingKind.EDITED:
            return f"[edited] {text}".strip()
        case IncomingKind.BUTTON | IncomingKind.IGNORED:
            return ""
        case _:
            return text
