"""Looks at the files that a start reads: policy, runbooks and the catalog."""

from collections.abc import Iterator

from incidents.adapters.files import cross_check
from incidents.app.doctor.finding import Finding, fail, ok, warn
from incidents.app.doctor.ground import Files
from incidents.core.catalog import inventory
from incidents.core.errors import CatalogRefused
from incidents.core.figures import counted


def examine_files(files: Files, *, applied: bool) -> Iterator[Finding]:
    """Policy, runbooks, and the catalog's file, where one is set or none was `applied` either."""
    base, catalog = files.base, files.catalog
    for mistake in files.mistakes:
        yield fail("files", mistake, "mend the file; `incidents validate` checks it")
    if files.mistakes or isinstance(catalog, CatalogRefused):
        return
    for problem in (*files.shelf.problems, *cross_check(catalog, base.policy, base.runbooks)):
        yield warn("files", str(problem), "mend the file; `incidents validate` checks it")
    if files.found is None and not applied:
        advice = "set INCIDENTS_CATALOG to a file that names systems, people and owners"
        yield warn("files", "there is no catalog: nobody owns anything, and the local admin is asked", advice)
        return
    holds = f"{inventory(catalog.counts())}, " if files.found is not None else ""
    yield ok("files", f"{holds}{counted(len(base.runbooks), 'runbook')}; policy {base.policy.version}")
