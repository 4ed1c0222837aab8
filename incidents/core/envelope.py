"""Decides whether CloudEvents attributes and data make an event that we know, and says what is wrong if not."""

from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from functools import cache, lru_cache
from hashlib import sha256
from typing import get_args
from unicodedata import category

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from incidents.core.event_data import EventData, HeartbeatData, Part
from incidents.core.event_fields import NAME_LENGTH, NAME_PATTERN, TEXT_PATTERN, URL_PATTERN, utc
from incidents.core.events import DATA, Event, EventType
from incidents.core.refusal import RefusalKind, Refused
from incidents.core.strict_json import canonical, first_flaw

MAX_ATTRIBUTE = 300
MAX_EXTRA = 16 * 1024
SPECVERSION = "1.0"
ERRORS_NAMED = 4
NEAR_LENGTH = 80

_KNOWN = frozenset({"specversion", "id", "source", "type", "time", "subject", "data"})
# A retry may be sent in another trace, and the media type differs between modes: neither changes what is said.
_NOT_SAID = frozenset({"datacontenttype", "data_base64", "traceparent", "tracestate"})
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_TYPES: Mapping[str, EventType] = {str(known): known for known in EventType}

_PATTERNS = {
    NAME_PATTERN: "holds a control or format character; remove it",
    TEXT_PATTERN: "holds a control character other than tab and line ends; remove it",
    URL_PATTERN: "must be an http or https URL, with anything unusual in it percent-encoded",
}
_WORDS = {
    "missing": "is missing",
    "string_type": "must be text",
    "string_unicode": "holds a lone surrogate, which is half a character",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "float_type": "must be a JSON number",
    "int_type": "must be a whole JSON number",
    "int_from_float": "must be a whole JSON number",
    "finite_number": "must be a finite number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "enum": "must be one of {expected}",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "tuple_type": "must be a JSON array",
}


def event_from(said: Mapping[str, object]) -> Event:
    """The event in attributes and `data`, whose names come in order; raises `Refused` when it is none."""
    said = {name: value for name, value in said.items() if value is not None and name not in _NOT_SAID}
    if said.get("specversion") != SPECVERSION:
        raise _missing_or("specversion", said, f'must be the string "{SPECVERSION}"')
    event_type = _type(_text("type", said))
    data = _data(event_type, said.get("data"))
    extra = _extra(data, {name: value for name, value in said.items() if name not in _KNOWN})
    body = _canonical(said)
    return Event(
        id=_text("id", said),
        source=_text("source", said),
        type=event_type,
        time=_time(said.get("time")),
        system=_system(data, said),
        environment=data.environment,
        data=data,
        extra=extra,
        body=body,
        body_hash=sha256(body).hexdigest(),
        size=len(body),
    )


def _text(name: str, said: Mapping[str, object], longest: int = MAX_ATTRIBUTE) -> str:
    value = said.get(name)
    if not isinstance(value, str):
        raise _missing_or(name, said, "must be text")
    value = value.strip()
    if not value:
        raise Refused(RefusalKind.INVALID, name, "must not be empty")
    if len(value) > longest:
        raise Refused(RefusalKind.INVALID, name, f"must have at most {longest} characters")
    if not value.isprintable() and any(category(char) in _HIDDEN for char in value):
        raise Refused(RefusalKind.INVALID, name, "holds a control or format character; remove it")
    return value


def _missing_or(name: str, said: Mapping[str, object], wrong: str) -> Refused:
    missing = f"is missing; in binary mode it comes as the header ce-{name}"
    return Refused(RefusalKind.INVALID, name, wrong if name in said else missing)


def _type(name: str) -> EventType:
    known = _TYPES.get(name)
    if known is None:
        raise Refused(RefusalKind.UNKNOWN_TYPE, "type", _unknown_type(name))
    return known


@lru_cache(maxsize=256)
def _unknown_type(name: str) -> str:
    near = get_close_matches(name[:NEAR_LENGTH], _TYPES, n=1, cutoff=0.5)
    hint = f"the nearest that is known is {near[0]}" if near else f"known are {', '.join(_TYPES)}"
    return f'"{name[:NEAR_LENGTH]}" is not an event type that is taken; {hint}'


def _time(raw: object) -> datetime | None:
    if raw is None:
        return None
    try:
        return utc(raw)
    except PydanticCustomError as error:
        raise Refused(RefusalKind.INVALID, "time", error.message()) from None


def _data(event_type: EventType, raw: object) -> EventData:
    """The data as its model; a field that is null counts as left out."""
    if not isinstance(raw, dict):
        raise Refused(RefusalKind.INVALID, "data", "is missing" if raw is None else "must be a JSON object")
    if None in raw.values():
        raw = {name: value for name, value in raw.items() if value is not None}
    try:
        return DATA[event_type].model_validate(raw)
    except ValidationError as error:
        raise _refused(error.errors(include_url=False, include_input=False)) from None


def _refused(errors: list[ErrorDetails]) -> Refused:
    """The first wrong field, and the next few by name, so that a sender mends them at once."""
    told = [(_path(error["loc"]), _words(error)) for error in errors]
    field, detail = told[0]
    also = "; ".join(f"{path} {words}" for path, words in told[1:ERRORS_NAMED])
    more = f"; and {len(told) - ERRORS_NAMED} more" if len(told) > ERRORS_NAMED else ""
    return Refused(RefusalKind.INVALID, field, f"{detail}; also {also}{more}" if also else detail)


def _path(places: tuple[int | str, ...]) -> str:
    return "data" + "".join(f"[{place}]" if isinstance(place, int) else f".{place}" for place in places)


def _words(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] == "string_pattern_mismatch":
        return _PATTERNS[context["pattern"]]
    words = _WORDS.get(error["type"])
    return words.format(**context) if words else error["msg"]


def _system(data: EventData, said: Mapping[str, object]) -> str:
    """The system from the data or the subject, which may not contradict each other."""
    subject = _text("subject", said, NAME_LENGTH) if "subject" in said else None
    if data.system is None and subject is None and not isinstance(data, HeartbeatData):
        raise Refused(RefusalKind.INVALID, "data.system", "is missing; name the AI system here or in the subject")
    if data.system is not None and subject is not None and data.system != subject:
        detail = "differs from the subject; send one of them, or the same name in both"
        raise Refused(RefusalKind.INVALID, "data.system", detail)
    return data.system or subject or ""


def _extra(data: EventData, attributes: dict[str, object]) -> dict[str, object] | None:
    """What is not known here: data fields by their path, CloudEvents extensions under `attributes`."""
    extra: dict[str, object] = {}
    _gather(data, "", extra)
    if attributes:
        extra["attributes"] = attributes
    if not extra:
        return None
    size = len(_canonical(extra))
    if size > MAX_EXTRA:
        detail = f"holds {size} bytes of unknown fields and attributes; at most {MAX_EXTRA} are kept"
        raise Refused(RefusalKind.INVALID, "data.extra", detail)
    flaw = first_flaw(extra, "data.extra")
    if flaw:
        raise Refused(RefusalKind.MALFORMED, *flaw)
    return extra


def _gather(part: Part, path: str, extra: dict[str, object]) -> None:
    """Add to `extra` what a part and the parts inside it hold and do not know."""
    unknown = part.__pydantic_extra__
    if unknown:
        extra.update((path + name, value) for name, value in unknown.items())
    for name in _nested(type(part)):
        inside = getattr(part, name)
        if isinstance(inside, Part):
            _gather(inside, f"{path}{name}.", extra)
        elif inside:
            for index, item in enumerate(inside):
                _gather(item, f"{path}{name}[{index}].", extra)


@cache
def _nested(model: type[Part]) -> tuple[str, ...]:
    """The fields of a model that hold a part or a tuple of them."""
    return tuple(name for name, field in model.model_fields.items() if _holds_parts(field.annotation))


def _holds_parts(annotation: object) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return True
    return any(map(_holds_parts, get_args(annotation)))


def _canonical(value: object) -> bytes:
    try:
        return canonical(value)
    except ValueError:
        flaw = first_flaw(value, "") or ("data", "cannot be written as JSON")
        raise Refused(RefusalKind.MALFORMED, *flaw) from None
