"""What is known before anything happens: catalog, policy, runbooks and the channels that are set up."""

from dataclasses import dataclass, field

from incidents.core.catalog import Catalog
from incidents.core.effect import Channel
from incidents.core.people import Person
from incidents.core.policy import Policy
from incidents.core.runbook import Runbook
from incidents.core.system import System

ADMIN = Person(id="admin", name="the local admin")
UNKNOWN_SYSTEMS = "unknown systems"  # the one incident for a flood of unknown names


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    catalog: Catalog = field(default_factory=Catalog)
    policy: Policy = field(default_factory=Policy)
    runbooks: tuple[Runbook, ...] = ()
    slack: bool = False  # a Slack workspace is connected
    webhook: bool = False  # a fallback webhook is set
    channel: str | None = None  # the Slack channel for systems that name none
    public_url: str = "http://127.0.0.1:8080"

    @property
    def registers(self) -> bool:
        """Whether anybody keeps an inventory; without one no name is unknown, only unregistered."""
        return bool(self.catalog.systems)

    def system(self, name: str) -> System:
        """The registered system of this name, or a plain one graded as medium."""
        return self.catalog.system(name) or System(id=name, title=name)

    def person(self, person: str) -> Person:
        """The person of this id; someone who is not in the catalog stays known by the bare id."""
        return self.catalog.people.get(person) or (ADMIN if person == ADMIN.id else Person(id=person, name=person))

    def channel_of(self, system: str) -> str:
        """Where the incidents of `system` are posted."""
        found = self.system(system).channel or self.catalog.default_channel or self.channel
        return found or "console"

    def page_channel(self, person: Person) -> Channel:
        """How `person` is paged: in Slack where they can be found there, else on the console and the web page."""
        return Channel.SLACK if self.slack and (person.slack or person.email) else Channel.CONSOLE

    @property
    def post_channel(self) -> Channel:
        return Channel.SLACK if self.slack else Channel.CONSOLE

    def absence(self, person: Person) -> str | None:
        """Why `person` cannot be paged at all, as far as the files tell."""
        if self.slack and person.id != ADMIN.id and not (person.slack or person.email):
            return "has no Slack account and no e-mail address in the catalog"
        return None
