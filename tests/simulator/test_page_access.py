"""Who can use the playground's page, on what, and what it withstands: phones, keyboards, readers, hostile texts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from bot.simulator import Person, Simulator
from tests.support.browser import DESKTOP, PHONE, PlaygroundPage, chromium, open_page
from tests.support.cut_line import CutLine
from tests.support.page_bot import ADMIN, PEOPLE, TOKEN, PageBot
from tests.support.page_checks import faint_texts, nameless_controls

pytestmark = pytest.mark.asyncio(loop_scope="module")

LUCIA, LAYLA, MALLORY = 101, 103, 666
IMAGE = "<img src=x onerror=window.hacked=1>"
HOSTILE = Person(MALLORY, f"{IMAGE}\u202egnp", "<b>x</b>", "en", "+15005550006")


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
    simulator = Simulator(TOKEN, (*PEOPLE, HOSTILE), trace=bot.trace, notice=IMAGE)
    async with simulator.serve() as address, bot.running(address):
        yield address


async def fill_chat(page: PlaygroundPage) -> None:
    """Bring everything that a chat can hold onto the page."""
    await page.write("/start")
    await page.sees("Hello!")
    await page.write("a very long word: " + "x" * 300)
    await page.write("cancel")
    await page.sees("Cancel ORD20241030017?")
    await page.press("Yes, cancel it")
    await page.sees("It is cancelled.")
    await page.write("cancel")
    await page.sees("Cancel ORD20241030017?")
    await (await page.sees("It is cancelled.")).get_by_test_id("reply").click()
    await expect(page.part("ledger-row")).to_be_attached()


async def test_nothing_is_wider_than_a_phone(browser: Browser, base: str) -> None:
    """On a phone one view is shown at a time, each within the width of the screen."""
    async with open_page(browser, base, LUCIA, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        await fill_chat(page)
        for view, part in (("people", "person"), ("trace", "turn"), ("chat", "composer-input")):
            await page.part(f"tab-{view}").click()
            await expect(page.part(part).first).to_be_visible()
            wide = await page.page.evaluate("document.documentElement.scrollWidth")
            assert wide == PHONE["width"], f"{view} is {wide} pixels wide"
            inside = await page.page.evaluate("document.querySelector('#log').scrollWidth <= innerWidth")
            assert inside, "the messages scroll sideways"
        await page.part("tab-people").click()
        await page.choose(ADMIN)
        await expect(page.part("chat-person")).to_have_text("Sam Keeper")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_stands_out_from_its_ground(browser: Browser, base: str, scheme: str) -> None:
    """In light and in dark, all texts have the contrast that WCAG AA asks for."""
    async with open_page(browser, base, LUCIA, color_scheme=scheme) as page:
        assert await faint_texts(page.page) == []
        await fill_chat(page)
        assert await faint_texts(page.page) == []


@pytest.mark.parametrize(("system", "chosen"), [("dark", "light"), ("light", "dark")])
async def test_the_systems_scheme_holds_until_one_is_chosen(
    browser: Browser, base: str, system: Literal["dark", "light"], chosen: str
) -> None:
    """The system's scheme is taken; the toggle turns it over, and that outlives a reload."""
    async with open_page(browser, base, LUCIA, color_scheme=system) as page:
        toggle = page.part("theme-toggle")
        await expect(toggle).to_have_attribute("aria-pressed", str(system == "dark").lower())
        assert await scheme_of(page) == system
        await toggle.click()
        assert await scheme_of(page) == chosen
        await page.page.reload()
        await expect(toggle).to_have_attribute("aria-pressed", str(chosen == "dark").lower())
        assert await scheme_of(page) == chosen


async def scheme_of(page: PlaygroundPage) -> str:
    """Return whether the page's ground is light or dark."""
    sum_of_rgb: int = await page.page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((all, v) => all + +v, 0)"
    )
    return "dark" if sum_of_rgb < 180 else "light"


async def test_all_can_be_done_with_the_keyboard(browser: Browser, base: str, bot: PageBot) -> None:
    """Choosing, writing, pressing buttons, answering and opening menus need no mouse, and the focus is always seen."""
    async with open_page(browser, base, LUCIA, reduced_motion="reduce") as page:
        keys = page.page.keyboard
        await page.page.evaluate("document.activeElement.blur()")
        await page.tab_to("person")
        await keys.press("Enter")
        await page.tab_to("composer-input")
        await keys.type("cancel")
        await keys.press("Enter")
        await page.sees("Cancel ORD20241030017?")
        await page.tab_to("inline-button", "Shift+Tab")
        await keys.press("Enter")
        await page.sees("It is cancelled.")
        assert await page.focused("id") == "log"  # The button is gone; the place in the chat is kept.
        await page.tab_to("reply")
        await keys.press("Enter")
        assert await page.focused() == "composer-input"
        await keys.press("Escape")
        await expect(page.part("context")).to_be_hidden()
        await page.tab_to("attach", "Shift+Tab")
        await keys.press("Enter")
        await keys.press("ArrowDown")
        assert await page.focused() == "attach-contact"
        await keys.press("Escape")
        assert await page.focused() == "attach"
        await page.tab_to("turn-action")
    assert [update["callback_query"]["data"] for update in bot.seen if "callback_query" in update] == ["no"]


async def test_a_screen_reader_can_name_every_control(browser: Browser, base: str) -> None:
    """Every button, link, field and list has a name, in the chat, in the menus and in the dialog."""
    async with open_page(browser, base, LUCIA) as page:
        assert await nameless_controls(page.page) == []
        await fill_chat(page)
        for opener in ("bot-menu", "attach", "phrases", "stickers", "more"):
            await page.part(opener).click()
            assert await nameless_controls(page.page) == [], opener
            await page.page.keyboard.press("Escape")
        await page.input.press_sequentially("/")
        assert await nameless_controls(page.page) == []
        await page.part("share-contact").click()
        await expect(page.page.get_by_role("dialog", name="Share your phone number")).to_be_visible()


async def test_the_page_has_its_landmarks_and_reads_out_what_is_new(browser: Browser, base: str) -> None:
    """A screen reader finds the three parts by name, and hears new messages with who said them, not old ones."""
    async with open_page(browser, base, LUCIA) as page:
        for role, name in (("navigation", "People"), ("main", "Chat"), ("complementary", "What happened")):
            await expect(page.page.get_by_role(role, name=name)).to_have_count(1)  # type: ignore[arg-type]
        log = page.page.get_by_role("log", name="Messages")
        await expect(log).to_have_attribute("aria-live", "polite")
        await page.write("hello")
        await page.sees("You wrote: hello")
        await expect(page.messages.first).to_contain_text("You: hello")
        await expect(page.messages.last).to_contain_text("Deskhand: You wrote")


async def test_hostile_texts_are_only_text(browser: Browser, base: str, bot: PageBot) -> None:
    """Markup, direction overrides and dangerous links in names, messages, buttons and toasts do nothing."""
    async with open_page(browser, base, MALLORY) as page:
        await page.write(f"{IMAGE} \u202etxt.exe")
        await page.sees(f"You wrote: {IMAGE}")
        button = {"inline_keyboard": [[{"text": IMAGE, "callback_data": "x"}]]}
        link = '<a href="javascript:window.hacked=1">a link</a>'
        await bot.say(MALLORY, f"{link} https://example.org", parse_mode="HTML", reply_markup=button)
        answer = await page.sees("a link")
        await expect(answer.get_by_test_id("inline-button")).to_have_text(IMAGE)
        assert await answer.locator("a").evaluate_all("all => all.map(a => a.protocol)") == ["https:"]
        await expect(page.part("notice")).to_have_text(IMAGE)
        await expect(page.part("chat-person")).to_contain_text(IMAGE)
        assert await page.page.locator("img").count() == 0
        assert await page.page.evaluate("window.hacked") is None


async def test_each_paragraph_runs_its_own_way(browser: Browser, base: str) -> None:
    """Arabic runs from the right and leaves the time on the left; a Latin last line leaves it on the right."""
    async with open_page(browser, base, LAYLA) as page:
        await page.write("أين طلبي")
        await page.write("أين طلبي\nthank you")
        arabic, mixed = page.messages.nth(0), page.said("thank you").first
        assert await time_is_left(arabic) is True
        assert await time_is_left(mixed) is False
        assert await starts_left(mixed) is True
        direction = await arabic.get_by_test_id("text").evaluate("node => getComputedStyle(node).direction")
        assert direction == "rtl"


async def time_is_left(message: Locator) -> bool:
    """Tell whether a message's time stands in the left half of its bubble."""
    bubble, time = await message.locator(".bubble").bounding_box(), await message.locator("time").bounding_box()
    assert bubble
    assert time
    return time["x"] + time["width"] / 2 < bubble["x"] + bubble["width"] / 2


async def starts_left(message: Locator) -> bool:
    """Tell whether the last line of a message begins at the left edge of its text."""
    found: bool = await message.get_by_test_id("text").evaluate(
        """node => {
          const range = document.createRange();
          const text = node.firstChild;
          range.setStart(text, text.data.lastIndexOf("\\n") + 1);
          range.setEnd(text, text.data.length);
          return range.getBoundingClientRect().left - node.getBoundingClientRect().left < 2;
        }"""
    )
    return found


async def test_a_cut_line_is_told_and_what_was_missed_comes_after(browser: Browser, base: str, bot: PageBot) -> None:
    """While the line is down the page says so; once it is up, the missed message appears, and nothing twice."""
    line = CutLine(base)
    async with line.laid(), open_page(browser, line.address, LUCIA) as page:
        await page.write("before")
        await page.sees("You wrote: before")
        await line.cut()
        await expect(page.part("connection")).to_contain_text("Connection lost")
        await bot.say(LUCIA, "Said while you were away.")
        await line.mend()
        await page.sees("Said while you were away.")
        await expect(page.part("connection")).to_be_empty()
        await expect(page.messages).to_have_count(3)
        page.forgive("net::ERR_")


async def test_a_simulator_started_anew_replaces_what_was_shown(browser: Browser, base: str) -> None:
    """When the demo is started again, the page shows the new chat, not a mixture."""
    line, later = CutLine(base), PageBot()
    fresh = Simulator(TOKEN, PEOPLE, trace=later.trace)
    async with (
        fresh.serve() as address,
        later.running(address),
        line.laid(),
        open_page(browser, line.address, LUCIA) as page,
    ):
        await page.write("old world")
        await page.sees("You wrote: old world")
        await line.cut()
        await later.say(LUCIA, "A new world.")
        line.lead_to(address)
        await line.mend()
        await page.sees("A new world.")
        await expect(page.messages).to_have_count(1)
        page.forgive("net::ERR_")


async def test_a_narrow_window_keeps_all_three_parts(browser: Browser, base: str) -> None:
    """From phone to desktop, people, chat and panel stand beside each other, and the focus moves none out of sight."""
    for width in (901, 1100, DESKTOP["width"]):
        async with open_page(browser, base, LUCIA, viewport={"width": width, "height": 700}) as page:
            await page.part("order-chip").last.focus()
            for part in ("theme-toggle", "send", "trace"):
                await expect(page.part(part)).to_be_in_viewport(ratio=1)
            assert await page.page.evaluate("document.documentElement.scrollWidth") == width
            assert await page.page.evaluate("composer.scrollWidth === composer.clientWidth")


# The browser tells of an earlier scrolling only after more has come in below.
GROWN_UNSEEN = """() => {
  const log = document.getElementById("log");
  const more = log.appendChild(document.createElement("div"));
  more.style.cssText = "flex: none; height: 2000px";
  log.dispatchEvent(new Event("scroll"));
  more.remove();
}"""


async def test_the_newest_message_stays_in_sight_until_one_reads_further_up(
    browser: Browser, base: str, bot: PageBot
) -> None:
    """Tall messages at once are followed to the last; after scrolling up, the place is kept and news is counted."""
    tall = "\n".join("a line" for _ in range(20))
    async with open_page(browser, base, LUCIA) as page:
        await bot.say(LUCIA, tall)
        await page.sees("a line")
        await page.page.evaluate(GROWN_UNSEEN)
        await bot.say(LUCIA, f"{tall}\nthe end")
        await expect(await page.sees("the end")).to_be_in_viewport(ratio=0.99)
        await page.part("log").hover()
        await page.page.mouse.wheel(0, -1500)
        await expect(page.part("to-end")).to_be_visible()
        await bot.say(LUCIA, "one more")
        await expect(page.part("to-end")).to_have_attribute("data-count", "1")
        await page.part("to-end").click()
        await expect(page.said("one more")).to_be_in_viewport()
        await expect(page.part("to-end")).to_be_hidden()
