"""Alerts and incidents inside one transaction: loaded under lock, decided elsewhere, saved in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from incidents.core.alert import Alert, Sighting
from incidents.core.decision import Decision, Others, Scene
from incidents.core.effect import Effect
from incidents.core.incident import Change, Incident

Place = tuple[str, str]  # (system, environment) where an incident gathers


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighted:
    """How a place, seen by its published name, stands: whether it is one of too many unknown names."""

    flooded: frozenset[Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRequest:
    """What must be loaded for one place: the alerts told of, and the systems it depends on."""

    place: Place
    fingerprints: frozenset[str]
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietTelling:
    """Tellings of one alert that decided nothing; guarded by the version of the alert that was read."""

    fingerprint: str
    version: int
    sighting: Sighting
    tellings: int


class BoardUnit(Protocol):
    channels: set[str]  # of the effects made in this transaction

    async def alerts(self, fingerprints: Iterable[str]) -> dict[str, tuple[Alert, Sighting]]: ...

    async def see(self, names: Mapping[Place, bool], *, limit: int) -> Sighted:
        """Remember the names seen (True: registered); unknown ones past `limit` new ones an hour are a flood."""
        ...

    async def scenes(self, requests: Sequence[SceneRequest]) -> dict[Place, Scene]:
        """Lock these places in key order, and load all that a decision about each needs."""
        ...

    async def new_ids(self, count: int) -> list[str]: ...

    async def count_quiet(self, tellings: Sequence[QuietTelling]) -> None:
        """Count tellings that decided nothing; Stale if one of the alerts has changed since it was read."""
        ...

    async def save(self, decisions: Sequence[Decision], tellings: Mapping[str, int]) -> None:
        """Everything decided, in bulk; each changed alert comes with its sighting, `tellings` is how often it was told.

        Stale when anything is not as it was read.
        """
        ...

    async def save_releases(self, place: Place, changes: Sequence[Change]) -> None: ...

    async def enqueue(self, made: Sequence[Effect]) -> None: ...

    async def incident(self, incident: str) -> tuple[Incident, dict[str, tuple[Alert, Sighting]]]:
        """Lock one incident and load it with its alerts by fingerprint; NotFound."""
        ...

    async def held(self, wanted: Sequence[str]) -> dict[str, Incident]:
        """Lock incidents in the order of their numbers and load them, by the ids they were asked for; NotFound."""
        ...

    async def others(self, held: Sequence[str], but: AbstractSet[str]) -> dict[str, Others]:
        """The burning alerts of these incidents, counted, but for those of these fingerprints."""
        ...

    async def gathering_at(self, place: Place) -> str | None:
        """The incident that gathers at a place."""
        ...

    async def unreachable(self) -> dict[str, str]: ...

    async def clicked(self, key: str, incident: str) -> bool:
        """Whether this click is new; a repeated one is not."""
        ...

    async def due_incidents(self, limit: int) -> list[str]: ...

    async def asking(self) -> list[str]:
        """The incidents that nobody has and that people are paged for."""
        ...

    async def strangers(self) -> list[tuple[str, str, str]]:
        """(incident, system, environment) of the unresolved incidents whose system was not in the catalog."""
        ...

    async def due_alerts(self, limit: int) -> list[tuple[Place, str]]:
        """(place of its incident, fingerprint) of alerts that time may change."""
        ...
