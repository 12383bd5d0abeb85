"""The `deskhand` command: parse, call, say."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot import __version__, model_commands
from bot.cli_parts import command, whole
from bot.domain.model import LedgerState
from bot.errors import ConfigError, DeskhandError

if TYPE_CHECKING:
    from bot.cli_parts import Commands
    from bot.config import Settings

DEFAULT_CONFIG = Path("config.toml")
STATES = f"only in this state: {', '.join(LedgerState)}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0 done, 1 it could not be done, 2 wrong usage."""
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except ConfigError as error:
        print("The configuration has to be changed:", file=sys.stderr)
        for problem in error.problems:
            print(f"  - {problem}", file=sys.stderr)
    except (DeskhandError, ValueError) as error:
        print(f"deskhand: {error}", file=sys.stderr)
    except OSError as error:
        print(f"deskhand: {error.strerror or error}{f': {error.filename}' if error.filename else ''}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="deskhand", description="Answers a shop's customers in Telegram.")
    parser.add_argument("--version", action="version", version=f"deskhand {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = command(commands, "run", "run the bot until SIGTERM", _run)
    run.add_argument("--config", type=Path, required=True, metavar="FILE")

    demo = command(commands, "demo", "a shop, a bot and a Telegram to try it in, in your browser", _demo)
    demo.add_argument("--host", default="127.0.0.1")
    demo.add_argument("--port", type=int, default=8080)

    check = command(commands, "check", "report every problem of the set-up at once", _check)
    check.add_argument("--config", type=Path, required=True, metavar="FILE")

    _add_eval(commands)
    _add_train(commands)
    _add_link(commands)

    db = commands.add_parser("db", help="the database").add_subparsers(required=True, metavar="upgrade|backup")
    _with_config(command(db, "upgrade", "bring it to the newest schema, after a backup", _db_upgrade))
    backup = _with_config(command(db, "backup", "copy it to a file; the bot may be running", _db_backup))
    backup.add_argument("to", type=Path, metavar="TO")

    _add_ledger(commands)
    faq = commands.add_parser("faq", help="the shop's own answers").add_subparsers(
        required=True, metavar="import|export"
    )
    for name, what, action in (
        ("import", "replace all entries by those of a file", _faq_import),
        ("export", "write all entries to a file", _faq_export),
    ):
        _with_config(command(faq, name, what, action)).add_argument("file", type=Path, metavar="FILE")

    model_commands.add_to(commands)
    return parser


def _add_eval(commands: Commands) -> None:
    evaluation = _with_config(command(commands, "eval", "measure how well the tiers understand", _eval))
    what = evaluation.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", type=Path, metavar="FILE.jsonl", help="one case a line")
    what.add_argument(
        "--from-threads",
        type=Path,
        metavar="OUT.jsonl",
        help="make such a file of the shop's own chats, to be labelled",
    )
    evaluation.add_argument(
        "--days", type=whole(36_500), default=30, metavar="N", help="of the chats: the last N days (30)"
    )
    evaluation.add_argument(
        "--limit", type=whole(1_000_000), default=1000, metavar="N", help="the newest N messages (1000)"
    )
    evaluation.add_argument(
        "--tier",
        action="append",
        default=[],
        metavar="cascade|classifier|rules|embedded|NAME",
        help="all tiers in order (the default), or one of them; give it again to compare",
    )
    evaluation.add_argument("--predictions", type=Path, metavar="OUT.jsonl", help="write what was understood")
    evaluation.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def _add_train(commands: Commands) -> None:
    training = _with_config(command(commands, "train", "teach the classifier the shop's own messages", _train))
    what = training.add_mutually_exclusive_group(required=True)
    what.add_argument("--from", dest="file", type=Path, metavar="FILE.jsonl", help="corrected cases, as for eval")
    what.add_argument("--revert", action="store_true", help="bring the former model back")


def _add_link(commands: Commands) -> None:
    what = "a link for a mail about an order: whoever opens it first is shown that customer's orders"
    link = _with_config(command(commands, "link", what, _link))
    which = link.add_mutually_exclusive_group(required=True)
    which.add_argument("order", nargs="?", metavar="ORDER", help="the order's number")
    which.add_argument("--new-secret", action="store_true", help="make all links that were made before worthless")
    link.add_argument(
        "--days", type=whole(3650), default=30, metavar="N", help="for how many days it can be opened (30)"
    )


def _add_ledger(commands: Commands) -> None:
    ledger = _with_config(command(commands, "ledger", "what was cancelled and sent back, the newest first", _ledger))
    ledger.add_argument("--order", default="", metavar="N", help="only of this order")
    ledger.add_argument("--state", default="", choices=list(LedgerState), metavar="S", help=STATES)
    ledger.add_argument("--json", action="store_true", help="print a JSON list instead of text")


def _with_config(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument(
        "--config", type=Path, default=None, metavar="FILE", help=f"default: {DEFAULT_CONFIG}, where there is one"
    )
    return command


# --- the commands; each imports only what it needs ---


def _run(arguments: argparse.Namespace) -> int:
    from bot.config import load
    from bot.running import run

    return asyncio.run(run(load(arguments.config, os.environ)))


def _demo(arguments: argparse.Namespace) -> int:
    from bot.demo import run_demo

    return asyncio.run(run_demo(arguments.host, arguments.port, os.environ))


def _check(arguments: argparse.Namespace) -> int:
    from bot.checking import check

    return asyncio.run(check(arguments.config, os.environ))


def _eval(arguments: argparse.Namespace) -> int:
    if arguments.from_threads:
        return _eval_from_threads(arguments)
    from bot.evaluate import evaluate_file

    return asyncio.run(
        evaluate_file(
            _settings(arguments), arguments.file, arguments.tier, arguments.predictions, as_json=arguments.json
        )
    )


def _train(arguments: argparse.Namespace) -> int:
    from bot.train import revert, train

    settings = _settings(arguments)
    return revert(settings) if arguments.revert else train(settings, arguments.file)


def _link(arguments: argparse.Namespace) -> int:
    from bot.link_command import make_link, renew_secret

    settings = _settings(arguments)
    if arguments.new_secret:
        asyncio.run(renew_secret(settings))
        print("No link that was made before works any more; who has opened one stays verified.")
    else:
        print(asyncio.run(make_link(settings, arguments.order, arguments.days)))
    return 0


def _eval_from_threads(arguments: argparse.Namespace) -> int:
    from bot.from_threads import write_cases

    out = arguments.from_threads
    cases, guessed = asyncio.run(write_cases(_settings(arguments), out, arguments.days, arguments.limit))
    print(f"{cases} customer messages written to {out}, {guessed} of them with an action.")
    print("Those actions are only what the bot itself understood: GUESSES, not the truth. Correct every line first.")
    print("Names, numbers and addresses were replaced by made-up ones, but not every name or street can be found.")
    print(f"Then measure with: deskhand eval {out}")
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    from bot.config import NO_TOKEN, load

    path = arguments.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    # Only a running bot and a check need the token: who makes a backup at night should not have to know it.
    return load(path, os.environ, defaults={"telegram": {"token": NO_TOKEN}})


def _database(arguments: argparse.Namespace) -> tuple[str, Path, int]:
    database = _settings(arguments).database
    return database.url, database.backup_dir, database.backups_kept


def _db_upgrade(arguments: argparse.Namespace) -> int:
    from bot.store.migrate import upgrade

    url, backup_dir, keep = _database(arguments)
    before = upgrade(url, backup_dir, keep=keep)
    print(f"The database is at the newest schema (it was {before or 'new'}).")
    return 0


def _db_backup(arguments: argparse.Namespace) -> int:
    from bot.store.migrate import backup

    url, _, _ = _database(arguments)
    print(f"Backup written: {backup(url, arguments.to)}")
    return 0


def _ledger(arguments: argparse.Namespace) -> int:
    from bot.ledger_commands import show_ledger

    url, backup_dir, keep = _database(arguments)
    print(show_ledger(url, backup_dir, keep, arguments.order, arguments.state, as_json=arguments.json))
    return 0


def _faq_import(arguments: argparse.Namespace) -> int:
    from bot.conversation.faq_file import read_faq
    from bot.faq_commands import import_faq

    entries = read_faq(arguments.file)
    url, backup_dir, keep = _database(arguments)
    asyncio.run(import_faq(url, backup_dir, keep, entries))
    print(f"{len(entries)} FAQ entries imported; a running bot takes them at its next start or with /faq reload.")
    return 0


def _faq_export(arguments: argparse.Namespace) -> int:
    from bot.faq_commands import export_faq

    url, backup_dir, keep = _database(arguments)
    text, count = asyncio.run(export_faq(url, backup_dir, keep))
    arguments.file.write_text(text, encoding="utf-8")
    print(f"{count} FAQ entries written to {arguments.file}")
    return 0
