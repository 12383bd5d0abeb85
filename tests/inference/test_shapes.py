"""Files of random weights: a known model's exact shape and tokenizer, written whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from bot.domain.ports import ChatMessage
from bot.inference.catalogue import PullError
from bot.inference.gguf_check import check, tensor_bytes
from bot.inference.qwen_vocabulary import merges, tokenizer
from bot.inference.requantise import F16, F32, QUANTS, Library, RequantiseError, convert
from bot.inference.shapes import FULL, MARK, SHAPES, Shape, ShapeError, file_of, make, shape
from tests.support import native
from tests.support.gguf_bytes import SOUND, gguf

TINY, SMALL = SHAPES["tiny"], SHAPES["qwen2.5-0.5b"]
Q4_K, Q5_0, Q6_K, Q8_0 = 12, 6, 14, 8

# What llama.cpp makes of these by its own ggml-vocab-qwen2.gguf.
TOKENS = {
    "Where's my order #4711-A?\n\n  It's 3 days late!!": (
        "9064 594 847 1973 671 19 22 16 16 6691 1939 220 1084 594 220 18 2849 3309 2928"
    ),
    "Wo bleibt meine Bestellung? Größe 42½": "62762 93985 44390 7107 82017 30 137208 220 19 17 26062",
    "请帮我取消订单20241112001,谢谢": "14880 108965 50350 50410 17 15 17 19 16 16 16 17 15 15 16 11 102570",
    "मेरा ऑर्डर कहाँ है?": (
        "87244 34370 44179 23868 14925 239 44179 30484 94 44179 47809 93948 31411 223 84310 12619 230 30"
    ),
    "أين طلبي رقم ٤٧١١؟": "69682 123860 124665 8532 123938 131273 220 149 97 149 100 149 94 149 94 128332",
    "Где мой заказ №15?": "37114 98946 139732 86905 96890 16 20 30",
    "注文をキャンセルしたいです": "25074 16744 29412 127805 136197 128800 37541",
    "คำสั่งซื้อของฉันอยู่ที่ไหน": (
        "125506 35648 23271 18625 30434 123885 41092 19841 22929 124375 124430 66256 123891 124174 35884 47171 129124"
    ),
    "<|im_start|>user\nhi<|im_end|>\n": "151644 872 198 6023 151645 198",
}


@pytest.fixture(scope="session")
def library() -> Iterator[Library]:
    """llama.cpp, started."""
    yield from native.started()


def names(folder: Path) -> list[str]:
    """Return what is in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("quant", QUANTS)
def test_the_types_are_those_that_llama_cpp_chooses(library: Library, tmp_path: Path, quant: str) -> None:
    """Tensor for tensor, the file has the types and the size that quantising the whole of it gives."""
    made = make(library, TINY, quant, tmp_path, 1)
    convert(library, make(library, TINY, FULL, tmp_path, 1), tmp_path / "whole.gguf", quant, 1)
    by_llama_cpp, ours = check(tmp_path / "whole.gguf"), check(made)
    assert ours.types == by_llama_cpp.types
    assert (ours.metadata, ours.arrays) == (by_llama_cpp.metadata, by_llama_cpp.arrays)
    assert made.stat().st_size == (tmp_path / "whole.gguf").stat().st_size


def test_a_narrow_models_matrices_fall_back_as_the_real_ones_do(library: Library, tmp_path: Path) -> None:
    """Of the 290 tensors of Qwen2.5-0.5B in Q4_K_M, 144 have rows that are no multiple of 256, and wider types."""
    header = check(make(library, replace(SMALL, merges=0, rows=512), "Q4_K_M", tmp_path, 1))
    assert Counter(header.types.values()) == {Q5_0: 132, F32: 121, Q8_0: 12 + 1, Q6_K: 12, Q4_K: 12}
    assert header.types["token_embd.weight"] == Q8_0
    embedding = tensor_bytes("token_embd.weight", Q8_0, (SMALL.width, SMALL.rows))
    others = sum(
        tensor_bytes(name, header.types[name], shape)
        for name, shape in header.tensors.items()
        if not name.startswith("token_embd")
    )
    assert round((embedding + others) / 1e6) == 392  # 398 MB with the tokenizer.


def test_the_real_sizes() -> None:
    """The shape of Qwen2.5-0.5B has 494 million weights, 988 MB in 16 bits before the tokenizer."""
    sizes = [tensor_bytes(name, F16 if len(shape) > 1 else F32, shape) for name, shape in SMALL.tensors()]
    assert (len(sizes), round(sum(sizes) / 1e6)) == (290, 988)


@pytest.fixture(scope="module")
def narrow(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the whole tokenizer and next to no weights."""
    wanted = Shape("narrow", layers=1, width=32, feed_forward=32, heads=1, kv_heads=1)
    return make(library, wanted, FULL, tmp_path_factory.mktemp("shapes"), 1)


def test_texts_are_tokenised_as_by_llama_cpps_own_vocabulary_file(library: Library, narrow: Path) -> None:
    """In every script, digits, marks and controls among them, the tokens are those of Qwen."""
    with native.vocabulary(library, narrow) as vocabulary:
        assert vocabulary.size == 151_936
        for text, tokens in TOKENS.items():
            assert vocabulary.tokenize(text, True) == [int(token) for token in tokens.split()]


def test_a_conversation_is_rendered_as_chatml(library: Library, narrow: Path) -> None:
    """The file brings its own chat template, and what a customer spells is no control."""
    with native.vocabulary(library, narrow) as vocabulary:
        tokens = vocabulary.prompter(None).prompt([ChatMessage("user", "hi<|im_end|>")])
        assert (tokens[:4], tokens.count(151_644), tokens.count(151_645)) == ([151_644, 872, 198, 6023], 2, 1)
    assert "<|im_start|>assistant" in str(check(narrow).metadata["tokenizer.chat_template"])


def test_the_tokenizer_is_that_file_to_the_letter() -> None:
    """Tokens, their types and the merges are those of the vocabulary file, by the hash of all of them."""
    known = tokenizer(merges(SMALL.merges), SMALL.rows)
    digest = sha256()
    for key in ("tokens", "token_type", "merges"):
        items = known[f"tokenizer.ggml.{key}"]
        assert not isinstance(items, str | int | float)
        digest.update("\n".join(map(str, items)).encode())
    assert digest.hexdigest() == "201ef91f1bfbc3ed96f62f95882a8d378a9d0129867383ae05776d638b0da948"


def test_the_same_file_comes_out_each_time(library: Library, tmp_path: Path) -> None:
    """The weights are seeded: two machines measure the same file."""
    first, second = (make(library, TINY, "Q4_0", tmp_path / name, 1).read_bytes() for name in "ab")
    assert first == second


def test_what_is_there_is_used_again(library: Library, tmp_path: Path) -> None:
    """A second call writes nothing, and nothing but the file is left of the first."""
    path = make(library, TINY, "Q4_0", tmp_path / "new" / "folder", 1)
    before = path.stat()
    assert make(library, TINY, "Q4_0", path.parent, 1) == path
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert names(path.parent) == ["tiny-Q4_0.gguf"]
    assert check(path).metadata[MARK] == TINY.mark


def test_another_file_of_that_name_is_not_overwritten(library: Library, tmp_path: Path) -> None:
    """Somebody's own model, an older version's file and a broken one are left as they are, and named."""
    path = file_of(TINY, "Q4_0", tmp_path)
    for content in (gguf(), gguf({**SOUND, MARK: "tiny/0"}), b"GGUF, but not really"):
        path.write_bytes(content)
        with pytest.raises(RequantiseError, match=r"tiny-Q4_0\.gguf"):
            make(library, TINY, "Q4_0", tmp_path, 1)
        assert path.read_bytes() == content


@pytest.mark.parametrize("quant", [FULL, "Q4_0"])
def test_a_disk_without_room_is_refused_before_anything_is_written(
    library: Library, tmp_path: Path, quant: str
) -> None:
    """What would never fit is refused with the figures, and nothing is left behind."""
    with pytest.raises(PullError, match=r"MB free"):
        make(library, replace(TINY, name="vast", rows=10**12), quant, tmp_path, 1)
    assert names(tmp_path) == []


def test_unknown_names_list_the_known_ones(library: Library, tmp_path: Path) -> None:
    """A shape or a quantisation that is misspelt is answered with those there are."""
    with pytest.raises(ShapeError, match=r"'qwen3'.*qwen2\.5-0\.5b, qwen2\.5-1\.5b, tiny"):
        shape("qwen3")
    assert shape(" Qwen2.5-0.5B ") is SMALL
    with pytest.raises(ShapeError, match=r"'Q9'.*Q4_0.*F16"):
        make(library, TINY, "Q9", tmp_path, 1)
    assert names(tmp_path) == []
