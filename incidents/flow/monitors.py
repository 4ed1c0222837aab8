"""Monitors that fall silent or are heard of again, and retired systems that still publish: one alert each."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from incidents.core.correlate import Room
from incidents.core.errors import Stale, StoreAway
from incidents.core.estate import Estate
from incidents.core.monitors import (
    DEAF_AFTER,
    SILENT_MONITORS,
    WHOLE,
    Watch,
    WatchKey,
    alert_of,
    ended,
    expected,
    judged,
    key_of,
)
from incidents.flow.batch import whole
from incidents.flow.ports import Place, SceneRequest, Store, Turn, Unit

log = structlog.get_logger(__name__)

FLOOD: Place = (SILENT_MONITORS, "production")
_AT_ONCE = 100  # monitors in one transaction


async def expect(store: Store, estate: Estate) -> int:
    """Compare what is known of monitors with what the catalog says; how many are to be looked at for that."""
    async with store.unit(Turn.INTAKE) as unit:
        known = {watch.key: watch for watch in await unit.monitors.all()}
        wanted = {key for system in estate.catalog.systems.values() for key in expected(system)}
        new = [_first_expected(key, estate, unit.now) for key in wanted - known.keys()]
        changed = [
            watch for watch in known.values() if judged(watch, estate, unit.now) != (watch.silent, watch.late_at)
        ]
        await unit.monitors.expect(new, changed)
    return len(new) + len(changed)


def _first_expected(key: WatchKey, estate: Estate, now: datetime) -> Watch:
    watch = Watch(system=key[0], environment=key[1], monitor=key[2], since=now)
    return replace(watch, late_at=judged(watch, estate, now)[1])


async def look(store: Store, estate: Estate, made: Callable[[Iterable[str]], None]) -> int:
    """Look at every monitor whose time has come; how many those were. While nobody listens, nobody is silent."""
    done, seen = 0, set[WatchKey]()
    while True:
        async with store.unit(Turn.PAGES) as unit:
            due = set(await unit.monitors.due(_AT_ONCE)) - seen
            if due and await _is_deaf(unit):
                return done
        if not due:
            return done
        seen |= due
        done += await _look_at(store, estate, made, due)


async def _is_deaf(unit: Unit) -> bool:
    noted = await unit.monitors.listened_at()
    return noted is not None and unit.now - noted > DEAF_AFTER


async def _look_at(store: Store, estate: Estate, made: Callable[[Iterable[str]], None], keys: set[WatchKey]) -> int:
    """All in one transaction, or each in its own where that fails."""
    try:
        async with store.unit(Turn.PAGES) as unit:
            due = await unit.monitors.hold(keys)
            await _judge(unit, due, estate)
        made(unit.board.channels)
        return len(due)
    except StoreAway:
        raise
    except Stale:
        pass  # somebody changed one of their incidents just now, or two of them share one
    except Exception:  # the loop's edge: one monitor must not stop the others
        log.exception("monitors cannot be judged", monitors=len(keys))
    if len(keys) == 1:
        return 0  # the next tick looks again
    return sum([await _look_at(store, estate, made, {key}) for key in sorted(keys)])


async def _judge(unit: Unit, due: Sequence[Watch], estate: Estate) -> None:
    """Open, join or end what their silence asks for, and remember when to look again."""
    after = []
    for watch in due:
        silent, late_at = judged(watch, estate, unit.now)
        after.append(replace(watch, silent=silent, late_at=late_at))
    turned = [new for old, new in zip(due, after, strict=True) if new.silent != old.silent]
    if turned:
        await _tell(unit, await _places(unit, turned, estate), estate)
    await unit.monitors.settle(after)


async def _places(unit: Unit, turned: Sequence[Watch], estate: Estate) -> dict[Place, list[Watch]]:
    """Where each is told of: at its own place, or past so many in an hour with all others."""
    new = dict.fromkeys(_place(watch) for watch in turned if watch.silent and watch.monitor != WHOLE)
    told = await unit.monitors.incidents_since(unit.now - timedelta(hours=1)) if new else 0
    flooded = set(list(new)[max(0, estate.policy.monitors.incidents_an_hour - told) :])
    found: dict[Place, list[Watch]] = {}
    for watch in turned:
        flood = watch.silent and watch.monitor != WHOLE and _place(watch) in flooded
        found.setdefault(FLOOD if flood else _place(watch), []).append(watch)
    return found


def _place(watch: Watch) -> Place:
    return watch.system, watch.environment


async def _tell(unit: Unit, turned: dict[Place, list[Watch]], estate: Estate) -> None:
    await unit.board.see(dict.fromkeys(turned, True), limit=0)
    requests = [
        SceneRequest(
            place=place, fingerprints=frozenset(map(key_of, watches)), depends_on=estate.system(place[0]).depends_on
        )
        for place, watches in turned.items()
    ]
    scenes, decisions = await unit.board.scenes(requests), []
    ids = iter(await unit.board.new_ids(len(turned)))
    for place, watches in turned.items():
        room = Room(scenes[place], estate, now=unit.now, ids=ids)
        for watch in watches:
            if watch.silent:
                room.find(*alert_of(watch, estate, unit.now))
            else:
                room.end(key_of(watch), ended(watch, estate))
        decisions.append(whole(room.decision(), scenes[place]))
    await unit.board.save(decisions, {})
