"""A tiny language model of random weights: it says whatever a schema allows, so that the engine's tests see it all.

The file is a `qwen2` of 2 layers with a byte-level vocabulary of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bot.inference.prompting import CHATML
from training.embedded.vocabulary import byte_alphabet

if TYPE_CHECKING:
    from gguf import GGUFWriter

NAME = "random weights"
SEED = 20241112
END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
# A few merges, each of two tokens that stand before it, so that tokenising is more than a walk over bytes.
MERGES = (("o", "r"), ("e", "r"), ("d", "er"), ("or", "der"), ("i", "d"), ("t", "e"), ("te", "x"), ("tex", "t"))
WIDTH, FEED_FORWARD, LAYERS, HEADS, KV_HEADS, CONTEXT = 64, 128, 2, 2, 1, 32_768


def make(path: Path) -> Path:
    """Write it to `path`, and return `path`."""
    _write(path)
    return path


def _write(path: Path) -> None:
    from gguf import GGUFWriter  # It brings numpy, and is needed once in the life of a set-up.

    writer = GGUFWriter(path, "qwen2")
    _shape(writer)
    vocabulary = _vocabulary(writer)
    _weights(writer, len(vocabulary))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _shape(writer: GGUFWriter) -> None:
    writer.add_name(NAME)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(0)


def _vocabulary(writer: GGUFWriter) -> list[str]:
    from gguf import TokenType

    plain = [*byte_alphabet(), *("".join(pair) for pair in MERGES)]
    control = [END, START, STOP]
    tokens = plain + control
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.NORMAL] * len(plain) + [TokenType.CONTROL] * len(control))
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    writer.add_eos_token_id(tokens.index(STOP))
    writer.add_pad_token_id(tokens.index(END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)
    return tokens


def _weights(writer: GGUFWriter, rows: int) -> None:
    import numpy as np

    random = np.random.default_rng(SEED)
    key_width = WIDTH // HEADS * KV_HEADS

    def add(name: str, *shape: int) -> None:
        # Blocks twice as strong as the embedding, or it would only ever repeat the token before.
        scale = (1 if name.startswith("token_embd") else 2) / WIDTH**0.5
        writer.add_tensor(name, (random.standard_normal(shape) * scale).astype(np.float32))

    def norm(name: str) -> None:
        writer.add_tensor(name, np.ones(WIDTH, dtype=np.float32))

    add("token_embd.weight", rows, WIDTH)
    norm("output_norm.weight")
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        norm(block + "attn_norm.weight")
        norm(block + "ffn_norm.weight")
        for letter, width in (("q", WIDTH), ("k", key_width), ("v", key_width)):
            add(f"{block}attn_{letter}.weight", width, WIDTH)
            add(f"{block}attn_{letter}.bias", width)
        add(block + "attn_output.weight", WIDTH, WIDTH)
        add(block + "ffn_gate.weight", FEED_FORWARD, WIDTH)
        add(block + "ffn_up.weight", FEED_FORWARD, WIDTH)
        add(block + "ffn_down.weight", WIDTH, FEED_FORWARD)
