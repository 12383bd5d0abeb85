"""What stays of the turns that no longer fit: order numbers, promises and open questions, word for word."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.conversation.text import one_line
from bot.domain.model import Author, Message, Thread

# The store loads 40 messages of a thread.
FOLD_AT, FOLD = 36, 16
MAX_CHARS = 1_600
LINE_CHARS = 400
# A full stop inside "19.99" or "shop.example" ends nothing.
_SENTENCE = re.compile(r"(?:[^.!?。！？؟।\n]|[.!?](?=[^\s.!?]))+[.!?。！？؟।]*")
_QUESTION = re.compile(r"[?？؟]")
_TORN = re.compile(r"[0-9A-Za-z_-]+$")
_WHO = {Author.CUSTOMER: "Customer", Author.BOT: "Bot", Author.OPERATOR: "Staff"}
# A promise is what staff or the bot said they would do, or did; these stems need not be complete, since whatever
# carries an order number or a question is kept as well.
_PROMISE = re.compile(
    r"\b(?:will|refund|cancelled|canceled|confirmed|promise|return|werden|erstatt|reembols|devol|rembours|annul)"
    r"|退款|取消|会|верн|отмен|возврат|سن|استرداد|वापस|रद्द",
    re.IGNORECASE,
)


def folded(thread: Thread, history: Sequence[Message], find_numbers: Callable[[str], Sequence[str]]) -> Thread:
    """Fold the oldest turns into the thread's summary before they fall out of sight; the messages themselves stay."""
    if len(history) < FOLD_AT:
        return thread
    cut = history[:FOLD]
    return replace(thread, summary=summarise(thread.summary, cut, find_numbers), summary_upto=cut[-1].id)


def summarise(
    before: str, cut: Sequence[Message], find_numbers: Callable[[str], Sequence[str]], limit: int = MAX_CHARS
) -> str:
    """Fold messages into a summary.

    Args:
        before: the summary so far.
        cut: the messages that go, oldest first.
        find_numbers: returns the order numbers in a text.
        limit: characters; the oldest lines go first.
    """
    lines = before.splitlines()
    for message in cut:
        kept = [
            sentence.strip()
            for sentence in _SENTENCE.findall(message.text)
            if _matters(sentence, message, find_numbers)
        ]
        if kept:
            lines.append(f"{_WHO[message.author]}: {_shortened(' '.join(kept), find_numbers)}")
    while lines and len("\n".join(lines)) > limit:
        lines.pop(0)
    return "\n".join(lines)


def _shortened(text: str, find_numbers: Callable[[str], Sequence[str]]) -> str:
    """Cut a long line, but neither through an order number nor without those behind the cut."""
    text = one_line(text, len(text))
    if len(text) <= LINE_CHARS:
        return text
    head = _TORN.sub("", text[:LINE_CHARS]).rstrip()
    kept = set(find_numbers(head))
    return " ".join([f"{head}…", *(number for number in find_numbers(text) if number not in kept)])


def _matters(sentence: str, message: Message, find_numbers: Callable[[str], Sequence[str]]) -> bool:
    if _QUESTION.search(sentence) or find_numbers(sentence):
        return True
    return message.author is not Author.CUSTOMER and _PROMISE.search(sentence) is not None
