"""Deskhand answers a shop's customers in Telegram from the shop's own small computer."""

__version__ = "0.1.0"
