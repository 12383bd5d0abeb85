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
        """Return the chat messages, the customer's last, such that they fit the model's context."""
        last = ChatMessage("user", excerpt(query.text, limit=1_500))
        fixed = await count(self._system(query, "")) + await count(last.content) + 2 * MARKS_PER_MESSAGE + ANSWER_TOKENS
        budget = max(0, min(self.history_tokens, context_tokens - fixed))
        recent, cut = await _newest_that_fit(query.history, count, budget)
        summary = summarise(query.summary, cut, self.find_numbers)
        if await count(summary) > max(0, context_tokens - fixed - budget):
            summary = ""
        turns = [ChatMessage("user" if m.author is Author.CUSTOMER else "assistant", m.text) for m in recent]
        return (ChatMessage("system", self._system(query, summary)), *turns, last)

    def _system(self, query: Query, summary: str) -> str:
        parts = [TASK.format(shop=self.shop)]
        if query.facts:
            parts.append(f"Facts of the shop:\n{query.facts.strip()}")
        if query.candidates:
            parts.append(f"Order numbers in this conversation: {', '.join(query.candidates)}")
        if summary:
            parts.append(f"Earlier in this conversation:\n{summary}")
        return "\n\n".join(parts)


async def _newest_that_fit(
    history: Sequence[Message], count: CountTokens, budget: int
) -> tuple[Sequence[Message], Sequence[Message]]:
    """Split the history into the newest messages within the budget and those that are cut, both oldest first."""
    start = len(history)
    while start > 0:
        budget -= await count(history[start - 1].text) + MARKS_PER_MESSAGE
        if budget < 0:
            break
        start -= 1
    return history[start:], history[:start]
