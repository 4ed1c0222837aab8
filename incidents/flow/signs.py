"""Signs of life in a batch: which monitors it lets us hear of, and which of those are worth writing down."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from incidents.core.estate import Estate
from incidents.core.event_data import HeartbeatData
from incidents.core.events import Event, Phase
from incidents.core.monitors import WHOLE, WRITTEN_EVERY, Sign, WatchKey, shown_by, sign
from incidents.core.system import Lifecycle

Heard = dict[WatchKey, tuple[datetime, timedelta | None]]  # when it was last written down, with which promise

_SPEAKS = frozenset({Phase.MEASURED, Phase.DETECTED, Phase.RESOLVED})  # by a monitor; people and guardrails report


def signs(events: Iterable[tuple[Event, str]], estate: Estate, heard: Heard, now: datetime) -> list[Sign]:
    """The signs of life to be written down: those of a minute ago are not written again, unless they promise more.

    `events` come with the system that each was found to mean.
    """
    found: dict[WatchKey, timedelta | None] = {}
    readings: set[tuple[str, str, object, str]] = set()
    for event, system in events:
        if event.type.phase is not Phase.HEARTBEAT:
            seen = (system, event.environment, event.type, event.source)
            if seen in readings:
                continue
            readings.add(seen)
        for key, promised in _shown(event, system, estate):
            found[key] = promised or found.get(key)
    return [sign(key, promised, estate, now) for key, promised in found.items() if _is_news(key, promised, heard, now)]


def _is_news(key: WatchKey, promised: timedelta | None, heard: Heard, now: datetime) -> bool:
    at, before = heard.get(key, (None, None))
    return at is None or now - at >= WRITTEN_EVERY or (promised is not None and promised != before)


def _shown(event: Event, system: str, estate: Estate) -> Iterator[tuple[WatchKey, timedelta | None]]:
    """The monitors that an event shows to live, with what it promises."""
    data, known = event.data, estate.catalog.system(system)
    if known is not None and known.lifecycle is Lifecycle.RETIRED:
        yield (system, event.environment, WHOLE), None
    elif isinstance(data, HeartbeatData):
        every = timedelta(seconds=float(data.every_seconds)) if data.every_seconds else None
        for watched in (system,) if system else estate.catalog.watched_by(data.monitor):
            if known is not None or not system or not estate.registers:
                yield (watched, event.environment, data.monitor), every
    elif event.type.kind is not None and event.type.phase in _SPEAKS and (known or not estate.registers):
        yield (system, event.environment, shown_by(event.type.kind, event.source, estate.system(system))), None
