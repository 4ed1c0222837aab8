"""One run at one incident, without a database: what is sent is answered as the story says, and time is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from incidents.core.answer import Answer, Answered, NotReached, Unclear
from incidents.core.desk import Desk
from incidents.core.effect import EffectKind
from incidents.core.fact import Fact, FactKind
from incidents.core.incident import Incident
from incidents.core.progress import Look, Todo, advance, answered, approved, arrived, cancelled, started, verified
from incidents.core.run import Run, StepState
from incidents.core.sending import Send
from incidents.core.verdict import Verdict, Verification
from tests.make import NOON, an_estate, an_incident, by

OK = Answered(status=200, body={})
GONE = Unclear("the connection broke")
AWAY = NotReached("nobody listens")


def said(status: int, body: object = None) -> Answered:
    return Answered(status=status, body=body)


def version(number: str) -> Answered:
    return said(200, {"model_version": {"version": number}})


class Street:
    """Answers are taken in their order; what is sent after the last is answered with 200."""

    def __init__(self, run: Run, *replies: Answer, incident: Incident | None = None) -> None:
        self.run, self.incident, self.now = run, incident or an_incident(), NOON
        self.sent: list[str] = []
        self.keys: list[str | None] = []
        self.facts: list[Fact] = []
        self.posts: list[str] = []
        self.notices: list[tuple[str | None, str]] = []
        self.notice_keys: list[str] = []
        self.out: Todo | None = None
        self.paused = False  # between the answer to one request and what comes next
        self._replies: Iterator[Answer] = iter(replies)

    def desk(self) -> Desk:
        return Desk(self.incident, an_estate(), self.now, {})

    def close(self, desk: Desk) -> None:
        self.incident, facts, effects = desk.close()
        self.facts += facts
        self.posts += [str(e.data["text"]) for e in effects if e.kind is EffectKind.POST]
        self.notices += [(e.target, str(e.data["title"])) for e in effects if e.kind is EffectKind.NOTICE]
        self.notice_keys += [e.key for e in effects if e.kind is EffectKind.NOTICE]

    # --- people ---------------------------------------------------------------------------------------------------

    def start(self) -> "Street":
        desk = self.desk()
        self.run = started(desk, self.run)
        self.close(desk)
        return self.go()

    def approve(self, who: str = "priya", step: str | None = None) -> None:
        desk = self.desk()
        self.run = approved(desk, self.run, by(who), step=step)
        self.close(desk)
        self.go()

    def cancel(self, who: str = "priya") -> None:
        desk = self.desk()
        self.run = cancelled(desk, self.run, by(who), "wrong model")
        self.close(desk)

    def answer(self, step: str, word: str, who: str = "priya") -> None:
        desk = self.desk()
        self.run = answered(desk, self.run, by(who), step, word)
        self.close(desk)
        self.go()

    # --- the engine -----------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Go as far as the next thing that the world must do."""
        desk = self.desk()
        self.run, self.out = advance(desk, self.run)
        self.close(desk)

    def deliver(self) -> None:
        """What was sent is answered."""
        assert isinstance(self.out, Send)
        self.sent.append(f"{self.out.what} {self.out.step.id}")
        self.keys.append(self.out.key)
        desk = self.desk()
        self.run, self.out = arrived(desk, self.run, self.out, next(self._replies, OK))
        self.close(desk)
        if self.out is None and not self.paused:
            self.advance()

    def go(self) -> "Street":
        self.advance()
        while isinstance(self.out, Send):
            self.deliver()
        return self

    def crash(self) -> None:
        """Whatever was out is lost, and another process goes on."""
        self.out = None
        self.go()

    def see(self, verdict: Verdict, text: str = "2 of 4", *, later: timedelta | None = None) -> None:
        assert isinstance(self.out, Look)
        desk = self.desk()
        seen = Verification(verdict=verdict, said=text, look_at=self.now + later if later else None)
        self.run = verified(desk, self.run, self.out.step.id, seen)
        self.close(desk)
        self.go()

    def wait(self, **span: float) -> "Street":
        """Time passes, and the engine looks each time that it is due."""
        until = self.now + timedelta(**span)
        while self.run.ready_at is not None and self.run.ready_at <= until and not isinstance(self.out, Look):
            self.now = max(self.now, self.run.ready_at)
            self.go()
        self.now = until
        return self

    # --- what is seen ---------------------------------------------------------------------------------------------

    def states(self) -> dict[str, StepState]:
        return {each.id: each.state for each in self.run.steps}

    def told(self, kind: FactKind) -> list[str]:
        return [fact.text for fact in self.facts if fact.kind is kind]

    def severe(self, incident: Incident) -> "Street":
        self.incident = replace(incident)
        return self
