"""The embedded language model: how it is asked, in training and in use alike.

    <|user|> where is my order?<|assistant|> # is on its way.<|user|> cancel it<|answer|>{"action":"cancel_order"}

It is a few million weights that know one task, so it is told nothing but the last lines of the thread. llama.cpp
changes no letter of a text, so what must not matter (case, width, which number it is) is taken out here.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain.actions import Action, ActionKind
from bot.domain.model import Author, Message, Query, Understood
from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import ChatMessage
from bot.inference import gguf_check
from bot.inference.features import readable
from bot.inference.order_choice import OrderChoice

if TYPE_CHECKING:
    from bot.inference.local_model import LlamaModel

SHIPPED = Path(__file__).parent / "models" / "embedded.gguf"
MARK = "deskhand.embedded"
"""The metadata key that tells such a file from any other; its value is the version of this form of prompt."""

VERSION = 1
HEAT = "deskhand.temperature"
"""The metadata key of what its logits are divided by, so that a probability is how often it is right."""

USER, ASSISTANT, ANSWER, END = "<|user|>", "<|assistant|>", "<|answer|>", "<|end|>"
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|answer|>{% endif %}"
)
KINDS = tuple(ActionKind)
ANSWERS = tuple(f'{{"action":"{kind.value}"}}' for kind in KINDS)
"""What it may answer, in the order of KINDS."""

LINES_BEFORE = 3
_HEAD_CHARS, _TAIL_CHARS = 120, 100
_LINE_CHARS = 80


def asked(text: str, history: Sequence[Message], numbers: OrderNumbers) -> list[ChatMessage]:
    """Return the conversation as the model reads it: the thread's last lines, and the message."""
    lines = [
        ChatMessage("user" if line.author is Author.CUSTOMER else "assistant", _line(line.text, numbers))
        for line in history[-LINES_BEFORE:]
    ]
    seen = readable(text, numbers.find(text))
    if len(seen) > _HEAD_CHARS + _TAIL_CHARS:
        seen = f"{seen[:_HEAD_CHARS]} … {seen[-_TAIL_CHARS:]}"
    return [*lines, ChatMessage("user", f" {seen}")]


def _line(text: str, numbers: OrderNumbers) -> str:
    # The beginning of a line says what it is about, and its end what is asked.
    seen = readable(text, numbers.find(text))
    if len(seen) > _LINE_CHARS:
        seen = f"{seen[: _LINE_CHARS // 2]} … {seen[-_LINE_CHARS // 2 :]}"
    return f" {seen}"


class EmbeddedTier:
    """The embedded model as a tier: a voice of its own beside the classifier, since it shares no feature with it.

    It only weighs the five answers against each other, so nothing is decoded, and the confidence is a probability.

    Args:
        temperature: what its logits are to be divided by.
    """

    def __init__(self, model: LlamaModel, orders: OrderChoice, numbers: OrderNumbers, temperature: float = 1.0) -> None:
        self.model, self.name, self.kind = model, model.name, model.kind
        self._orders, self._numbers = orders, numbers
        self._temperature = temperature

    async def understand(self, query: Query) -> Understood:
        """Return the likeliest action with its probability, however low.

        Raises:
            TierPassed: from the model.
        """
        weighed = await self.model.weigh(asked(query.text, query.history, self._numbers), ANSWERS)
        likely = dict(zip(KINDS, _softmax([logit / self._temperature for logit in weighed]), strict=True))
        best = max(KINDS, key=likely.__getitem__)
        action, raw = Action(best, self._orders.of(best, query)), ANSWERS[KINDS.index(best)]
        return Understood(action, self.name, raw, confidence=likely[best], likely=likely)


def temperature_of(path: Path) -> float | None:
    """Return the temperature of an embedded model's file; None for any other file, and for none."""
    try:
        header = gguf_check.check(path)
    except gguf_check.BadGguf:
        return None
    if header.metadata.get(MARK) != VERSION:
        return None
    return float(header.metadata.get(HEAT, 1.0))


def _softmax(scores: Sequence[float]) -> list[float]:
    raised = [exp(score - max(scores)) for score in scores]
    return [one / sum(raised) for one in raised]
