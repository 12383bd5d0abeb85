"""The composition root's parts list: every object of the running bot, built once, from settings and overrides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from bot.config import PolicySettings, Settings
from bot.conversation.commands import Commands
from bot.conversation.confirmation import Confirmation
from bot.conversation.crash_points import Reached, go_on
from bot.conversation.errand import Errand
from bot.conversation.execution import Execution
from bot.conversation.faq import FaqTier
from bot.conversation.flow import Flow
from bot.conversation.flow_answers import FlowAnswers
from bot.conversation.handoff import Handoff
from bot.conversation.inquiry import Inquiry
from bot.conversation.links import Links as OpenedLinks
from bot.conversation.people import People
from bot.conversation.replies import Replies
from bot.conversation.rulings import Rulings
from bot.conversation.small_talk import SmallTalk
from bot.conversation.turn import Switch, Turn
from bot.conversation.understanding import TimedTier, Understanding
from bot.conversation.verification import Verification
from bot.domain.actions import ActionKind
from bot.domain.flow import Asking
from bot.domain.flow_words import FlowWords
from bot.domain.journal import TryLimits
from bot.domain.language import LexiconBook
from bot.domain.order_numbers import OrderNumbers
from bot.domain.policy import Approval, Rules
from bot.domain.ports import Clock, LanguageModel, OrderAdapter
from bot.domain.returns import ReturnRules
from bot.locale.catalogue import best, catalogue
from bot.locale.flow_words import load_flow_words
from bot.locale.lexicons import load_lexicons
from bot.orders.desk import OrderDesk
from bot.orders.phones import to_e164
from bot.orders.registry import load_adapter
from bot.store.database import Database
from bot.store.inbox import Inbox
from bot.store.ledger import Ledger
from bot.store.links import Links
from bot.store.migrate import backup, manual_backup_name, prune
from bot.store.operations import Operations
from bot.store.outbox import Outbox
from bot.store.rows import stages_view
from bot.store.threads import Threads
from bot.telegram.pace import Pace
from bot.telegram.post import TelegramPost
from bot.tiers import make_tiers
from bot.web.metrics import PrometheusMonitor

FAQ_TIMEOUT_S = 1.0


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What tests and benchmarks put in the place of production's parts."""

    clock: Clock = field(default_factory=SystemClock)
    adapter: OrderAdapter | None = None
    pace: Pace | None = None
    poll_silence_s: float = 15.0
    tiers: Sequence[TimedTier] | None = None
    reached: Reached = go_on


class RecentStages:
    """The stages of the latest turns, whole: a turn's own row is written before its last stage has ended."""

    def __init__(self, kept: int = 200) -> None:
        self._kept = kept
        self._stages: dict[int, dict[str, float]] = {}

    def note(self, inbox_id: int, stages: Mapping[str, float]) -> None:
        """Remember a turn's stages, and forget the oldest."""
        self._stages[inbox_id] = dict(stages)
        while len(self._stages) > self._kept:
            del self._stages[next(iter(self._stages))]

    def of(self, turn: Mapping[str, Any]) -> dict[str, Any]:
        """Return a turn as the playground shows it, with all its stages where they are still known."""
        stages = self._stages.get(turn["inbox_id"])
        return {**turn, "stages": stages_view(stages)} if stages else dict(turn)


class Wake:
    """A bell between the store and the sender, which are built one before the other."""

    def __init__(self) -> None:
        self._ring: Callable[[], None] = lambda: None

    def connect(self, ring: Callable[[], None]) -> None:
        """Say what rings."""
        self._ring = ring

    def __call__(self) -> None:
        """Ring."""
        self._ring()


@dataclass(frozen=True, slots=True)
class Store:
    """The database and its faces."""

    database: Database
    threads: Threads
    ledger: Ledger
    inbox: Inbox
    outbox: Outbox
    operations: Operations
    links: Links

    @classmethod
    def open(cls, settings: Settings, clock: Clock, wake: Wake) -> Store:
        """Open the database; raises StoreError."""
        database = Database.open(settings.database.url)
        return cls(
            database,
            Threads(database, clock, wake),
            Ledger(database, clock),
            Inbox(database, clock),
            Outbox(database, clock),
            Operations(database, clock),
            Links(database, clock),
        )


@dataclass(frozen=True, slots=True)
class Brain:
    """Everything that needs no Telegram: words, tiers, desk and the turn."""

    replies: Replies
    faq: FaqTier
    models: Sequence[LanguageModel]
    desk: OrderDesk
    post: TelegramPost
    switch: Switch
    turn: Turn
    rulings: Rulings
    recent: RecentStages


def best_language(settings: Settings, language: str | None) -> str:
    """Return the language to answer in: the customer's where the shop speaks it."""
    return best(language, settings.shop.languages)


@cache
def lexicon_book() -> LexiconBook:
    """Return all languages' words; read once a process, since they only change with the program."""
    return LexiconBook(load_lexicons())


@cache
def flow_words() -> FlowWords:
    """Return the words that answer the questions before a write; read once a process, likewise."""
    return FlowWords(load_flow_words())


def make_desk(settings: Settings, overrides: Overrides) -> OrderDesk:
    """Build the order desk; raises ValueError naming what is wrong with the adapter's settings."""
    adapter = overrides.adapter or load_adapter(settings.orders.adapter, settings.orders.options, Path())
    return OrderDesk(adapter, timeout_s=settings.orders.timeout_s)


def make_brain(settings: Settings, overrides: Overrides, store: Store, monitor: PrometheusMonitor) -> Brain:
    """Build the conversation."""
    desk = make_desk(settings, overrides)
    book, numbers = lexicon_book(), OrderNumbers(desk.number_shapes)
    replies = Replies(catalogue, settings.shop.name, settings.shop.timezone)
    post, switch, faq = TelegramPost(settings.admins.ids), Switch(), FaqTier(threshold=settings.faq.threshold)
    tiers, models = make_tiers(settings, book, numbers)
    understanding = Understanding([TimedTier(faq, FAQ_TIMEOUT_S), *(overrides.tiers or tiers)], monitor)
    policy, recent, rules = settings.policy, RecentStages(), make_rules(settings.policy)
    handoff = Handoff(post, replies, minutes(policy.takeover_minutes))
    people = People(post, replies, timedelta(hours=policy.approval_hours))
    execution = Execution(desk, store.ledger, replies, handoff, people, rules, overrides.reached)
    language, lives = partial(best_language, settings), minutes(policy.confirmation_minutes)
    confirmation = Confirmation(store.ledger, replies, execution, lives)
    errand = make_errand(settings, store, desk, confirmation, numbers)
    turn = Turn(
        store=store.threads,
        post=post,
        clock=overrides.clock,
        monitor=monitor,
        understanding=understanding,
        book=book,
        numbers=numbers,
        replies=replies,
        verification=errand.verification,
        confirmation=confirmation,
        errand=errand,
        inquiry=Inquiry(replies, confirmation, errand, rules),
        answers=FlowAnswers(errand, confirmation, replies, errand.flow.words, book),
        small_talk=SmallTalk(replies, book),
        handoff=handoff,
        commands=Commands(replies, errand, errand.verification, settings.shop.languages),
        switch=switch,
        best_language=language,
        facts=settings.shop.facts,
        note=recent.note,
        reached=overrides.reached,
    )
    rulings = Rulings(store.threads, post, overrides.clock, execution, language, lives)
    return Brain(replies, faq, models, desk, post, switch, turn, rulings, recent)


def make_rules(policy: PolicySettings) -> Rules:
    """Build the shop's rules."""
    returns = ReturnRules(policy.return_window_days, policy.return_window_days_by_category, policy.not_returnable)
    approvals = {
        ActionKind.CANCEL_ORDER: Approval.read(policy.approve_cancellations),
        ActionKind.RETURN_APPLY: Approval.read(policy.approve_returns),
    }
    return Rules(returns, frozenset(policy.cancellable), approvals)


def make_errand(
    settings: Settings, store: Store, desk: OrderDesk, confirmation: Confirmation, numbers: OrderNumbers
) -> Errand:
    """Build what runs an action."""
    execution = confirmation.execution
    replies, handoff, rules = execution.replies, execution.handoff, execution.rules
    verification = make_verification(settings, store, desk, replies, handoff, numbers)
    flow = make_flow(settings.policy, confirmation)
    return Errand(desk, replies, verification, flow, handoff, rules, numbers)


def make_flow(policy: PolicySettings, confirmation: Confirmation) -> Flow:
    """Build what asks whatever the shop wants to know before a write."""
    photo_for = frozenset(policy.return_photo_for)
    asking = Asking(policy.ask_return_reason, policy.ask_cancel_reason, photo_for, policy.return_photo_required)
    return Flow(confirmation.replies, confirmation, confirmation.execution.rules, asking, flow_words())


def make_verification(
    settings: Settings, store: Store, desk: OrderDesk, replies: Replies, handoff: Handoff, numbers: OrderNumbers
) -> Verification:
    """Build what finds out who a customer is; for an order twice as many wrong tries are taken as in one thread."""
    policy = settings.policy
    tries, window = policy.verification_tries, minutes(policy.verification_window_minutes)
    limits = TryLimits(tries, 2 * tries, window)
    phones = partial(to_e164, region=settings.shop.phone_region or None)
    links, lasts = OpenedLinks(desk, store.links), timedelta(days=policy.binding_days) or None
    return Verification(desk, store.threads, store.ledger, replies, handoff, numbers, phones, links, limits, lasts)


def minutes(count: int) -> timedelta:
    """Return a span of time as the settings write it."""
    return timedelta(minutes=count)


def backup_now(settings: Settings) -> Path:
    """Write a backup beside the automatic ones and forget the oldest."""
    folder = settings.database.backup_dir
    target = backup(settings.database.url, folder / manual_backup_name())
    prune(folder, settings.database.backups_kept)
    return target


def figures(monitor: PrometheusMonitor) -> Sequence[str]:
    """Return what was counted and timed since the start, as lines for /stats."""
    seen = monitor.snapshot()
    stages = [
        f"{s.tier or '-'} {s.stage}: p50 {s.p50_ms:.1f} ms, p95 {s.p95_ms:.1f} ms ({s.count})" for s in seen.stages
    ]
    actions = [f"{action} by {tier}: {count}" for (action, tier), count in sorted(seen.actions.items())]
    fallbacks = [f"{tier} passed on ({reason}): {count}" for (tier, reason), count in sorted(seen.fallbacks.items())]
    events = [f"{name}: {count}" for name, count in sorted(seen.events.items())]
    return [*actions, *fallbacks, *stages, *events]
