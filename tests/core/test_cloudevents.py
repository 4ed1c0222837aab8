"""The door: what of a raw message is an event, in every mode and spelling, and what is said of the rest."""

import gzip
import json
from base64 import b64encode
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.core.cloudevents import MAX_BODY, MAX_EVENTS, Decoded, Refusal, RefusalKind, decode
from incidents.core.delivery import Delivery, Header, Origin
from incidents.core.events import EventType
from tests.make_events import BATCH, STRUCTURED, Payload, data_for, delivered, delivered_binary, drift_data, published

BUS = (Origin.RABBITMQ, Origin.KAFKA)


def refused(delivery: Delivery) -> Refusal:
    decoded = decode(delivery)
    assert decoded.events == ()
    (refusal,) = decoded.refusals
    return refusal


def raw_event(data: str) -> bytes:
    """A structured event whose data is written by hand, for what no JSON library would write."""
    head = {name: value for name, value in published().items() if name != "data"}
    return f'{json.dumps(head)[:-1]}, "data": {data}}}'.encode()


@pytest.mark.parametrize(("event_type", "origin"), list(product(EventType, Origin)))
def test_every_type_is_taken_in_every_mode_from_every_door_and_reads_the_same(
    event_type: EventType, origin: Origin
) -> None:
    said = published(event_type)
    structured = decode(delivered(said, origin=origin))
    binary = decode(delivered_binary(said, origin=origin))
    batch = decode(delivered([said, said], content_type=BATCH, origin=origin))
    assert structured.refusals == binary.refusals == batch.refusals == ()
    (event,) = structured.events
    assert event.type is event_type
    assert event.data.system == said["data"].get("system")
    assert binary.events == (event,)
    assert batch.events == (event, event)
    assert (structured.batch, binary.batch, batch.batch) == (False, False, True)


@pytest.mark.parametrize(
    ("prefix", "origin"),
    list(product(["ce-", "ce_", "cloudEvents_", "cloudEvents:", "Ce-", "CE_", "CLOUDEVENTS:", "cloudevents_"], BUS)),
)
def test_every_header_spelling_is_read(prefix: str, origin: Origin) -> None:
    decoded = decode(delivered_binary(prefix=prefix, origin=origin, content_type=None))
    assert decoded.refusals == ()
    assert decoded.events[0].id == "e-1"


@pytest.mark.parametrize("origin", BUS)
def test_on_the_bus_a_body_speaks_for_itself_when_nothing_names_its_mode(origin: Origin) -> None:
    for content_type in (None, "application/json", "application/octet-stream", "text/plain"):
        assert len(decode(delivered(content_type=content_type, origin=origin)).events) == 1
        batch = decode(delivered([published(), published(id="e-2")], content_type=content_type, origin=origin))
        assert (len(batch.events), batch.batch) == (2, True)


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT_TYPE"])
def test_the_content_type_is_found_among_the_headers_too(name: str) -> None:
    headers = ((name, b"application/cloudevents-batch+json; charset=UTF-8"),)
    decoded = decode(delivered([published()], content_type=None, headers=headers, origin=Origin.KAFKA))
    assert (len(decoded.events), decoded.batch) == (1, True)


@pytest.mark.parametrize(
    "content_type",
    [
        f"{STRUCTURED}; charset=utf-8",
        "Application/CloudEvents+JSON;charset=UTF-8",
        f'{STRUCTURED}; x=1; charset="utf-8"',
    ],
)
def test_parameters_and_case_of_the_content_type_do_not_matter(content_type: str) -> None:
    assert len(decode(delivered(content_type=content_type)).events) == 1


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "text/plain",
        "application/cloudevents+avro",
        "application/cloudevents",
        f"{STRUCTURED}; charset=utf-16",
        ";",
    ],
)
def test_over_http_any_other_content_type_is_refused_by_name(content_type: str | None) -> None:
    refusal = refused(delivered(content_type=content_type))
    assert (refusal.kind, refusal.field) == (RefusalKind.UNSUPPORTED_CONTENT_TYPE, "content-type")


def test_a_binary_event_must_be_json() -> None:
    refusal = refused(delivered_binary(content_type="application/avro", origin=Origin.KAFKA))
    assert refusal.kind is RefusalKind.UNSUPPORTED_CONTENT_TYPE
    assert "application/avro" in refusal.detail


def test_a_compressed_body_is_refused_as_such() -> None:
    refusal = refused(delivered(gzip.compress(b"{}"), origin=Origin.KAFKA))
    assert (refusal.kind, refusal.field) == (RefusalKind.UNSUPPORTED_CONTENT_TYPE, "content-encoding")


def test_http_header_values_are_percent_decoded_and_those_on_the_bus_are_not() -> None:
    said = published(data=drift_data(system=None), subject="Z%C3%BCrich%20scoring")
    assert decode(delivered_binary(said)).events[0].system == "Zürich scoring"
    assert decode(delivered_binary(said, origin=Origin.KAFKA)).events[0].system == "Z%C3%BCrich%20scoring"
    quoted = published(data=drift_data(system=None), subject='"credit-scoring"')
    assert decode(delivered_binary(quoted)).events[0].system == "credit-scoring"


@pytest.mark.parametrize("value", [None, b"\xff\xfe", b""])
@pytest.mark.parametrize("name", ["x-trace", "ce_traceparent", "ce_some-thing", "content-type", "ce_", "ümlaut"])
def test_a_header_that_does_not_matter_may_hold_anything(name: str, value: bytes | None) -> None:
    binary = delivered_binary(origin=Origin.KAFKA, content_type=None)
    binary.headers = (*binary.headers, (name, value))
    decoded = decode(binary)
    assert decoded.refusals == ()
    structured = delivered(headers=((name, value),), content_type=None, origin=Origin.KAFKA)
    assert len(decode(structured).events) == 1


@pytest.mark.parametrize("value", [None, b"\xff\xfe"])
def test_a_header_that_is_needed_and_cannot_be_read_is_refused_by_name(value: bytes | None) -> None:
    binary = delivered_binary(origin=Origin.KAFKA)
    binary.headers = (*(header for header in binary.headers if header[0] != "ce-id"), ("ce_id", value))
    refusal = refused(binary)
    assert (refusal.kind, refusal.field) == (RefusalKind.BAD_HEADERS, "id")
    assert "ce_id" in refusal.detail


def test_one_attribute_in_two_headers_must_say_the_same() -> None:
    binary = delivered_binary(origin=Origin.KAFKA)
    binary.headers = (*binary.headers, ("ce_id", b"e-1"))
    assert len(decode(binary).events) == 1
    binary.headers = (*binary.headers, ("cloudEvents:id", b"other"))
    assert refused(binary).kind is RefusalKind.BAD_HEADERS


def test_base64_data_is_read_when_it_is_json_and_refused_when_not() -> None:
    said = published()
    plain = decode(delivered(said)).events[0]
    encoded = {name: value for name, value in said.items() if name != "data"}
    packed = b64encode(json.dumps(said["data"]).encode()).decode()
    assert decode(delivered(encoded | {"data_base64": packed})).events == (plain,)
    for wrong in (
        "no base64",
        b64encode(b"<xml/>").decode(),
        b64encode(b"\xff").decode(),
        5,
        b64encode(b"[1e999]").decode(),
    ):
        assert refused(delivered(encoded | {"data_base64": wrong})).field in {"data_base64", "data[0]"}
    assert refused(delivered(said | {"data_base64": packed})).field == "data_base64"


@pytest.mark.parametrize("data", ["a string", 1.5, [1], True])
def test_data_that_is_no_object_is_refused(data: object) -> None:
    refusal = refused(delivered(published(data=data)))
    assert (refusal.kind, refusal.field, refusal.detail) == (RefusalKind.INVALID, "data", "must be a JSON object")


def test_data_must_be_said_to_be_json_or_nothing() -> None:
    assert len(decode(delivered(published(datacontenttype="application/json; charset=utf-8"))).events) == 1
    for wrong in ("application/xml", 7):
        assert refused(delivered(published(datacontenttype=wrong))).field == "datacontenttype"


MALFORMED = {
    "bad json": b"{",
    "two values": b"{} {}",
    "single quotes": b"{'a': 1}",
    "nan": raw_event('{"value": NaN}'),
    "infinity": raw_event('{"value": -Infinity}'),
    "raw nul": raw_event('{"system": "a\0b"}'),
    "escaped nul in an unknown field": raw_event('{"system":"a","metric":"m","value":1,"threshold":1,"x":"\\u0000"}'),
    "lone surrogate": raw_event('{"system": "\\ud800"}'),
    "lone surrogate in an unknown name": raw_event('{"system":"a","metric":"m","value":1,"threshold":1,"\\udc00":1}'),
    "raw bytes of a surrogate": raw_event('{"system": "x"}').replace(b"x", b"\xed\xa0\x80"),
    "not utf-8": raw_event('{"system": "x"}').replace(b"x", b"\xff"),
    "utf-16": json.dumps(published()).encode("utf-16"),
    "too large a number": raw_event('{"system":"a","metric":"m","value":1,"threshold":1,"x":1e999}'),
    "5,000 digits": raw_event('{"value": ' + "9" * 5000 + "}"),
    "the same field twice": raw_event('{"system": "a", "metric": "m", "value": 1, "value": 2, "threshold": 1}'),
    "arrays 100,000 deep": b"[" * 100_000,
    "objects 100,000 deep": b'{"a":' * 100_000,
    "an unknown field 70 deep": raw_event(
        '{"system":"a","metric":"m","value":1,"threshold":1,"x":' + "[" * 70 + "]" * 70 + "}"
    ),
    "an unknown field 300 deep": raw_event(
        '{"system":"a","metric":"m","value":1,"threshold":1,"x":' + '{"a":' * 300 + "1" + "}" * 300 + "}"
    ),
    "a deep field with accents": raw_event(
        '{"system":"a","metric":"m","value":1,"threshold":1,"x":' + "[" * 300 + '"e\u0301"' + "]" * 300 + "}"
    ),
    "empty": b"",
    "blank": b" \n\t",
}


@pytest.mark.parametrize("origin", Origin)
@pytest.mark.parametrize("name", MALFORMED)
def test_what_cannot_be_trusted_is_refused_as_malformed_by_every_door(name: str, origin: Origin) -> None:
    refusal = refused(delivered(MALFORMED[name], origin=origin))
    assert refusal.kind is RefusalKind.MALFORMED
    assert refusal.field
    assert refusal.detail


@pytest.mark.parametrize(
    ("name", "field", "words"),
    [
        ("nan", "data.value", "NaN"),
        ("raw nul", "body", "column"),
        ("5,000 digits", "data.value", "300 digits"),
        ("the same field twice", "data.value", "more than once"),
        ("too large a number", "data.extra.x", "too large"),
        ("an unknown field 70 deep", None, "64 deep"),
        ("objects 100,000 deep", "body", "64 deep"),
    ],
)
def test_a_malformed_event_is_told_where_and_why(name: str, field: str | None, words: str) -> None:
    refusal = refused(delivered(MALFORMED[name]))
    assert field in {None, refusal.field}
    assert words in refusal.detail


def test_a_tombstone_is_refused() -> None:
    tombstone = Delivery(body=None, origin=Origin.KAFKA, position="ai.events[0]@12")
    assert refused(tombstone).kind is RefusalKind.MALFORMED
    assert "tombstone" in refused(tombstone).detail


def test_a_byte_order_mark_is_passed_over() -> None:
    assert len(decode(delivered(b"\xef\xbb\xbf" + json.dumps(published()).encode())).events) == 1


def test_a_body_over_the_limit_is_refused_with_the_limit_and_one_at_it_is_read() -> None:
    said = json.dumps(published()).encode()
    assert len(decode(delivered(said + b" " * (MAX_BODY - len(said)))).events) == 1
    refusal = refused(delivered(said + b" " * (MAX_BODY - len(said) + 1)))
    assert (refusal.kind, refusal.field) == (RefusalKind.TOO_LARGE, "body")
    assert str(MAX_BODY) in refusal.detail


def test_a_batch_has_one_to_a_thousand_events() -> None:
    empty = refused(delivered([], content_type=BATCH))
    assert (empty.kind, empty.field) == (RefusalKind.EMPTY_BATCH, "body")
    full = [published(id=f"e-{number}") for number in range(MAX_EVENTS)]
    assert len(decode(delivered(full, content_type=BATCH)).events) == MAX_EVENTS
    over = refused(delivered([*full, published()], content_type=BATCH))
    assert over.kind is RefusalKind.TOO_MANY
    assert str(MAX_EVENTS) in over.detail


def test_a_batch_refused_as_a_whole_says_so() -> None:
    for body in (b"[", b"[]", b"{}"):
        assert decode(delivered(body, content_type=BATCH)).batch is False


def test_a_bad_event_of_a_batch_is_set_aside_with_its_own_text_and_its_neighbours_are_taken() -> None:
    bad = [
        raw_event('{"system": "a", "metric": "m", "value": NaN, "threshold": 1}'),
        raw_event('{"system": "a", "metric": "m", "value": 1, "value": 2, "threshold": 1}'),
        raw_event('{"system": "a", "metric": "m", "value": 1, "threshold": 1, "x": "\\ud800"}'),
        raw_event('{"system": "a", "metric": "m", "value": "high", "threshold": 1}'),
        b'"no event"',
        raw_event('{"value": ' + "9" * 5000 + "}"),
    ]
    good = json.dumps(published(), indent=2).encode()
    body = b"[ " + b" ,\n".join(part for one in bad for part in (good, one)) + b"\n]"
    decoded = decode(delivered(body, content_type=BATCH))
    assert decoded.batch
    assert len(decoded.events) == len(bad)
    assert [refusal.index for refusal in decoded.refusals] == [1, 3, 5, 7, 9, 11]
    assert [refusal.raw for refusal in decoded.refusals] == bad
    assert [refusal.field for refusal in decoded.refusals] == [
        "data.value",
        "data.value",
        "data.x",
        "data.value",
        "body",
        "data.value",
    ]


def test_a_single_bad_event_carries_no_raw_part_for_the_message_is_it() -> None:
    assert refused(delivered(published(data=data_for(value="high")))).raw is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("specversion", None, "is missing"),
        ("specversion", "0.3", '"1.0"'),
        ("specversion", 1.0, '"1.0"'),
        ("id", None, "is missing"),
        ("id", " ", "empty"),
        ("id", 7, "text"),
        ("id", "x" * 301, "300"),
        ("id", "a\u200bb", "control or format"),
        ("source", None, "is missing"),
        ("source", "x" * 301, "300"),
        ("type", None, "is missing"),
        ("type", ["ai.drift.measured.v1"], "text"),
        ("subject", "x" * 201, "200"),
        ("subject", "a\nb", "control or format"),
        ("time", "yesterday", "RFC 3339"),
        ("time", 1_700_000_000, "RFC 3339"),
    ],
)
def test_a_wrong_attribute_is_refused_by_its_name(name: str, value: object, words: str) -> None:
    said = published(data=drift_data(system=None), subject="credit-scoring") | {name: value}
    refusal = refused(delivered(said))
    assert (refusal.kind, refusal.field) == (RefusalKind.INVALID, name)
    assert words in refusal.detail


def test_an_attribute_that_is_null_counts_as_left_out() -> None:
    event = decode(delivered(published() | {"subject": None, "time": None, "unsetextension": None})).events[0]
    assert (event.time, event.extra, event.system) == (None, None, "credit-scoring")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ai.drift.measured.v2", "ai.drift.measured.v1"),
        ("ai.costanomaly.detected.v1", "ai.cost_anomaly.detected.v1"),
        ("com.example.someevent", "ai.drift.measured.v1"),
    ],
)
def test_an_unknown_type_is_refused_and_told_the_nearest(name: str, nearest: str) -> None:
    refusal = refused(delivered(published() | {"type": name}))
    assert (refusal.kind, refusal.field) == (RefusalKind.UNKNOWN_TYPE, "type")
    assert name in refusal.detail
    assert nearest in refusal.detail


def test_every_wrong_field_of_an_event_is_told_at_once() -> None:
    refusal = refused(delivered(published(data={"system": "a", "value": "high", "baseline": {"sampled": -1}})))
    assert refusal.field == "data.baseline.sampled"
    for field in ("data.metric is missing", "data.value must be a JSON number", "data.threshold is missing"):
        assert field in refusal.detail


@pytest.mark.parametrize("field", ["links", "labels"])
def test_a_flood_of_wrong_entries_is_one_error(field: str) -> None:
    flood: object = {str(number): 1 for number in range(50_000)} if field == "labels" else [1] * 50_000
    refusal = refused(delivered(published(data=drift_data() | {field: flood})))
    assert refusal.field == f"data.{field}"
    assert "also" not in refusal.detail


def test_a_refusal_repeats_nothing_secret_that_was_sent() -> None:
    secret = "xoxb-canary-secret"
    for wrong in (published(data=drift_data(value=secret)), published() | {"time": secret}, published(data=secret)):
        assert secret not in repr(refused(delivered(wrong)))


def test_a_message_that_comes_again_has_the_same_digest_and_no_other_has() -> None:
    one = delivered(headers=(("a", b"1"), ("b", None)))
    again = delivered(headers=(("b", None), ("a", b"1")), position="elsewhere")
    assert one.digest == again.digest
    others = [
        delivered(headers=(("a", b"1b"), ("", None))),
        delivered(headers=(("a", b"1"), ("b", b"")), position="elsewhere"),
        delivered(published(id="e-2"), headers=(("a", b"1"), ("b", None))),
        Delivery(body=None, origin=Origin.KAFKA, position="x", headers=(("a", b"1"), ("b", None))),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 1 + len(others)
    assert len(one.digest) == 16


Headers = tuple[Header, ...]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(list(EventType)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=12,
)
CONTENT_TYPES = st.sampled_from([None, "", STRUCTURED, BATCH, "application/json", "text/plain"]) | st.text()
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce-id", "ce_type", "cloudEvents:source", "ce_specversion", "content-type"]) | st.text(),
        st.none() | st.binary(max_size=20) | st.text(st.characters() | st.just("%"), max_size=20),
    ),
    max_size=6,
).map(tuple)


def whole(decoded: Decoded) -> bool:
    """Something is said of every message, and every refusal says where and why."""
    told = all(refusal.field and refusal.detail for refusal in decoded.refusals)
    return told and len(decoded.events) + len(decoded.refusals) > 0


@settings(max_examples=200, deadline=None)
@given(
    body=st.none() | st.binary(max_size=200),
    content_type=CONTENT_TYPES,
    headers=HEADERS,
    origin=st.sampled_from(Origin),
)
def test_random_bytes_never_break_the_door(
    body: bytes | None, content_type: str | None, headers: Headers, origin: Origin
) -> None:
    assert whole(decode(Delivery(body=body, content_type=content_type, headers=headers, origin=origin, position="x")))


@settings(max_examples=200, deadline=None)
@given(value=JSON, content_type=CONTENT_TYPES, headers=HEADERS, origin=st.sampled_from(Origin))
def test_random_json_never_breaks_the_door(
    value: object, content_type: str | None, headers: Headers, origin: Origin
) -> None:
    assert whole(decode(delivered(value, content_type=content_type, headers=headers, origin=origin)))


@settings(max_examples=400, deadline=None)
@given(
    event_type=st.sampled_from(EventType),
    names=st.lists(st.sampled_from([*data_for(), "labels", "links", "samples", "top", "release", "x"]), max_size=4),
    values=st.lists(JSON, min_size=4, max_size=4),
    attributes=st.dictionaries(
        st.sampled_from(["id", "source", "time", "subject", "specversion", "x"]), JSON, max_size=2
    ),
    binary=st.booleans(),
)
def test_a_mutated_event_never_breaks_the_door(
    event_type: EventType, names: list[str], values: list[object], attributes: Payload, *, binary: bool
) -> None:
    said = published(event_type) | attributes
    said["data"] = said["data"] | dict(zip(names, values, strict=False))
    delivery = delivered_as_text(said) if binary else delivered(said)
    assert whole(decode(delivery))


def delivered_as_text(said: Payload) -> Delivery:
    headers = tuple((f"ce-{name}", str(value)) for name, value in said.items() if name != "data")
    return delivered(said["data"], content_type=None, headers=headers)
