"""Many rows in one statement: arrays unnested on PostgreSQL, one long VALUES on SQLite.

An executemany of the ORM's kind costs two to four times as much per row; a batch is at most a few hundred rows.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    Table,
    any_,
    column,
    func,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store.columns import AnyRow, Json, Moment, moment_text

_PARAMETERS = 30_000  # SQLite takes 32,766 in one statement


def _pg_type(column: Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, Moment):
        return "timestamptz"
    if isinstance(kind, LargeBinary):
        return "bytea"
    if isinstance(kind, Boolean):
        return "boolean"
    if isinstance(kind, BigInteger):
        return "bigint"
    return "integer" if isinstance(kind, Integer) else "text"


def _binder(column: Column[Any], *, sqlite: bool) -> Callable[[Any], Any] | None:
    if isinstance(column.type, Json):
        return lambda value: json.dumps(value, separators=(",", ":"))
    return moment_text if sqlite and isinstance(column.type, Moment) else None


@lru_cache(maxsize=128)
def _plan(table: Table, names: tuple[str, ...], *, sqlite: bool) -> tuple[str, list[Callable[[Any], Any] | None]]:
    columns = [table.c[name] for name in names]
    head = f"insert into {table.name} ({', '.join(names)})"
    binders = [_binder(column, sqlite=sqlite) for column in columns]
    if sqlite:
        return f"{head} values ", binders
    arrays = ", ".join(f"cast(:c{i} as {_pg_type(column)}[])" for i, column in enumerate(columns))
    return f"{head} select * from unnest({arrays})", binders


async def insert_rows(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]], suffix: str = ""
) -> list[AnyRow]:
    """Insert `rows`, all with the same keys; `suffix` may hold ON CONFLICT and RETURNING, whose rows come back."""
    if not rows:
        return []
    sqlite = connection.dialect.name == "sqlite"
    names = tuple(rows[0])
    head, binders = _plan(table, names, sqlite=sqlite)
    columns = [
        [bind(row[name]) for row in rows] if bind else [row[name] for row in rows]
        for name, bind in zip(names, binders, strict=True)
    ]
    if not sqlite:
        found = await connection.execute(
            text(f"{head} {suffix}"), {f"c{i}": values for i, values in enumerate(columns)}
        )
        return list(found) if found.returns_rows else []
    return await _insert_values(connection, f"{head}{{}} {suffix}", list(zip(*columns, strict=True)), len(names))


async def _insert_values(
    connection: AsyncConnection, statement: str, rows: list[tuple[Any, ...]], width: int
) -> list[AnyRow]:
    place, step, found = f"({', '.join('?' * width)})", max(1, _PARAMETERS // width), []
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        sql = statement.format(", ".join([place] * len(part)))
        answer = await connection.exec_driver_sql(sql, tuple(value for row in part for value in row))
        if answer.returns_rows:
            found += list(answer)
    return found


def listed(
    connection: AsyncConnection, rows: Sequence[Mapping[str, Any]], **columns: str
) -> tuple[str, dict[str, Any]]:
    """A FROM item named `d` over `rows`, and its parameters; `columns` maps names to PostgreSQL types.

    Arrays on PostgreSQL, whose planner then knows how many rows there are; JSON on SQLite.
    """
    if connection.dialect.name == "sqlite":
        picked = ", ".join(f"json_extract(value, '$.{name}') as {name}" for name in columns)
        return f"(select {picked} from json_each(:rows)) as d", {"rows": json.dumps(rows, default=moment_text)}
    arrays = ", ".join(f"cast(:{name} as {kind}[])" for name, kind in columns.items())
    return f"unnest({arrays}) as d({', '.join(columns)})", {name: [row[name] for row in rows] for name in columns}


def greatest(connection: AsyncConnection) -> str:
    """The name of the function that gives the larger of two values."""
    return "max" if connection.dialect.name == "sqlite" else "greatest"


def among(connection: AsyncConnection, values: Iterable[Any], *columns: Column[Any]) -> ColumnElement[bool]:
    """Whether a row's columns are one of `values`, which are tuples where there are several columns.

    The statement's text is the same for any number of values, so that it is compiled and prepared once.
    """
    wanted = list(values)
    if connection.dialect.name == "sqlite":
        return _among_json(wanted, columns)
    if len(columns) == 1:
        return columns[0] == any_(literal(wanted, ARRAY(columns[0].type)))
    arrays = [literal([value[i] for value in wanted], ARRAY(c.type)) for i, c in enumerate(columns)]
    return tuple_(*columns).in_(select(*(func.unnest(array) for array in arrays)))


def _among_json(wanted: list[Any], columns: tuple[Column[Any], ...]) -> ColumnElement[bool]:
    row = func.json_each(json.dumps(wanted)).table_valued(column("value"))
    if len(columns) == 1:
        return columns[0].in_(select(row.c.value))
    parts = (func.json_extract(row.c.value, f"$[{i}]") for i in range(len(columns)))
    return tuple_(*columns).in_(select(*parts))
