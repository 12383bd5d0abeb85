"""`deskhand demo`: the very same bot, with a simulated Telegram at its transport and a demo shop behind it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiohttp import web

from bot import logs
from bot.app import App
from bot.compose import Overrides
from bot.config import Settings, load
from bot.orders.demo import DemoShop
from bot.running import stop_signal, tune
from bot.simulator import Person, Simulator
from bot.tiers import has_words

TOKEN = "1000000001:demo-token-that-only-the-simulator-knows"  # noqa: S105 (it opens nothing but the simulator)
ADMIN_ID = 900_001
FIRST_CUSTOMER_ID = 100_001
FAQ = Path(__file__).parent / "locale" / "demo_faq.toml"
NOTE = (
    "What understands the messages here comes with Deskhand: a classifier, a language model of a few megabytes, and "
    "rules. A bigger model talks freely as well; connect one as README.md says."
)


def demo_defaults(folder: Path, base_url: str) -> dict[str, Any]:
    """Return the demo's own defaults; the environment overrides every one of them."""
    return {
        "telegram": {"token": TOKEN, "api_base_url": base_url, "poll_timeout_s": 20},
        "admins": {"ids": [ADMIN_ID]},
        "database": {
            "url": f"sqlite+aiosqlite:///{folder / 'deskhand.db'}",
            "backup_dir": str(folder / "backups"),
        },
        "faq": {"file": str(FAQ)},
        "orders": {"adapter": "demo", "demo": {"path": str(folder / "shop.db")}},
        "shop": {
            "name": "Deskhand Demo Shop",
            "facts": "We ship within the EU and to 40 countries. Orders leave our warehouse within two working days.",
        },
        "log": {"format": "text", "level": "WARNING"},
    }


async def run_demo(host: str, port: int, environ: Mapping[str, str]) -> int:
    """Serve the playground, the simulated Telegram and the bot's own REST API at one address until told to stop."""
    tune()
    stop = stop_signal()
    with tempfile.TemporaryDirectory(prefix="deskhand-demo-") as folder:
        async with AsyncExitStack() as stack:
            application = web.Application()
            simulator = Simulator(TOKEN, record_calls=False)
            simulator.add_routes(application, host)
            settings = load(None, environ, defaults=demo_defaults(Path(folder), f"http://127.0.0.1:{port}"))
            logs.setup(settings.log.level, settings.log.format, settings.secrets())
            await _open(stack, application, simulator, settings, host, port)
            _announce(settings, host, port)
            await stop.wait()
    return 0


async def _open(
    stack: AsyncExitStack, application: web.Application, simulator: Simulator, settings: Settings, host: str, port: int
) -> App:
    adapter = await asyncio.to_thread(_shop, settings)
    for person in people(await adapter.people() if adapter else ()):
        simulator.add_person(person)
    if not any(has_words(tier) for tier in settings.understanding.tiers):
        simulator.notice = NOTE
    bot = App.open(settings, Overrides(adapter=adapter), mounted=application, address=(host, port))
    app = await stack.enter_async_context(bot)
    simulator.trace = lambda chat_id: app.trace(str(chat_id))
    return app


def _shop(settings: Settings) -> DemoShop | None:
    """The page shows the demo shop's people; with another adapter it shows strangers."""
    if settings.orders.adapter != "demo":
        return None
    return DemoShop.from_options(settings.orders.options, Path())


def people(customers: Sequence[Any]) -> list[Person]:
    """Return the demo shop's customers, and an admin, as people with a Telegram account."""
    found = [
        Person(
            id=FIRST_CUSTOMER_ID + index,
            first_name=customer.name.partition(" ")[0],
            last_name=customer.name.partition(" ")[2],
            language=customer.language,
            phone=customer.phone,
            email=customer.email,
            orders=tuple(order_view(order) for order in customer.orders),
        )
        for index, customer in enumerate(customers)
    ]
    return [*found, Person(id=ADMIN_ID, first_name="Shop", last_name="owner", role="admin")]


def order_view(order: Any) -> dict[str, Any]:
    """Return an order as the page lists it."""
    return {
        "number": order.number,
        "status": order.status.value,
        "total": str(order.total.amount),
        "currency": order.total.currency,
        "placed_at": order.placed_at.isoformat(),
        "items": [item.name for item in order.items],
    }


def _announce(settings: Settings, host: str, port: int) -> None:
    shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 (compared, not bound)
    print(f"\n  Deskhand demo: http://{shown}:{port}/\n", flush=True)
    if not settings.web.api_keys:
        print("  REST is closed; open it with DESKHAND_WEB__API_KEYS='[\"a-key-of-yours\"]'", flush=True)
    print("  Ctrl-C ends it.", flush=True)
