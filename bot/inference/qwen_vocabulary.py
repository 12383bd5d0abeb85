"""The tokenizer of Qwen2 and Qwen2.5, or the beginning of it, as the metadata of a GGUF file.

Byte-level BPE: the first 256 tokens are the bytes, and each merge makes the next one out of two that stand before it.
So the merges say it all, and any number of the first ones is a vocabulary of its own.
"""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from pathlib import Path

from bot.inference.gguf_write import Value
from bot.inference.prompting import CHATML

MERGES = Path(__file__).parent / "models" / "qwen2-merges.txt.xz"
CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4


def byte_alphabet() -> list[str]:
    """Return the letter that byte-level BPE writes for each of the 256 bytes, in the bytes' order."""
    letters = {byte: chr(byte) for byte in _shown()} | {byte: chr(256 + at) for at, byte in enumerate(_hidden())}
    return [letters[byte] for byte in range(256)]


def _shown() -> list[int]:
    return [*range(33, 127), *range(161, 173), *range(174, 256)]


def _hidden() -> list[int]:
    return [byte for byte in range(256) if byte not in _shown()]


def merges(count: int) -> list[str]:
    """Return the first `count` merges, each two tokens with a space between them."""
    with lzma.open(MERGES, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for _, line in zip(range(count), file, strict=False)]


def tokenizer(pairs: Sequence[str], rows: int) -> dict[str, Value]:
    """Return the metadata of the tokenizer with these merges, filled up with unused tokens to `rows`."""
    letters = byte_alphabet()
    plain = [letters[byte] for byte in (*_shown(), *_hidden())]
    plain += [pair.replace(" ", "") for pair in pairs]
    unused = [f"[PAD{number}]" for number in range(len(plain) + len(CONTROLS), rows)]
    types = [_NORMAL] * len(plain) + [_CONTROL] * len(CONTROLS) + [_USER_DEFINED] * len(unused)
    end_of_text, _, end_of_turn = range(len(plain), len(plain) + len(CONTROLS))
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": [*plain, *CONTROLS, *unused],
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.merges": pairs,
        "tokenizer.ggml.eos_token_id": end_of_turn,
        "tokenizer.ggml.padding_token_id": end_of_text,
        "tokenizer.ggml.bos_token_id": end_of_text,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": CHATML,
    }
