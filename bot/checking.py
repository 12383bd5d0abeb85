"""`deskhand check`: every problem of configuration, database, models, FAQ, order system and Telegram, in one report."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot import logs
from bot.checks import Probe, render_report, report_on
from bot.compose import Overrides, lexicon_book, make_desk
from bot.config import NO_TOKEN, Settings, TierSettings, load_leniently
from bot.conversation.faq_file import read_faq
from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import LanguageModel
from bot.errors import OrderSystemError, Problem, StoreError, TransportError
from bot.store.examine import examine
from bot.telegram.client import TelegramClient
from bot.tiers import make_classifier, make_model


async def check(path: Path, environ: Mapping[str, str]) -> int:
    """Print the report; return 1 if there is any problem."""
    settings, problems = load_leniently(path, environ)
    # What goes wrong is in the report; the log would only say it again.
    logs.setup("ERROR", "text", settings.secrets() if settings else ())
    probes = _probes(settings) if settings is not None else []
    report = await report_on(probes)
    passed = report.passed if problems else ("configuration", *report.passed)
    print(render_report([*problems, *report.problems], passed))
    sys.stdout.flush()
    return 1 if problems or report.problems else 0


def _probes(settings: Settings) -> list[Probe]:
    models = [model for tier in settings.understanding.tiers if (model := make_model(tier)) is not None]
    classifiers = [tier for tier in settings.understanding.tiers if tier.kind == "classifier"]
    return [
        Probe("database", lambda: _database(settings)),
        *(Probe(f"model {model.name}", lambda model=model: _model(model)) for model in models),  # type: ignore[misc]
        *(Probe(f"model {tier.name}", lambda tier=tier: _classifier(settings, tier)) for tier in classifiers),  # type: ignore[misc]
        Probe("faq", lambda: _faq(settings)),
        Probe("order system", lambda: _orders(settings)),
        # That the token is missing is said already.
        *([Probe("telegram", lambda: _telegram(settings))] if _has_token(settings) else []),
    ]


def _has_token(settings: Settings) -> bool:
    return settings.telegram.token.get_secret_value() != NO_TOKEN


async def _database(settings: Settings) -> Sequence[Problem]:
    """Look without changing anything: the bot itself upgrades at its start."""
    try:
        await asyncio.to_thread(examine, settings.database.url)
    except StoreError as error:
        return [Problem("database.url", str(error), "The database must be a writable file on a local disk")]
    return []


async def _model(model: LanguageModel) -> Sequence[Problem]:
    try:
        problem = await model.problem()
    finally:
        await model.close()
    remedy = "Until then the next tier answers"
    return [Problem(f"understanding.tiers {model.name}", problem.rstrip("."), remedy)] if problem else []


async def _classifier(settings: Settings, tier: TierSettings) -> Sequence[Problem]:
    classifier = make_classifier(settings, tier, lexicon_book(), OrderNumbers())
    problem = await asyncio.to_thread(classifier.problem)
    remedy = "Go back with 'deskhand train --revert', or install Deskhand again; until then the next tier answers"
    return [Problem(f"understanding.tiers {tier.name}", problem, remedy)] if problem else []


async def _faq(settings: Settings) -> Sequence[Problem]:
    if settings.faq.file is not None:
        read_faq(settings.faq.file)
    return []


async def _orders(settings: Settings) -> Sequence[Problem]:
    try:
        desk = make_desk(settings, Overrides())
    except ValueError as error:
        return [Problem("orders.adapter", str(error), "See 'connect your orders' in README.md")]
    where = f"orders.{settings.orders.adapter}"
    try:
        found = await desk.examine()
    except OrderSystemError as error:
        return [Problem(where, str(error), "Check its address and that it is running")]
    finally:
        await desk.close()
    return [Problem(where, sentence.rstrip("."), "See 'connect your orders' in README.md") for sentence in found]


async def _telegram(settings: Settings) -> Sequence[Problem]:
    telegram = settings.telegram
    async with TelegramClient(telegram.token.get_secret_value(), telegram.api_base_url) as client:
        try:
            await client.call("getMe")
        except TransportError as error:
            where = f"telegram ({telegram.api_base_url})"
            return [Problem(where, str(error), "Check telegram.token with @BotFather, and the network")]
    return []
