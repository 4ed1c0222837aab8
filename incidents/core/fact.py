"""Facts: what did happen to an incident, append-only, each chained to the one before it by its hash."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256


class FactKind(StrEnum):
    """The closed, published list of what a timeline can tell."""

    OPENED = "opened"
    ALERT_JOINED = "alert_joined"
    ALERTS_FOLDED = "alerts_folded"
    UNANNOUNCED_CHANGE = "unannounced_change"
    RELEASE = "release"
    HARM_REPORTED = "harm_reported"
    SEVERITY_RAISED = "severity_raised"
    SEVERITY_SET = "severity_set"
    OWNER_ADDED = "owner_added"
    TARGET_SKIPPED = "target_skipped"
    OWNER_GAP = "owner_gap"
    PAGED = "paged"
    PAGE_FAILED = "page_failed"
    FALLBACK_USED = "fallback_used"
    ESCALATED = "escalated"
    SHIFT_CHANGED = "shift_changed"
    LEVELS_PASSED = "levels_passed"
    NOBODY_ANSWERED = "nobody_answered"
    ASKED_AGAIN = "asked_again"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    HANDED_OVER = "handed_over"
    ASSIGNED = "assigned"
    NOTE = "note"
    FLAPPING = "flapping"
    FLAPPING_OVER = "flapping_over"
    SILENCED = "silenced"
    UNMUTED = "unmuted"
    ALERT_CLEARED = "alert_cleared"
    ALERT_WAIVED = "alert_waived"
    VERIFIED = "verified"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"
    LINKED = "linked"
    MERGED = "merged"
    REROUTED = "rerouted"
    RUN_PROPOSED = "run_proposed"
    RUN_APPROVED = "run_approved"
    RUN_REJECTED = "run_rejected"
    RUN_REFUSED = "run_refused"
    RUN_EXPIRED = "run_expired"
    RUN_STARTED = "run_started"
    RUN_CANCELLED = "run_cancelled"
    RUN_SUCCEEDED = "run_succeeded"
    RUN_FAILED = "run_failed"
    STEP_BEGUN = "step_begun"
    STEP_DONE = "step_done"
    STEP_FAILED = "step_failed"
    STEP_UNKNOWN = "step_unknown"
    VERIFICATION = "verification"
    EVIDENCE_KEPT = "evidence_kept"
    UNDO_BEGUN = "undo_begun"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"
    TASK_ADDED = "task_added"
    TASK_DONE = "task_done"
    TASK_DROPPED = "task_dropped"
    TASK_CHANGED = "task_changed"
    TASK_OVERDUE = "task_overdue"


class ActorType(StrEnum):
    SYSTEM = "system"
    PERSON = "person"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it: a person by id, a monitor by its CloudEvents source, or this service."""

    type: ActorType
    id: str


SYSTEM = Actor(type=ActorType.SYSTEM, id="incidents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    incident: str
    kind: FactKind
    at: datetime
    by: Actor
    text: str
    data: Mapping[str, object] = field(default_factory=dict)  # JSON values only


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainedFact:
    """A fact at its place: `hash` covers the fact, its number and the hash before it."""

    seq: int
    fact: Fact
    previous: str
    hash: str


GENESIS = "0" * 64


def canonical(value: object) -> bytes:
    """One spelling of a JSON value, so that its hash can be computed again by anyone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def link(seq: int, fact: Fact, previous: str) -> str:
    """The hash of one link of an incident's chain: sha256 over the hash before it and the canonical fact."""
    row = {
        "incident": fact.incident,
        "seq": seq,
        "kind": fact.kind,
        "at": fact.at.isoformat(),
        "by": [fact.by.type, fact.by.id],
        "text": fact.text,
        "data": fact.data,
    }
    return sha256(previous.encode() + canonical(row)).hexdigest()


def chain(facts: Iterable[Fact], *, head_seq: int, head_hash: str) -> tuple[ChainedFact, ...]:
    """Number `facts` on from `head_seq` and chain their hashes on from `head_hash`."""
    chained = []
    for seq, fact in enumerate(facts, head_seq + 1):
        previous, head_hash = head_hash, link(seq, fact, head_hash)
        chained.append(ChainedFact(seq=seq, fact=fact, previous=previous, hash=head_hash))
    return tuple(chained)
