"""Every key of a TOML file is found at the line on which it stands."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config_sources import line_numbers

TEXT = '''\
# [no.table]
top = 1   # comment with ] and }

[a]
x = """
[b]
y = 1"""
y = [
  1, # ]
  [2, 3],
]
z = { p = 1, q = [{ r = 2 }] }
"quoted key".deeper = '[c]'

[[list]]
k = 1
[list.sub]
k = 2
[[list]]
[[list.inner]]
k = 3
[[list.inner]]
k = 4
[a.late]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("a",), 4),
        (("a", "x"), 5),
        (("a", "y"), 8),
        (("a", "y", 1, 0), 8),
        (("a", "z", "q", 0, "r"), 12),
        (("a", "quoted key", "deeper"), 13),
        (("list",), 15),
        (("list", 0, "k"), 16),
        (("list", 0, "sub"), 17),
        (("list", 0, "sub", "k"), 18),
        (("list", 1), 19),
        (("list", 1, "inner", 0, "k"), 21),
        (("list", 1, "inner", 1, "k"), 23),
        (("a", "late"), 24),
    ],
)
def test_every_kind_of_key_has_its_line(path: tuple[str | int, ...], line: int) -> None:
    """Strings and lists over several lines, inline tables, dotted keys and arrays of tables are all counted right."""
    assert line_numbers(TEXT)[path] == line


def test_nothing_is_found_that_is_not_there() -> None:
    """What only looks like a table, in a string or a comment, has no line."""
    known = line_numbers(TEXT)
    assert not {("no",), ("b",), ("c",), ("a", "b")} & known.keys()


VALUES = st.one_of(
    st.integers(-5, 5).map(str),
    st.sampled_from(['"]"', "'''\n[x]\n'''", '"""\na = 1\n"""', "[\n1,\n[2] # }\n]", "{ a = 1 }", "[{ a = [1] }]"]),
)


@given(st.lists(VALUES, max_size=8))
def test_the_line_of_any_value_is_where_its_key_was_written(values: list[str]) -> None:
    """For any mixture of values the line found holds the key's own assignment."""
    text = "".join(f"# note\nkey{place} = {value}\n" for place, value in enumerate(values))
    assert tomllib.loads(text).keys() == {f"key{place}" for place in range(len(values))}
    known, lines = line_numbers(text), text.split("\n")
    for place in range(len(values)):
        assert lines[known[f"key{place}",] - 1].startswith(f"key{place} = ")
