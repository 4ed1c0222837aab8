"""What is known before anything happens: catalog, policy, runbooks and the channels that are set up."""

from dataclasses import dataclass, field, replace

from incidents.core.catalog import Catalog, Escalation
from incidents.core.effect import Channel
from incidents.core.people import Person
from incidents.core.policy import Policy
from incidents.core.runbook import Runbook
from incidents.core.severity import Severity
from incidents.core.system import Role, System

ADMIN = Person(id="admin", name="the local admin")
UNKNOWN_SYSTEMS = "unknown systems"  # the one incident for a flood of unknown names


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    catalog: Catalog = field(default_factory=Catalog)
    policy: Policy = field(default_factory=Policy)
    runbooks: tuple[Runbook, ...] = ()
    slack: bool = False  # a Slack workspace is connected
    webhook: bool = False  # a fallback webhook is set
    bus: bool = False  # a bus is set, on which other systems are told
    channel: str | None = None  # the Slack channel for systems that name none
    public_url: str = "http://127.0.0.1:8080"
    trouble: str = ""  # why the catalog is not the one that somebody wanted, for people to see

    @property
    def registers(self) -> bool:
        """Whether anybody keeps an inventory; without one no name is unknown, only unregistered."""
        return bool(self.catalog.systems)

    def system(self, name: str) -> System:
        """The registered system of this name, or a plain one graded as medium."""
        return self.catalog.system(name) or System(id=name, title=name)

    def escalation_of(self, system: System) -> Escalation | None:
        """How incidents of `system` escalate: as it says itself, as the team that operates it does, or by default."""
        catalog, operator = self.catalog, self.catalog.teams.get(system.owners.get(Role.OPERATIONAL, ""))
        for name in (system.escalation, operator.escalation if operator else None, catalog.default_escalation):
            if name and name in catalog.escalations:
                return catalog.escalations[name]
        return None

    def policy_of(self, system: str) -> Policy:
        """The policy with the patience and the repeats that incidents of `system` have."""
        chosen, usual = self.escalation_of(self.system(system)), self.policy.escalation
        if chosen is None or not (chosen.patience or chosen.repeat is not None):
            return self.policy
        numbers = replace(
            usual,
            sev1=chosen.patience.get(Severity.SEV1, usual.sev1),
            sev2=chosen.patience.get(Severity.SEV2, usual.sev2),
            sev3=chosen.patience.get(Severity.SEV3, usual.sev3),
            repeat=usual.repeat if chosen.repeat is None else chosen.repeat,
        )
        return replace(self.policy, escalation=numbers)

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
