"""Looks at the targets of runs: whether their secrets are there, and whether they answer, without using a secret."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from incidents.adapters.files import FilesRefused, read_connections
from incidents.adapters.targets import HttpTargets
from incidents.app.doctor.finding import Finding, fail, ok, warn
from incidents.app.settings import Settings
from incidents.core.answer import Answered

_PATIENCE = timedelta(seconds=10)  # for each answer


async def examine_connections(settings: Settings) -> AsyncIterator[Finding]:
    """A line for each connection, where any are set up."""
    try:
        targets = HttpTargets(read_connections(settings.connections))
    except FilesRefused as refused:
        for problem in refused.problems:
            yield fail("target", str(problem), "mend the file; `incidents validate` checks it")
        return
    for finding in await asyncio.gather(*(_examined(targets, name) for name in targets.connections())):
        yield finding


async def _examined(targets: HttpTargets, name: str) -> Finding:
    if missing := targets.missing(name):
        return fail("target", f"{name}: {', '.join(missing)}", "set it where the service runs: no run can use it")
    answer = await targets.probe(name, within=_PATIENCE)
    if isinstance(answer, Answered):
        return ok("target", f"{name}: its secrets are there, and it answers (HTTP {answer.status})")
    return warn("target", answer.why, "check its address, and the way to it")
