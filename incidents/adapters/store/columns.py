"""Column types that read the same on both databases: aware UTC moments and JSON as text."""

import json
from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"  # sorts as text in the order of time


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime: timestamptz on PostgreSQL, fixed-width ISO text on SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[object]:
        kind: TypeEngine[object] = DateTime(timezone=True) if dialect.name == "postgresql" else String(27)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> object:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).strftime(_FORMAT)

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else moment(str(value))


def moment(text: str) -> datetime:
    """An aware datetime from the text that SQLite keeps."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def moment_text(at: datetime | None) -> str | None:
    """The text that SQLite keeps, which PostgreSQL reads as a timestamptz too."""
    return None if at is None else at.astimezone(UTC).strftime(_FORMAT)


class Json(TypeDecorator[object]):
    """A JSON value as text: nothing on the road looks inside it in SQL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:
        return None if value is None else json.loads(value)
