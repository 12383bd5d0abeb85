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
KEPT = 0.6
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
Never say that something was cancelled, returned or refunded: the shop's system does that and says so itself.
Examples:
"where is 1042-7? it should have come on Monday" -> query_order, "1042-7"
"ya no lo quiero, anúlalo por favor" -> cancel_order, null
"the lamp has a crack, I'm sending it back" -> return_apply, null
"can I talk to somebody?" -> handoff, null
"no, keep the order, I like it" -> unknown
"Wie lange dauert der Versand nach Wien?" -> unknown"""


@dataclass(frozen=True, slots=True)
class PromptBuilder:
    """Builds prompts for one shop; `history_tokens` is the budget of the recent turns, in the model's own tokens.

    A thread's prompts begin alike as long as they can, since a model need not read again what it has read: the system's
    message is the same for all, and turns are cut many at once, not one with each new one.
    """

    shop: str
    find_numbers: FindNumbers
    history_tokens: int = 1_200

    async def build(self, query: Query, count: CountTokens, context_tokens: int) -> tuple[ChatMessage, ...]:
        """Return the chat messages, the customer's last, such that they fit the model's context.

        What customers wrote never stands in the system's message, its summary neither. If the shop's facts alone are
        too long, nothing fits, and the model says so.
        """
        system = self.system(query.facts)
        room = context_tokens - ANSWER_TOKENS - MARKS_PER_MESSAGE - await count(system.content)
        last, used = await _shortest_need(query.text, count, room // 2)
        room -= used
        # Some room is left for the summary of what does not fit.
        recent, cut, used = await _newest_that_fit(query.history, count, min(self.history_tokens, room * 3 // 4))
        notes = await _notes(summarise(query.summary, cut, self.find_numbers), count, room - used)
        turns = [ChatMessage("user" if m.author is Author.CUSTOMER else "assistant", m.text) for m in recent]
        return (system, *notes, *turns, ChatMessage("user", last))

    def system(self, facts: str) -> ChatMessage:
        """Return what every prompt of this shop begins with."""
        parts = [TASK.format(shop=self.shop)]
        if facts:
            parts.append(f"Facts of the shop:\n{facts.strip()}")
        return ChatMessage("system", "\n\n".join(parts))


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

    Where the budget is passed, as many go as leave some of it free, so that the next turns find the same beginning.
    The third value is how many tokens of the budget were used.
    """
    sizes = [await count(message.text) + MARKS_PER_MESSAGE for message in history]
    start = used = 0
    for at, size in enumerate(sizes):
        used += size
        if used > budget:
            while start <= at and used > budget * KEPT:
                used -= sizes[start]
                start += 1
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
