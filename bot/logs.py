"""Structured logs on stderr: one line per event, and nothing in it that is not the log's business.

Every line passes one `Redactor`: known secrets, whatever looks like a bot token, a phone number or an e-mail address,
and the values that vendors quote in their exceptions are replaced: in messages, extras, exceptions and tracebacks.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO
from urllib.parse import quote

log = logging.getLogger(__name__)

QUIET = ("httpx", "httpcore", "aiohttp.access", "telegram", "sqlalchemy", "aiosqlite", "asyncio")
"""They write addresses with the token, or what customers wrote, below WARNING."""

WITHHELD = frozenset({"text", "body", "content", "caption", "payload", "raw", "prompt", "phone", "email", "contact"})
"""Extras that hold what customers wrote or who they are: never shown, at whatever level."""

MAX_VALUE_CHARS = 8_000
_CONSIDERED_CHARS = 64_000


def setup(level: str, format: str, secrets: Sequence[str], stream: TextIO | None = None) -> None:
    """Send all logs, warnings and uncaught exceptions to stderr (or `stream`). May be called again.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        format: "json" or "text".
        secrets: what must never be written, such as the bot's token.
    """
    render = {"json": _as_json, "text": _as_text}[format]
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, EventHandler)]:
        root.removeHandler(handler)
    root.addHandler(EventHandler(Redactor(secrets), render, stream))
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


# --- what must not be seen --------------------------------------------------

_PATTERNS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"\d{6,12}(?::|%3[Aa])[A-Za-z0-9_-]{30,}"), "[token]"),
    (re.compile(r"(?i)\b(bearer)\s+[A-Za-z0-9._~+/=-]{4,}"), r"\1 [secret]"),
    # SQLAlchemy's and pydantic's exceptions quote the values they were given: a customer's words, mostly.
    (re.compile(r"\[parameters: [^\n]*"), "[parameters withheld]"),
    (re.compile(r"input_value=[^\n]{0,400}?, input_type="), "input_value=[withheld], input_type="),
    # The look-behind lets a run of letters be tried once only, so that a long one costs no more than its length.
    (re.compile(r"(?<![\w.+-])[\w.+-]+(?:@|%40)\w[\w-]*(?:\.\w[\w-]*)+"), "[email]"),
    (re.compile(r"(?:[+\uff0b]|%2[Bb])(?:[ \u00a0().\-/]{0,2}\d){9,15}"), "[phone]"),
)


class Redactor:
    """Replaces what must not be seen in a text. Order numbers and ids pass."""

    def __init__(self, secrets: Sequence[str]) -> None:
        variants = {form for secret in secrets if secret for form in _forms(secret)}
        longest_first = sorted(variants, key=lambda variant: (-len(variant), variant))
        self._secrets = re.compile("|".join(_exactly(variant) for variant in longest_first) or r"(?!)")

    def __call__(self, text: str) -> str:
        """Return the text without secrets, at most some 8,000 characters of it, with lone surrogates spelt out."""
        length = len(text)
        if length > _CONSIDERED_CHARS:
            # Half a token is not recognised: the cut leaves whole words.
            text = text[:_CONSIDERED_CHARS].rpartition(" ")[0]
        text = self._secrets.sub("[secret]", text)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        if max(len(text), length) > MAX_VALUE_CHARS:
            text = f"{text[:MAX_VALUE_CHARS]}... ({length} characters)"
        # A lone surrogate is no character: many a reader of JSON refuses it even when escaped.
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _forms(secret: str) -> tuple[str, ...]:
    """Return a secret as it is, and as it stands in addresses, in reprs and in JSON."""
    return secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1]


def _exactly(secret: str) -> str:
    """Match a secret; a short one only as a word of its own, or "demo" would vanish from every name."""
    escaped = re.escape(secret)
    return escaped if len(secret) >= 8 else rf"(?<![\w.-]){escaped}(?![\w.-])"


# --- one line ---------------------------------------------------------------

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_OWN = frozenset({"at", "level", "logger", "event"})

Fields = dict[str, Any]


class EventHandler(logging.StreamHandler[TextIO]):
    """Writes each record as one redacted line. Never raises, and never writes a record that it could not redact."""

    def __init__(self, redact: Redactor, render: Callable[[Fields], str], stream: TextIO | None) -> None:
        super().__init__(stream or sys.stderr)
        self._fixed = stream is not None
        self._redact = redact
        self._render = render

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record to stderr, whatever that is by now."""
        if not self._fixed:
            self.stream = sys.stderr
        try:
            super().emit(record)
        except RecursionError:  # The one error that logging lets through.
            self.handleError(record)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return self._render(dict(self._fields(record)))

    def handleError(self, record: logging.LogRecord) -> None:
        """Tell that a record could not be written. The record itself is not shown: it was not redacted."""
        error = sys.exc_info()[1]
        place = f"{record.module}:{record.lineno}"
        fields = {"at": _at(record), "level": "ERROR", "logger": __name__, "event": "log.failed", "place": place}
        try:
            self.stream.write(self._render(fields | {"error": type(error).__name__}) + self.terminator)
            self.flush()
        except (OSError, ValueError):  # Nobody reads stderr any more; there is nowhere left to say it.
            return

    def _fields(self, record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
        yield "at", _at(record)
        yield "level", record.levelname
        yield "logger", self._redact(record.name)
        yield "event", self._redact(record.getMessage())
        error = record.exc_info[1] if record.exc_info else None
        own = _OWN | {"error", "traceback"} if error else _OWN
        for name, value in vars(record).items():
            if name not in _STANDARD:
                shown = "[withheld]" if name.lower() in WITHHELD and value is not None else self._plain(value)
                yield f"{name}_" if name in own else self._redact(name), shown
        if error is not None:
            yield "error", self._redact(f"{type(error).__name__}: {error}".rstrip(": "))
            yield "traceback", self._redact(_traceback(error))
        elif record.stack_info:
            yield "traceback", self._redact(record.stack_info)

    def _plain(self, value: Any, depth: int = 0) -> Any:
        """Return a value that JSON can hold."""
        if value is None or isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 2**63):
            return value
        if isinstance(value, Mapping) and depth < 4:
            return {self._redact(str(key)): self._plain(inside, depth + 1) for key, inside in value.items()}
        if isinstance(value, list | tuple | set | frozenset) and depth < 4:
            return [self._plain(inside, depth + 1) for inside in value]
        return self._redact(str(value))


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _traceback(error: BaseException) -> str:
    return logging.Formatter().formatException((type(error), error, error.__traceback__))


def _as_json(fields: Fields) -> str:
    return json.dumps(fields, ensure_ascii=True)


def _as_text(fields: Fields) -> str:
    at, level, logger, event = (fields.pop(name) for name in ("at", "level", "logger", "event"))
    traceback = fields.pop("traceback", "")
    extras = "".join(f" {_printable(name)}={_word(value)}" for name, value in fields.items())
    folded = " | ".join(_printable(line.strip()) for line in traceback.splitlines())
    return f"{at} {level:7} {_printable(logger)} {_printable(event)}{extras}{' | ' if folded else ''}{folded}"


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    plain = text and text.isprintable() and not re.search(r'[\s="]', text)
    return text if plain or not isinstance(value, str) else json.dumps(text, ensure_ascii=not text.isprintable())


def _printable(text: str) -> str:
    """Escape what could end the line, colour the terminal or turn the writing direction."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


# --- what nobody caught -----------------------------------------------------


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Log what ended the program, because Python's own report would show what the log may not."""
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("uncaught", exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(happened: threading.ExceptHookArgs) -> None:
    if happened.exc_value is not None and not issubclass(happened.exc_type, SystemExit):
        info = (happened.exc_type, happened.exc_value, happened.exc_traceback)
        log.critical("uncaught", exc_info=info, extra={"thread_name": happened.thread and happened.thread.name})
