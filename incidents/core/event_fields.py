"""The values that an event may hold: names, texts, times, numbers and money, each with its limits."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated

from pydantic import AllowInfNan, BeforeValidator, Field, PlainValidator, Strict, StringConstraints
from pydantic_core import PydanticCustomError

NAME_LENGTH = 200
LABEL_LENGTH = 1_000
SUMMARY_LENGTH = 2_000
SAMPLE_LENGTH = 8_000
URL_LENGTH = 2_000
FIRST_YEAR, LAST_YEAR = 2000, 2100

# Control and format characters, and the line and paragraph separators, hide in names and make look-alikes.
NAME_PATTERN = r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$"
TEXT_PATTERN = r"^[\t\n\r\P{Cc}]*$"
# Brackets, quotes, bars and backslashes are no URL characters, and they are what breaks out of a link.
URL_PATTERN = r"^(?i:https?)://[^\s<>\"|`\\\p{Cc}\p{Cf}]+$"

_rfc_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII).fullmatch
_SECOND = slice(17, 19)
_NO_TIME = "must be an RFC 3339 time with its zone, as in 2026-11-20T09:15:00Z"
_decimal = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII).fullmatch
_LARGEST = Decimal(10) ** 15


def is_time(text: str) -> bool:
    """Whether a text has the form of an RFC 3339 time with its zone."""
    return _rfc_3339(text) is not None


def utc(raw: object) -> datetime:
    """An RFC 3339 time with its zone, in UTC; a leap second is the second after :59."""
    if isinstance(raw, str):
        return _utc(raw)
    if isinstance(raw, datetime) and raw.tzinfo is not None:
        return raw.astimezone(UTC)
    raise PydanticCustomError("time", _NO_TIME)


@lru_cache(maxsize=1024)  # the windows of one batch are mostly the same
def _utc(text: str) -> datetime:
    if not is_time(text):
        raise PydanticCustomError("time", _NO_TIME)
    leap = text[_SECOND] == "60"
    if leap:
        text = f"{text[: _SECOND.start]}59{text[_SECOND.stop :]}"
    try:
        at = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("time", "is not a date and time that exists") from None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise PydanticCustomError("time", f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    return at + timedelta(seconds=1) if leap else at


def money(raw: object) -> Decimal:
    """An amount from a JSON number or a decimal string, exact to the digits that were written."""
    if isinstance(raw, Decimal):
        amount = raw
    elif isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise PydanticCustomError("money", 'must be a number or a decimal string, as in 12.5 or "12.50"')
    elif isinstance(raw, str):
        if not _decimal(raw):
            raise PydanticCustomError("money", 'must be a decimal string of at most 15 digits each side, as in "12.50"')
        amount = Decimal(raw)
    else:
        # A float by its shortest text, so that 0.1 is 0.1.
        amount = Decimal(raw) if isinstance(raw, int) else Decimal(repr(raw))
    if not amount.is_finite() or abs(amount) >= _LARGEST:
        raise PydanticCustomError("money", "must be finite and less than 10^15")
    return amount


def _whole(raw: object) -> object:
    """A whole number that some publisher's library wrote as 30.0."""
    return int(raw) if isinstance(raw, float) and raw.is_integer() else raw


def _charge(raw: object) -> Decimal:
    amount = money(raw)
    if amount < 0:
        raise PydanticCustomError("money", "must not be negative")
    return amount


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH, pattern=NAME_PATTERN)
]
Summary = Annotated[str, StringConstraints(strip_whitespace=True, max_length=SUMMARY_LENGTH, pattern=TEXT_PATTERN)]
SampleText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=SAMPLE_LENGTH, pattern=TEXT_PATTERN)]
LabelText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LABEL_LENGTH, pattern=TEXT_PATTERN)]
Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=URL_LENGTH, pattern=URL_PATTERN)]
Currency = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{3}$")]
Time = Annotated[datetime, PlainValidator(utc, json_schema_input_type=str)]
Number = Annotated[float, Strict(), AllowInfNan(allow_inf_nan=False)]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]
Percent = Annotated[float, Strict(), Field(ge=0, le=100)]
Count = Annotated[int, Strict(), Field(ge=0, le=10**15), BeforeValidator(_whole)]
Charge = Annotated[Decimal, PlainValidator(_charge, json_schema_input_type=float | str)]
