"""`deskhand model tune`, end to end, and what it recommends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.bench.tuning import TRIED, Measured, Source, advice, fastest, table, thread_counts
from bot.inference.requantise import Library
from bot.inference.shapes import FULL, SHAPES, make
from bot.inference.speed import Speed
from tests.support.command import deskhand

NO_LIBRARY = Library(None, ())
CORES = len(os.sched_getaffinity(0))


def measured(name: str, threads: int, prompt: float, decode: float) -> Measured:
    """A row of the table."""
    return Measured(name, 400.0, threads, Speed(prompt, decode, 500.0))


def shape_of(folder: Path) -> Source:
    """Where a tiny shape's files would go."""
    return Source(NO_LIBRARY, None, SHAPES["tiny"], folder, False)


def names(folder: Path) -> list[str]:
    """Return what is in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def full_precision(folder: Path, name: str) -> Path:
    """Write a model in 16 bits."""
    return make(NO_LIBRARY, SHAPES["tiny"], FULL, folder, 1).rename(folder / name)


def test_a_shape_is_measured_in_every_quantisation(tmp_path: Path) -> None:
    """A row each, with all cores and the best with fewer; a recommendation with lines to copy; nothing stays."""
    status, out, err = deskhand(tmp_path, "model", "tune", "--shape", "tiny", "--shapes", "kept")
    assert status == 0, err
    rows = [line.split() for line in out.splitlines() if line.startswith(TRIED) and " MB" in line]
    assert [row[0] for row in rows[: len(TRIED)]] == list(TRIED)
    assert [int(row[3]) for row in rows] == [CORES] * len(TRIED) + thread_counts(CORES)[:-1]
    for words in (
        "answers fastest here",
        "nearest to the original",
        "are random",
        'kind = "llama"',
        "threads = ",
    ):
        assert words in out
    assert names(tmp_path / "kept") == []


def test_a_models_file_is_requantised_and_goes_again(tmp_path: Path) -> None:
    """The F16 file is untouched, what was made for the measurement is removed, and that is said."""
    source = full_precision(tmp_path, "shop-F16.gguf")
    before = source.read_bytes()
    status, out, err = deskhand(tmp_path, "model", "tune", "--model", source)
    assert status == 0, err
    assert "--keep leaves it" in out
    assert f"shop-{recommended(out)}.gguf" in out
    assert (names(tmp_path), source.read_bytes()) == (["shop-F16.gguf"], before)


def test_with_keep_the_recommended_file_stays(tmp_path: Path) -> None:
    """It stands beside the source, under the name in the lines to copy; the others are gone."""
    source = full_precision(tmp_path, "shop.fp16.gguf")
    status, out, err = deskhand(tmp_path, "model", "tune", "--model", source, "--keep")
    assert status == 0, err
    kept = f"shop-{recommended(out)}.gguf"
    assert names(tmp_path) == sorted([kept, "shop.fp16.gguf"])
    assert f'model = "{tmp_path / kept}"' in out


def recommended(out: str) -> str:
    """Return the quantisation that is recommended."""
    (line,) = [line for line in out.splitlines() if "answers fastest here" in line]
    return line.split()[0]


def test_a_quantised_file_is_measured_for_threads_only(tmp_path: Path) -> None:
    """It is told so, by its quantisation's name, and where the others would come from."""
    deskhand(tmp_path, "bench", "--shape", "tiny", "--chats", "1", "--turns", "1", "--threads", "1", "--shapes", ".")
    status, out, err = deskhand(tmp_path, "model", "tune", "--model", "tiny-Q4_0.gguf")
    assert status == 0, err
    assert "quantised already (Q4_0), so only thread counts were measured" in out
    assert "F16" in out
    assert len([line for line in out.splitlines() if line.startswith("Q4_0 ") and " ms" in line]) >= len(
        thread_counts(CORES)
    )
    assert names(tmp_path) == ["tiny-Q4_0.gguf", "tiny-Q4_0.gguf.prefix"]


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    """A missing or unsound file ends it with a sentence."""
    (tmp_path / "notes.txt").write_text("These are notes, and no model at all.")
    for name, problem in (("none.gguf", "no such file"), ("notes.txt", "not a GGUF")):
        status, out, err = deskhand(tmp_path, "model", "tune", "--model", name)
        assert (status, out) == (1, "")
        assert name in err
        assert problem in err


@pytest.mark.parametrize(("cores", "counts"), [(1, [1]), (2, [1, 2]), (4, [1, 2, 4]), (6, [1, 2, 4, 6])])
def test_thread_counts_are_those_worth_trying(cores: int, counts: list[int]) -> None:
    """All cores, and the powers of two below."""
    assert thread_counts(cores) == counts


def test_the_fastest_is_what_answers_a_turn_soonest(tmp_path: Path) -> None:
    """Reading and writing are weighed as a turn needs them, and the words say what the finest costs instead."""
    found = [measured("Q4_0", 2, 660, 280), measured("Q4_K_M", 2, 350, 190), measured("Q8_0", 2, 340, 140)]
    assert fastest(found).name == "Q4_0"
    said = advice(found, shape_of(tmp_path), 2)
    assert said[0].startswith("Q4_0 with 2 threads answers fastest here: 120 ms")
    assert said[1] == "Q8_0 is the nearest to the original, and takes 2.0 times as long."


def test_threads_that_gain_little_are_left_to_the_machine(tmp_path: Path) -> None:
    """Four threads that are hardly faster than two are not recommended; that is said, and so are the lines to write."""
    found = [measured("Q8_0", 4, 700, 300), measured("Q8_0", 1, 300, 150), measured("Q8_0", 2, 680, 290)]
    assert fastest(found).threads == 2
    said = advice(found, shape_of(tmp_path), 4)
    assert "More threads gain little, and leave less to the rest of the machine." in said
    assert said[-1] == "threads = 2"
    assert said[1] == "Q8_0 is also the nearest to the original."


def test_the_table_has_a_line_each() -> None:
    """Speeds, a turn's time and memory are shown in their units."""
    lines = table([measured("Q4_0", 2, 667.4, 282.2)])
    assert lines[-1].split() == ["Q4_0", "400", "MB", "2", "667", "282", "119", "ms", "500", "MB"]
