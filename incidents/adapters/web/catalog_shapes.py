"""The JSON that the API gives of the catalog: what applying one changes, which one runs, and its history."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from incidents.adapters.web.shapes import ByShape, EffectShape, Shape
from incidents.core.difference import SECTIONS
from incidents.core.handover import Passing
from incidents.core.revision import CatalogChange, ChangeKind, Revision
from incidents.core.system import Role
from incidents.flow.ports import ChangeView, Running


class CatalogChangeShape(Shape):
    kind: ChangeKind
    section: str = Field(description=f"One of {', '.join(SECTIONS)}.")
    entry: str
    field: str = Field(description="Empty where a whole entry came or went.")
    text: str
    before: Any = Field(None, description="As it stood in the files; of a calendar's address only the host.")
    after: Any = Field(None, description="As it stands in the files; of a calendar's address only the host.")


class PlanShape(Shape):
    base: int = Field(description="The revision that it is compared with; 0 where none was ever applied.")
    changes: list[CatalogChangeShape]
    warnings: list[str] = Field(description="What needs a look; nothing is refused for it.")
    counts: dict[str, int] = Field(description="Of the planned catalog: systems, people, teams, schedules.")


class RevisionShape(Shape):
    number: int
    at: datetime
    by: ByShape
    note: str
    digest: str = Field(description="SHA-256 of what the catalog says, wherever it is written.")
    hash: str = Field(description="SHA-256 over this revision, its changes and the hash of the one before.")


class AppliedShape(PlanShape):
    revision: RevisionShape | None = Field(description="Null where nothing changed.")


class HandoverShape(Shape):
    system: str
    role: Role
    before: str | None
    after: str | None
    at: datetime | None
    note: str


class CatalogShape(Shape):
    revision: RevisionShape | None = Field(description="Null where no catalog was ever applied.")
    counts: dict[str, int]
    handovers: list[HandoverShape] = Field(description="Those that lie ahead, the next one first.")
    trouble: str = Field(description="Why the running catalog is not the one that somebody wanted; empty when it is.")

    @classmethod
    def of(cls, running: Running, ahead: tuple[Passing, ...]) -> Self:
        return cls(
            revision=_revision(running.revision),
            counts=dict(running.draft.catalog.counts()),
            handovers=[HandoverShape.model_validate(passing) for passing in ahead],
            trouble=running.trouble,
        )


class HistoryItem(CatalogChangeShape):
    revision: int
    seq: int
    at: datetime
    by: ByShape
    note: str

    @classmethod
    def told(cls, view: ChangeView) -> Self:
        return cls(
            **_change(view.change),
            revision=view.revision,
            seq=view.seq,
            at=view.at,
            by=ByShape.model_validate(view.by),
            note=view.note,
        )


class HistoryShape(Shape):
    items: list[HistoryItem]
    next: str | None
    notices: list[EffectShape] = Field(
        [], description="Where one revision is asked for: who was told of its handovers, and what became of it."
    )


def _revision(revision: Revision | None) -> RevisionShape | None:
    return None if revision is None else RevisionShape.model_validate(revision)


def _change(change: CatalogChange) -> dict[str, Any]:
    return CatalogChangeShape.model_validate(change).model_dump()
