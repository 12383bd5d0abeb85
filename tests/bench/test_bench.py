"""`deskhand bench`, end to end, on a tiny model of random weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import deskhand
from tests.support.gguf_bytes import gguf

TINY = ("--shape", "tiny", "--threads", "1", "--chats", "3", "--turns", "2")
RATES = ("action_turns_per_s", "message_turns_per_s", "prompt_tokens_per_s", "decoded_tokens_per_s")
WAITS = ("alone_s", "p50_s", "p95_s", "message_p50_s", "message_p95_s")


def test_one_json_object_with_every_figure(tmp_path: Path) -> None:
    """Output is JSON alone; turns, waits, tokens, memory and the share of the limit are there and make sense."""
    status, out, err = deskhand(tmp_path, "bench", *TINY, "--quant", "Q8_0", "--shapes", "kept", "--json")
    assert status == 0, err
    found = json.loads(out)
    assert (found["model"], found["threads"], found["chats"], found["turns"]) == ("tiny-Q8_0.gguf", 1, 3, 2)
    assert all(found[name] > 0 for name in (*RATES, *WAITS, "rss_mb"))
    assert found["p50_s"] <= found["p95_s"]
    assert found["message_p50_s"] <= found["message_p95_s"]
    assert found["limit_share"] > 0
    # Six action turns, each with a message to be read; a token is decoded only where another is chosen behind it.
    assert found["prompt_tokens"] > 6 * 20
    assert found["decoded_tokens"] <= 6
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["tiny-Q8_0.gguf", "tiny-Q8_0.gguf.prefix"]


def test_a_models_own_file_is_measured(tmp_path: Path) -> None:
    """With --model it is that file, and the figures are shown to people; progress goes to the other stream."""
    deskhand(tmp_path, "bench", *TINY, "--shapes", ".", "--json")
    file = tmp_path / "tiny-Q4_0.gguf"
    before = file.read_bytes()
    status, out, err = deskhand(tmp_path, "bench", "--model", file, *TINY[2:])
    assert status == 0, err
    for words in ("tiny-Q4_0.gguf", "turns/s", "of the limit", "alone", "MB", "tokens/s"):
        assert words in out
    assert "3 chats of 2 turns" in err
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "none.gguf"), "none.gguf cannot be used: there is no such file"),
        (("--model", "notes.txt"), "notes.txt cannot be used: it is not a GGUF"),
        (("--model", "other.gguf"), "other.gguf"),
        (("--model", "other.gguf", "--quant", "Q4_0"), "--quant chooses how a --shape"),
        (("--shape", "llama-70b"), "No shape is called 'llama-70b'. Known are: qwen2.5-0.5b"),
        (("--shape", "tiny", "--quant", "Q1"), "No quantisation is called 'Q1'. Known are: Q4_0"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """A wrong name, a missing or unsound file: status 1, one sentence that names it, and no figures."""
    (tmp_path / "notes.txt").write_text("These are notes, and no model at all.")
    (tmp_path / "other.gguf").write_bytes(gguf())
    status, out, err = deskhand(tmp_path, "bench", *arguments, "--shapes", ".")
    assert (status, out) == (1, "")
    assert said in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--threads", "0"), "from 1 to 256"),
        (("--chats", "65"), "from 1 to 64"),
        (("--turns", "many"), "from 1 to 1000"),
        (("--shape", "tiny", "--model", "x.gguf"), "not allowed with"),
    ],
)
def test_wrong_usage_is_status_two(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """Numbers have bounds that are named, and a shape and a file exclude each other."""
    status, _, err = deskhand(tmp_path, "bench", *arguments)
    assert status == 2
    assert said in err


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Where shapes cannot be kept, the place is said."""
    (tmp_path / "taken").write_text("a file, no folder")
    status, _, err = deskhand(tmp_path, "bench", *TINY, "--shapes", "taken")
    assert status == 1
    assert "taken" in err.splitlines()[-1]
