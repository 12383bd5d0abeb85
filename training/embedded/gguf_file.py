"""Writes a trained network as a GGUF file of the architecture `qwen2`, its matrices in 8 bits (Q8_0)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType
from gguf.quants import dequantize, quantize

from bot.inference.embedded import HEAT, MARK, VERSION
from training.embedded.network import EPSILON, ROPE_BASE, Shape, Weights
from training.embedded.tokens import write_vocabulary
from training.embedded.vocabulary import Pair

CONTEXT = 1024
_Q8_0 = GGMLQuantizationType.Q8_0


def write(path: Path, shape: Shape, weights: Weights, merges: Sequence[Pair], temperature: float) -> None:
    """Write the file, whole or not at all. The embedding serves as output as well, so it is written once."""
    draft = path.with_suffix(".part")
    writer = GGUFWriter(draft, "qwen2")
    writer.add_name("Deskhand embedded")
    writer.add_license("apache-2.0")
    writer.add_uint32(MARK, VERSION)
    writer.add_float32(HEAT, temperature)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(1)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_file_type(LlamaFileType.MOSTLY_Q8_0)
    write_vocabulary(writer, merges)
    for name, array in weights.items():
        if array.ndim > 1:
            writer.add_tensor(name, quantize(array, _Q8_0), raw_dtype=_Q8_0)
        else:
            writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(draft, path)


def rounded(weights: Weights) -> Weights:
    """Return the weights as the file holds them."""
    return {
        name: dequantize(quantize(array, _Q8_0), _Q8_0) if array.ndim > 1 else array for name, array in weights.items()
    }
