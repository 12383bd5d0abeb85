"""How a model is run on a machine, where the owner set little or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import TierSettings, load
from bot.errors import ConfigError
from bot.inference.settings import FEWEST_CELLS, MOST_CELLS, EngineSettings, KvType, Machine, cell_bytes
from bot.tiers import engine_settings

QWEN = {
    "general.architecture": "qwen2",
    "qwen2.block_count": 24,
    "qwen2.embedding_length": 896,
    "qwen2.attention.head_count": 14,
    "qwen2.attention.head_count_kv": 2,
    "qwen2.context_length": 32_768,
}
GB = 1 << 30


def test_a_cell_costs_what_llama_cpp_says() -> None:
    """Qwen2.5-0.5B's keys and values take 12,288 bytes a token in F16, and about half in Q8_0."""
    assert cell_bytes(QWEN, KvType.F16) == 12_288
    assert cell_bytes(QWEN, KvType.Q8_0) == 6_528
    assert cell_bytes({}, KvType.F16) == 0


@pytest.mark.parametrize(
    ("memory", "cells", "kind"),
    [(1 * GB, 16_640, KvType.Q8_0), (2 * GB, 32_768, KvType.Q8_0), (4 * GB, 32_768, KvType.F16)],
)
def test_cells_are_chosen_by_the_memory(memory: int, cells: int, kind: KvType) -> None:
    """They take about a tenth of it, never more than is of use, and on a small machine they are the smaller kind."""
    chosen = EngineSettings().on(Machine(4, memory), QWEN)
    assert (chosen.cells, chosen.kv_type) == (cells, kind)
    assert chosen.cells * cell_bytes(QWEN, kind) <= 0.11 * memory
    assert FEWEST_CELLS <= chosen.cells <= MOST_CELLS
    assert chosen.cells % 256 == 0


def test_what_is_set_is_kept() -> None:
    """Threads, cells, batches and kind are the owner's where they said so; only a thread must fit into the cells."""
    told = EngineSettings(threads=3, cells=5_000, batch=512, micro_batch=64, kv_type=KvType.F16, context_tokens=4096)
    chosen = told.on(Machine(8, GB), QWEN)
    assert (chosen.threads, chosen.cells, chosen.batch, chosen.micro_batch) == (3, 5_120, 512, 64)
    assert chosen.kv_type is KvType.F16
    assert EngineSettings(cells=1024, context_tokens=4096).on(Machine(8, GB), QWEN).cells == 4096


def test_a_thread_is_no_longer_than_the_model_was_made_for() -> None:
    """A length above the model's own comes down to it, and a micro-batch above the batch as well."""
    chosen = EngineSettings(context_tokens=100_000, batch=128, micro_batch=256).on(Machine(2, 64 * GB), QWEN)
    assert (chosen.context_tokens, chosen.micro_batch) == (32_768, 128)


def test_the_machine_is_looked_at() -> None:
    """There is a core, and there is memory."""
    here = Machine.here()
    assert here.cores >= 1
    assert here.memory_bytes > 1 << 26


def test_it_says_what_was_chosen() -> None:
    """`deskhand check` shows it in one line."""
    said = str(EngineSettings(mlock=True, n_gpu_layers=10).on(Machine(2, GB), QWEN))
    assert said == (
        "2 threads, 16640 cells (q8_0), 4096 tokens a thread, batches of 256 (micro 128), "
        "10 layers on the graphics card, locked in memory"
    )


def test_a_tiers_settings_reach_the_engine() -> None:
    """What stands in the configuration is what the engine is run with, and its defaults are the engine's own."""
    assert engine_settings(TierSettings(kind="llama", model="m.gguf")) == EngineSettings()
    told = TierSettings(
        kind="llama", model="m.gguf", threads=2, cells=8192, batch=128, micro_batch=64, n_gpu_layers=3, kv_type="q8_0",
        mlock=True, queue=7, context_tokens=2048,
    )  # fmt: skip
    assert engine_settings(told) == EngineSettings(2, 2048, 8192, 128, 64, 3, KvType.Q8_0, True, 7)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("threads = 257", "must be at most 256"),
        ("context_tokens = 100", "must be at least 512"),
        ("cells = -1", "must be at least 0"),
        ("batch = 8", "must be at least 16"),
        ("micro_batch = 5000", "must be at most 4096"),
        ("n_gpu_layers = -2", "must be at least -1"),
        ('kv_type = "q4_0"', 'must be "auto", "f16" or "q8_0"'),
        ('mlock = "yes"', "must be true or false"),
        ("queue = 1.5", "must be a whole number"),
    ],
)
def test_every_setting_out_of_range_is_named(tmp_path: Path, line: str, said: str) -> None:
    """The error says which setting at which line, what it must be, and what it is."""
    file = tmp_path / "config.toml"
    file.write_text(f'[[understanding.tiers]]\nkind = "llama"\nmodel = "m.gguf"\n{line}\n', "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, {"DESKHAND_TELEGRAM__TOKEN": "123456:abc"})
    (problem,) = caught.value.problems
    assert problem.where == f"{file}:4 understanding.tiers[0].{line.split(maxsplit=1)[0]}"
    assert problem.what.startswith(said)
    assert problem.remedy
