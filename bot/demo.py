"""`deskhand demo`: the very same bot, with a simulated Telegram at its transport and a demo shop behind it."""

from __future__ import annotations

import asyncio
import logging
import sys
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

log = logging.getLogger(__name__)
TOKEN = "1000000001:demo-token-that-only-the-simulator-knows"  # noqa: S105 (it opens nothing but the simulator)
ADMIN_ID = 900_001
FIRST_CUSTOMER_ID = 100_001
FAQ = Path(__file__).parent / "locale" / "demo_faq.toml"
STAND_IN_NOTE = (
    "The classifier that Deskhand brings understands the messages here. The language model behind it is a stand-in "
    "with random weights, made at set-up: it proves the engine, then passes on. Connect a real one as README.md says."
)


def demo_defaults(folder: Path, base_url: str, model: Path | None) -> dict[str, Any]:
    """Return the demo's own defaults; the environment overrides every one of them."""
    tiers: list[dict[str, Any]] = [{"kind": "classifier", "name": "classifier"}, {"kind": "rules", "name": "rules"}]
    if model is not None:
        tiers.insert(
            1, {"kind": "llama", "name": "stand-in", "model": str(model), "timeout_s": 5.0, "context_tokens": 4096}
        )
    return {
        "telegram": {"token": TOKEN, "api_base_url": base_url, "poll_timeout_s": 20},
        "admins": {"ids": [ADMIN_ID]},
        "database": {
            "url": f"sqlite+aiosqlite:///{folder / 'deskhand.db'}",
            "backup_dir": str(folder / "backups"),
        },
        "understanding": {"tiers": tiers},
        "faq": {"file": str(FAQ)},
        "orders": {"adapter": "demo", "demo": {"path": str(folder / "shop.db")}},
        "shop": {
            "name": "Deskhand Demo Shop",
            "facts": "We ship within the EU and to 40 countries. Orders leave our warehouse within two working days.",
        },
        "log": {"format": "text", "level": "WARNING"},
    }


def stand_in_model(environ: Mapping[str, str]) -> Path | None:
    """Make the stand-in once, in the user's cache; without llama.cpp the demo runs on rules alone."""
    try:
        from bot.inference.standin import make

        cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deskhand"
        cache.mkdir(parents=True, exist_ok=True)
        return make(cache / "stand-in-v1.gguf")
    except (ImportError, OSError) as error:
        log.warning("demo.no_stand_in", extra={"error": str(error)})
        return None


async def run_demo(host: str, port: int, environ: Mapping[str, str]) -> int:
    """Serve the playground, the simulated Telegram and the bot's own REST API at one address until told to stop."""
    tune()
    stop = stop_signal()
    with tempfile.TemporaryDirectory(prefix="deskhand-demo-") as folder:
        model = await asyncio.to_thread(stand_in_model, environ)
        async with AsyncExitStack() as stack:
            application = web.Application()
            simulator = Simulator(TOKEN, record_calls=False)
            simulator.add_routes(application, host)
            settings = load(None, environ, defaults=demo_defaults(Path(folder), f"http://127.0.0.1:{port}", model))
            logs.setup(settings.log.level, settings.log.format, settings.secrets())
            await _open(stack, application, simulator, settings, host, port)
            _announce(settings, host, port, has_model=model is not None)
            await stop.wait()
    return 0


async def _open(
    stack: AsyncExitStack, application: web.Application, simulator: Simulator, settings: Settings, host: str, port: int
) -> App:
    adapter = await asyncio.to_thread(_shop, settings)
    for person in people(await adapter.people() if adapter else ()):
        simulator.add_person(person)
    if any(tier.name == "stand-in" for tier in settings.understanding.tiers):
        simulator.notice = STAND_IN_NOTE
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


def _announce(settings: Settings, host: str, port: int, *, has_model: bool) -> None:
    shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 (compared, not bound)
    print(f"\n  Deskhand demo: http://{shown}:{port}/\n", flush=True)
    if not settings.web.api_keys:
        print("  REST is closed; open it with DESKHAND_WEB__API_KEYS='[\"a-key-of-yours\"]'", flush=True)
    if not has_model:
        print("  No model could be made; the rules answer alone.", file=sys.stderr)
    print("  Ctrl-C ends it.", flush=True)
