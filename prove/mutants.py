"""Claim: the tests notice nearly every small change to policy, desk and ledger.

Each mutant is one change to one module: a comparison, a boolean, a constant, a state's name, a condition, an arithmetic
sign, or a statement that is left out. Its module is loaded from the changed source in a forked process, in which that
module's own tests then run. A mutant that no test notices is a survivor.
"""

from __future__ import annotations

import ast
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from random import Random
from types import ModuleType

from prove.claims import Claim

ROOT = Path(__file__).parents[1]
CLAIM = "mutation: at least 95 % of the mutants of policy, desk and ledger are noticed by the tests"
LEAST = 0.95
LONGEST_S = 60.0
_DOMAIN = ("tests/domain/test_policy.py", "tests/domain/test_returns.py", "tests/domain/test_ledger.py")
_DESK = tuple(f"tests/orders/test_desk{part}.py" for part in ("", "_reads", "_writes", "_nonsense"))
MODULES: Mapping[str, Sequence[str]] = {
    "bot.domain.policy": _DOMAIN,
    "bot.domain.returns": _DOMAIN,
    "bot.domain.ledger": (*_DOMAIN, "tests/store/test_ledger.py"),
    "bot.orders.desk": _DESK,
    "bot.store.ledger": ("tests/store/test_ledger.py", "tests/store/test_threads.py", "tests/store/test_buttons.py"),
    "bot.store.ledger_rows": ("tests/store/test_ledger.py",),
}
# The libraries were loaded before pytest could rewrite their assertions, and need none of that.
_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")

_COMPARES = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_SIGNS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}


@dataclass(frozen=True)
class Mutant:
    """One change."""

    module: str
    where: str
    source: str

    @property
    def name(self) -> str:
        """The module and the change."""
        return f"{self.module}:{self.where}"


def mutants_of(module: str) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    tree = ast.parse(_path(module).read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    skipped = _left_alone(tree)
    for place, node in enumerate(nodes):
        if id(node) in skipped:
            continue
        for number in range(_ways(node)):
            changed = deepcopy(tree)
            target = list(ast.walk(changed))[place]
            before = ast.unparse(target).splitlines()[0]
            after = _change(target, number, changed)
            where = f"{getattr(node, 'lineno', 0)} {before[:70]} ─▶ {after[:70]}"
            yield Mutant(module, where, ast.unparse(ast.fix_missing_locations(changed)))


def _left_alone(tree: ast.AST) -> set[int]:
    """Return what no test should notice: docstrings, types, log lines, messages of errors, imports, words."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr) or _is_aside(node):
            parts = [node]
        elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            parts = [node.annotation]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts = [part for part in (node.returns, *node.decorator_list) if part]
        elif isinstance(node, ast.ClassDef):
            # The words of an enumeration are names as well, and the database's tests hold those that it keeps.
            words = [one for one in node.body if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)]
            parts = [*node.decorator_list, *node.bases, *words]
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            parts = list(node.exc.args)
        found |= {id(inner) for part in parts for inner in ast.walk(part)}
    return found


def _is_aside(node: ast.AST) -> bool:
    """Whether it is a docstring, or a line for the log."""
    if not isinstance(node, ast.Expr):
        return False
    return isinstance(node.value, ast.Constant) or ast.unparse(node).startswith("log.")


def _ways(node: ast.AST) -> int:
    """Return in how many ways a node can be changed."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARES:
            return 1
        case ast.BoolOp() | ast.IfExp() | ast.If():
            return 1
        case ast.UnaryOp(op=ast.Not()):
            return 1
        case ast.BinOp(op=op) if type(op) in _SIGNS:
            return 1
        case ast.Constant(value=bool() | int() | str()):
            return 1
        case ast.Return(value=value) if value is not None and not _is_none(value):
            return 1
        case ast.Expr(value=ast.Call() | ast.Await()):
            return 1
        case ast.Attribute(value=ast.Name(id=name), attr=attr) if attr.isupper() and name in _STATES:
            return 1
    return 0


_STATES = {"LedgerState", "S", "OrderStatus", "Decision", "ActionKind", "Backward", "WriteResult"}
_OTHER = {
    "LedgerState": ("UNKNOWN", "DONE"),
    "S": ("UNKNOWN", "DONE"),
    "OrderStatus": ("SHIPPED", "PENDING"),
    "Decision": ("ALREADY", "SHOW"),
    "ActionKind": ("CANCEL_ORDER", "RETURN_APPLY"),
    "Backward": ("WINDOW_CLOSED", "NOT_TAKEN"),
    "WriteResult": ("DONE", "REFUSED"),
}


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _change(node: ast.AST, _number: int, tree: ast.AST) -> str:
    """Change a node in its place; return what became of it."""
    match node:
        case ast.Compare(ops=[op]):
            node.ops = [_COMPARES[type(op)]()]
        case ast.BoolOp(op=op):
            node.op = ast.Or() if isinstance(op, ast.And) else ast.And()
        case ast.IfExp():
            node.body, node.orelse = node.orelse, node.body
        case ast.If():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.UnaryOp():
            return _replace(tree, node, node.operand)
        case ast.BinOp(op=op):
            node.op = _SIGNS[type(op)]()
        case ast.Constant(value=value):
            node.value = _other_value(value)
        case ast.Return():
            node.value = ast.Constant(None)
        case ast.Expr():
            node.value = ast.Constant(None)
        case ast.Attribute(value=ast.Name(id=name), attr=attr):
            one, other = _OTHER[name]
            node.attr = other if attr == one else one
    return ast.unparse(node).splitlines()[0]


def _other_value(value: object) -> object:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}x"


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> str:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(one is old for one in value):
                setattr(parent, name, [new if one is old else one for one in value])
    return ast.unparse(new)


# --- trying one ---


class _Changed(MetaPathFinder, Loader):
    """Loads one module from a changed source."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        """Find it before anybody else does."""
        if name != self._mutant.module:
            return None
        return spec_from_loader(name, self, origin=str(_path(name)))

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed source."""
        module.__file__ = str(_path(self._mutant.module))
        exec(compile(self._mutant.source, module.__file__, "exec"), module.__dict__)


def _path(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def _noticed(mutant: Mutant | None, tests: Sequence[str]) -> bool:
    """Run the tests in a fork, with the mutant where there is one; return whether they fail, or never end."""
    if (child := os.fork()) == 0:
        _be_tested(mutant, tests)
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status != 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _be_tested(mutant: Mutant | None, tests: Sequence[str]) -> None:
    import pytest  # In the fork, whose end is the end of all that it has changed.

    status = 2
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        if mutant:
            sys.meta_path.insert(0, _Changed(mutant))
        os.chdir(ROOT)
        # Some tests read the log.
        logging.disable(logging.NOTSET)
        # A seed of its own, so that a mutant is noticed today and tomorrow.
        status = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0", *_QUIET, *tests])
    finally:
        os._exit(int(status))


def _forget_the_bot() -> None:
    """Let every fork import the bot anew; the libraries stay, which take longest to load."""
    import alembic.command  # noqa: F401 # Loaded for the forks.
    import hypothesis  # noqa: F401 # Likewise.
    import pytest_asyncio  # noqa: F401 # Likewise.

    for name in [name for name in sys.modules if name == "bot" or name.startswith("bot.")]:
        del sys.modules[name]


def run(most: int, seed: int, modules: Mapping[str, Sequence[str]] = MODULES) -> Claim:
    """Try at most so many mutants, chosen by the seed where there are more."""
    claim, started = Claim(CLAIM, seed, chance=False), time.perf_counter()
    _forget_the_bot()
    for module, tests in modules.items():
        if _noticed(None, tests):
            claim.fail(f"the tests of {module} fail without any change")
            return claim
    everything = [(mutant, tests) for module, tests in modules.items() for mutant in mutants_of(module)]
    chosen = Random(seed).sample(everything, min(most, len(everything)))
    for mutant, tests in chosen:
        claim.trials += 1
        if _noticed(mutant, tests):
            claim.saw(f"{mutant.module} noticed")
        else:
            claim.saw("survivors")
            claim.notes.append(f"survivor {mutant.name}")
            print(f"{claim.trials} of {len(chosen)}: survivor {mutant.name}", file=sys.stderr, flush=True)
    if claim.trials and (rate := 1 - len(claim.notes) / claim.trials) < LEAST:
        claim.fail(f"only {rate:.1%} were noticed")
    claim.seconds = time.perf_counter() - started
    return claim
