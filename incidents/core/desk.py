"""Decides how an incident moves: what is written about it, who is told and paged. Events, people and time work here."""

from dataclasses import replace
from datetime import datetime

from incidents.core.decision import Others
from incidents.core.effect import Channel, Effect, EffectKind
from incidents.core.escalation import BY_HAND, Call, begin_round, plan, stopped
from incidents.core.fact import SYSTEM, Actor, ActorType, Fact, FactKind
from incidents.core.figures import counted, local, span
from incidents.core.incident import UNRESOLVED, Asked, Held, Incident, Status
from incidents.core.ladder import Ladder, Skip, Target, ladder
from incidents.core.lifecycle import events
from incidents.core.reminder import accountable
from incidents.core.severity import Severity
from incidents.core.sheet import Sheet
from incidents.core.system import Role

PAGES_ANY_HOUR = frozenset({Severity.SEV1, Severity.SEV2})


def ends_by_itself(incident: Incident) -> bool:
    """Minor trouble that no person has touched resolves and closes without one."""
    return incident.severity not in PAGES_ANY_HOUR and incident.touched_at is None


def last_word(incident: Incident) -> datetime:
    """When a person last said something about it."""
    return incident.touched_at or incident.acknowledged_at or incident.opened_at


def asks_again(incident: Incident) -> bool:
    """Whether its responder is asked again after some time without a word."""
    waits = incident.status is Status.ACKNOWLEDGED and incident.severity in PAGES_ANY_HOUR
    return waits and incident.held is not Held.SILENCED


def _held_by(others: Others) -> Held | None:
    """What the alerts of an incident, taken together, let the ladder stand still for."""
    if not others.burning or others.hot:
        return None
    if others.muted == others.burning:
        return Held.SILENCED
    return Held.FLAPPING if others.flapping else Held.CALM


class Desk(Sheet):
    """Collects what one transaction decides about one incident; `close` works out pages and the next wake-up."""

    def raise_to(self, severity: Severity, why: str, *, by_day: bool = False) -> None:
        """Worse news: raise the severity and say so; into SEV1/2 a new round begins, even when acknowledged."""
        was = self.incident.severity
        if not severity.worse_than(was):
            return
        self.change(severity=severity, severity_why=why)
        self.tell(FactKind.SEVERITY_RAISED, f"{was.label} -> {severity.label}: {why}", was=was, to=severity)
        self.post(f"Raised from {was.label} to {severity.label}: {why}")
        if self.pages_for(was, severity):
            self.ask(f"raised to {severity.label}", by_day=by_day)

    def pages_for(self, was: Severity, to: Severity) -> bool:
        """Whether a change of severity is asked about anew: into SEV1/2 always, out of SEV4 while nobody has it."""
        status = self.incident.status
        if not to.worse_than(was) or status not in {Status.TRIGGERED, Status.ACKNOWLEDGED}:
            return False
        return to in PAGES_ANY_HOUR or (was is Severity.SEV4 and status is Status.TRIGGERED)

    def ask(self, why: str, *, by_day: bool = False, wanted: bool = False) -> None:
        """Begin a new round of the ladder, maybe one that a person wants; what somebody had is triggered again."""
        if self.incident.status is not Status.TRIGGERED:
            self.give_back()
            self.change(status=Status.TRIGGERED)
            self.tell(FactKind.ASKED_AGAIN, f"Asked again: {why}", why=why)
        self.change(paging=begin_round(self.incident.paging, now=self.now, why=why, by_day=by_day, wanted=wanted))

    def give_back(self) -> None:
        """Whoever had it has it no more, and it is snoozed no more."""
        self.change(acknowledged_at=None, acknowledged_by=None, snoozed_until=None)

    def hasten(self) -> None:
        """What was old news, to be asked about by day, is not over: the night is no longer a reason to wait."""
        if self.incident.paging.by_day:
            self.change(paging=replace(self.incident.paging, by_day=False, clock_at=self.now))

    def stop(self) -> None:
        """Nobody is to be asked any more."""
        self.change(paging=stopped(self.incident.paging), wake_at=None, snoozed_until=None, handed=None)

    def reopen(self, why: str, *, by: Actor = SYSTEM, by_day: bool = False, gathers: bool = True) -> None:
        """It came back, or was never gone: triggered again, with a new round; `gathers` unless another one does."""
        self.give_back()
        self.change(
            status=Status.TRIGGERED,
            gathering=gathers,
            held=None,
            held_at=None,
            mitigated_at=None,
            verified_at=None,
            resolved_at=None,
            resolution=None,
            paging=begin_round(
                self.incident.paging,
                now=self.now,
                why=f"reopened: {why}",
                by_day=by_day,
                wanted=by.type is ActorType.PERSON,
            ),
        )
        self.tell(FactKind.REOPENED, f"Reopened: {why}", by=by)
        self.post(f"Reopened: {why}")

    def hold(self, others: Others) -> None:
        """Let the ladder stand still while every alert is muted, calm or flapping.

        Its patience starts anew afterwards; where all were muted a new round begins, as if they fired then.
        """
        was, held = self.incident.held, _held_by(others) if self.incident.status in UNRESOLVED else None
        if held is was:
            return
        self.change(held=held, held_at=self.now if held else None)
        if self.incident.paging.wanted:
            return  # it never stood still
        if was is Held.SILENCED and self.incident.status is Status.TRIGGERED:
            why = "not everything is muted any more" if others.burning else "what was muted is over or waived"
            self.ask(why, by_day=self.incident.paging.by_day)
        elif held is None:
            self._go_on()

    def hush(self) -> None:
        """Take back what was about to be sent, now that everything is muted; not what a person asked for by hand."""
        paging = self.incident.paging
        if self.incident.held is Held.SILENCED and paging.clock_at is not None and paging.why != BY_HAND:
            self.change(paging=begin_round(paging, now=self.now, why="silenced", by_day=paging.by_day))

    def _go_on(self) -> None:
        """The ladder moves again; the patience of whoever was asked last starts anew."""
        if self.incident.paging.asked and self.incident.paging.clock_at is not None:
            self.change(paging=replace(self.incident.paging, clock_at=self.now))

    def verify(self, text: str, *, asks: bool = True) -> None:
        """Every alert is clear by its own metric: escalation stops, the incident is mitigated.

        Whether the cause is gone is asked, unless a run is about to prove it.
        """
        self.tell(FactKind.VERIFIED, text)
        self.change(verified_at=self.now, held=None, held_at=None)
        self.stop()
        if self.incident.status in {Status.TRIGGERED, Status.ACKNOWLEDGED}:
            self.change(status=Status.MITIGATED, mitigated_at=self.now)
            self.tell(FactKind.MITIGATED, "Mitigated: every alert is back within its limit")
        if asks and self.incident.status is Status.MITIGATED and not ends_by_itself(self.incident):
            self.post("Every alert is verified clear. Is the cause gone? Resolve it, or note what remains.")

    def close(self) -> tuple[Incident, list[Fact], list[Effect]]:
        """Page whom it is time to page, set the next wake-up, bring the messages up to date, tell other systems."""
        self._page()
        self.change(wake_at=self._wake_at(self.incident.wake_at))
        changed = self.incident != self.before
        if (changed or self.facts) and not self._new:
            key = f"refresh:{self.incident.id}:{self.incident.version + 1}"
            self.effect(key, EffectKind.REFRESH, self.estate.post_channel)
        self.effects += events(self.incident, self.facts, self.estate)
        return replace(self.incident, version=self.incident.version + 1), self.facts, self.effects

    def _page(self) -> None:
        """Work the ladder; afterwards `wake_at` is when it must be looked at again."""
        self.change(wake_at=None)
        if self.incident.status is not Status.TRIGGERED or self.incident.paging.clock_at is None:
            return
        if self._stands_still():
            return
        people = ladder(self.incident, self.estate, self.unreachable, self.now)
        planned = plan(self.incident, people, self.policy, self.now)
        self.change(paging=planned.paging, wake_at=planned.wake_at, ownerless=people.ownerless)
        if planned.passed:
            text = f"{len(planned.passed)} calls of the ladder went by while nobody could be asked"
            self.tell(FactKind.LEVELS_PASSED, text, levels=list(planned.passed))
        if planned.pages:
            self._name_skipped(people)
        for call, target in planned.pages:
            relieved = planned.relieved.get(target.person.id)
            self._ask_one(call, self._taken_over(target, relieved) if relieved else target, people, relieved)
        if planned.gave_up:
            self._nobody_answered()

    def _stands_still(self) -> bool:
        """Whether good news or flapping holds the ladder; good news followed by none does so only for a while.

        Nothing holds it where a person wants somebody to be asked.
        """
        if self.incident.paging.wanted:
            return False
        held, since = self.incident.held, self.incident.held_at
        if held is Held.SILENCED:
            return True  # its alerts wake up by themselves
        if held is Held.FLAPPING:
            return bool(self.incident.paging.asked)
        if held is None:
            return False
        until = (since or self.now) + self.policy.escalation.hold_for
        if self.now < until:
            self.change(wake_at=until)
            return True
        self.change(held=None, held_at=None)
        self._go_on()
        return False

    def _name_skipped(self, people: Ladder) -> None:
        for skip in people.skips:
            if skip.key not in self.incident.skipped:
                self.change(skipped=(*self.incident.skipped, skip.key))
                self._skipped(skip)

    def _skipped(self, skip: Skip) -> None:
        text = skip.said(self.estate)
        self.tell(FactKind.TARGET_SKIPPED, f"Skipped: {text}", whom=skip.whom, role=skip.role, why=skip.why)
        if not skip.gap:
            return
        system = self.incident.system
        owner = self.estate.system(system).owners.get(Role.ACCOUNTABLE)
        asked = self.estate.person(owner).name if owner else "The accountable owner"
        because = f"{self.estate.person(skip.whom).name} {skip.why}" if skip.whom else text
        article = "an" if skip.role[0] in "aeiou" else "a"
        todo = f"name {article} {skip.role} who can be reached ({because})"
        gap = f"Task for {asked}: {todo}"
        self.tell(
            FactKind.OWNER_GAP,
            gap,
            role=skip.role,
            whom=skip.whom,
            accountable=owner,
            system=system,
            task=todo[0].upper() + todo[1:],
            to=accountable(system, self.estate, self.unreachable, self.now).id,
            due=(self.now + self.estate.policy.tasks.gap_within).isoformat(),
        )
        self.post(gap)

    def _taken_over(self, target: Target, entry: Asked) -> Target:
        """Why somebody is asked whose turn began while nobody had answered."""
        at = min(entry.until or self.now, self.now)
        since = local(at, target.person.timezone, self.now)
        return replace(
            target, why=f"you took over from {self.estate.person(entry.person).name} at {since}: {target.why}"
        )

    def _ask_one(self, call: Call, target: Target, people: Ladder, relieved: Asked | None) -> None:
        person, further = target.person, bool(call.level or call.run)
        key = f"page:{self.incident.id}:{call.round}:{call.level}:{person.id}"
        at: dict[str, object] = {"round": call.round, "level": call.level, "why": target.why}
        self.effect(key, EffectKind.PAGE, self.estate.page_channel(person), target=person.id, **at)
        if relieved:
            text = f"{person.name} took over from {self.estate.person(relieved.person).name} and is asked"
            known = {"to": person.id, "from": relieved.person, "schedule": relieved.schedule}
            self.facts.append(self._fact(FactKind.SHIFT_CHANGED, text, {**known, **at}))
        elif further:
            waited = self.policy.escalation.patience(self.incident.severity)
            by_hand = self.incident.paging.why == BY_HAND
            after = f" after {span(waited)} without an answer" if waited and not by_hand else ""
            text = f"Escalated to {person.name} (level {call.level}, round {call.round}){after}"
            self.facts.append(self._fact(FactKind.ESCALATED, text, {"to": person.id, **at}))
        unanswered = further and self.incident.severity in PAGES_ANY_HOUR
        if self.estate.webhook and (unanswered or people.ownerless):
            told = {"round": call.round, "why": target.why}
            self.effect(f"fallback:{key}", EffectKind.FALLBACK, Channel.WEBHOOK, target=person.id, **told)

    def _nobody_answered(self) -> None:
        runs = self.policy.escalation.repeat + 1
        text = f"Nobody answered: the ladder was run {counted(runs, 'time')}"
        self.tell(FactKind.NOBODY_ANSWERED, text)
        self.post(f"{text}. Someone must take this.")
        if self.estate.webhook:
            key = f"fallback:{self.incident.id}:{self.incident.paging.round}:nobody"
            self.effect(key, EffectKind.FALLBACK, Channel.WEBHOOK, why=text)

    def _wake_at(self, paging_at: datetime | None) -> datetime | None:
        """The earliest moment at which time alone changes something: the ladder, an idle responder, quiet, closing."""
        incident, policy = self.incident, self.policy
        minor = ends_by_itself(incident)
        moments = [paging_at]
        if incident.status is Status.ACKNOWLEDGED and incident.snoozed_until:
            moments.append(incident.snoozed_until)
        elif asks_again(incident):
            moments.append(last_word(incident) + policy.escalation.ask_again)
        if incident.status is Status.MITIGATED and incident.verified_at and minor:
            moments.append(incident.verified_at + policy.incidents.quiet_resolve)
        if incident.status is Status.RESOLVED and incident.resolved_at and incident.verified_at and minor:
            moments.append(incident.resolved_at + policy.incidents.close_after)
        return min((at for at in moments if at is not None), default=None)
