"""What one transaction writes about one incident: its fields, facts for the timeline, effects for the world."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from incidents.core.effect import Channel, Effect, EffectKind
from incidents.core.estate import Estate
from incidents.core.fact import SYSTEM, Actor, Fact, FactKind
from incidents.core.incident import Incident, Related
from incidents.core.policy import Policy


class Sheet:
    """Collects what is written; decides nothing."""

    def __init__(self, incident: Incident, estate: Estate, now: datetime, unreachable: Mapping[str, str]) -> None:
        self.incident = incident
        self.before = incident
        self.estate = estate
        self.now = now
        self.unreachable = unreachable
        self.facts: list[Fact] = []
        self.effects: list[Effect] = []
        self._new = incident.version == 0

    @property
    def policy(self) -> Policy:
        """The numbers that hold for this incident."""
        return self.estate.policy_of(self.incident.system)

    def change(self, **values: object) -> None:
        """Set fields of the incident."""
        self.incident = replace(self.incident, **values)  # type: ignore[arg-type]

    def tell(self, kind: FactKind, text: str, *, by: Actor = SYSTEM, **data: object) -> None:
        """Put a fact on the timeline."""
        self.facts.append(self._fact(kind, text, data, by=by))

    def _fact(self, kind: FactKind, text: str, data: Mapping[str, object], *, by: Actor = SYSTEM) -> Fact:
        return Fact(incident=self.incident.id, kind=kind, at=self.now, by=by, text=text, data=data)

    @property
    def _ordinal(self) -> int:
        return self.incident.head_seq + len(self.facts)

    def effect(self, key: str, kind: EffectKind, to: Channel, *, target: str | None = None, **data: object) -> None:
        """Have the world do something, once for each `key`."""
        made = Effect(
            key=key, kind=kind, channel=to, incident=self.incident.id, due_at=self.now, target=target, data=data
        )
        self.effects.append(made)

    def card(self) -> None:
        """Post the incident in its channel."""
        place = self.estate.channel_of(self.incident.system)
        self.effect(f"card:{self.incident.id}", EffectKind.CARD, self.estate.post_channel, target=place)

    def post(self, text: str) -> None:
        """Say one line under the card."""
        place = self.estate.channel_of(self.incident.system)
        key = f"post:{self.incident.id}:{self._ordinal}:{len(self.effects)}"
        self.effect(key, EffectKind.POST, self.estate.post_channel, target=place, text=text)

    def relate(self, other: str, relation: str, text: str) -> None:
        """Link another incident, once."""
        link = Related(incident=other, relation=relation)
        if link not in self.incident.related:
            self.change(related=(*self.incident.related, link))
            self.tell(FactKind.LINKED, text, incident=other, relation=relation)
