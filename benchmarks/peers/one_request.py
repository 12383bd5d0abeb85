"""A process that loads the model, answers one request from stdin and ends."""

from __future__ import annotations

import json
import sys

from llama_cpp import Llama

from benchmarks.peers.asking import CONTEXT_TOKENS, content


def main() -> None:
    """Answer; the arguments are the model's file and the number of threads."""
    path, threads = sys.argv[1], int(sys.argv[2])
    model = Llama(path, n_ctx=CONTEXT_TOKENS, n_threads=threads, n_threads_batch=threads, verbose=False)
    print(content(model.create_chat_completion(**json.load(sys.stdin))))


if __name__ == "__main__":
    main()
