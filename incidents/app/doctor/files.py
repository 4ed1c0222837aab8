"""Looks at the files that a start reads: policy, runbooks and the catalog."""

from collections.abc import Iterator

from incidents.adapters.files import FilesRefused, cross_check, read_catalog
from incidents.app.doctor.finding import Finding, fail, ok, warn
from incidents.app.drafts import working_hours
from incidents.app.settings import Settings
from incidents.app.wiring import read_base
from incidents.core.catalog import Catalog, inventory
from incidents.core.figures import counted


def examine_files(settings: Settings, *, applied: bool) -> Iterator[Finding]:
    """Policy, runbooks, and the catalog's file, where one is set or none was `applied` either."""
    try:
        base, shelf = read_base(settings)
        hours = working_hours(base.policy)
        catalog = read_catalog(settings.catalog, working=hours) if settings.catalog else Catalog()
    except FilesRefused as refused:
        for problem in refused.problems:
            yield fail("files", str(problem), "mend the file; `incidents validate` checks it")
        return
    for problem in (*shelf.problems, *cross_check(catalog, base.policy, shelf.runbooks)):
        yield warn("files", str(problem), "mend the file; `incidents validate` checks it")
    if settings.catalog is None and not applied:
        advice = "set INCIDENTS_CATALOG to a file that names systems, people and owners"
        yield warn("files", "there is no catalog: nobody owns anything, and the local admin is asked", advice)
        return
    holds = f"{inventory(catalog.counts())}, " if settings.catalog else ""
    yield ok("files", f"{holds}{counted(len(base.runbooks), 'runbook')}; policy {base.policy.version}")
