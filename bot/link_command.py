"""`deskhand link`: a signed link that the shop puts into a mail to its customer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.compose import Overrides, SystemClock, make_desk
from bot.config import NO_TOKEN, Settings
from bot.domain.links import LinkSigner, fits
from bot.domain.ports import Identity
from bot.store.database import Database
from bot.store.links import Links
from bot.store.migrate import upgrade
from bot.telegram.client import TelegramClient


async def make_link(settings: Settings, number: str, days: int) -> str:
    """Return a link that shows whoever opens it first, within so many days, the orders of this order's customer.

    Raises:
        ValueError: there is no such order, or the bot's name is not known.
        OrderSystemError, TransportError, StoreError: what it needs does not answer.
    """
    number = number.strip()
    customer_id, _ = await _customer(settings, number)
    username = settings.telegram.username or await _ask_username(settings)
    expires = SystemClock().now() + timedelta(days=days)
    async with _links(settings) as links:
        signer = LinkSigner(await links.make_secret())
        row = "" if fits(number) else await links.keep(number, expires)
    return f"https://t.me/{username}?start={signer.payload(number, customer_id, expires, row=row)}"


async def renew_secret(settings: Settings) -> None:
    """Make every link that was made before worthless. Raises StoreError."""
    async with _links(settings) as links:
        await links.renew_secret()


async def _customer(settings: Settings, number: str) -> Identity:
    desk = make_desk(settings, Overrides())
    try:
        found = await desk.customer_of(number)
    finally:
        await desk.close()
    if found is None:
        raise ValueError(f"The order system knows no order {number!r}, or not whose it is; check the number")
    return found


async def _ask_username(settings: Settings) -> str:
    telegram = settings.telegram
    if telegram.token.get_secret_value() == NO_TOKEN:
        raise ValueError("What the bot is called is not known; set telegram.username, or the token to ask Telegram")
    async with TelegramClient(telegram.token.get_secret_value(), telegram.api_base_url) as client:
        found = await client.call("getMe")
    username = found.get("username") if isinstance(found, dict) else None
    if not isinstance(username, str) or not username:
        raise ValueError("Telegram does not say what the bot is called; set telegram.username")
    return username


@asynccontextmanager
async def _links(settings: Settings) -> AsyncIterator[Links]:
    url, database = settings.database.url, settings.database
    await asyncio.to_thread(upgrade, url, database.backup_dir, keep=database.backups_kept)
    opened = Database.open(url)
    try:
        yield Links(opened, SystemClock())
    finally:
        await opened.close()
