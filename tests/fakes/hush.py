"""Silences in memory, refused by the same core as the real ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from incidents.core.errors import NotAllowed, NotFound
from incidents.core.events import Kind
from incidents.core.fact import Actor
from incidents.core.mute import traits_of
from incidents.core.silence import Silence, SilenceState, checked
from incidents.flow.ports import AlertView, SilenceView, Silencing
from tests.fakes.told import NOW


@dataclass(slots=True)
class Hush:
    """What people do with silences, over a dictionary; `views` are the alerts that burn."""

    now: datetime = NOW
    held: dict[str, Silence] = field(default_factory=dict)
    views: list[AlertView] = field(default_factory=list)

    async def make(self, wanted: Silencing) -> SilenceView:
        made = self._wanted(wanted)
        self.held[made.id] = made
        muted = sum(made.matches(traits_of(view.alert)) for view in self.views)
        return SilenceView(silence=made, state=made.state(self.now), muted=muted)

    async def preview(self, wanted: Silencing) -> Sequence[AlertView]:
        made = self._wanted(wanted)
        return [view for view in self.views if made.matches(traits_of(view.alert))]

    async def end(self, silence: str, *, by: Actor) -> Silence:
        if silence not in self.held:
            raise NotFound(f"no silence {silence}")
        if self.held[silence].state(self.now) is SilenceState.EXPIRED:
            raise NotAllowed("already_done", "it is over already")
        self.held[silence] = replace(self.held[silence], ends_at=self.now, ended_by=by.id)
        return self.held[silence]

    async def list(
        self, states: tuple[SilenceState, ...] = (), *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[SilenceView], str | None]:
        start = int(cursor.removeprefix("at-")) if cursor else 0
        found = [one for one in reversed(self.held.values()) if not states or one.state(self.now) in states]
        page = [SilenceView(silence=one, state=one.state(self.now), muted=0) for one in found[start : start + limit]]
        return page, f"at-{start + limit}" if start + limit < len(found) else None

    def _wanted(self, wanted: Silencing) -> Silence:
        starts_at = wanted.starts_at or self.now
        ends_at = wanted.ends_at or (starts_at + wanted.lasting if wanted.lasting else starts_at)
        made = Silence(
            id=str(len(self.held) + 1),
            matchers=wanted.matchers,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=wanted.reason,
            by=wanted.by.id,
            made_at=self.now,
            planned=wanted.planned,
        )
        return checked(made, frozenset(Kind), self.now)
