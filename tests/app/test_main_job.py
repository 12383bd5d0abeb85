"""The main job, end to end: a customer writes in Telegram, and the right thing happens once."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.worker import running


async def test_cancel_my_last_order_is_verified_confirmed_and_done(tmp_path: Path) -> None:
    """'Cancel my last order' asks who it is, then for a yes, then cancels exactly the newest order."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        newest = world.orders("en", "pending")[0]
        await emily.asks("cancel my last order", "share your phone number")
        await emily.shares_contact(newest)
        await emily.presses("Yes", newest)
        (entry,) = await world.ledger(emily)
        assert (entry["action"], entry["order_number"], entry["state"]) == ("cancel_order", newest, "done")
        answer = await emily.asks(f"where is order {newest}?", newest)
        assert "cancelled" in answer["text"].casefold()


async def test_a_chinese_customer_asks_for_an_order_by_number(tmp_path: Path) -> None:
    """A question in Chinese about ORD20241112001 is answered in Chinese, once it is known who asks."""
    async with running(tmp_path) as world:
        wang = world.customer("zh")
        await wang.asks("查询订单号 ORD20241112001 的状态")
        answer = await wang.shares_contact("ORD20241112001")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in answer["text"])
        trace = await world.trace(wang)
        assert trace["action"]["action"] == "query_order"
        assert trace["decision"] == "show"


async def test_a_spanish_return_is_confirmed_in_words(tmp_path: Path) -> None:
    """A return asked for in Spanish can be confirmed by writing 'sí', and gets its return number."""
    async with running(tmp_path) as world:
        lucia = world.customer("es")
        number = world.orders("es", "delivered")[0]
        await lucia.asks(f"quiero devolver todo el pedido {number}, he cambiado de opinión")
        await lucia.shares_contact(number)
        await lucia.asks("sí", "RMA-")
        (entry,) = await world.ledger(lucia)
        assert (entry["action"], entry["state"]) == ("return_apply", "done")


async def test_saying_no_changes_nothing(tmp_path: Path) -> None:
    """After a no the order is as it was, and its buttons are dead."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        number = world.orders("en", "pending")[0]
        await emily.asks(f"please cancel {number}")
        asked = await emily.shares_contact(number)
        yes = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        await emily.presses("No")
        emily.phone.press(asked["message_id"], yes)
        await world.simulator.wait_call("answerCallbackQuery", lambda call: "text" in call.params)
        (entry,) = await world.ledger(emily)
        assert entry["state"] == "declined"
        answer = await emily.asks(f"status of {number}", number)
        assert "cancelled" not in answer["text"]


async def test_another_customers_order_looks_like_an_unknown_one(tmp_path: Path) -> None:
    """Asking for somebody else's order reads, but for the number, exactly like asking for one that does not exist."""
    async with running(tmp_path) as world:
        emily = world.customer("en")
        await emily.asks("where is my order ORD20241112001?")
        theirs = await emily.shares_contact("ORD20241112001")
        unknown = await emily.asks("where is my order ORD20200101999?", "ORD20200101999")
        assert theirs["text"].replace("ORD20241112001", "N") == unknown["text"].replace("ORD20200101999", "N")


async def test_a_faq_question_is_answered_without_inference(tmp_path: Path) -> None:
    """A question near to a FAQ entry gets the shop's own words from the FAQ tier."""
    faq = tmp_path / "faq.toml"
    faq.write_text('[[entry]]\nlanguage = "en"\nquestions = ["Do you ship abroad?"]\nanswer = "Yes, for 9 euros."\n')
    async with running(tmp_path, faq={"file": str(faq)}) as world:
        emily = world.customer("en")
        await emily.asks("do you ship abroad", "Yes, for 9 euros.")
        assert (await world.trace(emily))["tier"] == "faq"


async def test_a_person_takes_over_and_hands_back(tmp_path: Path) -> None:
    """Asking for a person silences the bot; the admin's reply reaches the customer; /handback ends it."""
    async with running(tmp_path) as world:
        emily, admin = world.customer("en"), world.admin
        await emily.asks("I want to talk to a human")
        card = await admin.hears("needs a person")
        emily.phone.send_text("where is my order?")
        relayed = await admin.hears("where is my order?", card["message_id"])
        after = emily.last_id()
        admin.phone.send_text("Hi Emily, I am looking into it.", reply_to=relayed["message_id"])
        heard = await emily.hears("", after)
        assert heard["text"] == "Hi Emily, I am looking into it."
        await admin.asks("/handback 1", "with the bot again")
        await emily.asks("where is my order?", "share your phone number")


async def test_paused_bot_tells_customers_once_and_keeps_their_messages(tmp_path: Path) -> None:
    """While paused the bot says so once a thread, passes the messages on, and answers again after /resume."""
    async with running(tmp_path) as world:
        emily, admin = world.customer("en"), world.admin
        await admin.asks("/pause", "Paused")
        await emily.asks("where is my order?")
        emily.phone.send_text("hello??")
        await admin.hears("hello??")
        assert len(emily.heard()) == 1
        await admin.asks("/resume", "answers again")
        await emily.asks("where is my order?", "share your phone number")


async def test_a_proof_that_has_expired_is_asked_for_again(tmp_path: Path) -> None:
    """Whoever was verified is shown their orders until the proof's end, and is then nobody until the next one."""
    async with running(tmp_path) as world:
        emily, number = world.customer("en"), world.orders("en", "pending")[0]
        await emily.asks(f"where is order {number}?", "share your phone number")
        await emily.shares_contact("Ordered on")
        await emily.asks(f"where is order {number}?", "Ordered on")
    with contextlib.closing(sqlite3.connect(tmp_path / "deskhand.db", isolation_level=None)) as db:
        ((kind, proved, expires),) = db.execute("SELECT proof_kind, proved_at, proof_expires FROM threads").fetchall()
        assert kind == "contact"
        assert datetime.fromisoformat(expires) - datetime.fromisoformat(proved) == timedelta(days=90)
        db.execute("UPDATE threads SET proof_expires = proved_at")
    async with running(tmp_path) as world:
        emily = world.customer("en")
        await emily.asks(f"where is order {number}?", "share your phone number")
        await emily.shares_contact("Ordered on")
