"""A name that was unknown has been registered, or mapped to a system: its incident finds its owner."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import structlog

from incidents.core.alert import Alert, AlertState
from incidents.core.decision import Decision, Others, Scene
from incidents.core.desk import Desk
from incidents.core.errors import NotAllowed, StoreAway
from incidents.core.estate import Estate
from incidents.core.events import Kind
from incidents.core.fact import SYSTEM, FactKind
from incidents.core.incident import UNRESOLVED, Action, Incident
from incidents.core.response import Ask, Case, act
from incidents.core.system import System
from incidents.flow.attempt import attempt
from incidents.flow.ports import Place, SceneRequest, Store, Turn, Unit

log = structlog.get_logger(__name__)


async def reroute(store: Store, estate: Estate, made: Callable[[Iterable[str]], None]) -> int:
    """Look at every unresolved incident of an unknown name; how many of them have found their system.

    NotAllowed, once the others are done, where one kept changing meanwhile: it is to be asked for again.
    """
    if not estate.registers:
        return 0
    async with store.unit(Turn.PEOPLE) as unit:
        strangers = await unit.board.strangers()
    found, left = 0, list[NotAllowed]()
    for incident, name, environment in strangers:
        system = estate.catalog.system(name)
        if system is None:
            continue
        try:
            move = partial(_move, incident=incident, place=(system.id, environment), system=system, estate=estate)
            found += await attempt(store, move, made, incident)
        except NotAllowed as busy:
            log.warning("an incident keeps changing while it is re-routed", incident=incident)
            left.append(busy)
        except StoreAway:
            raise
        except Exception:  # the loop's edge: one incident must not keep the service from starting
            log.exception("an incident cannot be re-routed", incident=incident)
    if left:
        raise left[0]
    return found


async def _move(unit: Unit, incident: str, place: Place, system: System, estate: Estate) -> bool:
    """To the system's own place, or into the incident that gathers there; not where somebody was first."""
    await unit.board.see({place: True}, limit=0)
    scene = (await unit.board.scenes([SceneRequest(place=place, fingerprints=frozenset())]))[place]
    stranger, alerts = await unit.board.incident(incident)
    if stranger.registered or stranger.status not in UNRESOLVED:
        return False
    desk = Desk(stranger, estate, unit.now, scene.unreachable)
    changed = {key: _known(alert, system, desk) for key, (alert, _) in alerts.items()}
    desk.change(
        system=system.id, registered=True, runbooks=tuple((key, "named by the catalog") for key in system.runbooks)
    )
    desk.tell(FactKind.REROUTED, f"{stranger.system} is {system.title}: its owners are asked now", system=system.id)
    desk.hold(Others().with_these(changed.values()))
    case, desks = Case(desk=desk, alerts=tuple(changed.values())), [desk]
    other, runs = _gathering(scene, incident), await unit.runs.of(incident)
    if other is not None and runs:  # it is verified by the alerts that would move away
        desk.change(gathering=False)
        desk.relate(other.id, "newer", f"{other.id} gathers the alerts of this system; {runs[0].id} is not over here")
        desk.ask(f"{stranger.system} was found to be {system.title}")
    elif other is not None:
        case.other = Desk(other, estate, unit.now, scene.unreachable)
        desks.append(case.other)
        act(case, Ask(incident=incident, action=Action.MERGE, by=SYSTEM, to=other.id))
    else:
        desk.ask(f"{stranger.system} was found to be {system.title}")
    saved = [case.changed.get(key, alert) for key, alert in changed.items()]
    closed = [each.close() for each in desks]
    decision = Decision(
        incidents=tuple(incident for incident, _, _ in closed),
        alerts=tuple(saved),
        sightings={key: sighting for key, (_, sighting) in alerts.items()},
        facts=tuple(fact for _, facts, _ in closed for fact in facts),
        effects=tuple(effect for _, _, effects in closed for effect in effects),
    )
    await unit.board.save([decision], {})
    return True


def _gathering(scene: Scene, incident: str) -> Incident | None:
    return scene.gathering if scene.gathering is not None and scene.gathering.id != incident else None


def _known(alert: Alert, system: System, desk: Desk) -> Alert:
    """The name is known, so that alert is over; what was told under another name will be told under the system's."""
    if alert.kind is Kind.UNKNOWN_SYSTEM:
        return replace(alert, state=AlertState.CLEAR, cleared_at=desk.now, wake_at=None, muted=None)
    if alert.system == system.id:
        return alert
    return replace(alert, waived=alert.waived or f"told under {system.id} from now on")
