"""Each person's own turns as a calendar to subscribe to, at an address that only they are told."""

import base64
import hmac
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import quote

from icalendar import Calendar, Event

from incidents.core.catalog import Catalog
from incidents.core.errors import NotFound
from incidents.core.estate import Estate
from incidents.core.people import Person
from incidents.core.schedule import Shift, shifts, turn

_AHEAD = timedelta(days=60)
_AGAIN = timedelta(hours=1)  # how often a calendar program is asked to look


class PersonalCalendars:
    """Calendars of people's turns; without a secret there are none, and no address of one."""

    def __init__(
        self, secret: bytes | None, estate: Callable[[], Estate], clock: Callable[[], Awaitable[datetime]]
    ) -> None:
        self._secret, self._estate, self._clock = secret, estate, clock

    @property
    def ready(self) -> bool:
        """Whether addresses can be signed."""
        return self._secret is not None

    def address(self, person: str) -> str | None:
        """Where `person` subscribes to their turns; None where there is no secret, or no such person."""
        estate = self._estate()
        if self._secret is None or person not in estate.catalog.people:
            return None
        return f"{estate.public_url}/calendar/{quote(person, safe='')}.ics?key={_key(self._secret, person)}"

    async def text(self, person: str, key: str) -> bytes:
        """The turns of `person` for two months, for who has the key; NotFound for anybody else, whoever is meant."""
        estate = self._estate()
        if self._secret is None:
            raise NotFound("calendars of people are off until INCIDENTS_SECRET_KEY is set")
        expected = _key(self._secret, person)
        known = estate.catalog.people.get(person)
        if not hmac.compare_digest(key.encode(errors="replace"), expected.encode()) or known is None:
            raise NotFound("no such calendar: the address is not one that was given out, or the person has left")
        return _written(known, estate, await self._clock())


def _key(secret: bytes, person: str) -> str:
    """128 bits that only who has the secret can make for `person`."""
    signed = hmac.new(secret, b"calendar/1\0" + person.encode(errors="surrogatepass"), sha256).digest()
    return base64.urlsafe_b64encode(signed[:16]).decode().rstrip("=")


def _written(person: Person, estate: Estate, now: datetime) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", "-//incidents//on call//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"On call: {person.name}")
    calendar.add("refresh-interval", _AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for schedule, shift in _turns(person.id, estate.catalog, now):
        calendar.add_component(_event(schedule, shift, estate.public_url))
    written: bytes = calendar.to_ical()
    return written


def _turns(person: str, catalog: Catalog, now: datetime) -> Iterator[tuple[str, Shift]]:
    """Whole turns, the running one too: one that was cut would be another event each time."""
    for id_, schedule in sorted(catalog.schedules.items()):
        for shift in shifts(schedule, now, now + _AHEAD):
            if shift.person == person:
                yield id_, turn(schedule, shift.start) or shift


def _event(schedule: str, shift: Shift, public_url: str) -> Event:
    event = Event()
    same = sha256(f"{schedule}\0{shift.person}\0{shift.start.isoformat()}".encode()).hexdigest()[:32]
    event.add("uid", f"{same}@incidents")
    event.add("dtstamp", shift.start)  # the same each time, so that an unchanged calendar is the same text
    event.add("dtstart", shift.start)
    event.add("dtend", shift.end)
    event.add("summary", f"On call: {schedule}")
    event.add("description", f"Your turn of {schedule}, by its {shift.source}.")
    event.add("url", f"{public_url}/on-call")
    event.add("transp", "TRANSPARENT")
    return event
