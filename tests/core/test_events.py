"""The typed event: what each kind of data may hold, and that the same saying always reads the same."""

import json
import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from incidents.core.cloudevents import RefusalKind, decode
from incidents.core.envelope import MAX_EXTRA
from incidents.core.event_data import (
    CostData,
    CostResolved,
    DriftData,
    DriftResolved,
    HallucinationData,
    HallucinationResolved,
    HarmLevel,
    HeartbeatData,
    Performance,
    ReleaseData,
    ReleaseKind,
    ReportData,
)
from incidents.core.events import DATA, EventType, Kind, Phase
from tests.make_events import (
    STRUCTURED,
    Payload,
    an_event,
    cost_data,
    data_for,
    delivered,
    delivered_binary,
    drift_data,
    hallucination_data,
    heartbeat_data,
    published,
    release_data,
    report_data,
)


def wrong(data: Payload, event_type: EventType = EventType.DRIFT_MEASURED, **attributes: object) -> tuple[str, str]:
    """The field that is refused, and why."""
    (refusal,) = decode(delivered(published(event_type, data, **attributes))).refusals
    return refusal.field, refusal.detail


def test_every_type_has_its_kind_its_phase_and_its_data() -> None:
    assert set(DATA) == set(EventType)
    for event_type in EventType:
        _, *kind, phase, version = str(event_type).split(".")
        assert version == "v1"
        assert event_type.phase is Phase(phase)
        assert event_type.kind == (None if kind in ([], ["release"]) else Kind(kind[0]))


def test_a_drift_reading_is_read_in_full() -> None:
    data = drift_data(
        baseline={"name": "training", "version": "9", "value": 0.02, "sampled": 120_000},
        sample_size=4831,
        feature="income",
        segment="eu",
        release={"kind": "model", "version": "17", "url": "https://ci.example/17", "traffic_percent": 50},
        links=[{"title": "Board", "url": "https://grafana.example/d/1?from=now-1h&to=now"}],
        labels={"region": "eu"},
        dedup_key="credit-psi",
        severity="warning",
        performance="degraded",
    )
    event = an_event(data=data)
    read = event.data
    assert isinstance(read, DriftData)
    assert (read.metric, read.value, read.threshold, read.sample_size) == ("psi", 0.31, 0.1, 4831)
    assert (read.direction, read.statistic, read.drift_kind) == ("above", "distance", "data")
    assert read.baseline is not None
    assert (read.baseline.value, read.baseline.sampled) == (0.02, 120_000)
    assert read.release is not None
    assert (read.release.kind, read.release.version) == (ReleaseKind.MODEL, "17")
    assert read.performance is Performance.DEGRADED
    assert (event.system, event.environment, event.extra) == ("credit-scoring", "production", None)
    assert event.time == datetime(2026, 11, 20, 9, 1, tzinfo=UTC)


def test_a_bare_number_is_a_baseline_too() -> None:
    drift = an_event(data=drift_data(baseline=0.02)).data
    hallucination = an_event(
        EventType.HALLUCINATION_DETECTED, hallucination_data(baseline={"sampled": 30, "flagged": 4})
    )
    assert isinstance(drift, DriftData)
    assert drift.baseline is not None
    assert drift.baseline.value == 0.02
    assert isinstance(hallucination.data, HallucinationData)
    assert hallucination.data.baseline is not None
    assert hallucination.data.baseline.flagged == 4
    assert wrong(drift_data(baseline="0.02"))[0] == "data.baseline"
    assert wrong(drift_data(baseline=True))[0] == "data.baseline"


@pytest.mark.parametrize(
    ("amount", "exact"),
    [(679, "679"), (0.1, "0.1"), ("0.10", "0.10"), ("12000.005", "12000.005"), (2.5e-06, "0.0000025"), ("0", "0")],
)
def test_money_is_exact_whether_a_number_or_a_decimal_string(amount: object, exact: str) -> None:
    data = an_event(EventType.COST_ANOMALY_MEASURED, cost_data(actual=amount)).data
    assert isinstance(data, CostData)
    assert data.actual == Decimal(exact)


@pytest.mark.parametrize(
    "amount",
    [
        True,
        "",
        "1e5",
        "1_000",
        "1,000.00",
        " 5",
        "NaN",
        "Infinity",
        "1e999999999",
        -1,
        "-0.01",
        1e15,
        1e300,
        10**400,
        [1],
        {},
    ],
)
def test_what_is_no_amount_of_money_is_refused(amount: object) -> None:
    assert wrong(cost_data(actual=amount), EventType.COST_ANOMALY_MEASURED)[0] == "data.actual"


def test_a_cost_reading_is_read_in_full() -> None:
    data = cost_data(
        currency="usd",
        budget={
            "amount": 15_000,
            "spent": "10000.50",
            "period": {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"},
        },
        drivers={"requests": {"value": 1000, "baseline": 980}, "cache_hit_rate": {"value": 0.1, "baseline": 0.6}},
        cached_price_ratio=0.1,
        top=[{"by": "team", "name": "support", "actual": 600, "expected": 100}],
    )
    read = an_event(EventType.COST_ANOMALY_MEASURED, data).data
    assert isinstance(read, CostData)
    assert (read.currency, read.metric) == ("USD", "spend")
    assert read.budget is not None
    assert read.budget.spent == Decimal("10000.50")
    assert read.drivers is not None
    assert read.drivers.requests is not None
    assert (read.drivers.requests.baseline, read.drivers.unit_price) == (Decimal(980), None)
    assert read.top[0].name == "support"


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2026-11-20T09:15:00Z", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("2026-11-20t09:15:00z", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("2026-11-20T10:15:00+01:00", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("2026-11-20T09:15:00.1234567Z", datetime(2026, 11, 20, 9, 15, 0, 123456, tzinfo=UTC)),
        ("2026-11-20T09:14:60Z", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2100-12-31T23:59:59-00:00", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_come_with_their_zone_and_are_turned_to_utc(told: str, meant: datetime) -> None:
    event = an_event(time=told)
    assert event.time == meant
    assert event.time.tzinfo is UTC


@pytest.mark.parametrize(
    "told",
    [
        "2026-11-20T09:15:00",
        "2026-11-20",
        "2026-11-20 09:15:00Z",
        "20261120T091500Z",
        "2026-W47-5T09:15:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T09:15:00+99:00",
        "1999-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:60Z",
        "1700000000",
        1_700_000_000,
        1e308,
        True,
        "\u0662026-11-20T09:15:00Z",
    ],
)
def test_a_time_that_is_not_one_instant_in_living_memory_is_refused(told: object) -> None:
    assert wrong(drift_data(), time=told)[0] == "time"
    assert wrong(drift_data(window={"start": told}))[0] == "data.window.start"


def test_a_window_ends_after_it_starts() -> None:
    same = "2026-11-20T09:00:00Z"
    field, detail = wrong(drift_data(start=same, end=same))
    assert (field, "later" in detail) == ("data.window.end", True)


def test_the_system_comes_from_the_data_or_the_subject_and_they_may_not_differ() -> None:
    assert an_event(data=drift_data(system=None), subject="credit-scoring").system == "credit-scoring"
    assert an_event(data=drift_data(system=" credit-scoring "), subject="credit-scoring").system == "credit-scoring"
    assert wrong(drift_data(), subject="other")[0] == "data.system"
    field, detail = wrong(drift_data(system=None))
    assert (field, "missing" in detail) == ("data.system", True)


def test_a_heartbeat_may_be_of_a_monitor_that_watches_many_systems() -> None:
    event = an_event(EventType.HEARTBEAT, heartbeat_data(monitor="psi-nightly", every_seconds=60))
    assert isinstance(event.data, HeartbeatData)
    assert (event.system, event.data.monitor, event.data.every_seconds) == ("", "psi-nightly", 60)
    assert an_event(EventType.HEARTBEAT, heartbeat_data(system="credit-scoring")).system == "credit-scoring"
    assert wrong(heartbeat_data(every_seconds=0), EventType.HEARTBEAT)[0] == "data.every_seconds"


def test_a_resolution_needs_only_what_finds_the_alert_again() -> None:
    drift = an_event(EventType.DRIFT_RESOLVED, {"system": "credit-scoring", "metric": "psi", "feature": "income"}).data
    assert isinstance(drift, DriftResolved)
    assert (drift.metric, drift.feature, drift.value) == ("psi", "income", None)
    hallucination = an_event(EventType.HALLUCINATION_RESOLVED, {"system": "rag-assistant"}).data
    assert isinstance(hallucination, HallucinationResolved)
    assert hallucination.metric == "hallucination_rate"
    cost = an_event(EventType.COST_ANOMALY_RESOLVED, {"system": "support-bot"}).data
    assert isinstance(cost, CostResolved)
    assert cost.metric == "spend"


def test_reports_and_releases_say_what_they_must() -> None:
    report = an_event(EventType.REPORT_FILED, report_data(level="confirmed")).data
    assert isinstance(report, ReportData)
    assert report.harm.level is HarmLevel.CONFIRMED
    release = an_event(EventType.RELEASE_DEPLOYED, release_data(version="17", previous="16")).data
    assert isinstance(release, ReleaseData)
    assert (release.release.version, release.release.previous) == ("17", "16")
    for missing in ("category", "harm", "summary"):
        left = {name: value for name, value in report_data().items() if name != missing}
        assert wrong(left, EventType.REPORT_FILED) == (f"data.{missing}", "is missing")
    for missing in ("kind", "name", "version"):
        data = release_data()
        del data["release"][missing]
        assert wrong(data, EventType.RELEASE_DEPLOYED) == (f"data.release.{missing}", "is missing")


@pytest.mark.parametrize(
    ("event_type", "required"),
    [
        (EventType.DRIFT_MEASURED, ["metric", "value", "threshold"]),
        (EventType.DRIFT_DETECTED, ["metric", "value", "threshold"]),
        (EventType.HALLUCINATION_MEASURED, ["sampled", "flagged", "rate_threshold"]),
        (EventType.HALLUCINATION_DETECTED, ["sampled", "flagged", "rate_threshold"]),
        (EventType.COST_ANOMALY_MEASURED, ["currency", "actual", "window"]),
        (EventType.COST_ANOMALY_DETECTED, ["currency", "actual", "window"]),
        (EventType.HEARTBEAT, ["monitor"]),
    ],
)
def test_a_required_field_that_is_missing_or_null_is_named(event_type: EventType, required: list[str]) -> None:
    for name in required:
        assert wrong(data_for(event_type) | {name: None}, event_type) == (f"data.{name}", "is missing")


def test_an_optional_field_that_is_null_counts_as_left_out() -> None:
    nulls = dict.fromkeys(["performance", "direction", "links", "labels", "baseline", "environment", "unheard_of"])
    event = an_event(data=drift_data() | nulls)
    assert event.data == an_event().data
    assert event.extra is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("value", "0.31"),
        ("value", True),
        ("value", [0.31]),
        ("value", 10**400),
        ("sample_size", 1.5),
        ("sample_size", -1),
        ("sample_size", "100"),
        ("sample_size", True),
        ("sample_size", 10**16),
        ("metric", 5),
        ("metric", ""),
        ("metric", " \t "),
        ("metric", "x" * 201),
        ("metric", "a\x00b"),
        ("metric", "a\x1b[31mb"),
        ("metric", "zero\u200bwidth"),
        ("metric", "right\u202eto left"),
        ("segment", {"region": "eu"}),
        ("environment", "a\nb"),
        ("direction", "up"),
        ("performance", "fine"),
        ("severity", "fatal"),
        ("summary", "x" * 2001),
        ("summary", "bell\x07"),
        ("window", "today"),
        ("labels", {"a": 1}),
        ("labels", {str(n): "" for n in range(65)}),
        ("links", [{"url": "https://x.example"}] * 21),
        ("links", {"url": "https://x.example"}),
        ("harm", {}),
        ("release", {"kind": "binary"}),
        ("release", {"traffic_percent": 101}),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(field: str, value: object) -> None:
    place, detail = wrong(drift_data() | {field: value})
    assert place.startswith(f"data.{field}")
    assert detail


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://x.example",
        "//x.example",
        "https://",
        "https://a b",
        "https://evil.example|https://good.example",
        "https://x.example/<script>",
        'https://x.example/"onload',
        "https://" + "x" * 2000,
    ],
)
def test_a_link_is_http_and_nothing_can_break_out_of_it(url: str) -> None:
    assert wrong(drift_data(links=[{"title": "t", "url": url}]))[0] == "data.links[0].url"
    assert wrong(drift_data(release={"url": url}))[0] == "data.release.url"


def test_flagged_is_at_most_sampled_and_a_share_is_at_most_one() -> None:
    kind = EventType.HALLUCINATION_MEASURED
    assert wrong(hallucination_data(sampled=3, flagged=4), kind)[0] == "data.flagged"
    assert wrong(hallucination_data(sampled=0, flagged=0), kind)[0] == "data.sampled"
    assert wrong(hallucination_data(rate_threshold=5), kind)[0] == "data.rate_threshold"
    assert wrong(hallucination_data(samples=[{}] * 6), kind)[0] == "data.samples"
    assert wrong(hallucination_data(samples=[{"answer": "x" * 8001}]), kind)[0] == "data.samples[0].answer"


def test_a_whole_number_may_be_written_with_a_point() -> None:
    data = an_event(EventType.HALLUCINATION_MEASURED, hallucination_data(sampled=120.0)).data
    assert isinstance(data, HallucinationData)
    assert (data.sampled, type(data.sampled)) == (120, int)


def test_free_text_keeps_its_lines_and_its_own_script() -> None:
    text = "first\r\nsecond\tthird \U0001f600 caf\u00e9"
    assert an_event(data=drift_data(summary=f" {text} ")).data.summary == text


def test_names_written_in_two_ways_are_one_name() -> None:
    composed, decomposed = an_event(data=drift_data(system="caf\u00e9")), an_event(data=drift_data(system="cafe\u0301"))
    assert composed.system == decomposed.system == "caf\u00e9"
    assert composed.body_hash == decomposed.body_hash
    plain = json.dumps(published(data=drift_data(system="cafe\u0301")), ensure_ascii=False).encode()
    assert decode(delivered(plain)).events == (composed,)


def test_what_is_not_known_is_kept_where_it_was_found() -> None:
    data = drift_data(
        colour="red", release={"version": "17", "pipeline": 7}, links=[{"url": "https://x.example", "rel": "up"}]
    )
    event = an_event(data=data, comexampleextension="value", sequence=5)
    assert event.extra == {
        "colour": "red",
        "release.pipeline": 7,
        "links[0].rel": "up",
        "attributes": {"comexampleextension": "value", "sequence": 5},
    }


def test_what_is_kept_unasked_is_limited() -> None:
    assert an_event(data=drift_data(blob="x" * (MAX_EXTRA - 100))).extra
    field, detail = wrong(drift_data(blob="x" * MAX_EXTRA))
    assert (field, str(MAX_EXTRA) in detail) == ("data.extra", True)


def test_texts_and_samples_do_not_show_in_the_representation_of_an_event() -> None:
    data = hallucination_data(summary="canary", samples=[{"prompt": "canary", "answer": "canary", "claim": "canary"}])
    event = an_event(EventType.HALLUCINATION_MEASURED, data | {"colour": "canary"})
    assert "canary" not in repr(event).replace(event.id, "")


def shuffled(value: object, chance: random.Random) -> object:
    if isinstance(value, dict):
        names = chance.sample(list(value), len(value))
        return {name: shuffled(value[name], chance) for name in names}
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("event_type", EventType)
def test_the_body_hash_is_the_same_in_every_mode_spacing_and_order(event_type: EventType) -> None:
    said = published(event_type, comexampleextension="value", dataschema="https://x.example/schema")
    event = decode(delivered(said)).events[0]
    chance = random.Random(7)
    again = [
        delivered(json.dumps(shuffled(said, chance), indent=chance.randint(0, 4)).encode()),
        delivered_binary(said),
        delivered_binary(said, prefix="cloudEvents:", content_type=None),
        delivered(said | {"datacontenttype": "application/json"}),
        delivered(said | {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}),
    ]
    assert {decode(delivery).events[0].body_hash for delivery in again} == {event.body_hash}
    assert json.loads(event.body) == said
    assert event.size == len(event.body)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "e-2"},
        {"source": "//other.example"},
        {"time": "2026-11-20T09:02:00Z"},
        {"time": None},
        {"comexampleextension": "x"},
        {"data": drift_data(value=0.32)},
        {"data": drift_data(colour="red")},
    ],
)
def test_whatever_the_publisher_says_otherwise_changes_the_body_hash(change: Payload) -> None:
    other = decode(delivered(published() | change, content_type=STRUCTURED)).events[0]
    assert other.body_hash != an_event().body_hash


def test_a_wrong_field_is_an_invalid_event_not_a_malformed_one() -> None:
    (refusal,) = decode(delivered(published(data=drift_data(value="high")))).refusals
    assert refusal.kind is RefusalKind.INVALID
