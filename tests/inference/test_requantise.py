"""A model's own file, made smaller by llama.cpp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.inference.gguf_check import check
from bot.inference.requantise import Library, RequantiseError, full_precision, requantise
from bot.inference.shapes import FULL, SHAPES, make
from tests.support import native
from tests.support.gguf_bytes import SOUND, gguf


@pytest.fixture(scope="session")
def library() -> Iterator[Library]:
    """llama.cpp, started."""
    yield from native.started()


@pytest.fixture
def source(library: Library, tmp_path: Path) -> Path:
    """A model in 16 bits."""
    return make(library, SHAPES["tiny"], FULL, tmp_path, 1)


def test_a_smaller_file_of_the_same_model_is_written(library: Library, source: Path) -> None:
    """Names, shapes and tokenizer stay, the types are the new ones, and the source is untouched."""
    before, target = source.read_bytes(), source.with_name("small.gguf")
    requantise(library, source, target, "Q4_0", 1)
    old, new = check(source), check(target)
    assert (new.tensors, new.arrays) == (old.tensors, old.arrays)
    assert {new.types[name] for name, shape in new.tensors.items() if len(shape) > 1} == {2, 8}
    assert target.stat().st_size < len(before)
    assert source.read_bytes() == before
    assert (full_precision(source), full_precision(target)) == ("F16", None)


def refused(library: Library, source: Path, target: Path, quant: str = "Q4_0") -> str:
    """Return why it is refused; nothing may be left of the attempt."""
    before = sorted(target.parent.iterdir())
    with pytest.raises(RequantiseError) as caught:
        requantise(library, source, target, quant, 1)
    assert sorted(target.parent.iterdir()) == before
    return str(caught.value)


def test_a_quantised_file_is_refused(library: Library, source: Path) -> None:
    """Quantising twice only loses: the message asks for the F16 file."""
    small = source.with_name("small.gguf")
    requantise(library, source, small, "Q8_0", 1)
    assert "F16" in refused(library, small, source.with_name("smaller.gguf"))


def test_nothing_is_overwritten(library: Library, source: Path) -> None:
    """A target that exists, the source itself among them, is left as it is."""
    before = source.read_bytes()
    assert "exists already" in refused(library, source, source)
    assert source.read_bytes() == before


def test_what_is_no_model_is_refused_before_llama_cpp_sees_it(library: Library, tmp_path: Path) -> None:
    """Missing, truncated or something else: the file is named, and what is wrong with it."""
    source, target = tmp_path / "model.gguf", tmp_path / "small.gguf"
    assert "there is no such file" in refused(library, source, target)
    for content, problem in ((b"<html>Not found, says the hub</html>", "not a GGUF"), (gguf()[:-40], "truncated")):
        source.write_bytes(content)
        said = refused(library, source, target)
        assert str(source) in said
        assert problem in said


def test_an_unknown_quantisation_lists_the_known_ones(library: Library, source: Path) -> None:
    """Names are llama.cpp's."""
    assert "Q4_0, IQ4_NL, Q4_K_M, Q8_0" in refused(library, source, source.with_name("small.gguf"), "Q5_X")


def test_what_llama_cpp_says_is_passed_on(library: Library, tmp_path: Path) -> None:
    """A sound file of an architecture that this llama.cpp does not know is refused in its words."""
    source = tmp_path / "model.gguf"
    source.write_bytes(gguf({**SOUND, "general.architecture": "abacus"}))
    assert "abacus" in refused(library, source, tmp_path / "small.gguf")
