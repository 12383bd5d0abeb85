"""What the web room needs from the rest of the house, and the keys under which an application keeps it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.domain.chat import Chat
from bot.domain.ports import HealthItem
from bot.web.access import Keyring, Slots
from bot.web.metrics import PrometheusMonitor
from bot.web.probe import Probe


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may ask for; times in seconds. `turn_s` is a last resort above the tiers' own limits."""

    body_bytes: int = 1024 * 1024
    body_s: float = 30.0
    write_s: float = 30.0
    turn_s: float = 300.0
    heartbeat_s: float = 15.0
    health_s: float = 5.0
    at_once: int = 64


@dataclass(frozen=True, slots=True)
class WebDeps:
    """Everything the web room is given.

    Args:
        api_keys: keys of the REST API; without any, `/v1/chat` answers 403 and says which setting is missing.
        health: asks everything that is watched; called once at a time, however many ask.
        webhook: commits a raw update to the inbox, or raises StoreError; None when updates are polled.
        webhook_secret: what Telegram sends back in its secret header; required with `webhook`.
        ready: whether the worker takes turns now (it has started, and is not shutting down).
    """

    chat: Chat
    api_keys: tuple[str, ...]
    health: Callable[[], Awaitable[Sequence[HealthItem]]]
    metrics: PrometheusMonitor
    ready: Callable[[], bool]
    webhook: Callable[[bytes], Awaitable[None]] | None = None
    webhook_secret: str = ""
    webhook_path: str = "/telegram/webhook"
    limits: Limits = Limits()


DEPS = web.AppKey("DEPS", WebDeps)
KEYRING = web.AppKey("KEYRING", Keyring)
SLOTS = web.AppKey("SLOTS", Slots)
PROBE = web.AppKey("PROBE", Probe)
