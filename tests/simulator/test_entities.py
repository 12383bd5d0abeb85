"""Text becomes what Telegram would show, with offsets in UTF-16 units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.entities import detect, format_text, parse_html, utf16_len


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("😀<b>b<i>i</i></b>", "😀bi", [("bold", 2, 2), ("italic", 3, 1)]),
        ("<u>u</u><s>s</s><tg-spoiler>t</tg-spoiler>", "ust", [("underline", 0, 1), ("strikethrough", 1, 1),
                                                               ("spoiler", 2, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [("spoiler", 0, 1)]),
        ('<a href="https://e.example/?a=1&amp;b=2">l</a>', "l", [("text_link", 0, 1)]),
        ("<a>plain</a>", "plain", []),
        ('<pre><code class="language-py">x</code></pre>', "x", [("pre", 0, 1)]),
        ("<blockquote expandable>q</blockquote>", "q", [("expandable_blockquote", 0, 1)]),
        ("<CODE>&lt;&amp;&quot;&#39;&#x41;&copy; & ></CODE>", "<&\"'A&copy; & >", [("code", 0, 15)]),
        ("<b></b>x", "x", []),
        ("/help me@example.com https://e.example/a.", "/help me@example.com https://e.example/a.",
         [("bot_command", 0, 5), ("email", 6, 14), ("url", 21, 19)]),
        ("<b>/help</b>", "/help", [("bold", 0, 5)]),
    ],
)  # fmt: skip
def test_html_becomes_entities(source: str, text: str, entities: list[tuple[str, int, int]]) -> None:
    """Each tag gives its entity, nested ones too, and what Telegram finds by itself is added."""
    shown = format_text(source, "HTML", None)
    assert shown.text == text
    assert [(entity["type"], entity["offset"], entity["length"]) for entity in shown.entities] == entities


def test_links_and_languages_are_kept() -> None:
    """A link keeps its address, code its language."""
    (link,) = format_text('<a href="https://e.example/?a=1&amp;b=2">l</a>', "HTML", None).entities
    (code,) = format_text('<pre><code class="language-py">x</code></pre>', "HTML", None).entities
    assert (link["url"], code["language"]) == ("https://e.example/?a=1&b=2", "py")


def test_given_entities_are_cut_to_the_text() -> None:
    """Entities that come ready are moved by the trimming and cut at the end."""
    shown = format_text("  ab  ", "", [{"type": "bold", "offset": 0, "length": 99}])
    assert shown.entities == [{"type": "bold", "offset": 0, "length": 2}]


@given(st.text(alphabet="a😀ع<>&\"' b/i\n"))
def test_escaped_text_always_survives(text: str) -> None:
    """What is escaped by the three characters comes out as it was, whatever it holds."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert parse_html(escaped) == (text, [])


@given(st.text())
def test_lengths_are_in_utf16(text: str) -> None:
    """The length is what a UTF-16 encoder says, lone surrogates included."""
    assert utf16_len(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_paths_and_dates_are_no_commands() -> None:
    """Only a slash at a word's beginning makes a command."""
    assert detect("a/b 1/2 //x") == []
    assert detect("ok /orders@shop_bot")[0]["length"] == 16
