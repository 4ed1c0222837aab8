"""Which messages about runs are not wanted any more, once they come to their turn: decided, answered or over."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from incidents.adapters.store import rows as r
from incidents.adapters.store.bulk import among
from incidents.adapters.store.columns import AnyRow
from incidents.adapters.store.run_tables import runs
from incidents.core.effect import EffectKind, EffectState
from incidents.core.run import Run, RunStatus, StepState

_STAND_IN = "fallback:approval:"
_ASKED = frozenset({StepState.WAITING, StepState.UNKNOWN})


async def old_news(connection: AsyncConnection, effects: Sequence[AnyRow]) -> Mapping[int, str]:
    """Why these are cancelled, by the id of the effect; one whose fate is unknown is always asked about."""
    about = {row.id: (number, row) for row in effects if (number := _about(row)) and row.state == EffectState.DUE}
    if not about:
        return {}
    numbers = sorted({number for number, _ in about.values()})
    query = select(runs.c.number, runs.c.doc).where(among(connection, numbers, runs.c.number))
    held = {row.number: r.run_of(row) for row in await connection.execute(query)}
    said = {id_: _over(held[number], row.data.get("step")) for id_, (number, row) in about.items() if number in held}
    return {id_: why for id_, why in said.items() if why}


def _about(row: AnyRow) -> int | None:
    """The number of the run that an effect asks somebody about."""
    if row.key.startswith(_STAND_IN):
        return r.run_number(row.key.removeprefix(_STAND_IN).partition(":")[0])
    asks = row.kind in {EffectKind.APPROVAL, EffectKind.NOTICE} and row.data.get("run")
    return r.run_number(str(asks)) if asks else None


def _over(run: Run, step: str | None) -> str | None:
    """Why nobody is asked any more: for the approval of the run, or about one of its steps."""
    if step is None:
        return None if run.status is RunStatus.PROPOSED else f"{run.id} is {run.status}"
    standing = run.step(step)
    asks = run.status is RunStatus.RUNNING and standing is not None and standing.state in _ASKED
    return None if asks else f"{run.id} does not wait for that any more"
