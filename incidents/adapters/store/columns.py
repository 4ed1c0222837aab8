"""Column types that read the same on both databases: aware UTC moments and JSON as text."""

import json
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import DateTime, Dialect, Row, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"  # sorts as text in the order of time


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime: timestamptz on PostgreSQL, fixed-width ISO text on SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[object]:
        kind = DateTime(timezone=True) if dialect.name == "postgresql" else String(27)
        return dialect.type_descriptor(kind)  # type: ignore[arg-type]

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> object:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).strftime(_FORMAT)

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:  # noqa: ARG002  (SQLAlchemy's)
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else moment(str(value))


def moment(text: str) -> datetime:
    """An aware datetime from the text that SQLite keeps."""
    return datetime.fromisoformat(text)


def moment_text(at: datetime | None) -> str | None:
    """The text that SQLite keeps, which PostgreSQL reads as a timestamptz too."""
    return None if at is None else at.astimezone(UTC).strftime(_FORMAT)


class Json(TypeDecorator[object]):
    """A JSON value as text: nothing on the road looks inside it in SQL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:  # noqa: ARG002  (SQLAlchemy's)
        return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:  # noqa: ARG002  (SQLAlchemy's)
        return None if value is None else json.loads(value)
