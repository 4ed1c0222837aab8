"""Decides what of a raw message is an event: every mode of CloudEvents that we take, and why not what we do not."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from incidents.core.delivery import Delivery, Origin
from incidents.core.envelope import event_from
from incidents.core.events import Event
from incidents.core.refusal import Refusal, RefusalKind, Refused
from incidents.core.strict_json import NotJson, first_flaw, members, read
from incidents.core.transport import BATCH, STRUCTURED, Media, attributes_of, media, media_of

__all__ = ["MAX_BODY", "MAX_EVENTS", "Decoded", "Refusal", "RefusalKind", "decode"]

MAX_BODY = 1024 * 1024
MAX_EVENTS = 1_000

_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstd
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a message held; `batch` is False where the message was refused as a whole."""

    events: tuple[Event, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    batch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """A body that was read: what it says, event by event, and whether something inside may be flawed."""

    text: str
    said: list[object]
    batch: bool
    flawed: bool


def decode(delivery: Delivery) -> Decoded:
    """Every event in the message and every refusal; never raises, whatever the message holds."""
    try:
        message = _read(delivery)
    except Refused as refused:
        return Decoded(refusals=(refused.refusal(),))
    events: list[Event] = []
    refused_at: dict[int, Refused] = {}
    for index, said in enumerate(message.said):
        try:
            events.append(_event(said, flawed=message.flawed))
        except Refused as refused:
            refused_at[index] = refused
    return Decoded(events=tuple(events), refusals=_refusals(message, refused_at), batch=message.batch)


def _read(delivery: Delivery) -> _Message:
    """What the message says, by its mode; raises `Refused` for the message as a whole."""
    body = _body(delivery.body)
    kind = media_of(delivery)
    attributes = {} if kind is not None and kind.is_cloudevents else attributes_of(delivery)
    _check_mode(delivery.origin, kind, attributes)
    text = _text(body)
    try:
        value, flawed = read(text)
    except NotJson as error:
        raise Refused(RefusalKind.MALFORMED, "body", str(error)) from None
    if attributes:
        value = dict(sorted({**attributes, "data": value}.items()))
    batch = kind is not None and kind.type == BATCH
    if batch or (isinstance(value, list) and delivery.origin is not Origin.HTTP):
        return _Message(text=text, said=_members(value), batch=True, flawed=flawed)
    return _Message(text=text, said=[value], batch=False, flawed=flawed)


def _body(body: bytes | None) -> bytes:
    if body is None:
        detail = "is null (a Kafka tombstone), which says nothing; events are never deleted this way"
        raise Refused(RefusalKind.MALFORMED, "body", detail)
    if len(body) > MAX_BODY:
        detail = f"has {len(body)} bytes; at most {MAX_BODY} are taken, send fewer events at a time"
        raise Refused(RefusalKind.TOO_LARGE, "body", detail)
    if not body.strip():
        raise Refused(RefusalKind.MALFORMED, "body", "is empty; send a CloudEvent as JSON")
    return body


def _text(body: bytes) -> str:
    try:
        return body.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError as error:
        if body.startswith(_COMPRESSED):
            detail = "is compressed; send it as it is"
            raise Refused(RefusalKind.UNSUPPORTED_CONTENT_TYPE, "content-encoding", detail) from None
        raise Refused(RefusalKind.MALFORMED, "body", f"is not UTF-8 (byte {error.start}); encode it as UTF-8") from None


def _check_mode(origin: Origin, kind: Media | None, attributes: Mapping[str, str]) -> None:
    """Refuse what is in no mode; on the bus a body may speak for itself, over HTTP the content type must."""
    if kind is not None and kind.is_cloudevents:
        wrong = kind.type not in {STRUCTURED, BATCH}
    elif attributes:
        wrong = kind is not None and not kind.is_json
    else:
        wrong = origin is Origin.HTTP
    if wrong:
        told = f'"{kind.type[:80]}" is not taken' if kind is not None else "is missing"
        detail = f"{told}; send {STRUCTURED}, {BATCH}, or {_JSON} with the attributes in ce- headers"
        raise Refused(RefusalKind.UNSUPPORTED_CONTENT_TYPE, "content-type", detail)
    if kind is not None and not kind.is_utf_8 and (kind.is_cloudevents or kind.is_json):
        detail = f'charset "{kind.charset[:40]}" is not taken; encode the body as UTF-8'
        raise Refused(RefusalKind.UNSUPPORTED_CONTENT_TYPE, "content-type", detail)


def _members(value: object) -> list[object]:
    if not isinstance(value, list):
        detail = f"must be a JSON array of events; send a single event as {STRUCTURED}"
        raise Refused(RefusalKind.INVALID, "body", detail)
    if not value:
        raise Refused(RefusalKind.EMPTY_BATCH, "body", "is an empty batch; send at least one event")
    if len(value) > MAX_EVENTS:
        detail = f"holds {len(value)} events; at most {MAX_EVENTS} are taken at a time"
        raise Refused(RefusalKind.TOO_MANY, "body", detail)
    return value


def _event(said: object, *, flawed: bool) -> Event:
    flaw = first_flaw(said, "") if flawed else None
    if flaw:
        raise Refused(RefusalKind.MALFORMED, flaw[0] or "body", flaw[1])
    if not isinstance(said, dict):
        detail = f"must be a JSON object that is a CloudEvent; send several as {BATCH}"
        raise Refused(RefusalKind.INVALID, "body", detail)
    data_type = said.get("datacontenttype")
    if data_type not in {None, _JSON} and not (isinstance(data_type, str) and media(data_type).is_json):
        raise Refused(RefusalKind.INVALID, "datacontenttype", f"must be {_JSON} or left out")
    return event_from(said if said.get("data_base64") is None else _with_data(said))


def _with_data(said: Mapping[str, object]) -> dict[str, object]:
    """The event with its `data_base64` read as the JSON that it must be."""
    if said.get("data") is not None:
        raise Refused(RefusalKind.INVALID, "data_base64", "stands beside data; send one of them")
    try:
        data, _ = read(b64decode(str(said["data_base64"]), validate=True).decode())
    except ValueError:
        raise Refused(RefusalKind.INVALID, "data_base64", "must be JSON in base64; better, send it as data") from None
    flaw = first_flaw(data, "data")
    if flaw:
        raise Refused(RefusalKind.MALFORMED, *flaw)
    return dict(sorted({**said, "data": data}.items()))


def _refusals(message: _Message, refused_at: Mapping[int, Refused]) -> tuple[Refusal, ...]:
    """The refusals, each with its own part of a batch so that it can be set aside by itself."""
    if not message.batch or not refused_at:
        return tuple(refused.refusal(index) for index, refused in refused_at.items())
    texts = enumerate(islice(members(message.text), max(refused_at) + 1))
    return tuple(refused_at[index].refusal(index, text.encode()) for index, text in texts if index in refused_at)
