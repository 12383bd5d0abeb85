"""Telegram: the only room that touches python-telegram-bot."""
