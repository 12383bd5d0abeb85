"""Every command, as a newcomer types it: what it says, how it ends, and never a stack trace."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.demo import TOKEN
from bot.orders.demo import DemoShop
from bot.simulator import Simulator
from tests.support.process import clean_environ
from tests.support.rows import rows
from tests.support.worker import running

FAQ = '[[entry]]\nlanguage = "en"\nquestions = ["Do you ship abroad?"]\nanswer = "Yes: for 9 €."\n'


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


async def deskhand(folder: Path, *arguments: str, **environ: str) -> Ended:
    """Run a command in a folder; there must be no stack trace, whatever happens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", *arguments),
        cwd=folder,
        env={**clean_environ(), "PYTHONPATH": str(Path.cwd()), **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert b"Traceback" not in out + err, err.decode()
    return Ended(process.returncode or 0, out.decode(), err.decode())


def config(folder: Path, base_url: str = "http://127.0.0.1:9", more: str = "") -> str:
    """Write a configuration that works, and return its name."""
    text = f'[telegram]\ntoken = "{TOKEN}"\napi_base_url = "{base_url}"\n{more}'
    (folder / "config.toml").write_text(text)
    return "config.toml"


async def test_usage(tmp_path: Path) -> None:
    """Without a command, with an unknown one, without what a command needs: status 2, and what there is."""
    for arguments in ((), ("dance",), ("run",)):
        ended = await deskhand(tmp_path, *arguments)
        assert (ended.status, ended.out) == (2, ""), arguments
        assert "usage: deskhand" in ended.err


async def test_help_and_version(tmp_path: Path) -> None:
    """Both answer at once, with status 0."""
    ended = await deskhand(tmp_path, "--help")
    assert ended.status == 0
    assert all(command in ended.out for command in ("run", "demo", "check", "db", "faq", "model"))
    assert (await deskhand(tmp_path, "--version")).out.startswith("deskhand 0.")


BROKEN = {
    "missing": (None, "cannot be read"),
    "no TOML": ("[telegram\n", "config.toml:1"),
    "unknown key": (f'[telegram]\ntoken = "{TOKEN}"\ntokn = 1\n', "Did you mean telegram.token?"),
    "no secret": (f'[telegram]\ntoken = "{TOKEN}"\nmode = "webhook"\n', "telegram.webhook_secret"),
    "no adapter": (f'[telegram]\ntoken = "{TOKEN}"\n[orders]\nadapter = "nope"\n', "no order adapter 'nope'"),
    "no database": (
        f'[telegram]\ntoken = "{TOKEN}"\n[database]\nurl = "sqlite+aiosqlite:////proc/none/x.db"\n',
        "/proc/none",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_run_with_a_broken_configuration(tmp_path: Path, name: str) -> None:
    """It does not start, ends with status 1, and names the thing and the remedy; the token is not repeated."""
    text, expected = BROKEN[name]
    if text is not None:
        (tmp_path / "config.toml").write_text(text)
    ended = await deskhand(tmp_path, "run", "--config", "config.toml")
    assert ended.status == 1
    assert expected in ended.err
    assert TOKEN not in ended.err


async def test_run_with_a_port_that_is_taken(tmp_path: Path) -> None:
    """The problem is named with the setting that changes it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        ended = await deskhand(tmp_path, "run", "--config", config(tmp_path, more=f"[web]\nport = {port}\n"))
    assert ended.status == 1
    assert f"port {port} on 127.0.0.1 is taken" in ended.err
    assert "DESKHAND_WEB__PORT" in ended.err


async def test_run_with_a_database_that_is_none(tmp_path: Path) -> None:
    """A file that is something else is left as it is, and named."""
    file = tmp_path / "deskhand.db"
    file.write_bytes(b"a diary, and not a database at all " * 40)
    before = file.read_bytes()
    more = '[database]\nurl = "sqlite+aiosqlite:///deskhand.db"\n'
    ended = await deskhand(tmp_path, "run", "--config", config(tmp_path, more=more))
    assert (ended.status, file.read_bytes()) == (1, before)
    assert "not a database" in ended.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_run_until_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    """The first start makes its folders and its database; SIGTERM and Ctrl-C end it with status 0."""
    simulator = Simulator(TOKEN)
    async with simulator.serve() as base_url:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", "run", "--config", config(tmp_path, base_url, "[web]\nport = 0\n")),
            cwd=tmp_path,
            env={**clean_environ(), "PYTHONPATH": str(Path.cwd())},
            stderr=asyncio.subprocess.PIPE,
        )
        await simulator.wait_polling(30)
        process.send_signal(number)
        _, err = await asyncio.wait_for(process.communicate(), 10)
    assert (process.returncode, b"Traceback" in err) == (0, False)
    assert rows(tmp_path / "data" / "deskhand.db", "SELECT 1 FROM threads") == []


async def test_check_of_what_is_in_order(tmp_path: Path) -> None:
    """Everything is named, nothing is made, and the status is 0."""
    async with Simulator(TOKEN).serve() as base_url:
        before = await deskhand(tmp_path, "check", "--config", config(tmp_path, base_url))
    assert before.status == 0, before.out
    assert "Everything is in order." in before.out
    assert re.search(r"ok  model embedded: 1 threads?, 4096 cells \(f16\), 1024 tokens a thread", before.out)
    assert not (tmp_path / "data" / "deskhand.db").exists()


async def test_check_names_every_problem_at_once(tmp_path: Path) -> None:
    """Configuration, database, models, FAQ, order system and Telegram, each with its remedy, and status 1."""
    (tmp_path / "config.toml").write_text(
        '[telegram]\ntoken = 5\napi_base_url = "http://127.0.0.1:9"\nmod = "polling"\n[web]\nport = "8080"\n'
        '[orders]\nadapter = "nope"\n[faq]\nfile = "none.toml"\n[database]\nurl = "sqlite+aiosqlite:////proc/none/x.db"\n'
        '[[understanding.tiers]]\nkind = "llama"\nname = "small"\nmodel = "none.gguf"\n'
        '[[understanding.tiers]]\nkind = "remote"\nname = "far"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    ended = await deskhand(tmp_path, "check", "--config", "config.toml")
    assert ended.status == 1
    for expected in ("telegram.token", "telegram.mod", "web.port", "none.toml", "nope", "/proc", "none.gguf", "'far'"):
        assert expected in ended.out, expected
    assert "8 problems were found." in ended.out


async def test_check_reads_an_order(tmp_path: Path) -> None:
    """An order system that answers, but with an order that makes no sense, is a problem that names the field."""
    shop = DemoShop.open(tmp_path / "data" / "demo-shop.db")
    await shop.ping()
    await shop.close()
    with closing(sqlite3.connect(tmp_path / "data" / "demo-shop.db", isolation_level=None)) as db:
        db.execute("UPDATE orders SET currency = 'euro'")
    async with Simulator(TOKEN).serve() as base_url:
        ended = await deskhand(tmp_path, "check", "--config", config(tmp_path, base_url))
    assert ended.status == 1
    assert "orders.demo: the order system's answer makes no sense: order.total.currency" in " ".join(ended.out.split())
    assert "1 problem was found." in ended.out


async def test_check_of_a_token_that_telegram_does_not_know(tmp_path: Path) -> None:
    """It asks Telegram itself, and does not show the token."""
    async with Simulator("1:another-token-than-the-one-that-is-set").serve() as base_url:
        ended = await deskhand(tmp_path, "check", "--config", config(tmp_path, base_url))
    assert ended.status == 1
    assert "does not know this token" in ended.out
    assert TOKEN not in ended.out + ended.err


async def test_database_commands(tmp_path: Path) -> None:
    """Upgraded when it is new and when it is not, backed up whole, and no file is ever overwritten."""
    assert "it was new" in (await deskhand(tmp_path, "db", "upgrade")).out
    assert (await deskhand(tmp_path, "db", "upgrade")).status == 0
    assert (await deskhand(tmp_path, "db", "backup", "copy.db")).status == 0
    assert rows(tmp_path / "copy.db", "PRAGMA integrity_check") == [("ok",)]
    again = await deskhand(tmp_path, "db", "backup", "copy.db")
    assert again.status == 1
    assert "copy.db exists already" in again.err
    missing = await deskhand(tmp_path, "db", "backup", "x.db", DESKHAND_DATABASE__URL="sqlite+aiosqlite:///none.db")
    assert missing.status == 1
    assert "There is no database" in missing.err


async def test_the_ledger(tmp_path: Path) -> None:
    """What was changed is shown as text or JSON, of one order or in one state; an empty ledger says so."""
    asked = f'[database]\nurl = "sqlite+aiosqlite:///{tmp_path / "deskhand.db"}"\n'
    name = config(tmp_path, more=asked)
    ended = await deskhand(tmp_path, "ledger", "--config", name)
    assert (ended.status, ended.out) == (0, "Nothing stands in the ledger yet.\n")
    async with running(tmp_path) as world:
        emily, number = world.customer("en"), world.orders("en", "pending")[0]
        await emily.asks(f"cancel {number}", "share your phone number")
        await emily.shares_contact("Shall I cancel")
        await emily.presses("Yes", "is cancelled")
    for arguments in ((), ("--order", f"#{number.lower()}"), ("--state", "done")):
        ended = await deskhand(tmp_path, "ledger", *arguments, "--config", name)
        assert f"✅ cancel {number}" in ended.out
        assert "the customer said yes" in ended.out
    (entry,) = json.loads((await deskhand(tmp_path, "ledger", "--json", "--config", name)).out)
    assert (entry["order_number"], entry["state"], entry["answer"]["result"]) == (number, "done", "done")
    assert list(entry["entered"]) == ["proposed", "confirmed", "in_flight", "done"]
    assert json.loads((await deskhand(tmp_path, "ledger", "--json", "--state", "unknown", "--config", name)).out) == []
    wrong = await deskhand(tmp_path, "ledger", "--state", "lost", "--config", name)
    assert wrong.status == 2
    assert "in_flight" in wrong.err


async def test_faq_round_trip(tmp_path: Path) -> None:
    """What was imported is exported again, and the export can be imported."""
    (tmp_path / "faq.toml").write_text(FAQ)
    assert "1 FAQ entries imported" in (await deskhand(tmp_path, "faq", "import", "faq.toml")).out
    assert (await deskhand(tmp_path, "faq", "export", "out.toml")).status == 0
    assert "Yes: for 9 €." in (tmp_path / "out.toml").read_text(encoding="utf-8")
    assert "1 FAQ entries imported" in (await deskhand(tmp_path, "faq", "import", "out.toml")).out


async def test_a_faq_file_that_is_wrong(tmp_path: Path) -> None:
    """It is refused with its name, and the entries there were stay."""
    (tmp_path / "faq.toml").write_text(FAQ)
    await deskhand(tmp_path, "faq", "import", "faq.toml")
    for content in (None, b"[[entry]]\nquestions = 5\n"):
        if content is not None:
            (tmp_path / "wrong.toml").write_bytes(content)
        ended = await deskhand(tmp_path, "faq", "import", "wrong.toml")
        assert (ended.status, "wrong.toml" in ended.err) == (1, True), content
    assert rows(tmp_path / "data" / "deskhand.db", "SELECT count(*) FROM faq") == [(1,)]


async def test_a_link_for_an_order(tmp_path: Path) -> None:
    """One line, with the bot's name as Telegram or the settings say it; a second link stands beside the first."""
    shop = DemoShop.open(tmp_path / "data" / "demo-shop.db")
    number = (await shop.people())[0].orders[0].number
    await shop.close()
    link = re.compile(r"https://t\.me/(\w+)\?start=[A-Za-z0-9_-]{38,64}\n")
    simulator = Simulator(TOKEN)
    async with simulator.serve() as base_url:
        made = await deskhand(tmp_path, "link", number, "--config", config(tmp_path, base_url))
        assert (match := link.fullmatch(made.out)) is not None, made
        assert match[1] == simulator.bot["username"]
    named = await deskhand(tmp_path, "link", number, "--days", "7", DESKHAND_TELEGRAM__USERNAME="our_shop_bot")
    assert (match := link.fullmatch(named.out)) is not None, named
    assert match[1] == "our_shop_bot"
    assert len(rows(tmp_path / "data" / "deskhand.db", "SELECT 1 FROM facts WHERE name = 'link_secret'")) == 1
    renewed = await deskhand(tmp_path, "link", "--new-secret")
    assert (renewed.status, "No link that was made before works" in renewed.out) == (0, True)


async def test_a_link_that_cannot_be_made(tmp_path: Path) -> None:
    """An unknown order, a bot whose name nobody knows, and wrong usage: named, with the remedy, and no link."""
    named = {"DESKHAND_TELEGRAM__USERNAME": "our_shop_bot"}
    unknown = await deskhand(tmp_path, "link", "ORD20200101999", **named)
    assert (unknown.status, unknown.out) == (1, "")
    assert "knows no order 'ORD20200101999'" in unknown.err
    shop = DemoShop.open(tmp_path / "data" / "demo-shop.db")
    number = (await shop.people())[0].orders[0].number
    await shop.close()
    nameless = await deskhand(tmp_path, "link", number)
    assert (nameless.status, nameless.out) == (1, "")
    assert "set telegram.username" in nameless.err
    for arguments in ((), (number, "--new-secret"), (number, "--days", "0"), (number, "--days", "4000")):
        assert (await deskhand(tmp_path, "link", *arguments)).status == 2, arguments
    wrong = await deskhand(tmp_path, "link", number, DESKHAND_TELEGRAM__USERNAME="https://t.me/x")
    assert (wrong.status, "TELEGRAM__USERNAME" in wrong.err) == (1, True)


async def test_models(tmp_path: Path) -> None:
    """The list names sizes and licences; a name that is not known lists those that are, and nothing is fetched."""
    listed = await deskhand(tmp_path, "model", "list")
    assert listed.status == 0
    assert "Apache-2.0" in listed.out
    unknown = await deskhand(tmp_path, "model", "pull", "gpt-17")
    assert unknown.status == 1
    assert "No model is called 'gpt-17'" in unknown.err
    assert os.listdir(tmp_path) == []


async def test_demo_on_a_port_that_is_taken(tmp_path: Path) -> None:
    """It ends with status 1 and says what to change."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        ended = await deskhand(tmp_path, "demo", "--port", str(other.getsockname()[1]), TMPDIR=str(tmp_path))
    assert ended.status == 1
    assert "taken" in ended.err


async def test_the_demo_starts_and_stops(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """It prints one address, answers there, and Ctrl-C ends it; nothing is left behind."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "demo", "--port", str(port)),
        cwd=tmp_path,
        env={**clean_environ(), "PYTHONPATH": os.getcwd(), "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    while f"http://127.0.0.1:{port}/" not in (line := (await process.stdout.readline()).decode()):
        assert line, "the demo ended"
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 15)
    assert (process.returncode, b"Traceback" in err) == (0, False), err.decode()
