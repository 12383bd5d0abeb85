"""The real python-telegram-bot takes the simulator for Telegram."""

from __future__ import annotations

import pytest
from telegram import (
    Bot,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    MessageEntity,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)
from telegram.error import BadRequest, EndPointNotFound, Forbidden, InvalidToken, NetworkError, RetryAfter

from bot.simulator import Fault, Limits, Simulator
from tests.support.simulator import ANA, JPEG_640_480, PNG, ptb_bot


async def test_a_conversation(simulator: Simulator, ptb: Bot) -> None:
    """A text, an answer with a button, the press, its toast and the edit go back and forth in PTB's own types."""
    ana = simulator.person(ANA.id)
    first = ana.send_text("/start hola")
    (update,) = await ptb.get_updates(timeout=5)
    message = update.message
    assert message is not None
    assert message.from_user is not None
    assert (message.message_id, message.chat.id, message.from_user.language_code) == (first, ANA.id, "es")
    assert message.parse_entities([MessageEntity.BOT_COMMAND]) == {message.entities[0]: "/start"}
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Sí", callback_data="y:1")]])
    sent = await ptb.send_message(
        ANA.id,
        "<b>¿Seguro?</b>",
        parse_mode="HTML",
        reply_markup=keyboard,
        reply_parameters=ReplyParameters(first),
    )
    assert sent.reply_markup == keyboard
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.message_id == first
    ana.press_label("Sí")
    (update,) = await ptb.get_updates(offset=update.update_id + 1, timeout=5)
    query = update.callback_query
    assert query is not None
    assert query.message is not None
    assert (query.data, query.from_user.id, query.message.message_id) == ("y:1", ANA.id, sent.message_id)
    assert await query.answer("Hecho")
    edited = await query.edit_message_text("Hecho.")
    assert not isinstance(edited, bool)
    assert (edited.text, edited.reply_markup) == ("Hecho.", None)


async def test_a_contact_comes_as_the_own_one(simulator: Simulator, ptb: Bot) -> None:
    """A button that asks for the contact brings one whose user id is the sender's, its number without a plus sign."""
    button = KeyboardButton("Share my phone", request_contact=True)
    await ptb.send_message(ANA.id, "Who are you?", reply_markup=ReplyKeyboardMarkup([[button]]))
    simulator.person(ANA.id).press_label("Share")
    (update,) = await ptb.get_updates(timeout=5)
    assert update.message is not None
    contact = update.message.contact
    assert contact is not None
    assert (contact.user_id, contact.phone_number) == (ANA.id, "34600111222")
    await ptb.send_message(ANA.id, "Thanks", reply_markup=ReplyKeyboardRemove())


async def test_somebody_elses_contact_is_told_apart(simulator: Simulator, ptb: Bot) -> None:
    """Another person's contact, and a forwarded one, look as they do in Telegram."""
    ana = simulator.person(ANA.id)
    ana.share_contact(own=False, phone="+4911", user_id=55)
    ana.share_contact(forwarded=True)
    other, forwarded = (update.message for update in await ptb.get_updates(timeout=5))
    assert other is not None
    assert other.contact is not None
    assert (other.contact.user_id, other.contact.phone_number) == (55, "4911")
    assert forwarded is not None
    assert forwarded.forward_origin is not None


async def test_photos_go_both_ways(simulator: Simulator, ptb: Bot) -> None:
    """A photo's sizes, caption and bytes arrive, and an upload of the bot's is held by its id."""
    simulator.person(ANA.id).send_photo(JPEG_640_480, "broken?")
    (update,) = await ptb.get_updates(timeout=5)
    assert update.message is not None
    assert [(size.width, size.height) for size in update.message.photo] == [(320, 240), (640, 480)]
    assert update.message.caption == "broken?"
    file = await ptb.get_file(update.message.photo[-1].file_id)
    assert bytes(await file.download_as_bytearray()) == JPEG_640_480
    sent = await ptb.send_photo(ANA.id, PNG, caption="<i>look</i>", parse_mode="HTML")
    again = await ptb.send_photo(ANA.id, sent.photo[-1].file_id)
    assert (sent.caption, again.photo[-1].width) == ("look", 1)
    document = await ptb.send_document(ANA.id, b"%PDF-1.7", filename="label.pdf")
    assert document.document is not None
    assert document.document.file_name == "label.pdf"


async def test_menus_by_scope_and_language(simulator: Simulator, ptb: Bot) -> None:
    """The narrowest scope and the person's language choose the menu; a language of more than two letters is refused."""
    await ptb.set_my_commands([("start", "Start")])
    await ptb.set_my_commands([("start", "Empezar")], language_code="es")
    await ptb.set_my_commands([("stats", "Figures")], scope=BotCommandScopeChat(9))
    menus = {chat_id: chat.menu[0]["description"] for chat_id, chat in simulator.world.chats.items()}
    assert menus == {7: "Empezar", 8: "Start", 9: "Figures"}
    (command,) = await ptb.get_my_commands(language_code="es")
    assert command.description == "Empezar"
    with pytest.raises(BadRequest, match=r"[Ii]nvalid language code specified"):
        await ptb.set_my_commands([("start", "开始")], language_code="zh-hans")
    await ptb.delete_my_commands(scope=BotCommandScopeChat(9))
    assert simulator.world.chats[9].menu[0]["description"] == "Start"


async def test_the_bots_own_texts(ptb: Bot) -> None:
    """Names and descriptions are set by language and fall back to the default."""
    await ptb.set_my_name("Tienda", language_code="es")
    await ptb.set_my_description("We answer.")
    await ptb.set_my_short_description("Short.")
    assert (await ptb.get_my_name(language_code="es")).name == "Tienda"
    assert (await ptb.get_my_name()).name == "Deskhand"
    assert (await ptb.get_my_description(language_code="es")).description == "We answer."
    assert (await ptb.get_my_short_description()).short_description == "Short."


async def test_forward_copy_delete_and_chat(simulator: Simulator, ptb: Bot) -> None:
    """A customer's message reaches the admin with its origin, a copy without it, and a deleted one is gone."""
    asked = simulator.person(7).send_text("Where is my order?")
    forwarded = await ptb.forward_message(9, 7, asked)
    copied = await ptb.copy_message(9, 7, asked)
    assert forwarded.forward_origin is not None
    assert simulator.messages(9)[1]["message_id"] == copied.message_id
    assert "forward_origin" not in simulator.messages(9)[1]
    assert await ptb.delete_message(9, copied.message_id)
    assert [body["message_id"] for body in simulator.messages(9)] == [forwarded.message_id]
    assert (await ptb.get_chat(7)).first_name == "Ana"


async def test_errors_become_ptbs_own(
    simulator: Simulator, ptb: Bot, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PTB reads every kind of refusal as the exception it raises for the real one."""
    # Without this, PTB warns in the middle of raising RetryAfter, and a warning is an error here.
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    simulator.person(7).block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await ptb.send_message(7, "hi")
    with pytest.raises(BadRequest, match=r"[Cc]hat not found"):
        await ptb.send_message(12345, "hi")
    with pytest.raises(EndPointNotFound):
        await ptb.do_api_request("noSuchMethod")
    simulator.limits = Limits()
    await ptb.send_message(8, "one")
    with pytest.raises(RetryAfter):
        await ptb.send_message(8, "two")
    simulator.faults.next("sendMessage", Fault.bad_gateway())
    with pytest.raises(NetworkError, match="Bad Gateway"):
        await ptb.send_message(9, "three")
    with pytest.raises(InvalidToken):
        async with ptb_bot(base, "4242:wrong"):
            pass


async def test_drafts_and_actions_are_taken(ptb: Bot) -> None:
    """Typing and drafts succeed where they would in a private chat."""
    assert await ptb.send_chat_action(7, "typing")
    assert await ptb.do_api_request("sendMessageDraft", {"chat_id": 7, "draft_id": 1, "text": "Your ord"})
