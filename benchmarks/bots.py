"""The bots that are measured, each in its own process: `python -m benchmarks.bots deskhand|echo BASE_URL FOLDER`."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from pathlib import Path

TOKEN = "1000000001:only-the-simulator-knows"
FAQ = """\
[[entry]]
language = "en"
questions = ["Do you ship abroad?", "Do you deliver to other countries?"]
answer = "Yes, to all of Europe, for 9 euros."
"""


async def deskhand(base_url: str, folder: Path, *, inbox_only: bool) -> None:
    """Run Deskhand on rules; with `inbox_only` nothing is sent, so that turns alone are measured."""
    from bot.app import App
    from bot.compose import Overrides
    from bot.config import load
    from bot.running import stop_signal, tune
    from bot.telegram.pace import Pace

    faq = folder / "faq.toml"
    faq.write_text(FAQ, encoding="utf-8")
    settings = load(
        None,
        {},
        defaults={
            "telegram": {"token": TOKEN, "api_base_url": base_url},
            "database": {
                "url": f"sqlite+aiosqlite:///{folder / 'deskhand.db'}",
                "backup_dir": str(folder / "backups"),
            },
            "orders": {"demo": {"path": str(folder / "shop.db")}},
            "faq": {"file": str(faq)},
            "understanding": {"tiers": [{"kind": "rules"}]},
            "web": {"port": 0},
        },
    )
    total = 1e-9 if inbox_only else 1e9
    pace = Pace(time.monotonic, per_chat=1e9, chat_burst=1e9, total=total)
    tune()
    stop = stop_signal()
    async with App.open(settings, Overrides(pace=pace)):
        await stop.wait()


async def echo(base_url: str) -> None:
    """Run a bare python-telegram-bot echo: no database, nothing understood."""
    from telegram import Update
    from telegram.ext import Application, ContextTypes, MessageHandler, filters
    from telegram.request import HTTPXRequest

    async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        if update.message and update.message.text:
            await update.message.reply_text(update.message.text)

    def request() -> HTTPXRequest:
        return HTTPXRequest(connection_pool_size=64, httpx_kwargs={"trust_env": False})

    builder = Application.builder().token(TOKEN).base_url(f"{base_url}/bot").concurrent_updates(True)
    application = builder.request(request()).get_updates_request(request()).build()
    application.add_handler(MessageHandler(filters.TEXT, answer))
    async with application:
        await application.start()
        assert application.updater is not None
        await application.updater.start_polling()
        await asyncio.Event().wait()


def main() -> None:
    """Run the bot that the arguments name until the process is ended."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    kind, base_url, folder = sys.argv[1:4]
    run = echo(base_url) if kind == "echo" else deskhand(base_url, Path(folder), inbox_only=kind == "inbox-only")
    asyncio.run(run)


if __name__ == "__main__":
    main()
