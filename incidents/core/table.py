"""The alerts of one place while something happens to them: as they were, as they are, and what was told of each."""

from dataclasses import replace
from datetime import datetime

from incidents.core.alert import Alert, Sighting, seen
from incidents.core.decision import Others, Scene
from incidents.core.reading import Reading


class Table:
    """Starts with what the store knew; `changed` and `told` are to be saved."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.alerts = dict(scene.alerts)
        self.sightings = dict(scene.sightings)
        self.changed: dict[str, Alert] = {}
        self.told: dict[str, Sighting] = {}

    def known(self, reading: Reading) -> tuple[Alert, Sighting]:
        """The alert that a reading tells of, and its sighting before that."""
        if reading.fingerprint not in self.alerts:
            self.alerts[reading.fingerprint], self.sightings[reading.fingerprint] = seen(reading)
        return self.alerts[reading.fingerprint], self.sightings[reading.fingerprint]

    def save(self, alert: Alert) -> None:
        self.alerts[alert.fingerprint] = self.changed[alert.fingerprint] = alert

    def count(self, fingerprint: str, sighting: Sighting) -> None:
        """It was told of."""
        self.told[fingerprint] = self.sightings[fingerprint] = sighting

    def of(self, incident: str) -> list[Alert]:
        """The alerts of an incident, as far as they are on the table."""
        return [alert for alert in self.alerts.values() if alert.incident == incident]

    def others(self, incident: str) -> Others:
        """All alerts of an incident: those on the table counted now, the rest as the store counted them."""
        return self._rest(incident).with_these(self.of(incident))

    def last_firing(self, incident: str, opened_at: datetime) -> datetime:
        """When it was last told, before anything of now, that an alert of the incident is out of limit."""
        mine = [key for key, alert in self._scene.alerts.items() if alert.incident == incident]
        firing = (self._scene.sightings[key].last_firing_at for key in mine)
        return max(at for at in (self._rest(incident).last_firing_at, opened_at, *firing) if at is not None)

    def _rest(self, incident: str) -> Others:
        return self._scene.others.get(incident, Others())

    def note(self, fingerprint: str, figures: str, at: datetime) -> None:
        """Something more is known of an alert that no reading tells of."""
        self.count(fingerprint, replace(self.sightings[fingerprint], last_seen_at=at, figures=figures))
