"""The monitor's figures, as Prometheus and the admin see them."""

from __future__ import annotations

import statistics

from prometheus_client.parser import text_string_to_metric_families

from bot import __version__
from bot.domain.ports import Monitor
from bot.web.metrics import BUCKETS_S, PrometheusMonitor
from tests.support.fake_chat import AUTH, client, deps


def samples(monitor: PrometheusMonitor) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Parse the rendered text with Prometheus' own parser."""
    families = text_string_to_metric_families(monitor.render().decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_it_is_a_monitor() -> None:
    """The port's every method is there."""
    monitor: Monitor = PrometheusMonitor()
    monitor.queue("inbox", 0)


def test_a_histogram_counts_each_value_in_its_bucket_and_above() -> None:
    """A value on a bound belongs to it; one above all bounds is in +Inf only."""
    monitor = PrometheusMonitor()
    for seconds in (0.0, 0.001, 0.0011, 60.0, 61.0):
        monitor.stage("rules", "policy", seconds)
    got = samples(monitor)
    bucket = {
        dict(labels)["le"]: value for (name, labels), value in got.items() if name == "deskhand_stage_seconds_bucket"
    }
    assert len(bucket) == len(BUCKETS_S) + 1
    assert (bucket["0.001"], bucket["0.0025"], bucket["30.0"], bucket["60.0"], bucket["+Inf"]) == (2, 3, 3, 4, 5)
    labels = (("stage", "policy"), ("tier", "rules"))
    assert got["deskhand_stage_seconds_count", labels] == 5
    assert got["deskhand_stage_seconds_sum", labels] == 121.0021


def test_counters_and_depths_carry_their_labels() -> None:
    """Names and labels are those that dashboards are built on."""
    monitor = PrometheusMonitor()
    monitor.action("query_order", "llama")
    monitor.action("query_order", "llama")
    monitor.fallback("llama", "slow")
    monitor.queue("outbox", 7)
    monitor.queue("outbox", 3)
    monitor.event("poll_healed")
    got = samples(monitor)
    assert got["deskhand_actions_total", (("action", "query_order"), ("tier", "llama"))] == 2
    assert got["deskhand_fallbacks_total", (("reason", "slow"), ("tier", "llama"))] == 1
    assert got["deskhand_queue_depth", (("queue", "outbox"),)] == 3
    assert got["deskhand_events_total", (("event", "poll_healed"),)] == 1
    assert next(labels for name, labels in got if name == "deskhand_build_info")[1] == ("version", __version__)
    assert got["process_resident_memory_bytes", ()] > 0


def test_strange_label_values_do_not_break_the_text() -> None:
    """A tier's name comes from the settings and may hold anything."""
    monitor = PrometheusMonitor()
    monitor.fallback('my "fast"\nmodel\\', "slow")
    assert samples(monitor)["deskhand_fallbacks_total", (("reason", "slow"), ("tier", 'my "fast"\nmodel\\'))] == 1


def test_the_snapshot_tells_percentiles_of_the_newest() -> None:
    """Percentiles are of the last 512, counts since the start."""
    monitor = PrometheusMonitor()
    for _ in range(600):
        monitor.stage("rules", "total", 9.0)
    newest = [n / 1000 for n in range(1, 513)]
    for seconds in newest:
        monitor.stage("rules", "total", seconds)
    (figures,) = monitor.snapshot().stages
    assert (figures.tier, figures.stage, figures.count) == ("rules", "total", 1112)
    assert figures.p50_ms == statistics.median_low(newest) * 1000
    assert figures.p95_ms == 487.0


def test_the_snapshot_of_one_value_is_that_value() -> None:
    """A stage seen once has all percentiles at that value, and a fresh monitor has nothing to tell."""
    monitor = PrometheusMonitor()
    assert monitor.snapshot().stages == ()
    monitor.stage("faq", "total", 0.002)
    monitor.action("unknown", "faq")
    monitor.fallback("faq", "no_match")
    monitor.event("quarantined")
    monitor.queue("inbox", 2)
    snapshot = monitor.snapshot()
    assert (snapshot.stages[0].p50_ms, snapshot.stages[0].p95_ms) == (2.0, 2.0)
    assert snapshot.actions == {("unknown", "faq"): 1}
    assert snapshot.fallbacks == {("faq", "no_match"): 1}
    assert (snapshot.events, snapshot.queues) == ({"quarantined": 1}, {"inbox": 2})
    assert snapshot.since.tzinfo is not None


async def test_metrics_are_served_and_count_refusals() -> None:
    """The page is Prometheus' text format, and a refused request is counted under its code."""
    monitor = PrometheusMonitor()
    async with client(deps(metrics=monitor)) as http:
        await http.post("/v1/chat", json={})
        await http.post("/v1/chat", json={}, headers=AUTH)
        answer = await http.get("/metrics")
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = await answer.text()
    assert 'deskhand_events_total{event="web_unauthorized"} 1.0' in text
    assert 'deskhand_events_total{event="web_invalid"} 1.0' in text
