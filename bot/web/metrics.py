"""Counts and times what happens, for Prometheus and for the admin's /stats.

The numbers are kept here and turned into Prometheus' families only when someone asks, so that recording a turn costs
a few dictionary look-ups. All methods are called on the event loop's thread.
"""

from __future__ import annotations

import platform
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from bot import __version__

K = TypeVar("K", bound=tuple[str, ...])

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_RECENT = 512


@dataclass(frozen=True, slots=True)
class StageFigures:
    """How long a stage took: how often since the start, and the median and 95th percentile of the last 512."""

    tier: str
    stage: str
    count: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What happened since `since` (aware, UTC): actions by (action, tier), fallbacks by (tier, reason), events by name.

    `queues` are the depths now.
    """

    since: datetime
    stages: tuple[StageFigures, ...]
    actions: Mapping[tuple[str, str], int]
    fallbacks: Mapping[tuple[str, str], int]
    queues: Mapping[str, int]
    events: Mapping[str, int]


class _Timing:
    """One histogram, and its newest values for exact percentiles."""

    __slots__ = ("buckets", "recent", "seen", "total_s")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS_S) + 1)
        self.recent = array("d")
        self.seen = 0
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        if len(self.recent) < _RECENT:
            self.recent.append(seconds)
        else:
            self.recent[self.seen % _RECENT] = seconds
        self.seen += 1
        self.total_s += seconds

    def percentile(self, share: float) -> float:
        """Return the value that `share` of the newest ones do not exceed (nearest rank)."""
        ordered = sorted(self.recent)
        return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]

    def cumulative(self) -> list[tuple[str, float]]:
        bounds = [*(str(bound) for bound in BUCKETS_S), "+Inf"]
        return [(bound, float(count)) for bound, count in zip(bounds, accumulate(self.buckets), strict=True)]


class PrometheusMonitor:
    """Implements the port `Monitor`, with a registry of its own."""

    def __init__(self) -> None:
        self._since = datetime.now(UTC)
        self._timings: dict[tuple[str, str], _Timing] = {}
        self._actions: Counter[tuple[str, str]] = Counter()
        self._fallbacks: Counter[tuple[str, str]] = Counter()
        self._queues: dict[str, int] = {}
        self._events: Counter[str] = Counter()
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        self._registry.register(_Families(self))

    def stage(self, tier: str, stage: str, seconds: float) -> None:
        """Record that a turn answered by `tier` spent `seconds` in `stage`."""
        key = (tier, stage)
        timing = self._timings.get(key)
        if timing is None:
            timing = self._timings[key] = _Timing()
        timing.add(seconds)

    def action(self, action: str, tier: str) -> None:
        """Count an action."""
        self._actions[action, tier] += 1

    def fallback(self, tier: str, reason: str) -> None:
        """Count that a tier passed on."""
        self._fallbacks[tier, reason] += 1

    def queue(self, name: str, depth: int) -> None:
        """Set the depth of a queue."""
        self._queues[name] = depth

    def event(self, name: str) -> None:
        """Count anything else by name."""
        self._events[name] += 1

    def render(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def snapshot(self) -> Snapshot:
        """Return the figures for people, stages sorted by tier and name."""
        stages = tuple(
            StageFigures(tier, stage, timing.seen, timing.percentile(0.5) * 1000, timing.percentile(0.95) * 1000)
            for (tier, stage), timing in sorted(self._timings.items())
        )
        return Snapshot(
            self._since, stages, dict(self._actions), dict(self._fallbacks), dict(self._queues), dict(self._events)
        )

    def families(self) -> Iterator[Metric]:
        """Yield the metrics as Prometheus' own types."""
        yield InfoMetricFamily(
            "deskhand_build", "What is running.", {"version": __version__, "python": platform.python_version()}
        )
        yield self._stage_seconds()
        yield _counter("deskhand_actions", "Actions understood.", ("action", "tier"), self._actions)
        yield _counter("deskhand_fallbacks", "Tiers that passed on.", ("tier", "reason"), self._fallbacks)
        events = {(name,): count for name, count in self._events.items()}
        yield _counter("deskhand_events", "Anything else that happened.", ("event",), events)
        depths = GaugeMetricFamily("deskhand_queue_depth", "What waits in a queue.", labels=("queue",))
        for name, depth in sorted(self._queues.items()):
            depths.add_metric((name,), depth)
        yield depths

    def _stage_seconds(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            "deskhand_stage_seconds", "Time a turn spent in a stage.", labels=("tier", "stage")
        )
        for key, timing in sorted(self._timings.items()):
            family.add_metric(key, timing.cumulative(), timing.total_s)
        return family


class _Families(Collector):
    """Prometheus' view of the monitor."""

    def __init__(self, monitor: PrometheusMonitor) -> None:
        self._monitor = monitor

    def collect(self) -> Iterator[Metric]:
        return self._monitor.families()


def _counter(name: str, words: str, labels: tuple[str, ...], counts: Mapping[K, int]) -> Metric:
    family = CounterMetricFamily(name, words, labels=labels)
    for key, count in sorted(counts.items()):
        family.add_metric(key, count)
    return family
