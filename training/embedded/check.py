"""Holds a written file against the network it came from, token for token, in every language.

Most mistakes of an export are silent: a file with another pre-tokenizer, or control tokens of another type, loads, and
only understands a little less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bot.domain.order_numbers import OrderNumbers
from bot.learning.examples import Example
from training.embedded.lessons import conversation
from training.embedded.network import Network, Shape, Weights
from training.embedded.tokens import Vocabulary

CLOSE = 0.25
"""How far a logit may differ: llama.cpp rounds what it multiplies to 8 bits as well."""


class Differs(ValueError):
    """The file does not say what the network says; the message tells where."""


def check(
    path: Path, shape: Shape, weights: Weights, vocabulary: Vocabulary, examples: Sequence[Example]
) -> Counter[str]:
    """Compare prompts, logits and whole answers; return how many prompts of each language agreed.

    Args:
        weights: as the file holds them, rounded.

    Raises:
        Differs: a prompt is tokenised otherwise, a logit is further away than CLOSE, or a clear answer is another.
    """
    from llama_cpp import Llama

    file: Any = Llama(str(path), n_ctx=512, n_threads=1, verbose=False, logits_all=False)
    network, numbers, agreed = Network(shape, weights), OrderNumbers(), Counter[str]()
    try:
        for example in examples:
            prompt = vocabulary.prompt(conversation(example, numbers))
            _same_tokens(file, example, numbers, prompt)
            _same_answer(file, network, vocabulary, prompt, example)
            agreed[example.language] += 1
    finally:
        file.close()
    return agreed


def _same_tokens(file: Any, example: Example, numbers: OrderNumbers, prompt: Sequence[int]) -> None:
    text = "".join(f"<|{message.role}|>{message.content}" for message in conversation(example, numbers)) + "<|answer|>"
    found = file.tokenize(text.encode(), add_bos=False, special=True)
    if list(found) != list(prompt):
        raise Differs(f"{example.language}: {text!r} is tokenised as {found}, and was learnt as {list(prompt)}")


def _same_answer(file: Any, network: Network, vocabulary: Vocabulary, prompt: Sequence[int], example: Example) -> None:
    """Let both write an answer, each its likeliest token after the other."""
    said = list(prompt)
    file.reset()
    file.eval(said)
    for _ in range(vocabulary.answer_tokens):
        theirs = np.array(file._ctx.get_logits_ith(-1)[: vocabulary.size], np.float32)
        ours = network.scores(network.forward(np.array([said])).out[:, -1])[0]
        best = int(ours.argmax())
        apart = float(np.abs(theirs - ours)[ours > ours.max() - 5].max())
        second = float(np.sort(ours)[-2])
        if apart > CLOSE or (int(theirs.argmax()) != best and ours[best] - second > CLOSE):
            raise Differs(f"{example.language}: {example.text!r}: logits are {apart:.2f} apart at token {len(said)}")
        if best == vocabulary.end:
            return
        said.append(best)
        file.eval([best])
