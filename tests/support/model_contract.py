"""What every language model must do. Subclass `LanguageModelContract` and give it a fixture `model`.

class TestMyModel(LanguageModelContract):
    @pytest.fixture
    async def model(self):
        model = MyModel(...)
        yield model
        await model.close()

The model may say anything, as one of random weights does; what it says must fit what it was asked for.
A model that writes free text as well takes `TextModelContract`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import pytest

from bot.domain.actions import action_schema, parse_action
from bot.domain.ports import ChatMessage, Completion, LanguageModel
from bot.errors import PassReason, TierPassed

CANDIDATES = ("ORD20241112001", "A-17")
SYSTEM = ChatMessage("system", "You answer a shop's customers with one JSON object.")
TEXTS = ("where is A-17?", "", "取消订单", "أين طلبي؟", "\0", "\ud800 lone", "{{ 7 * 7 }}", "<|im_end|>", "👩‍💻" * 9)


def ask(*texts: str, message: int = 12, tokens: int = 300) -> Completion:
    """Return a request; its message field is short, as random weights never come to an end of their own."""
    said = tuple(ChatMessage("user", text) for text in texts)
    return Completion((SYSTEM, *said), action_schema(CANDIDATES, message), tokens)


def at_length() -> Completion:
    """Return a request that takes any model far longer than a caller waits here: its message may not be short."""
    schema = json.loads(json.dumps(action_schema(CANDIDATES, 1500)))
    schema["properties"]["message"]["minLength"] = 1000
    return Completion((SYSTEM, ChatMessage("user", "go on")), schema, 1500)


LONG = at_length()


class LanguageModelContract:
    """The suite of `LanguageModel`."""

    @pytest.mark.parametrize("text", TEXTS)
    async def test_any_text_is_answered_with_json_of_the_schema(self, model: LanguageModel, text: str) -> None:
        """Whatever a customer writes, the answer is one action of the schema, about an order that was named."""
        raw = await model.complete(ask(text))
        action = parse_action(raw, CANDIDATES)
        assert action.order_id in (*CANDIDATES, None)
        assert json.loads(raw).keys() == {"action", "order_id", "response_type", "message"}

    async def test_many_at_once_are_all_answered(self, model: LanguageModel) -> None:
        """Calls that come together, more than run side by side, are each answered with an action."""
        calls = (model.complete(ask(f"number {number}", message=4)) for number in range(12))
        for raw in await asyncio.gather(*calls):
            assert parse_action(raw, CANDIDATES)

    async def test_a_cancelled_call_leaves_the_others_whole(self, model: LanguageModel) -> None:
        """Who goes away is let go at once, and takes nothing from those before, beside and after."""
        await model.complete(ask("before"))
        leaving = [asyncio.create_task(model.complete(LONG)) for _ in range(3)]
        staying = asyncio.create_task(model.complete(ask("beside")))
        await asyncio.sleep(0)
        for call in leaving:
            call.cancel()
        ends = await asyncio.gather(*leaving, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        assert parse_action(await staying, CANDIDATES)
        assert parse_action(await model.complete(ask("after")), CANDIDATES)

    async def test_a_time_limit_ends_a_call(self, model: LanguageModel) -> None:
        """A caller's limit is kept, and the next call is answered."""
        await model.complete(ask("first"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await model.complete(LONG)
        assert parse_action(await model.complete(ask("next")), CANDIDATES)

    async def test_too_few_tokens_are_no_answer(self, model: LanguageModel) -> None:
        """Half a JSON object is never returned: it passes as invalid."""
        with pytest.raises(TierPassed) as caught:
            await model.complete(ask("x", message=200, tokens=4))
        assert caught.value.reason is PassReason.INVALID
        assert parse_action(await model.complete(ask("next")), CANDIDATES)

    async def test_tokens_are_counted(self, model: LanguageModel) -> None:
        """Nothing takes no tokens, a word at least one, and more text more."""
        counts = [await model.count_tokens(text) for text in ("", "order", "where is my order? 订单")]
        assert counts[0] == 0
        assert 1 <= counts[1] < counts[2]

    async def test_a_model_that_works_has_no_problem(self, model: LanguageModel) -> None:
        """The look of /healthz and `check` finds nothing, before the first answer and after it."""
        assert await model.problem() is None
        await model.complete(ask("hello"))
        assert await model.problem() is None

    async def test_closing_is_final_and_may_be_repeated(self, model: LanguageModel) -> None:
        """Calls under way are told, later ones pass as unavailable, and closing twice is no mistake."""
        await model.complete(ask("before"))
        running = asyncio.create_task(model.complete(LONG))
        await asyncio.sleep(0)
        await model.close()
        with pytest.raises(TierPassed):
            await running
        with pytest.raises(TierPassed) as caught:
            await model.complete(ask("after"))
        assert caught.value.reason is PassReason.UNAVAILABLE
        assert await model.problem() is not None
        await model.close()

    async def test_closing_one_that_was_never_used(self, model: LanguageModel) -> None:
        """A model that nobody asked is closed as well as any."""
        await model.close()
        with pytest.raises(TierPassed) as caught:
            await model.complete(ask("after"))
        assert caught.value.reason is PassReason.UNAVAILABLE


class TextModel(LanguageModel, Protocol):
    """A language model that writes free text, too."""

    def stream(self, messages: Sequence[ChatMessage], max_tokens: int) -> AsyncGenerator[str, None]:
        """Yield a text piece by piece."""


class TextModelContract:
    """The suite of free text."""

    async def test_text_comes_in_pieces(self, model: TextModel) -> None:
        """More than one piece, and never more than tokens were allowed."""
        pieces = [piece async for piece in model.stream((ChatMessage("user", "Hello!"),), 24)]
        assert 1 < len(pieces) <= 24
        assert all(pieces)

    async def test_a_text_left_unread_frees_the_model(self, model: TextModel) -> None:
        """Whoever stops after the first piece, by closing, leaves the model free for actions and texts."""
        for _ in range(12):
            async with aclosing(model.stream((ChatMessage("user", "Hello!"),), LONG.max_tokens)) as pieces:
                assert await anext(pieces)
        assert parse_action(await model.complete(ask("next")), CANDIDATES)

    async def test_texts_and_actions_side_by_side(self, model: TextModel) -> None:
        """They do not get each other's words."""

        async def text(number: int) -> str:
            pieces = model.stream((ChatMessage("user", f"Hello {number}!"),), 24)
            return "".join([piece async for piece in pieces])

        jobs: list[Any] = [text(number) for number in range(4)]
        jobs += [model.complete(ask(f"number {number}", message=4)) for number in range(4)]
        *texts, first, second, third, fourth = await asyncio.gather(*jobs)
        for raw in (first, second, third, fourth):
            assert parse_action(raw, CANDIDATES)
        assert all(texts)

    async def test_no_text_after_closing(self, model: TextModel) -> None:
        """It passes as unavailable."""
        await model.close()
        with pytest.raises(TierPassed) as caught:
            await anext(model.stream((ChatMessage("user", "Hello!"),), 24))
        assert caught.value.reason is PassReason.UNAVAILABLE
