"""The file of words that answer the flow's questions."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from bot.domain.flow_words import NAMES
from bot.errors import ConfigError
from bot.locale.catalogue import SUPPORTED
from bot.locale.flow_words import load_flow_words, read_flow_words


def test_every_language_has_every_list() -> None:
    """Each language that the bot answers in has words for each answer, and all of them are read."""
    languages = tomllib.loads((files("bot.locale") / "flow_words.toml").read_text("utf-8"))
    assert set(languages) == set(SUPPORTED)
    assert set(load_flow_words()) == NAMES
    for lists in languages.values():
        assert all(lists[name] for name in NAMES)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[en", "not TOML"),
        ('[en]\nall = ["all"]', "not the lists there are"),
        ("\n".join(["[en]", *(f"{name} = [1]" for name in sorted(NAMES))]), "not a list of terms"),
        ("\n".join(["[en]", *(f'{name} = [" "]' for name in sorted(NAMES))]), "not a list of terms"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, problem: str) -> None:
    """A mistake in the file is told with its place."""
    with pytest.raises(ConfigError) as caught:
        read_flow_words(text)
    assert problem in str(caught.value)
    assert "flow_words.toml" in str(caught.value)
