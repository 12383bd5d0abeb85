"""`config.example.toml` documents every setting, with its default."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.config import Settings, TierSettings, load, settings_shape
from bot.config_layers import ANY
from bot.config_problems import keys_of
from bot.errors import ConfigError
from bot.orders import shopify_options, woocommerce
from bot.orders.registry import BUILT_IN, load_adapter

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
TOKEN = {"DESKHAND_TELEGRAM__TOKEN": "123456:abc"}


def uncommented() -> dict[str, Any]:
    """The example with every setting that stands in a comment."""
    setting = re.compile(r"^# (?=#|\[|[a-z_]+ = )", re.MULTILINE)
    return tomllib.loads(setting.sub("", EXAMPLE.read_text(encoding="utf-8")))


def test_every_setting_is_documented() -> None:
    """Each table holds each of its keys, files of secrets included, and no other."""
    tables, shape = uncommented(), settings_shape()
    assert tables.keys() == Settings.model_fields.keys()
    for section, table in tables.items():
        adapters = table.keys() & BUILT_IN.keys()
        documented = table.keys() - adapters | ({"options"} if adapters else set())
        assert sorted(documented) == keys_of((section,), shape), section


@pytest.mark.parametrize(
    ("name", "options", "instead"),
    [
        ("woocommerce", woocommerce.OPTIONS, set()),
        ("shopify", shopify_options.OPTIONS, {"access_token"}),
    ],
)
def test_every_option_of_an_adapter_is_documented(
    name: str, options: tuple[str, ...], instead: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter's table holds each of its options, but for those that stand in another's place, and it loads."""
    table = uncommented()["orders"][name]
    assert table.keys() == set(options) - instead
    for variable in re.findall(r'"env:([A-Z_]+)"', EXAMPLE.read_text(encoding="utf-8")):
        monkeypatch.setenv(variable, "secret")
    load_adapter(name, table, EXAMPLE.parent)


def test_every_setting_of_a_tier_is_documented() -> None:
    """The tiers of all kinds together show each setting a tier can have."""
    tiers = uncommented()["understanding"]["tiers"]
    assert {tier["kind"] for tier in tiers} == {"classifier", "llama", "remote", "rules"}
    assert sorted({key for tier in tiers for key in tier}) == keys_of(("understanding", "tiers", ANY), settings_shape())


def test_its_values_are_the_defaults() -> None:
    """The file as it is, with a token, gives the very settings that no file gives; every value in it is a default."""
    assert load(EXAMPLE, TOKEN) == load(None, TOKEN)
    written = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    for section, model in ((key, field.annotation) for key, field in Settings.model_fields.items()):
        assert written[section].keys() >= {
            key for key in getattr(model, "model_fields", {}) if (section, key) != ("orders", "options")
        }


def test_the_tiers_in_comments_are_valid_and_hold_the_defaults() -> None:
    """Whoever removes the marks gets tiers that load, with the numbers that they would have without."""
    tiers = [{k: v for k, v in tier.items() if k != "api_key_file"} for tier in uncommented()["understanding"]["tiers"]]
    settings = load(None, TOKEN, defaults={"understanding": {"tiers": tiers}})
    for tier in settings.understanding.tiers:
        for key in ("timeout_s", "context_tokens", "threads", "cells", "batch", "kv_type", "queue", "max_concurrent"):
            assert getattr(tier, key) == TierSettings.model_fields[key].default


def test_only_the_token_is_missing_from_it() -> None:
    """The example as it is lacks exactly one thing, and says which, at its line."""
    with pytest.raises(ConfigError) as caught:
        load(EXAMPLE, {})
    (problem,) = caught.value.problems
    line = EXAMPLE.read_text(encoding="utf-8").split("\n").index('token = ""') + 1
    assert problem.where == f"{EXAMPLE}:{line} telegram.token"
