"""Reads what a transport says around a body: the media type, and CloudEvents attributes in headers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from incidents.core.delivery import Delivery, Origin
from incidents.core.refusal import RefusalKind, Refused

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
PREFIXES = ("ce-", "ce_", "cloudevents_", "cloudevents:")  # of headers that hold attributes

_NEEDED = frozenset({"specversion", "id", "source", "type", "time", "subject"})
_CONTENT_TYPES = ("content-type", "content_type")
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A media type in lower case without its parameters, and the one parameter that changes the reading."""

    type: str
    charset: str = "utf-8"

    @property
    def is_cloudevents(self) -> bool:
        return self.type.startswith("application/cloudevents")

    @property
    def is_json(self) -> bool:
        return self.type in {"application/json", "text/json"} or self.type.endswith("+json")

    @property
    def is_utf_8(self) -> bool:
        return self.charset in _CHARSETS


@lru_cache(maxsize=64)
def media(content_type: str) -> Media:
    kind, *parameters = content_type.lower().split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return Media(type=kind.strip(), charset=value.strip().strip('"'))
    return Media(type=kind.strip())


def media_of(delivery: Delivery) -> Media | None:
    """What the transport says, unless only a header says CloudEvents; None when nobody says anything."""
    said = media(delivery.content_type) if delivery.content_type else None
    if said is not None and said.is_cloudevents:
        return said
    for name, value in delivery.headers:
        text = _text(value) if name.lower() in _CONTENT_TYPES else None
        if text and (said is None or media(text).is_cloudevents):
            said = media(text)
    return said


def attributes_of(delivery: Delivery) -> Mapping[str, str]:
    """The CloudEvents attributes in the headers, whatever their spelling; empty when it is no binary event.

    A header that cannot be read is passed over, unless it is one that the event needs.
    """
    found: dict[str, str] = {}
    for header, value in delivery.headers:
        name = _attribute(header)
        if name is None:
            continue
        text = _text(value)
        if text is not None and delivery.origin is Origin.HTTP:
            text = _decoded(text)
        if text is None:
            _refuse_if_needed(name, header, "is empty or not UTF-8")
        elif found.setdefault(name, text) != text:
            _refuse_if_needed(name, header, "is given twice with different values")
    return found if found.keys() & {"specversion", "id", "source", "type"} else {}


def _attribute(header: str) -> str | None:
    """The attribute that a header carries, if it carries any."""
    lower = header.lower()
    if not lower.startswith(PREFIXES):
        return None
    name = lower[max(len(prefix) for prefix in PREFIXES if lower.startswith(prefix)) :]
    return name if name.isascii() and name.isalnum() and name != "data" else None


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return value if isinstance(value, str) else None


def _decoded(text: str) -> str | None:
    """An HTTP header value as the CloudEvents binding writes it: perhaps quoted, and percent-encoded."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if "%" not in text:
        return text
    return _text(unquote_to_bytes(text.encode(errors="surrogatepass")))


def _refuse_if_needed(name: str, header: str, why: str) -> None:
    if name in _NEEDED:
        raise Refused(RefusalKind.BAD_HEADERS, name, f'the header "{header[:40]}" {why}')
