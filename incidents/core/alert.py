"""One thing wrong with one system, as values, and what a telling adds to the count of it; `telling` moves them.

Two values, since they are saved differently: `Sighting` only ever grows (counts, last seen), so that tellings which
decide nothing need no lock; `Alert` is everything that a decision reads, and is guarded by its version.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from incidents.core.events import Kind
from incidents.core.grade import SAYING, Grade, Verdict
from incidents.core.incident import Resolution
from incidents.core.proof import Proof
from incidents.core.reading import Reading
from incidents.core.severity import Severity
from incidents.core.silence import Amount

TRAIL = 32  # windows kept; enough for n_min single answers and for six windows of flapping


class AlertState(StrEnum):
    WATCHING = "watching"  # not credible yet; never pages
    FIRING = "firing"
    FLAPPING = "flapping"  # held as firing; one page for the episode
    CLEAR = "clear"


class Change(StrEnum):
    """What a telling, or the passing of time, came to."""

    NONE = "none"  # counted and shown, nothing decided
    MOVED = "moved"  # something to remember, nothing for people
    WATCHED = "watched"
    FIRED = "fired"
    RAISED = "raised"  # still firing, and worse
    CALMED = "calmed"  # the latest telling is good; not clear yet
    RELAPSED = "relapsed"  # bad again before it was clear
    FLAPPED = "flapped"
    STEADIED = "steadied"  # a flapping episode ended and it is still bad
    CLEARED = "cleared"
    UNWATCHED = "unwatched"  # watching ended, by good news or by time; nobody was ever told


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window of measurement and its verdict; `flagged` of `sampled` answers for hallucination."""

    start: datetime
    end: datetime
    until: datetime | None = None  # where overlapping windows count as one: the end of the first of them
    verdict: Verdict
    flagged: int = 0
    sampled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A person resolved the incident while this was still out of limit."""

    incident: str
    reason: Resolution
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """What keeps a burning alert from paging; looked at again at `until`, and whenever the alert becomes worse."""

    by: str  # "silence:7", "maintenance:weekly-retrain" or "incident:INC-3"
    what: str  # the same in words: "the silence of Ada Okoye"
    why: str  # a sentence for people
    until: datetime
    up_to: Amount | None = None  # of planned cost: beyond this it does not hold
    before: str | None = None  # the incident that the alert had belonged to, where it fired while it was muted
    ended_by: str | None = None  # the name of whoever ended it early


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What only grows: count of tellings, when first and last seen, the newest window."""

    count: int
    first_seen_at: datetime
    last_seen_at: datetime  # received
    last_firing_at: datetime | None  # received, of the newest telling out of limit
    last_start: datetime
    last_order: datetime
    figures: str = ""  # the newest numbers in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    fingerprint: str
    system: str
    environment: str
    kind: Kind
    metric: str
    feature: str = ""
    segment: str = ""
    source: str = ""
    drift_kind: str | None = None
    state: AlertState = AlertState.CLEAR
    severity: Severity | None = None  # the worst of this episode
    incident: str | None = None
    figures: str = ""
    why: str = ""
    causes: tuple[str, ...] = ()
    release: str = ""  # what the newest reading was made on
    per_hour: Decimal | None = None
    currency: str | None = None
    trail: tuple[Window, ...] = ()  # recent windows, oldest first
    flips: tuple[datetime, ...] = ()  # when the verdict changed, lately
    since: datetime | None = None  # start of the first window out of limit in this episode
    watched_at: datetime | None = None
    watched: int = 0  # windows while watching
    fired_at: datetime | None = None
    cleared_at: datetime | None = None
    quiet_from: datetime | None = None  # the monitor said that it is over
    flapping_until: datetime | None = None  # steady until then: the episode is over
    flap_span: timedelta = timedelta(hours=1)  # within which changes count: an hour, or six windows
    settled: Settled | None = None
    waived: str | None = None  # why no proof of its end is asked for
    muted: Mute | None = None  # why nobody is asked about it, although it burns
    harmful: bool = False  # in this episode somebody was harmed or may have been: nothing mutes that
    spent: Amount | None = None  # in the newest window that decided anything
    proof: Proof | None = None  # of the run that it must prove, while that is asked for
    names: int = 0  # of a flood of unknown names: how many
    wake_at: datetime | None = None
    version: int = 0

    @property
    def burning(self) -> bool:
        """Firing, or held as firing."""
        return self.state in {AlertState.FIRING, AlertState.FLAPPING}

    @property
    def proving_since(self) -> datetime | None:
        """Since when every window of it is kept, as the proof of a run."""
        return self.proof.since if self.proof else None

    @property
    def heard(self) -> bool:
        """Burning, and people are asked about it."""
        return self.burning and not self.waived and self.settled is None and self.muted is None

    @property
    def home(self) -> str | None:
        """The incident that it belongs to, or belonged to before it fired unheard."""
        return self.incident or (self.muted.before if self.muted else None)

    @property
    def last_verdict(self) -> Verdict | None:
        """The newest verdict that said anything."""
        said = (window.verdict for window in reversed(self.trail))
        return next((verdict for verdict in said if verdict in SAYING), None)

    @property
    def calm(self) -> bool:
        """Burning, though the newest telling is good."""
        return self.quiet_from is not None or self.last_verdict is Verdict.IN


def seen(reading: Reading) -> tuple[Alert, Sighting]:
    """A thing never heard of before: clear, with nothing on its trail."""
    alert = Alert(
        fingerprint=reading.fingerprint,
        system=reading.system,
        environment=reading.environment,
        kind=reading.kind,
        metric=reading.metric,
        feature=reading.feature,
        segment=reading.segment,
        source=reading.source,
        drift_kind=getattr(reading.data, "drift_kind", None),
    )
    sighting = Sighting(
        count=0,
        first_seen_at=reading.received_at,
        last_seen_at=reading.received_at,
        last_firing_at=None,
        last_start=reading.start,
        last_order=reading.start,
    )
    return alert, sighting


def sighted(sighting: Sighting, reading: Reading, graded: Grade) -> Sighting:
    """The sighting after one more telling; an older one counts and changes no more."""
    newest = not is_older(sighting, reading)
    out = newest and graded.verdict is Verdict.OUT
    return replace(
        sighting,
        count=sighting.count + 1,
        last_seen_at=max(sighting.last_seen_at, reading.received_at),
        last_firing_at=reading.received_at if out else sighting.last_firing_at,
        last_start=reading.start if newest else sighting.last_start,
        last_order=max(sighting.last_order, reading.order),
        figures=graded.figures if newest and graded.figures else sighting.figures,
    )


def is_older(sighting: Sighting, reading: Reading) -> bool:
    """Told late: something newer is known already."""
    return sighting.count > 0 and reading.order < sighting.last_order
