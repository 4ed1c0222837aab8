"""A plan: one runbook's steps for one incident, rendered; its hash is what people approve."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from incidents.core.rollback import Rollback
from incidents.core.step import Approval, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done, word for word: nothing is filled in after it was approved."""

    runbook: str
    title: str
    runbook_hash: str  # sha256 of the file
    incident: str
    system: str
    environment: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    steps: tuple[Step, ...]
    rollback: Rollback | None = None
    approval: Approval | None = None  # None: it changes nothing, so nobody is asked
    warning: str = ""  # what must be answered before it is approved

    @property
    def hash(self) -> str:
        """sha256 over everything in it."""
        plain = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
        return sha256(plain.encode()).hexdigest()

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something outside."""
        return tuple(step for step in self.steps if step.changes)

    def step(self, id_: str) -> Step | None:
        return next((step for step in self.steps if step.id == id_), None)


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
