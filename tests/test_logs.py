"""The logs: one line per event, and nothing on it that is a secret, a person's address or a customer's words."""

from __future__ import annotations

import ast
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import QUIET, EventHandler, Redactor, setup

ROOT = Path(__file__).parents[1]
TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
log = logging.getLogger("bot.tests.logs")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave logging, warnings and hooks as they were found."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    level, levels = root.level, {name: logging.getLogger(name).level for name in QUIET}
    yield
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = hooks
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    for handler in [handler for handler in root.handlers if isinstance(handler, EventHandler)]:
        root.removeHandler(handler)


def written(act: Callable[[], object], form: str = "json", level: str = "INFO", secrets: tuple[str, ...] = ()) -> str:
    """Set the logs up, do something, and return what was written."""
    stream = io.StringIO()
    setup(level, form, [TOKEN, *secrets], stream)
    act()
    return stream.getvalue()


def event(act: Callable[[], object], **options: Any) -> dict[str, Any]:
    """Return the one JSON line that was written."""
    (line,) = written(act, **options).splitlines()
    fields: dict[str, Any] = json.loads(line)
    return fields


def fail(message: str) -> None:
    """Log an exception, with another as its cause."""
    try:
        try:
            raise KeyError(message)
        except KeyError as error:
            raise ValueError(message) from error
    except ValueError:
        log.exception("it.failed")


# --- the line ---------------------------------------------------------------


def test_an_event_is_one_json_object() -> None:
    """When, how bad, who, what, and the extras, with their types."""
    extra = {
        "thread_id": 5,
        "tier": "rules",
        "ms": 1.5,
        "ok": True,
        "none": None,
        "list": (1, "a"),
        "map": {"a": {"b": 1}},
    }
    fields = event(lambda: log.info("turn.done", extra=extra))
    at = datetime.fromisoformat(fields.pop("at"))
    assert at.utcoffset() is not None
    assert fields == {
        "level": "INFO",
        "logger": "bot.tests.logs",
        "event": "turn.done",
        "thread_id": 5,
        "tier": "rules",
        "ms": 1.5,
        "ok": True,
        "none": None,
        "list": [1, "a"],
        "map": {"a": {"b": 1}},
    }


def test_an_event_is_one_readable_line_of_text() -> None:
    """People read the same in the order of importance; what is not one plain word is quoted."""
    line = written(
        lambda: log.warning("turn.slow", extra={"thread_id": 5, "why": 'a "b"\nc', "list": [1]}), form="text"
    )
    assert line.endswith(' WARNING bot.tests.logs turn.slow thread_id=5 why="a \\"b\\"\\nc" list=[1]\n')


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_exception_stays_on_the_events_line(form: str) -> None:
    """The whole traceback, causes included, is folded into the line."""
    line = written(lambda: fail("why"), form=form)
    assert line.count("\n") == 1
    assert "it.failed" in line
    assert "ValueError: why" in line
    assert "KeyError" in line
    assert "test_logs.py" in line


def test_an_exception_has_its_own_fields() -> None:
    """The error in short and its traceback can be told apart by a machine."""
    fields = event(lambda: fail("why"))
    assert fields["error"] == "ValueError: why"
    assert fields["traceback"].startswith("Traceback (most recent call last):\n")
    assert event(lambda: log.info("here", stack_info=True))["traceback"].startswith("Stack (most recent call last):\n")


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("evil", ["\n", "\r", "\u2028", "\x85", "\x1b[2J", "\x00", "\ud800", "\u202e", "\x0b"])
def test_nothing_can_forge_a_line_or_move_the_terminal(form: str, evil: str) -> None:
    """Line ends of all kinds, terminal commands, direction marks and lone surrogates are spelt out."""
    text = f'a{evil}{{"event":"forged"}}'

    def act() -> None:
        log.info(text, extra={"key": text, f"k{evil}": 1})
        fail(text)

    lines = written(act, form=form)
    assert evil not in lines[:-1].replace("\n", "", 1) if evil == "\n" else evil not in lines
    assert len(lines.splitlines()) == 2
    lines.encode("utf-8")


def test_extras_cannot_stand_in_for_the_lines_own_fields() -> None:
    """An extra that is called like a field of the line gets another name; without an exception, error is free."""
    fields = event(lambda: log.info("real", extra={"event": "false", "level": "low", "error": "e"}))
    assert (fields["event"], fields["event_"], fields["level_"], fields["error"]) == ("real", "false", "low", "e")
    raised = event(lambda: log.error("real", exc_info=ValueError("why"), extra={"error": "e"}))
    assert (raised["error"], raised["error_"]) == ("ValueError: why", "e")


def test_no_extra_of_the_project_is_called_like_a_field_of_logging_itself() -> None:
    """Python's logging raises KeyError for `extra={"thread": 5}`, and only once the level lets the event through."""
    taken = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
    clashes = [
        f"{path.relative_to(ROOT)}:{keyword.value.lineno} {key.value}"
        for path in sorted((ROOT / "bot").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict)
        for key in keyword.value.keys
        if isinstance(key, ast.Constant) and key.value in taken
    ]
    assert not clashes, "rename these, such as thread to thread_id"


def test_numbers_that_json_does_not_know_become_text() -> None:
    """Every line is JSON by the letter: infinities, not-a-number and endless integers are text."""
    extra = {"a": float("inf"), "b": float("nan"), "c": 2**80}
    fields = event(lambda: log.info("numbers", extra=extra))
    assert (fields["a"], fields["b"], fields["c"]) == ("inf", "nan", str(2**80))


def test_a_long_text_is_cut() -> None:
    """One event cannot fill the disk."""
    fields = event(lambda: log.info("long", extra={"x": "word " * 100_000}))
    assert len(fields["x"]) < 9_000
    assert fields["x"].endswith("(500000 characters)")


# --- what must not be seen --------------------------------------------------

PRIVATE = [
    f"https://api.telegram.org/bot{TOKEN}/getMe",
    "other bot 987654321:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
    "escaped 987654321%3ABBHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
    "call +49 151 1234-5678",
    "call +4915112345678, please",
    "call %2B4915112345678",
    "call \uff0b\u0664\u0669\u0661\u0665\u0661\u0661\u0662\u0663\u0664\u0665",
    "call +1 (555) 010-9999",
    "write to anna.schmidt+shop@mail.example.com now",
    "write to анна@пример.рф",
    "?email=anna%40example.com&x",
    "Authorization: Bearer sesame-open",
    "the key is my secret&key!",
    "the key is my%20secret%26key%21",
    "('INSERT ...') [SQL: x]\n[parameters: ('Where is my order?', 5)]\n(Background)",
    "text: not valid [type=string_type, input_value='Where is my order?', input_type=str]",
]
SEEN = ["AAHdq", "BBHdq", "1512", "151 1", "010-9", "\u0664\u0669", "schmidt", "анна", "anna", "sesame", "secret&key"]
SEEN += ["secret%26", "Where"]


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("private", PRIVATE)
def test_secrets_and_addresses_are_nowhere_on_the_line(private: str, form: str) -> None:
    """Not in the message, its arguments, the extras at any depth, their names, the exception or its traceback."""

    def act() -> None:
        log.info(private)
        log.info("%s", private)
        log.info("x", extra={"a": private, "b": [{"c": (private,)}], "d": ValueError(private), "e": {private: 1}})
        fail(private)
        logging.getLogger(private).error("x")

    lines = written(act, form=form, secrets=("my secret&key!",))
    assert len(lines.splitlines()) == 5
    readable = lines + "".join(str(json.loads(line)) for line in lines.splitlines() if form == "json")
    assert not [piece for piece in SEEN if piece in readable]


@pytest.mark.parametrize(
    "harmless",
    [
        "order ORD20241112001 of thread 123456789012",
        "update 987654321 from -1001234567890 at 2026-11-23T21:55:00.123+00:00",
        "#20241112001 and 4915112345678",
        "sha256:0123456789abcdef0123456789abcdef01234567",
        "took 12:34:56, 1.5e+10 a second, +12.5 %",
        "bot.telegram.fetch polled a demo-shop demo.db, @anna",
    ],
)
def test_order_numbers_and_ids_survive(harmless: str) -> None:
    """What operators search for is left as it is, also when a short key such as "demo" is a secret."""
    assert event(lambda: log.info(harmless, extra={"key": harmless}), secrets=("demo", ""))["key"] == harmless


def test_a_short_secret_is_replaced_as_a_word() -> None:
    """A key of four letters is a secret, too."""
    assert event(lambda: log.info("key 'demo', demo"), secrets=("demo",))["event"] == "key '[secret]', [secret]"


@pytest.mark.parametrize("secret", ['quo"te\\slash', "ümläut-ß-key", "it's \n here"])
def test_a_secret_is_known_in_its_escaped_forms(secret: str) -> None:
    """In a repr, in JSON and in an address a secret looks otherwise, and is replaced all the same."""
    redact = Redactor([secret])
    for form in (secret, repr(secret), json.dumps(secret), json.dumps({"key": [secret]})):
        assert "[secret]" in redact(form)
        assert "key" not in redact(form).replace('"key"', "")
        assert "here" not in redact(form)


def test_extras_that_hold_a_customers_words_are_withheld() -> None:
    """An extra that is called text, phone or the like is never shown, whatever is in it."""
    fields = event(lambda: log.info("x", extra={"text": "Where is it?", "phone": 4915112345678, "caption": None}))
    assert (fields["text"], fields["phone"], fields["caption"]) == ("[withheld]", "[withheld]", None)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_token_is_found_in_any_surroundings(before: str, after: str) -> None:
    """Whatever stands around it, a known token does not come through."""
    assert TOKEN not in Redactor([TOKEN])(f"{before}{TOKEN}{after}")


def test_a_text_made_to_be_slow_is_not() -> None:
    """Long runs of almost-addresses are gone through once, not once for each letter."""
    redact = Redactor([TOKEN])
    for text in (
        "a" * 60_000,
        "a@" * 30_000,
        "+1 " * 20_000,
        "a." * 30_000 + "@",
        "input_value=" * 5_000,
        "1" * 60_000,
    ):
        assert redact(text)


# --- set-up -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "aiohttp.access", "telegram.ext", "sqlalchemy.engine"])
@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_talkative_libraries_are_quiet_below_warning(name: str, level: str) -> None:
    """They write addresses with the token and customers' words; their warnings still come."""

    def act() -> None:
        logging.getLogger(name).info("HTTP Request")
        logging.getLogger(name).warning("careful")

    assert event(act, level=level)["event"] == "careful"


def test_the_level_counts() -> None:
    """What is below the level is not written."""
    assert written(lambda: log.info("x"), level="WARNING") == ""
    assert event(lambda: log.debug("x"), level="DEBUG")["level"] == "DEBUG"


def test_setting_up_again_replaces_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    """A second set-up, such as the real one after an early one, does not write lines twice."""
    setup("INFO", "json", [])
    setup("INFO", "json", [TOKEN])
    log.info("once %s", TOKEN)
    assert capsys.readouterr().err.count("once") == 1


def test_warnings_of_python_are_events() -> None:
    """A library's warning is one line like any other."""

    def act() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(False)
            logging.captureWarnings(True)
            warnings.warn(f"old {TOKEN}", DeprecationWarning, stacklevel=1)

    fields = event(act)
    assert (fields["logger"], fields["level"]) == ("py.warnings", "WARNING")
    assert "DeprecationWarning: old [secret]" in fields["event"]


def test_what_nobody_caught_is_an_event() -> None:
    """The last words of the program, or of a thread, are redacted as well."""

    def act() -> None:
        error = ValueError(TOKEN)
        sys.excepthook(ValueError, error, None)
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
        threading.excepthook(threading.ExceptHookArgs((ValueError, error, None, threading.current_thread())))

    lines = [json.loads(line) for line in written(act).splitlines()]
    assert [(line["level"], line["event"], line["error"]) for line in lines] == [
        ("CRITICAL", "uncaught", "ValueError: [secret]")
    ] * 2


class _Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError(TOKEN)


def test_a_record_that_cannot_be_written_is_reported_without_its_words() -> None:
    """Logging never raises; what it cannot write it names by its place only."""

    stream = io.StringIO()
    setup("INFO", "json", [TOKEN], stream)
    (handler,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, EventHandler)]
    place = {"name": "bot", "levelname": "INFO", "pathname": "there.py", "module": "there", "lineno": 7}
    handler.handle(logging.makeLogRecord(place | {"msg": "%d", "args": (TOKEN,)}))
    handler.handle(logging.makeLogRecord(place | {"msg": "x", "a": _Unspeakable()}))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["error"], line["place"]) for line in lines] == [
        ("log.failed", "TypeError", "there:7"),
        ("log.failed", "RuntimeError", "there:7"),
    ]
    assert TOKEN not in str(lines)


def test_endless_values_are_written_as_far_as_it_goes() -> None:
    """A value that holds itself, or nests without end, is no reason to fail."""
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert event(lambda: log.info("x", extra={"a": loop}))["a"]["loop"]
    assert event(lambda: log.info("x", extra={"a": deep}))["event"] == "log.failed"


def test_a_closed_stream_is_no_error() -> None:
    """A log that nobody can read any more does not stop the bot."""
    stream = io.StringIO()
    setup("INFO", "json", [], stream)
    stream.close()
    log.info("x")
    assert stream.closed
