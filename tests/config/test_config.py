"""The settings: where they come from, which wins, and that everything wrong is told at once, with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.config import Settings, load
from bot.domain.model import OrderStatus
from bot.errors import ConfigError, Problem

TOKEN = "123456:abcdefghijklmnopqrstuvwxyz012345"
WITH_TOKEN = {"DESKHAND_TELEGRAM__TOKEN": TOKEN}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The path of the configuration file."""
    return tmp_path / "config.toml"


def loaded(config: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    """Write the file and load it, with a token."""
    config.write_text(text, encoding="utf-8")
    return load(config, WITH_TOKEN | dict(environ or {}))


def problems_of(config: Path, text: str, environ: Mapping[str, str] | None = None) -> dict[str, Problem]:
    """Write the file, and return what is wrong by its place, without the folder."""
    with pytest.raises(ConfigError) as caught:
        loaded(config, text, environ)
    return {problem.where.removeprefix(f"{config.parent}/"): problem for problem in caught.value.problems}


def environment_problems(environ: Mapping[str, str], defaults: Mapping[str, Any] | None = None) -> list[Problem]:
    """Return what is wrong without a file."""
    with pytest.raises(ConfigError) as caught:
        load(None, environ, defaults=defaults)
    return list(caught.value.problems)


# --- sources ----------------------------------------------------------------


def test_a_token_is_all_it_needs() -> None:
    """Everything but the token has a default."""
    settings = load(None, WITH_TOKEN)
    assert settings.telegram.token.get_secret_value() == TOKEN
    assert settings.database.url == "sqlite+aiosqlite:///data/deskhand.db"
    assert [tier.kind for tier in settings.understanding.tiers] == ["classifier", "llama", "rules"]
    assert [tier.name for tier in settings.understanding.tiers] == ["classifier", "embedded", "rules"]
    assert settings.policy.cancellable == (OrderStatus.PENDING,)


def test_the_environment_wins_over_the_file_and_the_file_over_other_defaults(config: Path) -> None:
    """The nearer source wins, setting by setting."""
    config.write_text('[shop]\nname = "file"\nfacts = "file"\n', encoding="utf-8")
    environ = WITH_TOKEN | {"DESKHAND_SHOP__NAME": "environment"}
    defaults = {"shop": {"name": "demo", "facts": "demo", "phone_region": "DE"}, "web": {"port": 9}}
    settings = load(config, environ, defaults=defaults)
    assert (settings.shop.name, settings.shop.facts, settings.shop.phone_region) == ("environment", "file", "DE")
    assert settings.web.port == 9
    assert defaults == {"shop": {"name": "demo", "facts": "demo", "phone_region": "DE"}, "web": {"port": 9}}


def test_the_environment_holds_values_of_every_type() -> None:
    """Numbers, lists and tables are read as JSON or TOML, text is taken as it is."""
    settings = load(
        None,
        WITH_TOKEN
        | {
            "DESKHAND_WEB__PORT": "9000",
            "DESKHAND_FAQ__THRESHOLD": "0.5",
            "DESKHAND_WEB__API_KEYS": '["a","b"]',
            "DESKHAND_ADMINS__IDS": "[1, 2,]",
            "DESKHAND_SHOP__NAME": "0123",
            "DESKHAND_SHOP__LANGUAGES": "['en', 'zh']",
            "DESKHAND_DATABASE__BACKUP_DIR": "/tmp/[x]",
            "DESKHAND_LOG__LEVEL": "debug",
            "DESKHAND_UNDERSTANDING__TIERS": json.dumps(
                [{"kind": "remote", "base_url": "http://127.0.0.1:1/v1/", "api_key": "k"}, {"kind": "rules"}]
            ),
        },
    )
    assert settings.web.port == 9000
    assert settings.faq.threshold == 0.5
    assert [key.get_secret_value() for key in settings.web.api_keys] == ["a", "b"]
    assert settings.admins.ids == (1, 2)
    assert settings.shop.name == "0123"
    assert settings.shop.languages == ("en", "zh")
    assert settings.database.backup_dir == Path("/tmp/[x]")
    assert settings.log.level == "DEBUG"
    assert [tier.name for tier in settings.understanding.tiers] == ["remote", "rules"]
    assert settings.understanding.tiers[0].base_url == "http://127.0.0.1:1/v1"


def test_other_variables_are_none_of_its_business() -> None:
    """Only variables that begin with DESKHAND_ are looked at."""
    assert load(None, WITH_TOKEN | {"PATH": "/bin", "WEB__PORT": "x", "XDESKHAND_WEB__PORT": "x"}).web.port == 8080


@pytest.mark.parametrize("table", ["demo", "options"])
def test_the_adapters_table_is_called_like_it_or_options(config: Path, table: str) -> None:
    """The adapter's own table is kept as written; the environment reaches into it under either name."""
    text = f'[orders.{table}]\npath = "x"\n[orders.{table}.deep]\na = [1]\n'
    environ = {"DESKHAND_ORDERS__DEMO__KEY": "sesame", "DESKHAND_ORDERS__OPTIONS__DEEP__B": "true"}
    options = loaded(config, text, environ).orders.options
    assert options == {"path": "x", "deep": {"a": [1], "b": True}, "key": "sesame"}


def test_two_variables_cannot_set_the_same_option() -> None:
    """An option that is set under both names of its table is a problem that names both variables."""
    environ = {"DESKHAND_ORDERS__DEMO__PATH": "a", "DESKHAND_ORDERS__OPTIONS__PATH": "b"}
    (problem,) = environment_problems(WITH_TOKEN | environ)
    assert set(environ) == {problem.where, problem.what.split(" ")[0]}


def test_the_adapters_name_from_the_environment_names_its_table(config: Path) -> None:
    """The table belongs to the adapter that is chosen in the end; another adapter's is a problem."""
    environ = {"DESKHAND_ORDERS__ADAPTER": "mine"}
    assert loaded(config, "[orders.mine]\na = 1\n", environ).orders.options == {"a": 1}
    assert "config.toml:1 orders.demo" in problems_of(config, "[orders.demo]\na = 1\n", environ)


def test_the_adapters_settings_cannot_stand_in_two_tables_of_one_file(config: Path) -> None:
    """Two tables for one thing leave open which counts, so they are a problem."""
    found = problems_of(config, "[orders.options]\na = 1\n[orders.demo]\nb = 1\n")
    assert found.keys() == {"config.toml:1 orders.options"}


def test_a_byte_order_mark_and_windows_line_ends_are_taken(config: Path) -> None:
    """A file saved by Windows' Notepad works, and its lines are counted right."""
    config.write_bytes(b"\xef\xbb\xbf[web]\r\nport = 1\r\n")
    assert load(config, WITH_TOKEN).web.port == 1
    config.write_bytes(b"\xef\xbb\xbf[web]\r\nport = 99999\r\n")
    with pytest.raises(ConfigError, match=r"config\.toml:2 web\.port"):
        load(config, WITH_TOKEN)


def test_settings_cannot_be_changed() -> None:
    """Settings are frozen."""
    settings = load(None, WITH_TOKEN)
    with pytest.raises(ValueError, match="frozen"):
        settings.web.port = 1  # type: ignore[misc]


# --- secrets ----------------------------------------------------------------


def test_secrets_come_from_files(config: Path, tmp_path: Path) -> None:
    """A secret's file loses its line end only; a file of API keys holds one a line."""
    (tmp_path / "token").write_text(f"{TOKEN}\r\n", encoding="utf-8")
    (tmp_path / "keys").write_text("one\n\ntwo\n", encoding="utf-8")
    (tmp_path / "model-key").write_text("sesame", encoding="utf-8")
    config.write_text(
        f'[telegram]\ntoken = ""\ntoken_file = "{tmp_path}/token"\n[[understanding.tiers]]\nkind = "remote"\n'
        f'base_url = "http://x"\napi_key_file = "{tmp_path}/model-key"\n',
        encoding="utf-8",
    )
    settings = load(config, {"DESKHAND_WEB__API_KEYS_FILE": f"{tmp_path}/keys", "DESKHAND_WEB__API_KEYS": "[]"})
    assert settings.secrets() == sorted([TOKEN, "one", "two", "sesame"])
    assert settings.telegram.token.get_secret_value() == TOKEN
    assert settings.understanding.tiers[0].api_key.get_secret_value() == "sesame"


def test_a_secret_of_the_environment_replaces_the_files_secret_file(config: Path) -> None:
    """The nearer source wins also between a secret and a file of it, and the loser is not even opened."""
    assert loaded(config, '[telegram]\ntoken_file = "/no/such/file"\n').telegram.token.get_secret_value() == TOKEN


def test_a_secret_cannot_be_given_twice_in_one_source(config: Path, tmp_path: Path) -> None:
    """Both the secret and its file in one source leave open which counts, so they are a problem."""
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    text = f'[telegram]\ntoken = "{TOKEN}"\ntoken_file = "{tmp_path}/token"\n'
    environ = {"DESKHAND_TELEGRAM__TOKEN_FILE": f"{tmp_path}/token"}
    found = problems_of(config, text, environ)
    assert found.keys() == {"config.toml:3 telegram.token_file", "DESKHAND_TELEGRAM__TOKEN_FILE"}


@pytest.mark.parametrize(
    ("contents", "what"),
    [(None, "cannot be read: No such file"), (b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe", "is not UTF-8")],
)
def test_a_secret_file_that_cannot_be_used_is_the_only_problem(
    tmp_path: Path, contents: bytes | None, what: str
) -> None:
    """A secret whose file is bad is not called missing on top of it."""
    file = tmp_path / "token"
    if contents is not None:
        file.write_bytes(contents)
    (problem,) = environment_problems({"DESKHAND_TELEGRAM__TOKEN_FILE": str(file)})
    assert problem.where == "DESKHAND_TELEGRAM__TOKEN_FILE"
    assert what in problem.what
    assert str(file) in problem.what


def test_a_folder_is_no_secret_file(config: Path, tmp_path: Path) -> None:
    """A path that is a folder is told as such, at the line of the file's key."""
    found = problems_of(config, f'[telegram]\nwebhook_secret_file = "{tmp_path}"\n')
    assert "Is a directory" in found["config.toml:2 telegram.webhook_secret_file"].what


def test_a_missing_token_names_every_way_to_give_it() -> None:
    """The first thing a newcomer reads says where tokens come from and where they go."""
    for environ in ({}, {"DESKHAND_TELEGRAM__TOKEN": ""}):
        (problem,) = environment_problems(environ)
        assert problem.what == "is missing"
        assert "@BotFather" in problem.remedy
        assert "DESKHAND_TELEGRAM__TOKEN_FILE" in problem.remedy
        assert problem.where == next(iter(environ), "telegram.token")


def test_secrets_are_in_no_text(config: Path) -> None:
    """Neither a repr, nor the public settings, nor a problem shows a secret."""
    text = (
        '[telegram]\nmode = "webhook"\nwebhook_url = "https://x"\nwebhook_secret = "hush-1"\n'
        '[web]\napi_keys = ["hush-2"]\n'
        '[orders.demo]\nconsumer_secret = "hush-3"\nurl = "https://me:hush-4@shop"\nkeys = [{a = "hush-6"}]\nn = 1\n'
        '[[understanding.tiers]]\nkind = "remote"\nbase_url = "http://x"\napi_key = "hush-5"\n'
    )
    settings = loaded(config, text)
    public = settings.public_dict()
    assert "hush" not in str(public) + json.dumps(public)
    assert "hush-1" not in repr(settings)
    assert public["orders"]["options"]["n"] == 1
    assert public["understanding"]["history_tokens"] == 1200
    assert set(settings.secrets()) == {TOKEN, *(f"hush-{n}" for n in range(1, 7))}


def test_a_wrong_secret_is_not_quoted(config: Path) -> None:
    """A problem with a secret says what is wrong with it, never what it is."""
    text = '[telegram]\ntoken = "hush hush"\nwebhook_secret = "hush!"\n[web]\napi_keys = ["hush hush", 5550]\n'
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(config, {"DESKHAND_WEB__API_KEYS_FILE": ""})
    assert len(caught.value.problems) == 4
    assert "hush" not in str(caught.value)
    assert "5550" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# --- problems ---------------------------------------------------------------

MANY_PROBLEMS = """\
# a comment [web]
[telegram]
mode = "poling"
pol_timeout_s = 5

[shop]
facts = \"\"\"
[telegram]
mode = 3
\"\"\"
timezone = "Mars/Base"
languages = ["en",
    "english"]
name = ""

[orders]
timeout_s = "long"
[orders.demmo]
[web]
api_keys = "abc"
port = 70000
[policy]
cancellable = ["lost"]
takeover_minutes = 1.5
[faq]
threshold = nan
[bot]
"""


def test_every_problem_is_told_at_once_in_the_order_of_the_file(config: Path) -> None:
    """Types, ranges, choices, unknown keys and tables, of the file and the environment: one report."""
    environ = {"DESKHAND_WEB__HOST": "", "DESKHAND_ADMINS__IDS": "5", "DESKHAND_TELEGRAM__TOKEN": ""}
    found = problems_of(config, MANY_PROBLEMS, environ)
    assert list(found) == [
        "config.toml:3 telegram.mode",
        "config.toml:4 telegram.pol_timeout_s",
        "config.toml:11 shop.timezone",
        "config.toml:12 shop.languages[1]",
        "config.toml:14 shop.name",
        "config.toml:17 orders.timeout_s",
        "config.toml:18 orders.demmo",
        "config.toml:20 web.api_keys",
        "config.toml:21 web.port",
        "config.toml:23 policy.cancellable[0]",
        "config.toml:24 policy.takeover_minutes",
        "config.toml:26 faq.threshold",
        "config.toml:27 bot",
        "DESKHAND_ADMINS__IDS",
        "DESKHAND_TELEGRAM__TOKEN",
        "DESKHAND_WEB__HOST",
    ]
    assert all(problem.remedy and not problem.what.startswith("is not right") for problem in found.values())
    assert 'not the text "poling"' in found["config.toml:3 telegram.mode"].what
    assert "at most 65535, not 70000" in found["config.toml:21 web.port"].what


@pytest.mark.parametrize(
    ("text", "where", "remedy"),
    [
        ("[telegram]\npol_timeout_s = 1", "config.toml:2 telegram.pol_timeout_s", "telegram.poll_timeout_s?"),
        ("[telegram]\ntoken_fil = '1'", "config.toml:2 telegram.token_fil", "telegram.token_file?"),
        ("[telegrm]\nids = []", "config.toml:1 telegrm", "telegram?"),
        ("[shop]\napi_keys = []", "config.toml:2 shop.api_keys", "[web]"),
        ("token = 'x'", "config.toml:1 token", "[telegram]"),
        ("[log]\nzzz = 1", "config.toml:2 log.zzz", "format, level"),
        ("[orders.demmo]", "config.toml:1 orders.demmo", "orders.demo?"),
        ("[orders.woo]", "config.toml:1 orders.woo", "orders.adapter"),
        ("[[understanding.tiers]]\nkind='rules'\nmodle='x'", "config.toml:3 understanding.tiers[0].modle", "].model?"),
        ('["a\\u001b b"]', 'config.toml:1 "a\\u001b b"', "Remove it"),
    ],
)
def test_an_unknown_key_names_the_one_that_was_meant(config: Path, text: str, where: str, remedy: str) -> None:
    """A typing error is answered with the nearest setting, or with the table the setting belongs in."""
    found = problems_of(config, text)
    assert list(found) == [where]
    assert remedy in found[where].remedy


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("DESKHAND_WEB__PROT", "DESKHAND_WEB__PORT"),
        ("DESKHAND_TELEGRAM_TOKEN", "DESKHAND_TELEGRAM__TOKEN"),
        ("DESKHAND_web__port", "DESKHAND_WEB__PORT"),
        ("DESKHAND_TELEGRAM__TOKEN__FILE", "DESKHAND_TELEGRAM__TOKEN_FILE"),
        ("DESKHAND_", "DESKHAND_<SECTION>__<KEY>"),
        ("DESKHAND_X", "DESKHAND_<SECTION>__<KEY>"),
        ("DESKHAND_ORDERS__DEMO__", "DESKHAND_ORDERS__DEMO?"),
    ],
)
def test_an_unknown_variable_names_the_one_that_was_meant(variable: str, meant: str) -> None:
    """A misspelt variable would otherwise be the quietest of all mistakes."""
    (problem,) = environment_problems(WITH_TOKEN | {variable: "1"})
    assert problem.where == variable
    assert meant in problem.remedy


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("web.port", "true"),
        ("web.port", "80.0"),
        ("web.port", "-1"),
        ("web.port", "8" * 5000),
        ("admins.ids", "[-100123]"),
        ("admins.ids", "[true]"),
        ("admins.ids", "[9007199254740993]"),
        ("orders.timeout_s", "inf"),
        ("orders.timeout_s", "0"),
        ("orders.timeout_s", "nan"),
        ("orders.options", "5"),
        ("faq.threshold", "1.01"),
        ("telegram.api_base_url", "api.telegram.org"),
        ("telegram.api_base_url", ""),
        ("telegram.api_base_url", "http://[::1"),
        ("telegram.webhook_url", "https://a b"),
        ("telegram.webhook_secret", "x" * 257),
        ("telegram.token", "1/2"),
        ("telegram.token", "123:ABC\n"),
        ("database.url", "sqlite:///x.db"),
        ("shop.timezone", "../etc/passwd"),
        ("shop.timezone", "Europe"),
        ("shop.timezone", ""),
        ("shop.languages", "[]"),
        ("shop.languages", '["zh-hans"]'),
        ("shop.phone_region", "de"),
        ("shop.name", "\udcff"),
        ("log.level", "LOUD"),
        ("log.format", "xml"),
        ("understanding.tiers", "rules"),
        ("understanding.tiers", '["rules"]'),
        ("understanding.tiers", '[{"name": "x"}]'),
        ("understanding.tiers", '[{"kind": "rules", "name": "faq"}]'),
        ("understanding.tiers", '[{"kind": "rules", "name": "a b"}]'),
        ("understanding.tiers", '[{"kind": "faq"}]'),
        ("understanding.tiers", "[" * 100_000),
        ("policy.verification_tries", "0"),
        ("policy.approve_returns", "sometimes"),
        ("policy.approve_cancellations", "above 100 euros"),
        ("policy.approve_cancellations", "above -1 EUR"),
        ("policy.approval_hours", "0"),
        ("policy.not_returnable", '[""]'),
        ("policy.return_window_days_by_category", '{"shoes": -1}'),
        ("policy.return_window_days_by_category", '{"": 3}'),
    ],
)
def test_a_wrong_value_is_one_problem_at_its_variable(setting: str, value: str) -> None:
    """Whatever the environment holds, the answer is a problem that names the variable, and nothing else."""
    variable = f"DESKHAND_{setting.replace('.', '__').upper()}"
    problems = environment_problems(WITH_TOKEN | {variable: value})
    assert {problem.where.split(" ")[0] for problem in problems} == {variable}
    assert all(problem.what and problem.remedy and len(problem.what) < 200 for problem in problems)


def test_webhook_mode_needs_its_address_and_its_secret(config: Path) -> None:
    """Both are told even when another setting of the same table is wrong, too."""
    found = problems_of(config, '[telegram]\nmode = "webhook"\npoll_timeout_s = 51\n')
    assert set(found) == {
        "config.toml:1 telegram.webhook_url",
        "config.toml:1 telegram.webhook_secret",
        "config.toml:3 telegram.poll_timeout_s",
    }


TIERS = """\
[[understanding.tiers]]
kind = "llama"

[[understanding.tiers]]
kind = "remote"
name = "llama"
threads = 2

[[understanding.tiers]]
kind = "rules"
model = "x"
[[understanding.tiers]]
kind = "rules"
timeout_s = -1
"""


def test_approvals_need_somebody_who_decides(config: Path) -> None:
    """Whoever wants approvals without naming an admin is told what is missing; with one, all is well."""
    text = '[policy]\napprove_cancellations = "always"\napprove_returns = "above 99.90 EUR"\n'
    found = problems_of(config, text)
    assert list(found) == ["config.toml:2 policy.approve_cancellations", "config.toml:3 policy.approve_returns"]
    assert all("admins.ids" in problem.remedy for problem in found.values())
    config.write_text(f"{text}[admins]\nids = [7]\n")
    assert load(config, WITH_TOKEN).policy.approve_returns == "above 99.90 EUR"


def test_windows_by_category_come_from_the_file_and_the_environment(config: Path) -> None:
    """A table of days by category can be written in both; the environment adds to the file's, and wins over it."""
    config.write_text('[policy.return_window_days_by_category]\nshoes = 60\n"Gift cards" = 0\n')
    assert load(config, WITH_TOKEN).policy.return_window_days_by_category == {
        "shoes": 60,
        "Gift cards": 0,
    }
    environ = {**WITH_TOKEN, "DESKHAND_POLICY__RETURN_WINDOW_DAYS_BY_CATEGORY": '{"hygiene": 3, "shoes": 9}'}
    found = load(config, environ).policy.return_window_days_by_category
    assert found == {"shoes": 9, "Gift cards": 0, "hygiene": 3}


def test_tiers_need_what_their_kind_needs_and_names_of_their_own(config: Path) -> None:
    """Each problem of a tier is told at the tier's own lines."""
    found = problems_of(config, TIERS)
    assert {where: problem.what.split(" ")[0] for where, problem in found.items()} == {
        "config.toml:1 understanding.tiers[0].model": "is",
        "config.toml:4 understanding.tiers[1].base_url": "is",
        "config.toml:6 understanding.tiers[1].name": "another",
        "config.toml:7 understanding.tiers[1].threads": "does",
        "config.toml:11 understanding.tiers[2].model": "does",
        "config.toml:13 understanding.tiers[3].kind": "another",
        "config.toml:14 understanding.tiers[3].timeout_s": "must",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[web]\nport = 99999\nhost = unquoted\n[shop]\nname = 3\n", 3),
        ("[web]\nport = 99999\nhost = '''never\nclosed\n", 4),
        ("[web]\nport = 99999\n[web]\n", 3),
        ("[web]\nport = 99999\nhost = 'a'\nhost = 'b'\n", 4),
        ("[web]\nport = 99999\napi_keys = [\n  'a'\n[shop]\n", 5),
        ("[web]\nport = 99999\nx = " + "9" * 5000, 3),
        ("[web]\nport = 99999\nx = " + "[" * 100_000, 3),
    ],
)
def test_a_syntax_error_has_its_line_and_hides_nothing_above_it(config: Path, text: str, line: int) -> None:
    """What stands above a syntax error, and the environment, are judged all the same; nothing is called missing."""
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(config, {"DESKHAND_LOG__LEVEL": "LOUD"})
    places = [problem.where.removeprefix(f"{config.parent}/") for problem in caught.value.problems]
    assert places == ["config.toml:2 web.port", f"config.toml:{line}", "DESKHAND_LOG__LEVEL"]
    assert "this is not TOML" in caught.value.problems[1].what


@pytest.mark.parametrize("contents", [None, b"\xff\xff", b"x = 1\n" * 200_000])
def test_a_file_that_cannot_be_read_is_told_beside_the_environments_problems(
    config: Path, contents: bytes | None
) -> None:
    """A missing, binary or endless file is one problem, and the token it may hold is not called missing."""
    if contents is not None:
        config.write_bytes(contents)
    with pytest.raises(ConfigError) as caught:
        load(config, {"DESKHAND_LOG__LEVEL": "LOUD"})
    assert [problem.where for problem in caught.value.problems] == [str(config), "DESKHAND_LOG__LEVEL"]
    assert "cannot be read" in caught.value.problems[0].what


def test_other_defaults_are_judged_like_a_file() -> None:
    """A wrong default of a command is told as such, not blamed on the user's file."""
    (problem,) = environment_problems(WITH_TOKEN, {"web": {"port": "x"}})
    assert problem.where == "the built-in web.port"


def test_a_table_that_is_no_table_is_a_problem_at_its_line(config: Path) -> None:
    """A value where a table belongs says so."""
    found = problems_of(config, "web = 5\nshop = ['x']\norders.demo = 1\n")
    assert list(found) == ["config.toml:1 web", "config.toml:2 shop", "config.toml:3 orders.demo"]
    assert "must be a table" in found["config.toml:1 web"].what
