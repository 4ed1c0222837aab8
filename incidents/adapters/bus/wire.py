"""How a message is read off RabbitMQ's wire, so that no property of it can end the connection.

pamqp raises on a property it cannot decode, and the connection ends with it. The message then comes again on the
next connection and ends that too: one hostile or broken publisher would stop the intake for good, and at the
delivery limit the broker would drop everything prefetched with it. The three decoders here give a value instead.
"""

import datetime as dt
import json
from collections.abc import Mapping

from aiormq.abc import DeliveredMessage
from pamqp import decode
from pamqp.common import FieldTable

from incidents.core.delivery import Delivery, Header, Origin

UNREADABLE = "unreadable-headers"
LENGTH = 4  # octets before a table that say how long it is

read_timestamp = decode.timestamp
read_table = decode.field_table


def short_text(raw: bytes) -> tuple[int, str]:
    """Decode a short string; octets that are not UTF-8 stay visible as escapes."""
    end = raw[0] + 1
    return end, raw[1:end].decode(errors="backslashreplace")


def timestamp(raw: bytes) -> tuple[int, dt.datetime | None]:
    """Decode a timestamp, or None for one beyond the calendar."""
    try:
        return read_timestamp(raw)
    except (ValueError, OverflowError, OSError):
        return 8, None


def table(raw: bytes) -> tuple[int, FieldTable]:
    """Decode a table; one that cannot be decoded is kept whole, as one header with its raw octets."""
    try:
        return read_table(raw)
    except (ValueError, ArithmeticError, OSError, RecursionError, IndexError):
        end = LENGTH + int.from_bytes(raw[:LENGTH])
        return end, {UNREADABLE: bytearray(raw[LENGTH:end])}


# The only way in: pamqp looks its decoders up here for every property of every message.
decode.METHODS.update({"shortstr": short_text, "timestamp": timestamp, "table": table})


def delivery(message: DeliveredMessage, queue: str) -> Delivery:
    """Return a message as the intake takes it."""
    properties = message.header.properties
    return Delivery(
        body=message.body,
        headers=_headers(properties.headers) if properties.headers else (),
        content_type=properties.content_type,
        origin=Origin.RABBITMQ,
        position=f"{queue}[{message.routing_key}]#{message.delivery_tag}",
    )


def _headers(table: Mapping[str, object]) -> tuple[Header, ...]:
    return tuple((name, _header(value)) for name, value in table.items())


def _header(value: object) -> bytes | str | None:
    """Return a header's value as text or octets; a truth, a list or a table is written as JSON writes it."""
    match value:
        case None | str() | bytes():
            return value
        case bytearray():
            return bytes(value)
        case bool() | list() | dict():
            return json.dumps(value, default=str)
        case dt.datetime():
            return value.isoformat()
        case _:
            return str(value)
