"""The house rules of DESIGN.md: who may import whom, where vendors stay, and what no file may hold."""

from __future__ import annotations

import ast
import json
import logging
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOT = ROOT / "bot"

# --- who may import whom ---

# What each room may import of the others. Each room may import itself, and `bot` for its version.
ROOMS = {
    "domain": {"errors"},
    "conversation": {"domain", "errors"},
    "inference": {"domain", "errors"},
    "bench": {"domain", "errors", "inference"},
    "learning": {"domain", "errors", "inference"},
    "orders": {"domain", "errors"},
    "store": {"domain", "errors"},
    "locale": {"domain", "errors"},
    "telegram": {"conversation", "domain", "errors"},
    "web": {"conversation", "domain", "errors"},
    "simulator": set[str](),
}

# Files at the top that are tools: they know no room but the domain's words.
TOOLS = {
    "errors": set[str](),
    "logs": set[str](),
    "tasks": set[str](),
    "cli_parts": set[str](),
    "checks": {"errors"},
    "views": {"domain"},
    "config_layers": {"errors"},
    "config_problems": {"config_layers"},
    "config_salvage": set[str](),
    "config_sources": {"config_layers"},
    "config_tiers": {"config_values", "domain"},
    "config_values": {"config_problems"},
    "config": {
        "config_layers",
        "config_problems",
        "config_salvage",
        "config_sources",
        "config_tiers",
        "config_values",
        "domain",
        "errors",
    },
}

# Files at the top that put rooms together: the composition root and the commands. They may import every room.
COMPOSING = {
    "__main__",
    "app",
    "checking",
    "cli",
    "compose",
    "demo",
    "evaluate",
    "faq_commands",
    "from_threads",
    "health",
    "ledger_commands",
    "link_command",
    "model_commands",
    "running",
    "tiers",
    "train",
    "upkeep",
}

# Among those, who knows the settings, who starts the bot, and who is the command line.
ONLY = {
    "config": {
        "app",
        "checking",
        "cli",
        "compose",
        "demo",
        "evaluate",
        "from_threads",
        "link_command",
        "running",
        "tiers",
        "train",
    },
    "app": {"demo", "running"},
    "compose": {
        "app",
        "checking",
        "demo",
        "evaluate",
        "faq_commands",
        "from_threads",
        "ledger_commands",
        "link_command",
        "train",
    },
    "tiers": {"checking", "compose", "demo", "evaluate"},
    "health": {"app"},
    "views": {"app"},
    "cli": {"__main__"},
    "checking": {"cli"},
    "demo": {"cli"},
    "evaluate": {"cli", "train"},
    "faq_commands": {"cli"},
    "from_threads": {"cli"},
    "ledger_commands": {"cli"},
    "link_command": {"cli"},
    "model_commands": {"cli"},
    "running": {"cli", "demo"},
    "train": {"cli"},
    "upkeep": {"app"},
}

# --- where vendors stay ---

SQL_PARTS = ("", "_engine", "_examine", "_ledger", "_line", "_queries", "_reads", "_rows", "_settings", "_writes")

FENCES = {
    "telegram": {"telegram"},
    "httpx": {"telegram"},
    # A shop's own database is read and written in SQL, by the mapping that its owner writes.
    "sqlalchemy": {"store", *(f"orders/sql{part}.py" for part in SQL_PARTS)},
    "alembic": {"store"},
    # The demo shop is a system of its own, with its own database.
    "sqlite3": {"store", "orders"},
    "llama_cpp": {"inference/llama.py"},
    "llguidance": {"inference/constraint.py"},
    "numpy": {"inference", "learning"},
    "jinja2": {"inference"},
    "huggingface_hub": {"inference"},
    # The composition root mounts the web's routes into the demo's application.
    "aiohttp": {
        "web",
        "simulator",
        "inference/remote_http.py",
        "orders/http_client.py",
        "orders/sent_once.py",
        "orders/web_calls.py",
        "app.py",
        "demo.py",
    },
    # The addresses of aiohttp, whose rules for "the same origin" and for encoding are the ones that count.
    "yarl": {"orders/http_client.py"},
    "pydantic": {"web", "config.py", "config_tiers.py", "config_values.py", "config_salvage.py", "config_problems.py"},
    "pydantic_core": {"web", "config_problems.py"},
    "prometheus_client": {"web"},
    "babel": {"locale"},
    "phonenumbers": {"orders"},
    "openpyxl": {"orders/csv_xlsx.py"},
    # The contract that adapters' tests inherit; nothing that runs imports it.
    "pytest": {f"orders/testing/{name}.py" for name in ("__init__", "shop", "reads", "writes", "outcomes", "faults")},
}

# --- who says whose orders may be seen ---

SCOPE_MAKERS = {
    "conversation/verification.py": "wins a scope from a proof",
    "store/rows.py": "reads back what was won",
    "orders/testing/shop.py": "plays the verified customer in an adapter's tests",
}

# --- how long ---

FILE_LINES, FUNCTION_LINES = 300, 40
LONG_FILES = {"domain/model.py": "the words of DESIGN.md, plain data and nothing else"}
LONG_FUNCTIONS = {"store/migrations/versions": "a migration is one list of tables"}

# A model's library is large and needs a compiler; the migrations are run by alembic, in its own frame.
NOT_IMPORTED = ("bot.inference.llama", "bot.inference.constraint", "bot.store.migrations", "__main__")


def files() -> list[Path]:
    """Return the program's files."""
    return sorted(BOT.rglob("*.py"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return every node of a file's tree."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def name_of(path: Path) -> str:
    """Return a file's place in the house, such as "store/tables.py"."""
    return path.relative_to(BOT).as_posix()


def room_of(path: Path) -> str:
    """Return the room of a file, or its own name if it stands at the top."""
    inside = path.relative_to(BOT)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every import, wherever it stands in the file: line, and the dotted name."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: imports are written out in full"
            if node.module == "bot":
                yield from ((node.lineno, f"bot.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, str(node.module)


def own_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the imports of this project's own: line, and the room or top file."""
    for line, dotted in imports(path):
        parts = dotted.split(".")
        if parts[0] == "bot" and len(parts) > 1 and parts[1] != "__version__":
            yield line, parts[1]


def may_import(room: str) -> set[str] | None:
    """Return what a room or top file may import, None for everything."""
    if room in COMPOSING:
        return None
    return {room, *ROOMS.get(room, ()), *TOOLS.get(room, ())}


def test_everything_has_its_place() -> None:
    """Every room and every top file is in one of the tables above: a new one is placed on purpose, or not at all."""
    found = {room_of(path) for path in files()} - {"__init__"}
    assert found == {*ROOMS, *TOOLS, *COMPOSING}


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_who_may_import_whom(path: Path) -> None:
    """No room imports one that it may not know, anywhere in a file, late imports and type checks too."""
    room = room_of(path)
    allowed = may_import(room)
    wrong = [
        f"{name_of(path)}:{line} imports {other}"
        for line, other in own_imports(path)
        if (allowed is not None and other not in allowed) or (other in ONLY and room not in ONLY[other] | {other})
    ]
    assert wrong == []


def test_only_config_opens_the_parts_of_config() -> None:
    """The settings are one thing: nobody else reaches for its parts."""
    for path in files():
        if not room_of(path).startswith("config"):
            assert not [other for _, other in own_imports(path) if other.startswith("config_")], name_of(path)


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_vendors_stay_in_their_rooms(path: Path) -> None:
    """Every library from outside is fenced, and none is imported outside its fence."""
    for line, dotted in imports(path):
        vendor = dotted.split(".")[0]
        if vendor != "sqlite3" and (vendor in sys.stdlib_module_names or vendor == "bot"):
            continue
        places = FENCES.get(vendor)
        assert places is not None, f"{name_of(path)}:{line} imports {vendor}, which has no fence yet"
        assert {room_of(path), name_of(path)} & places, f"{name_of(path)}:{line} imports {vendor}"


def test_every_fence_has_something_in_it() -> None:
    """A fence around nothing is a rule nobody needs; a library that went is taken from the table."""
    used = {dotted.split(".")[0] for path in files() for _, dotted in imports(path)}
    assert set(FENCES) <= used


WATCH = r"""
import importlib, json, os, pkgutil, sys, threading
import bot

touched, module = [], ""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
READING = ("os.listdir", "os.scandir", "os.putenv", "os.unsetenv", "os.listxattr", "os.getxattr")

def watch(event, args):
    kind = event.split(".")[0]
    if event == "open":
        path = os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) else ""
        ours = path.startswith(os.path.dirname(bot.__file__)) and not path.endswith((".py", ".pyc"))
        if ours or (isinstance(args[2], int) and args[2] & WRITING):
            touched.append((module, event, path))
    elif kind in ("socket", "sqlite3", "subprocess", "shutil", "tempfile", "os") and event not in READING:
        touched.append((module, event, str(args)))

sys.addaudithook(watch)
names = [found.name for found in pkgutil.walk_packages(bot.__path__, "bot.")]
for module in names:
    if not any(part in module for part in sys.argv[1:]):
        importlib.import_module(module)
print(json.dumps({"names": names, "touched": touched, "threads": threading.active_count()}))
"""


def test_nothing_happens_at_import(tmp_path: Path) -> None:
    """Importing every module opens no socket, no database and no file of ours, writes nothing, and starts no thread."""
    command = [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{WATCH}", *NOT_IMPORTED]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    # The migrations are no modules that anybody imports, and the package itself is imported before it is walked.
    modules = [path for path in files() if "migrations" not in path.parts or path.name == "__init__.py"]
    assert len(found["names"]) == len(modules) - 1, "the packages' own files among them"
    # An event loop makes a pair of sockets, so that none was made is seen here as well.
    assert (found["touched"], found["threads"]) == ([], 1)
    assert list(tmp_path.iterdir()) == []


def test_only_verification_and_the_store_make_scopes() -> None:
    """A scope, or the proof it is made of, is built where it is won or read back, and nowhere else."""
    made, copied, renamed = set[str](), set[str](), set[str]()
    for path in files():
        for node in nodes(path):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                made |= {name_of(path)} if called in ("Scope", "Proof") else set()
                # A copy with another customer, or with another proof, would be a new scope.
                other = {keyword.arg for keyword in node.keywords} & {"customer_id", "proof", "expires"}
                copied |= {name_of(path)} if called == "replace" and other else set()
            elif isinstance(node, ast.alias) and node.asname and node.name in ("Scope", "Proof"):
                renamed.add(name_of(path))
    assert made == set(SCOPE_MAKERS)
    assert (copied, renamed) == (set(), set())


def test_whose_order_it_is_is_asked_for_links_alone() -> None:
    """`customer_of` needs no proof, so the shop's own command and its signed links call it, and nothing else does."""
    asking = {
        name_of(path)
        for path in files()
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr == "customer_of"
        if room_of(path) != "orders"
    }
    assert asking == {"conversation/links.py", "link_command.py"}


def test_nothing_that_runs_imports_the_adapters_tests() -> None:
    """The contract needs pytest, which a shop does not install."""
    importing = {
        name_of(path)
        for path in files()
        for _, dotted in imports(path)
        if dotted.startswith("bot.orders.testing") and not name_of(path).startswith("orders/testing/")
    }
    assert importing == set()


# --- how it is written ---


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of a file, those inside others too."""
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_is_too_long() -> None:
    """No file has more than 300 lines, but for those named above with their reason."""
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files()}
    assert {name: count for name, count in lines.items() if count > FILE_LINES and name not in LONG_FILES} == {}
    assert all(lines[name] > FILE_LINES for name in LONG_FILES), "an exception that is not needed any more"


def test_no_function_is_too_long() -> None:
    """No function has more than 40 lines, its docstring included, but for migrations."""
    long = [
        f"{name_of(path)}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for path in files()
        if not name_of(path).startswith(tuple(LONG_FUNCTIONS))
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def comments(path: Path) -> set[int]:
    """Return the lines of a file that hold a comment with words."""
    with path.open("rb") as file:
        return {
            token.start[0]
            for token in tokenize.tokenize(file.readline)
            if token.type == tokenize.COMMENT and len(re.findall(r"[A-Za-z]{2,}", token.string)) >= 3
        }


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler catches everything."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id.endswith("Exception")) for kind in caught)


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_every_broad_except_says_why(path: Path) -> None:
    """Whoever catches everything says why: on the line, in the one above it, or in the first ones of the handler.

    A handler that only cleans up and raises again catches nothing, and needs no reason.
    """
    said = comments(path)
    silent = [
        f"{name_of(path)}:{node.lineno}"
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
        if not isinstance(node.body[-1], ast.Raise) or node.body[-1].exc is not None
        if not said & set(range(node.lineno - 1, node.body[0].lineno + 1))
    ]
    assert silent == []


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_every_ignore_says_why(path: Path) -> None:
    """A linter's rule that is set aside is named with its reason beside it; a type ignore names its code."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{name_of(path)}:{number}"
        if "# noqa" in line:
            assert re.search(r"# noqa: [A-Z]+\d+(, [A-Z]+\d+)*\W+\w+", line), where
        if "# type: ignore" in line:
            assert re.search(r"# type: ignore\[[a-z-]+(, ?[a-z-]+)*\]", line), where


UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")
TEXTS = {".py", ".md", ".toml", ".js", ".css", ".html", ".txt", ".cfg", ""}


def test_nothing_is_put_off() -> None:
    """No note to do something later is left anywhere in the project: what is missing is an issue, not a comment."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this copy has no git beside it")
    found = [
        name
        for name in listed.stdout.splitlines()
        # What customers write is not ours to mend: the Spanish for "all", in capitals, is such a note.
        if Path(name).suffix in TEXTS and (ROOT / name).is_file() and not name.startswith("training/phrases/")
        if UNFINISHED.search((ROOT / name).read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


# --- logs ---

RECORD_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
# What customers wrote, who they are, and what opens doors.
PRIVATE = {
    "text",
    "caption",
    "words",
    "payload",
    "raw",
    "phone",
    "email",
    "contact",
    "customer",
    "token",
    "secret",
}


def log_calls(path: Path) -> Iterator[ast.Call]:
    """Yield every call of a file's logger."""
    for node in nodes(path):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "log"
            and node.func.attr in LEVELS
        ):
            yield node


def spelt_out(extra: ast.expr, path: Path) -> ast.expr:
    """Return what stands behind a name: extras may be put together just before they are logged."""
    if not isinstance(extra, ast.Name):
        return extra
    found = [
        node.value
        for node in nodes(path)
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [extra.id]
    ]
    assert len(found) == 1, f"{name_of(path)}: what is {extra.id!r}?"
    return found[0]


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_logs(path: Path) -> None:
    """A log line is an event's name and extras that are spelt out, none of them private or a record's own field."""
    for call in log_calls(path):
        where = f"{name_of(path)}:{call.lineno}"
        (event,) = call.args
        # A function that logs for several others is given the event's name.
        assert isinstance(event, ast.Constant | ast.Name), where
        assert isinstance(event, ast.Name) or re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", str(event.value)), where
        extras = [spelt_out(keyword.value, path) for keyword in call.keywords if keyword.arg == "extra"]
        assert {keyword.arg for keyword in call.keywords} <= {"extra", "exc_info"}, where
        for extra in extras:
            assert isinstance(extra, ast.Dict), where
            keys = {key.value for key in extra.keys if isinstance(key, ast.Constant)}
            assert len(keys) == len(extra.keys), where
            assert not keys & (RECORD_FIELDS | PRIVATE), where


def test_only_the_command_line_prints() -> None:
    """What a running bot has to say goes into its log; only commands, and what they show, print."""
    printing = {
        name_of(path)
        for path in files()
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    commands = {"cli.py", "checking.py", "demo.py", "running.py", "locale/__main__.py"}
    assert printing <= commands | {"evaluate.py", "model_commands.py", "train.py", "learning/phrases.py"}
