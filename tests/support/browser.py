"""Headless Chromium, and the playground's page as a person uses it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = "Chromium is missing; on Debian: apt-get install chromium"
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 720}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the Chromium of this machine, or skip the test with a line that says how to get it."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip(MISSING)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_page(
    browser: Browser, base: str, person: int | None = None, **context: Any
) -> AsyncIterator[PlaygroundPage]:
    """Open the playground as one of its people; fails if the page complains on its console.

    `context` goes to the browser's context: viewport, color_scheme, has_touch, ...
    """
    window = await browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **context})
    complaints: list[str] = []
    try:
        page = await window.new_page()
        page.on("console", lambda entry: complaints.append(entry.text) if entry.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_default_timeout(15_000)
        await page.goto(base if person is None else f"{base}/#{person}")
        await page.locator("body[data-ready]").wait_for()
        yield PlaygroundPage(page, complaints)
        assert complaints == []
    finally:
        await window.close()


class PlaygroundPage:
    """What a person sees and can do; `page` is Playwright's own."""

    def __init__(self, page: Page, complaints: list[str]) -> None:
        self.page = page
        self._complaints = complaints
        self.input = self.part("composer-input")
        self.messages = self.part("message")

    def part(self, testid: str) -> Locator:
        """Return a part of the page by its data-testid."""
        return self.page.get_by_test_id(testid)

    def said(self, words: str) -> Locator:
        """Return the messages of the shown chat that hold these words."""
        return self.messages.filter(has_text=words)

    async def sees(self, words: str) -> Locator:
        """Wait until a message with these words stands in the shown chat, and return the newest one."""
        found = self.said(words).last
        await expect(found).to_be_visible(timeout=15_000)
        return found

    async def write(self, text: str) -> None:
        """Write a text and send it with Enter."""
        await self.input.fill(text)
        await self.input.press("Enter")

    async def choose(self, person: int) -> None:
        """Take another person's phone in hand."""
        await self.page.locator(f"[data-person-id='{person}']").click()

    async def press(self, label: str) -> None:
        """Press the newest inline button with this label."""
        await self.part("inline-button").filter(has_text=label).last.click()

    def forgive(self, words: str) -> None:
        """Overlook complaints on the console with these words, which a test provoked."""
        self._complaints[:] = [complaint for complaint in self._complaints if words not in complaint]

    async def focused(self, prop: str = "data-testid") -> str | None:
        """Return an attribute of the element that has the focus."""
        value: str | None = await self.page.evaluate("name => document.activeElement.getAttribute(name)", prop)
        return value

    async def tab_to(self, testid: str, key: str = "Tab", most: int = 60) -> None:
        """Press Tab until a part has the focus; every stop on the way must show that it has it."""
        for _ in range(most):
            await self.page.keyboard.press(key)
            shown, name = await self.page.evaluate(FOCUS_SHOWN)
            assert shown, f"the focus cannot be seen on {name}"
            if await self.focused() == testid:
                return
        raise AssertionError(f"{testid} was not reached by {most} presses of {key}")


FOCUS_SHOWN = """() => {
  const node = document.activeElement;
  const ring = (item) => {
    const style = getComputedStyle(item);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  };
  return [node === document.body || ring(node) || ring(node.parentElement), node.outerHTML.slice(0, 80)];
}"""
