"""aiohttp: the REST chat, Telegram's webhook, health and metrics."""
