"""The options of `[orders.http]`: each mistake is named, all of them at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.orders.http_options import read_mapping
from bot.orders.registry import load_adapter
from tests.support.http_mappings import changed, flat, nested, without

ORIGIN = "https://shop.example"
EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def problems(options: dict[str, Any]) -> list[str]:
    """Return what is said to be wrong with these options."""
    with pytest.raises(ValueError, match="orders") as caught:
        read_mapping(options)
    return str(caught.value).split("; ")


RULE = {"status": [200], "means": "found"}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("base_url", None, "orders.http.base_url is required"),
        ("base_url", "shop.example", "base_url must be an address"),
        ("base_url", "ftp://shop.example", "base_url must be an address"),
        ("base_url", "https://shop.example:port", "base_url must be an address"),
        ("base_url", "https://me:pw@shop.example", "base_url must hold neither a user nor a query"),
        ("base_url", "https://shop.example/?key=1", "base_url must hold neither a user nor a query"),
        ("colour", "red", "orders.http.colour does not exist: orders.http has: auth, base_url"),
        ("auth.kind", "oauth", "auth.kind must be one of: none, bearer, basic, header, query"),
        ("auth.kind", None, "auth.kind is required"),
        ("auth.token", None, "auth.token is required for kind = 'bearer'"),
        ("auth.token", "env:NOT_SET", "auth.token wants the environment variable NOT_SET, which is not set"),
        ("auth.token", 7, "auth.token must be a text"),
        ("auth", "secret", "orders.http.auth must be a table"),
        ("headers", {"X Y": "z"}, "headers.X Y is no header"),
        ("headers", {"X": "a\nb"}, "headers.X is no header"),
        ("number_shapes", None, "number_shapes is required"),
        ("number_shapes", ["("], "which is no regular expression"),
        ("number_shapes", "SO", "number_shapes must be a list"),
        ("number", {"match": "(SO", "write": "x"}, "number.match and write do not fit"),
        ("number", {"match": "(SO)", "write": r"\2"}, "number.match and write do not fit"),
        ("connect_s", 0, "connect_s must be a number from 0.1"),
        ("total_s", True, "total_s must be a number"),
        ("max_answer_bytes", 2000.5, "max_answer_bytes must be a whole number"),
        ("honours_keys", "yes", "honours_keys must be true or false"),
        ("phone_region", "Germany", "phone_region must be a country"),
        ("zone", "Berlin", "zone must be a name of the IANA list"),
        ("times", "unix", "times must be one of: iso8601, epoch_s, epoch_ms"),
        ("money", "cents", "money must be one of: decimal, minor"),
        ("states", None, "states is required"),
        ("states.open", "new", "states.open must be one of: pending"),
        ("reasons", {"lost": "L"}, "reasons.lost does not exist"),
        ("fields", None, "fields is required: add a table [orders.http.fields]"),
        ("fields.customer_id", None, "fields.customer_id is required: a JSON pointer"),
        ("fields.total", "$.total", "fields.total is no JSON pointer"),
        ("fields.total", 7, "fields.total must be a JSON pointer"),
        ("fields.currency", None, "fields.currency is required"),
        ("fields.status", [], "fields.status must be a JSON pointer"),
        ("fields.item", None, "fields.items and the table [orders.http.fields.item] belong together"),
        ("fields.item.id", None, "return.line needs fields.item.id"),
        ("orders", None, "orders.http.orders is required"),
        ("orders.path", "/orders", "orders.path and query, headers and body do not hold {customer_id}"),
        ("orders.path", "orders/{customer_id}", "orders.path must be a path"),
        ("orders.path", "/o?c={customer_id}", "orders.path must be a path"),
        ("orders.path", "/a/../{customer_id}", 'must not hold "." or ".."'),
        (
            "orders.path",
            "/{customer}",
            "unknown placeholder {customer}, the placeholders here are: {customer_id}, {limit}",
        ),
        ("orders.query", {"q": "{customer_id"}, "orders.query.q has a brace that belongs to no placeholder"),
        ("orders.query", ["q"], "orders.query must be a table"),
        ("orders.method", "PATCH", "orders.method must be one of: GET, POST"),
        ("orders.paging.kind", "pages", "paging.kind must be one of: none, page, cursor, url, link"),
        ("orders.paging.pointer", None, "paging.pointer is required for kind = 'cursor'"),
        ("orders.paging.parameter", None, "paging.parameter is required for kind = 'cursor'"),
        ("orders.paging.max_pages", 0, "paging.max_pages must be a number from 1"),
        ("orders.answers", [{"status": [404], "means": "done"}], "answers[0].means must be one of: found, not_found"),
        ("orders.answers", [{"status": 404, "means": "found"}], "answers[0].status must be a list"),
        ("orders.answers", [{**RULE, "pointer": "/x"}], "answers[0].values and pointer belong together"),
        ("orders.answers", [{**RULE, "when": 1}], "answers[0].when does not exist"),
        ("orders.answers", {"status": [200]}, "orders.answers must be a list of tables"),
        ("order.path", "/customers/{customer_id}", "order.path and query, headers and body do not hold {number}"),
        ("by_phone.query", None, "by_phone.path and the rest of this request do not hold {phone}"),
        ("by_phone.phone", None, "by_phone.phone is required"),
        ("by_number.number", None, "by_number.number is required"),
        ("cancel.headers", {"X-Customer": "{customer_id}"}, "do not hold {key}: honours_keys"),
        ("cancel.headers", {"Idempotency-Key": "{key}"}, "do not hold {customer_id}"),
        ("cancel.path", "/cancel", "hold neither {number} nor {id}"),
        ("cancel.body", {"when": [tomllib.loads("t = 2026-01-01")["t"]]}, "cancel.body.when must hold texts, numbers"),
        ("return.line", None, 'return.line and a "{lines}" in the body belong together'),
        ("outcome.path", "/operations", "do not hold {key}"),
        ("outcome.number", None, "outcome.number is required"),
        ("outcome.answers", None, 'outcome.answers needs a rule with means = "done"'),
        ("outcome.actions", {"refund": "x"}, "outcome.actions.refund does not exist"),
        ("ping.path", None, "ping.path is required"),
        ("check.customer_id", None, "check.customer_id is required"),
    ],
)
def test_each_mistake_is_named(path: str, value: Any, said: str) -> None:
    """A wrong, missing or unknown option is named with what would be right."""
    assert any(said in problem for problem in problems(changed(nested(ORIGIN), path, value)))


def test_all_mistakes_are_named_at_once() -> None:
    """Whoever has three things wrong is told of three, and of nothing else."""
    options = changed(changed(nested(ORIGIN), "money", "cents"), "fields.total", "total")
    assert len(problems(changed(options, "states.open", "new"))) == 3


def test_nobody_could_be_known() -> None:
    """A mapping by which no customer can be identified is refused."""
    options = without(without(nested(ORIGIN), "by_phone"), "by_number")
    assert any("no customer can be known" in problem for problem in problems(options))


def test_nothing_at_all() -> None:
    """Without options, everything that is required is named."""
    found = problems({})
    for option in ("base_url", "number_shapes", "fields", "states", "orders", "order", "by_number"):
        assert any(problem.startswith(f"orders.http.{option} ") for problem in found), option


async def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address, too, may stand in the environment; a secret with a line break is refused, for it ends a header."""
    monkeypatch.setenv("SHOP_URL", "https://shop.example/")
    monkeypatch.setenv("BROKEN", "a\nb")
    assert read_mapping(changed(flat(ORIGIN), "base_url", "env:SHOP_URL")).base_url == "https://shop.example"
    assert problems(changed(flat(ORIGIN), "auth.token", "env:BROKEN")) == [
        "orders.http.auth.token wants the environment variable BROKEN, which holds a line break or the like"
    ]


async def test_by_its_name(tmp_path: Path) -> None:
    """The adapter is found by its name."""
    adapter = load_adapter("http", nested(ORIGIN), tmp_path)
    assert (adapter.honours_keys, list(adapter.number_shapes)) == (True, ["SO-?[0-9]{6}"])
    await adapter.close()


def documented() -> dict[str, Any]:
    """Return `[orders.http]` of config.example.toml, without the marks of its comments."""
    setting = re.compile(r"^# (?=#|\[|[A-Za-z_]+ = )", re.MULTILINE)
    text = setting.sub("", EXAMPLE.read_text(encoding="utf-8"))
    options: dict[str, Any] = tomllib.loads(text)["orders"]["http"]
    return options


def test_the_documented_options_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever removes the marks from the example gets a mapping that loads."""
    monkeypatch.setenv("SHOP_API_TOKEN", "x")
    read_mapping(documented())


def test_every_option_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each option that the adapter has stands in config.example.toml, for it names them all when it finds another."""
    monkeypatch.setenv("SHOP_API_TOKEN", "x")
    options = documented()
    written = {name for path, table in tables(options) if path != ("states",) for name in table}
    for path, _ in tables(options):
        if path != ("states",):
            options = changed(options, ".".join([*path, "no_such_option"]), "x")
    told = [problem for problem in problems(options) if "no_such_option does not exist" in problem]
    assert len(told) >= len(list(tables(documented()))) - len(FREE)
    assert {name for problem in told for name in problem.rpartition(" has: ")[2].split(", ")} <= written


FREE = ("states", "headers", "query", "query", "headers", "headers", "body", "body", "line")
"""Tables whose keys are the shop's own words."""


def tables(options: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield every table with its path."""
    yield path, options
    for name, value in options.items():
        if isinstance(value, dict):
            yield from tables(value, (*path, name))
