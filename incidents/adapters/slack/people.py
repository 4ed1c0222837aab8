"""Who is who in Slack: a person's user and direct message channel, and the person behind a click."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from incidents.adapters.slack.api import SlackApi, SlackSaidNo, told
from incidents.core.catalog import Catalog
from incidents.core.fact import Actor, ActorType
from incidents.core.people import Person
from incidents.flow.ports import Refused

_FRESH = 180.0  # seconds for which a user is believed to be active


@dataclass(slots=True)
class SlackPeople:
    """Remembers what Slack said about people, so that a page costs one call and not four."""

    api: SlackApi
    wait: float  # seconds for Slack to say whether a user is active
    _users: dict[str, str] = field(default_factory=dict)  # by e-mail address
    _direct: dict[str, str] = field(default_factory=dict)  # by user
    _active: dict[str, float] = field(default_factory=dict)  # by user: when Slack said so

    async def direct(self, person: Person) -> str:
        """The channel in which the bot writes to `person`, or SlackSaidNo with why there is none."""
        user = person.slack or await self._user(person.email)
        await self._check(user)
        if user not in self._direct:
            opened = await self.api.write("conversations.open", users=user)
            self._direct[user] = told(opened, "channel", "id")
        return self._direct[user]

    def forget(self, person: Person) -> None:
        """Ask Slack again next time: it has just refused what was remembered."""
        user = person.slack or self._users.pop(person.email or "", "")
        self._direct.pop(user, None)
        self._active.pop(user, None)

    def address_of(self, user: str) -> str | None:
        """The e-mail address by which `user` was found, if it was."""
        return next((email for email, known in self._users.items() if known == user), None)

    async def _user(self, email: str | None) -> str:
        if not email:
            raise SlackSaidNo(Refused("has neither a Slack user nor an e-mail address in the catalog", absent=True))
        if email not in self._users:
            found = await self.api.read("users.lookupByEmail", email=email)
            self._users[email] = told(found, "user", "id")
        return self._users[email]

    async def _check(self, user: str) -> None:
        """Refuse a deactivated user: Slack takes a message to one without a word, and nobody reads it."""
        if monotonic() - self._active.get(user, -_FRESH) < _FRESH:
            return
        try:
            async with asyncio.timeout(self.wait):
                found = await self.api.read("users.info", user=user)
        except TimeoutError:
            return  # a question that is not answered must not hold up the page
        except SlackSaidNo as no:
            if isinstance(no.trouble, Refused) and no.trouble.absent:
                raise
            return
        if isinstance(found.get("user"), Mapping) and found["user"].get("deleted"):
            raise SlackSaidNo(Refused("is deactivated in Slack", absent=True))
        self._active[user] = monotonic()


def clicker(user: str, catalog: Catalog, people: SlackPeople | None = None) -> Actor:
    """Who acts when Slack says that `user` clicked: a person of the catalog where one is known by user or address."""
    person = catalog.person_by_slack(user)
    address = people.address_of(user) if people else None
    if person is None and address:
        person = next((one for one in catalog.people.values() if one.email == address and not one.slack), None)
    return Actor(type=ActorType.PERSON, id=person.id if person else f"slack:{user}")
