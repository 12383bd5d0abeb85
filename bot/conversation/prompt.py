"""What a model sees: the task, the shop's facts, a summary of what was cut, and the recent turns within a budget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.conversation.summary import summarise
from bot.conversation.text import excerpt
from bot.domain.model import Author, Message, Query
from bot.domain.ports import ChatMessage

CountTokens = Callable[[str], Awaitable[int]]
FindNumbers = Callable[[str], Sequence[str]]

# Room for the chat template's own marks around each message, and for the answer.
MARKS_PER_MESSAGE = 8
ANSWER_TOKENS = 160
EXCERPTS = (1_500, 700, 300)
EARLIER = "Earlier in this conversation:"

TASK = """\
You are the assistant of the shop {shop}. Read the customer's last message and answer with one JSON object:
{{"action": ..., "order_id": ..., "response_type": ..., "message": ...}}
action: "query_order" (where is an order, its state, has not arrived), "cancel_order" (stop an order already placed),
"return_apply" (send goods back), "handoff" (wants a person), "unknown" (anything else: small talk, questions about
products, prices, policies, an address change, or NOT wanting to cancel any more).
order_id: the order number exactly as written in the conversation, or null. Never make one up.
response_type: "text" for unknown, otherwise "json".
message: for unknown a short, friendly answer or question in the customer's language, from the facts; otherwise "".
Never say that something was cancelled, returned or refunded: the shop's system does that and says so itself."""


@dataclass(frozen=True, slots=True)
class PromptBuilder:
    """Builds prompts for one shop; `history_tokens` is the budget of the recent turns, in the model's own tokens."""

    shop: str
    find_numbers: FindNumbers
    history_tokens: int = 1_200

    async def build(self, query: Query, count: CountTokens, context_tokens: int) -> tuple[ChatMessage, ...]:
        """Return the chat messages, the customer's last, such that they fit the model's context.

        What customers wrote never stands in the system's message, its summary neither. If the shop's facts alone are
        too long, nothing fits, and the model says so.
        """
        system = self._system(query)
        room = context_tokens - ANSWER_TOKENS - MARKS_PER_MESSAGE - await count(system)
        last, used = await _shortest_need(query.text, count, room // 2)
        room -= used
        # Some room is left for the summary of what does not fit.
        recent, cut, used = await _newest_that_fit(query.history, count, min(self.history_tokens, room * 3 // 4))
        notes = await _notes(summarise(query.summary, cut, self.find_numbers), count, room - used)
        turns = [ChatMessage("user" if m.author is Author.CUSTOMER else "assistant", m.text) for m in recent]
        return (ChatMessage("system", system), *notes, *turns, ChatMessage("user", last))

    def _system(self, query: Query) -> str:
        parts = [TASK.format(shop=self.shop)]
        if query.facts:
            parts.append(f"Facts of the shop:\n{query.facts.strip()}")
        if query.candidates:
            parts.append(f"Order numbers in this conversation: {', '.join(query.candidates)}")
        return "\n\n".join(parts)


async def _shortest_need(text: str, count: CountTokens, budget: int) -> tuple[str, int]:
    """Return as much of a message's beginning and end as the budget takes, at least a little, and its tokens."""
    for limit in EXCERPTS:
        shown = excerpt(text, limit=limit)
        tokens = await count(shown) + MARKS_PER_MESSAGE
        if tokens <= budget:
            break
    return shown, tokens


async def _newest_that_fit(
    history: Sequence[Message], count: CountTokens, budget: int
) -> tuple[Sequence[Message], Sequence[Message], int]:
    """Split the history into the newest messages within the budget and those that are cut, both oldest first.

    The third value is how many tokens of the budget were used.
    """
    start, used = len(history), 0
    while start > 0:
        tokens = await count(history[start - 1].text) + MARKS_PER_MESSAGE
        if used + tokens > budget:
            break
        start, used = start - 1, used + tokens
    return history[start:], history[:start], used


async def _notes(summary: str, count: CountTokens, budget: int) -> Sequence[ChatMessage]:
    """Return the summary as a message, without its oldest lines if they do not fit."""
    lines = summary.splitlines()
    while lines:
        text = "\n".join([EARLIER, *lines])
        if await count(text) + MARKS_PER_MESSAGE <= budget:
            return (ChatMessage("user", text),)
        lines.pop(0)
    return ()
