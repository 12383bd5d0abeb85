"""`deskhand model` and `deskhand bench`: find a model, fetch it, and measure what this machine does with it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli_parts import command, whole

if TYPE_CHECKING:
    from bot.bench.measuring import Figures
    from bot.cli_parts import Commands

DEFAULT_SHAPE = "qwen2.5-0.5b"


def add_to(commands: Commands) -> None:
    """Declare the commands."""
    models = commands.add_parser("model", help="models").add_subparsers(required=True, metavar="list|pull|tune")
    command(models, "list", "models known by name, with sizes and licences", _list)
    pull = command(models, "pull", "download one", _pull)
    pull.add_argument("name", metavar="NAME")
    pull.add_argument("--into", type=Path, default=Path("models"), metavar="FOLDER")
    tune = command(models, "tune", "find the quantisation and the thread count that suit this machine", _tune)
    _add_source(tune, "a GGUF file, best of 16 bits a weight (F16)")
    tune.add_argument("--keep", action="store_true", help="leave the recommended file on the disk")

    bench = command(commands, "bench", "measure how many chats this machine answers", _bench)
    _add_source(bench, "a GGUF file")
    bench.add_argument("--quant", metavar="QUANT", help="of the shape (Q4_0)")
    bench.add_argument("--threads", type=whole(256), metavar="N", help="of the processor (as many as there are)")
    bench.add_argument("--chats", type=whole(64), default=8, metavar="N", help="that write at the same time (8)")
    bench.add_argument("--turns", type=whole(1000), default=4, metavar="N", help="of each chat (4)")
    bench.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def _add_source(to: argparse.ArgumentParser, what: str) -> None:
    source = to.add_mutually_exclusive_group()
    source.add_argument("--model", type=Path, metavar="PATH", help=what)
    source.add_argument(
        "--shape", metavar="NAME", help=f"random weights in the shape of this model instead ({DEFAULT_SHAPE})"
    )
    to.add_argument("--shapes", type=Path, metavar="FOLDER", help="where those are kept (~/.cache/deskhand/shapes)")


def _list(_arguments: argparse.Namespace) -> int:
    from bot.inference.catalogue import KNOWN

    for model in KNOWN:
        print(f"{model.name:24} {model.about_mb:6,} MB  {model.licence:12} {model.repo}/{model.file}")
    print("\nFetch one with: deskhand model pull NAME")
    return 0


def _pull(arguments: argparse.Namespace) -> int:
    from bot.inference.catalogue import pull

    path = pull(arguments.name, arguments.into, _show_progress)
    print(f'Ready: {path}\nUse it with: kind = "llama", model = "{path}" in [[understanding.tiers]]')
    return 0


def _show_progress(done: int, total: int) -> None:
    end = "\n" if done >= total else ""
    print(f"\r  {done / 1e6:,.0f} of {total / 1e6:,.0f} MB", end=end, file=sys.stderr, flush=True)


def _tune(arguments: argparse.Namespace) -> int:
    from bot.bench.tuning import Source, advice, table, tune
    from bot.inference.llama import library
    from bot.inference.shapes import default_folder, shape

    cores = len(os.sched_getaffinity(0))
    folder = arguments.shapes or default_folder()
    source = Source(library(), arguments.model, shape(arguments.shape or DEFAULT_SHAPE), folder, arguments.keep)
    found = tune(source, cores, _say)
    print("\n".join([*table(found), "", *advice(found, source, cores)]))
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    from bot import logs
    from bot.bench.measuring import bench
    from bot.inference.settings import default_threads

    # What goes wrong ends the command with a sentence; the log would only say it again.
    logs.setup("ERROR", "text", ())

    if arguments.model and arguments.quant:
        raise ValueError("--quant chooses how a --shape is quantised; a --model is measured as it is")
    threads = arguments.threads or default_threads()
    path = arguments.model or _shape_file(arguments, threads)
    figures = asyncio.run(bench(path, threads, arguments.chats, arguments.turns, _say))
    print(json.dumps(figures.to_dict(), indent=2) if arguments.json else _shown(figures))
    return 0


def _shape_file(arguments: argparse.Namespace, threads: int) -> Path:
    from bot.inference.llama import library
    from bot.inference.shapes import default_folder, make, shape

    wanted, quant = shape(arguments.shape or DEFAULT_SHAPE), arguments.quant or "Q4_0"
    _say(f"{wanted.name} in {quant}, random weights ...")
    return make(library(), wanted, quant, arguments.shapes or default_folder(), threads)


def _shown(figures: Figures) -> str:
    lines = (
        ("actions", f"{figures.action_turns_per_s:.2f} turns/s", figures.p50_s, figures.p95_s, figures.limit_share),
        (
            "with a message",
            f"{figures.message_turns_per_s:.2f} turns/s",
            figures.message_p50_s,
            figures.message_p95_s,
            figures.message_limit_share,
        ),
    )
    return "\n".join(
        [
            f"{figures.model}, threads: {figures.threads}, {figures.chats} chats of {figures.turns} turns",
            f"{'':16}{'together':>14}{'p50':>10}{'p95':>10}{'of the limit':>15}",
            *(f"{name:16}{rate:>14}{p50:8.2f} s{p95:8.2f} s{share:13.0%}" for name, rate, p50, p95, share in lines),
            f"a turn of a chat alone: {figures.alone_s:.2f} s; resident memory: {figures.rss_mb:,.0f} MB",
            f"the limit is llama.cpp alone: {figures.prompt_tokens_per_s:,.0f} tokens/s of prompt, "
            f"{figures.decoded_tokens_per_s:,.0f} decoded",
        ]
    )


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
