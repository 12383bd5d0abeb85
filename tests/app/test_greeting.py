"""Small talk, end to end."""

from __future__ import annotations

from pathlib import Path

from tests.support.worker import running


async def test_a_greeting_is_greeted_and_thanks_are_answered(tmp_path: Path) -> None:
    """A mere greeting or thanks gets a friendly answer in its language, not a question what was meant."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        await emily.asks("hi there!", "What can I do for you?")
        assert (await world.trace(emily))["decision"] == "greet"
        await emily.asks("thanks a lot!", "You are welcome!")
        lucia = world.customer("es")
        await lucia.asks("hola, buenas tardes", "¿En qué puedo ayudarle?")
        await lucia.asks("muchas gracias", "¡De nada!")
        await emily.asks("blue is a nice colour", "I am not sure what you need")


async def test_thanks_confirm_nothing(tmp_path: Path) -> None:
    """While a yes is waited for, thanks are no yes."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        number = world.orders("en", "pending")[0]
        await emily.asks(f"please cancel {number}")
        await emily.shares_contact(number)
        await emily.asks("thanks!", "You are welcome!")
        (entry,) = await world.ledger(emily)
        assert entry["state"] == "proposed"
