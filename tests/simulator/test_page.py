"""What a person does on the playground's page, in a real browser against the real simulator and a small bot."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from bot.simulator import Simulator
from tests.support.browser import PlaygroundPage, chromium, open_page
from tests.support.page_bot import ADMIN, PEOPLE, TOKEN, PageBot

pytestmark = pytest.mark.asyncio(loop_scope="module")

LUCIA, WEI, LAYLA = 101, 102, 103


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests of this file; each has a window of its own."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def bot() -> PageBot:
    """A bot of this test's own."""
    return PageBot()


@pytest_asyncio.fixture(loop_scope="module")
async def base(bot: PageBot) -> AsyncIterator[str]:
    """Address of a simulator that the bot serves."""
    simulator = Simulator(TOKEN, PEOPLE, trace=bot.trace, notice="A stand-in model: the rules decide.")
    async with simulator.serve() as address, bot.running(address):
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, base: str) -> AsyncIterator[PlaygroundPage]:
    """The page, in Lucía's hand."""
    async with open_page(browser, base, LUCIA) as opened:
        yield opened


async def test_a_written_message_reaches_the_bot_and_its_reply_appears(page: PlaygroundPage, bot: PageBot) -> None:
    """What is written is sent with Enter, shown as one's own, and answered below."""
    await page.write("¿Dónde está mi pedido?")
    await page.sees("You wrote: ¿Dónde está mi pedido?")
    assert bot.seen[-1]["message"]["from"]["id"] == LUCIA
    assert [await node.get_attribute("data-from") for node in await page.messages.all()] == ["me", "bot"]
    await expect(page.input).to_have_value("")


async def test_the_notice_of_the_demo_is_shown(page: PlaygroundPage) -> None:
    """What the demo has to say about itself stands on top."""
    await expect(page.part("notice")).to_have_text("A stand-in model: the rules decide.")


async def test_an_inline_button_acts_once_and_its_answer_is_shown(page: PlaygroundPage, bot: PageBot) -> None:
    """A pressed button reaches the bot; the toast, the edited message and the ledger show what came of it."""
    await page.write("cancel")
    await page.sees("Cancel ORD20241030017?")
    await page.press("Yes, cancel it")
    await expect(page.part("toast")).to_have_text("Done")
    await page.sees("It is cancelled.")
    await expect(page.part("inline-button")).to_have_count(0)
    await expect(page.part("ledger-row")).to_have_attribute("data-state", "done")
    assert [update["callback_query"]["data"] for update in bot.seen if "callback_query" in update] == ["yes"]


async def test_an_alert_waits_to_be_acknowledged(page: PlaygroundPage, bot: PageBot) -> None:
    """A callback answer with show_alert opens a dialog, which Esc or OK closes."""
    await page.write("hello")
    keyboard = {"inline_keyboard": [[{"text": "Tell me", "callback_data": "alert"}]]}
    await bot.say(LUCIA, "Shall I?", reply_markup=keyboard)
    await page.press("Tell me")
    await expect(page.part("dialog")).to_contain_text("Mind this")
    await page.part("dialog-ok").click()
    await expect(page.part("dialog")).to_be_hidden()


async def test_the_contact_is_shared_only_after_a_yes(page: PlaygroundPage, bot: PageBot) -> None:
    """The bot's keyboard asks for the contact; a no sends nothing, a yes sends one's own number."""
    await page.write("/start")
    await page.part("share-contact").click()
    await page.part("contact-cancel").click()
    assert not any("contact" in update.get("message", {}) for update in bot.seen)
    await page.part("keyboard-toggle").click()  # A one-time keyboard folds away when it was used.
    await page.part("share-contact").click()
    await page.part("contact-confirm").click()
    await page.sees("Thank you: 34600111222")
    await expect(page.part("share-contact")).to_have_count(0)
    await expect(page.part("thread-customer")).to_have_text("verified")


async def test_somebody_elses_contact_can_be_sent(page: PlaygroundPage, bot: PageBot) -> None:
    """The attachment menu offers a contact that is not one's own, as a customer might try."""
    await page.part("attach").click()
    await page.part("attach-foreign-contact").click()
    await page.sees("That is not your own contact")
    assert bot.seen[-1]["message"]["contact"]["user_id"] == WEI


async def test_a_photo_is_shown_before_and_after_it_is_sent(page: PlaygroundPage, bot: PageBot) -> None:
    """A chosen photo is previewed, goes with its caption, and is shown in the chat."""
    await page.part("photo-file").set_input_files({"name": "box.png", "mimeType": "image/png", "buffer": png(64, 48)})
    await expect(page.part("context")).to_contain_text("box.png")
    await page.write("Llegó roto")
    await page.sees("A photo: Llegó roto")
    image = page.messages.get_by_role("img", name="Photo: Llegó roto")
    await expect(image).to_be_visible()
    assert await image.evaluate("image => image.naturalWidth") == 64
    assert bot.seen[-1]["message"]["caption"] == "Llegó roto"


async def test_what_is_no_photo_is_refused_with_the_reason(page: PlaygroundPage, tmp_path: Path) -> None:
    """A file of another kind is not sent, and the page says what can be."""
    other = tmp_path / "notes.txt"
    other.write_text("no picture")
    await page.part("photo-file").set_input_files(other)
    await expect(page.part("toast")).to_have_text("Only JPEG and PNG pictures can be sent.")
    await expect(page.part("context")).to_be_hidden()


async def test_a_sticker_is_sent_from_its_menu(page: PlaygroundPage) -> None:
    """A sticker is one press away."""
    await page.part("stickers").click()
    await page.part("sticker").filter(has_text="📦").click()
    await page.sees("A sticker: 📦")


async def test_the_admins_chat_takes_commands_and_shows_what_is_new(page: PlaygroundPage) -> None:
    """A message to the admin is counted on the list; there, a command is found by typing and sent."""
    await page.write("human")
    unread = page.page.locator(f"[data-person-id='{ADMIN}']").get_by_test_id("unread")
    await expect(unread).to_have_text("1 unread")
    await page.choose(ADMIN)
    await page.sees("Lucía asks for a person.")
    await expect(unread).to_be_hidden()
    await page.input.press_sequentially("/st")
    await expect(page.part("suggestion")).to_have_count(2)
    await page.input.press_sequentially("at")
    await page.input.press("ArrowDown")
    await page.input.press("Enter")
    await page.sees("7 threads")


async def test_the_menu_button_offers_the_bots_commands(page: PlaygroundPage) -> None:
    """The bot's own menu opens from its button."""
    await page.part("bot-menu").click()
    await page.part("menu-command").filter(has_text="/stats").click()
    await page.sees("7 threads")


async def test_a_command_in_a_text_can_be_pressed(page: PlaygroundPage) -> None:
    """A command that the bot mentions is a link that sends it."""
    await page.write("/start")
    await page.sees("Hello!")
    await page.said("Hello!").last.get_by_test_id("command-link").click()
    await page.sees("7 threads")


async def test_a_reply_names_what_it_answers(page: PlaygroundPage, bot: PageBot) -> None:
    """An answer to a message carries it to the bot, and quotes it on the page."""
    await page.write("first")
    await (await page.sees("You wrote: first")).get_by_test_id("reply").click()
    await expect(page.part("context")).to_contain_text("Reply to Deskhand")
    await page.write("my answer")
    await page.sees("An answer to “You wrote: first”: my answer")
    await expect(page.said("my answer").first.get_by_test_id("quote")).to_contain_text("You wrote: first")
    assert bot.seen[-1]["message"]["reply_to_message"]["text"] == "You wrote: first"


async def test_the_last_own_message_is_edited_with_the_up_key(page: PlaygroundPage) -> None:
    """Up in an empty field edits what was said last, and marks it as edited."""
    await page.write("a tpyo")
    await page.sees("You wrote: a tpyo")
    await page.input.press("ArrowUp")
    await expect(page.input).to_have_value("a tpyo")
    await page.write("a typo")
    await page.sees("You changed it to: a typo")
    await expect(page.said("a typo").first).to_contain_text("edited")


async def test_each_turn_is_explained(page: PlaygroundPage) -> None:
    """The panel shows a turn's tier, action, decision, passed tiers and stages, the newest first."""
    await page.write("one")
    await page.sees("You wrote: one")
    await page.write("two")
    await page.sees("You wrote: two")
    await expect(page.part("turn")).to_have_count(2)
    newest = page.part("turn").first
    await expect(newest).to_have_attribute("data-turn-id", "2")
    await expect(newest.get_by_test_id("turn-tier")).to_have_text("rules")
    await expect(newest.get_by_test_id("turn-decision")).to_have_text("confirm")
    await expect(newest.get_by_test_id("turn-action")).to_contain_text('"order_id": "ORD20241030017"')
    await expect(newest.get_by_test_id("turn-raw")).to_contain_text("as the tier wrote it")
    await expect(newest.get_by_test_id("turn-passed").last).to_contain_text("unavailable 3.4 ms")
    await expect(newest.get_by_test_id("turn-stage")).to_have_count(5)
    await expect(newest.get_by_test_id("turn-total")).to_have_text("11 ms")


async def test_order_numbers_go_into_the_field(page: PlaygroundPage) -> None:
    """Pressing one of the customer's orders inserts its number where the caret is."""
    await page.input.fill("Where is")
    await page.part("order-chip").first.click()
    await expect(page.input).to_have_value("Where is ORD20241112001")
    await expect(page.input).to_be_focused()


async def test_an_empty_chat_offers_what_to_say_in_the_customers_language(page: PlaygroundPage) -> None:
    """Phrases to begin with are in the language of the person, about orders of theirs."""
    await page.choose(WEI)
    await page.part("phrase").first.click()
    await page.sees("You wrote: 查询订单号 ORD20241112001 的状态")


async def test_a_half_written_text_stays_with_its_chat(page: PlaygroundPage) -> None:
    """Looking into another chat loses nothing that was being written."""
    await page.input.fill("not yet se")
    await page.choose(WEI)
    await expect(page.input).to_have_value("")
    await page.choose(LUCIA)
    await expect(page.input).to_have_value("not yet se")


async def test_lines_break_with_shift_and_input_methods_keep_enter(page: PlaygroundPage, bot: PageBot) -> None:
    """Shift+Enter makes a line; Enter while an input method composes a word sends nothing."""
    await page.input.press_sequentially("one")
    await page.input.press("Shift+Enter")
    await page.input.press_sequentially("two")
    await page.input.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    await expect(page.input).to_have_value("one\ntwo")
    await page.input.press("Enter")
    await page.sees("You wrote: one")
    assert [update["message"]["text"] for update in bot.seen] == ["one\ntwo"]


async def test_typing_and_drafts_are_seen_until_the_message_comes(page: PlaygroundPage, bot: PageBot) -> None:
    """Dots while the bot is at work, then its draft, then the message in their place."""
    await bot.call("sendChatAction", chat_id=LUCIA, action="typing")
    await expect(page.part("typing")).to_contain_text("The bot is typing")
    await bot.call("sendMessageDraft", chat_id=LUCIA, draft_id=1, text="Let me")
    await expect(page.part("typing")).to_contain_text("Let me")
    await bot.say(LUCIA, "Let me look.")
    await page.sees("Let me look.")
    await expect(page.part("typing")).to_have_count(0)


async def test_what_the_server_refuses_is_said_and_kept(page: PlaygroundPage) -> None:
    """A text that could not be sent goes back into the field, with the server's reason."""
    await page.page.route("**/text", lambda route: route.fulfill(status=400, json={"error": "Not now."}))
    await page.write("keep me")
    await expect(page.part("toast")).to_have_text("Not now.")
    await expect(page.input).to_have_value("keep me")
    page.forgive("400 (Bad Request)")  # The browser's own line about it.


def png(width: int, height: int) -> bytes:
    """Return a grey picture."""
    rows = b"".join(b"\0" + bytes([128]) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
