"""The same dialogues by REST: the right action, after verification, with confirmation where due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.rest import Rest, rest
from tests.support.rows import rows
from tests.support.worker import API_KEY, World, running

FAQ = '[[entry]]\nlanguage = "en"\nquestions = ["Do you ship abroad?"]\nanswer = "Yes, for 9 euros."\n'
ANSWER = {"thread", "type", "content", "data", "raw", "tier", "latency_ms"}
ACTION = {"action", "order_id", "response_type", "message"}
OTHER_KEY = "another-key-for-tests"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A bot with a FAQ and two API keys."""
    (tmp_path / "faq.toml").write_text(FAQ)
    web = {"api_keys": [API_KEY, OTHER_KEY]}
    async with running(tmp_path, web=web, faq={"file": str(tmp_path / "faq.toml")}) as found:
        yield found


@pytest.fixture
async def shop(world: World) -> AsyncIterator[Rest]:
    """A program that talks to it."""
    async with rest(world) as found:
        yield found


def _secret(world: World, language: str) -> tuple[str, str]:
    """Return the e-mail and the phone's last four digits of a customer."""
    person = next(p for p in world.customers if p.language == language)
    return person.email, person.phone[-4:]


def _ledger(world: World) -> list[tuple[Any, ...]]:
    path = Path(world.settings.database.url.partition(":///")[2])
    return rows(path, "SELECT action, order_number, state FROM ledger")


async def test_a_chinese_question_about_an_order(world: World, shop: Rest) -> None:
    """'查询订单号 ORD20241112001 的状态' is answered in Chinese, after an e-mail in the text has proved who asks."""
    asked = await shop.says("查询订单号 ORD20241112001 的状态")
    assert (asked["type"], asked["data"]["action"]) == ("json", "query_order")
    assert asked["data"]["order_id"] == "ORD20241112001"
    assert "运输" not in asked["content"]
    answer = await shop.says(f"ORD20241112001 {_secret(world, 'zh')[0]}")
    assert "ORD20241112001" in answer["content"]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer["content"])
    assert answer["data"]["action"] == "query_order"


async def test_cancel_my_last_order(world: World, shop: Rest) -> None:
    """'cancel my last order' proves itself by the last four digits of another order, and acts on the newest one."""
    newest, older = world.orders("en", "pending", "delivered")[0], world.orders("en", "delivered")[-1]
    await shop.says("cancel my last order")
    asked = await shop.says(f"{older}, {_secret(world, 'en')[1]}")
    assert newest in asked["content"]
    assert (asked["data"]["action"], asked["data"]["order_id"]) == ("cancel_order", newest)
    assert _ledger(world) == [("cancel_order", newest, "proposed")]
    done = await shop.says("yes")
    assert "is cancelled" in done["content"]
    assert _ledger(world) == [("cancel_order", newest, "done")]
    again = await shop.says("yes")
    assert "is cancelled" not in again["content"]


async def test_a_spanish_return(world: World, shop: Rest) -> None:
    """'quiero devolver el pedido …' with the e-mail in the same message asks, takes a 'sí', and gives the number."""
    number = world.orders("es", "delivered")[0]
    email = _secret(world, "es")[0]
    asked = await shop.says(f"quiero devolver todo el pedido {number}, no me gusta, mi correo es {email}")
    assert (asked["data"]["action"], asked["data"]["order_id"]) == ("return_apply", number)
    done = await shop.says("sí")
    assert "RMA-" in done["content"]
    assert _ledger(world) == [("return_apply", number, "done")]


async def test_a_no_changes_nothing(world: World, shop: Rest) -> None:
    """After a no, a later yes confirms nothing."""
    number = world.orders("en", "pending")[0]
    await shop.says(f"cancel {number}, {_secret(world, 'en')[0]}")
    assert "stays as it is" in (await shop.says("no"))["content"]
    await shop.says("yes")
    assert _ledger(world)[0] == ("cancel_order", number, "declined")
    assert "cancelled" not in (await shop.says(f"where is {number}?"))["content"].casefold()


async def test_a_faq_question(world: World, shop: Rest) -> None:
    """The shop's own words, as text, from the FAQ tier."""
    answer = await shop.says("do you ship abroad")
    assert (answer["tier"], answer["type"], answer["content"]) == ("faq", "text", "Yes, for 9 euros.")


async def test_a_request_for_a_human(world: World, shop: Rest) -> None:
    """The admins get the card, the bot is silent in the thread, and what is written meanwhile reaches them."""
    answer = await shop.says("I want to talk to a human")
    assert (answer["data"]["action"], answer["type"]) == ("handoff", "json")
    await world.admin.hears("needs a person")
    silent = await shop.says("are you there?")
    assert "A person from our team" in silent["content"]
    assert (silent["data"], silent["tier"]) == (None, "human")
    await world.admin.hears("are you there?")


async def test_the_shape_of_an_answer(world: World, shop: Rest) -> None:
    """Exactly the fields of the contract, with the right types; `type` is that of the action."""
    for message in ("hello", "do you ship abroad", "where is my order ORD20241112001?", "/help"):
        answer = await shop.says(message)
        assert answer.keys() == ANSWER
        assert answer["thread"] == "t1"
        assert all(isinstance(answer[name], str) for name in ("content", "raw", "tier", "thread"))
        assert all(isinstance(ms, float | int) for ms in answer["latency_ms"].values())
        assert answer["latency_ms"]["total"] >= answer["latency_ms"]["open"]
        assert answer["type"] == (answer["data"] or {"response_type": "text"})["response_type"]
        if answer["data"] is not None:
            assert answer["data"].keys() == ACTION


async def test_the_language_that_a_caller_names(world: World, shop: Rest) -> None:
    """`language` decides, with its region or without; one that the shop does not speak becomes English."""
    assert "pedido" in (await shop.says("where is my order", language="es-MX"))["content"]
    assert "Bestellung" in (await shop.of("t2").says("where is my order", language="de-AT"))["content"]
    assert "order" in (await shop.of("t3").says("where is my order", language="tlh"))["content"]


async def test_history_tells_which_order_is_meant(world: World, shop: Rest) -> None:
    """An order number that stands only in the history is the one that 'cancel it' means."""
    number = world.orders("en", "pending")[1]
    history = [
        {"role": "user", "text": f"I ordered a lamp, number {number}"},
        {"role": "assistant", "text": "A fine lamp!"},
    ]
    answer = await shop.says("where is it? I mean the order from above", history=history)
    assert answer["data"]["action"] == "query_order"
    shown = await shop.says(f"my e-mail is {_secret(world, 'en')[0]}")
    assert number in shown["content"] + answer["content"]


async def test_a_stream(world: World, shop: Rest) -> None:
    """Stages as they end, the content in pieces, and at the end the very same answer."""
    found = await shop.streams("do you ship abroad")
    kinds = [kind for kind, _ in found]
    assert kinds[0] == "stage"
    assert kinds[-1] == "done"
    assert "".join(data["delta"] for kind, data in found if kind == "message") == found[-1][1]["content"]
    assert found[-1][1].keys() == ANSWER


async def test_two_threads_of_one_key_are_apart(world: World, shop: Rest) -> None:
    """What was proved in one thread is not known in the next; without a thread id each message begins a new one."""
    number, email = world.orders("en", "pending")[0], _secret(world, "en")[0]
    assert "Ordered on" in (await shop.says(f"where is {number}? {email}"))["content"]
    assert "make sure" in (await shop.of("t2").says(f"where is {number}?"))["content"]
    first, second = [await shop.of(None).says("hello") for _ in range(2)]
    assert len({first["thread"], second["thread"]}) == 2
    assert (await shop.of(first["thread"]).says("hello"))["thread"] == first["thread"]


async def test_two_keys_with_one_thread_id_are_apart(world: World, shop: Rest) -> None:
    """A thread belongs to the key that began it, whatever another key calls its own."""
    number, email = world.orders("en", "pending")[0], _secret(world, "en")[0]
    await shop.says(f"cancel {number}, {email}")
    assert "make sure" in (await shop.of("t1", OTHER_KEY).says(f"where is {number}?"))["content"]
    await shop.of("t1", OTHER_KEY).says("yes")
    assert _ledger(world) == [("cancel_order", number, "proposed")]


async def test_another_customers_order_by_rest(world: World, shop: Rest) -> None:
    """It reads exactly like one that does not exist, before a proof and after one."""
    mine, email = world.orders("en", "pending")[0], _secret(world, "en")[0]
    theirs, none = world.orders("zh", "shipped")[0], "ORD20200101999"
    for prefix in ("", email):
        pair = [
            (await shop.of(f"{prefix}{number}").says(f"where is {number}? {prefix}"))["content"].replace(number, "N")
            for number in (theirs, none)
        ]
        assert pair[0] == pair[1]
    await shop.says(f"where is {mine}? {email}")
    pair = [(await shop.says(f"where is {number}?"))["content"].replace(number, "N") for number in (theirs, none)]
    assert pair[0] == pair[1]


BODIES: dict[str, Any] = {
    "32 KB": "lorem ipsum " * 2730,
    "zero bytes": "\x00where is my order\x00",
    "a lone surrogate": "\ud800 where is my order",
    "an override": "\u202eredro ym si erehw",
    "spaces": "   ",
    "one emoji": "🙃",
    "HTML": "<script>alert(1)</script>",
    "a command of admins": "/stats",
}


async def test_strange_messages_by_rest(world: World, shop: Rest, subtests: pytest.Subtests) -> None:
    """Each gets an answer that a program can read."""
    for name, message in BODIES.items():
        with subtests.test(name):
            answer = await shop.of(None).says(message)
            assert answer["content"]
            assert not any(sign in answer["content"] for sign in ("Traceback", "\x00", "\ud800", "\u202e"))


async def test_many_turns_at_once_in_one_thread(world: World, shop: Rest) -> None:
    """Turns of one thread wait for each other; those of others do not, and every caller gets their own answer."""

    async def ask(n: int) -> str:
        answer = await shop.of(f"t{n % 4}").says("/help" if n % 2 else "do you ship abroad?")
        return "help" if "/human" in answer["content"] else "faq"

    found = await asyncio.gather(*(ask(n) for n in range(24)))
    assert found == ["help" if n % 2 else "faq" for n in range(24)]
