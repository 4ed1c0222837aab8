"""Looks at everything that the service leans on, changes nothing, and says what to do about what is wrong."""

from incidents.app.doctor.bus import examine_bus
from incidents.app.doctor.channels import examine_fallback, examine_slack
from incidents.app.doctor.connections import examine_connections
from incidents.app.doctor.database import examine_database
from incidents.app.doctor.door import examine_door, examine_secret
from incidents.app.doctor.files import examine_files
from incidents.app.doctor.finding import Finding, Grade
from incidents.app.doctor.ground import read_files
from incidents.app.settings import Settings

__all__ = ["Finding", "Grade", "examine"]


async def examine(settings: Settings) -> list[Finding]:
    """Every finding, the database first."""
    files = read_files(settings)
    stored = [finding async for finding in examine_database(settings, files)]
    return [
        *stored,
        *examine_files(files, applied=any(finding.what == "catalog" for finding in stored)),
        *[finding async for finding in examine_bus(settings)],
        *[finding async for finding in examine_slack(settings, files)],
        *[finding async for finding in examine_fallback(settings)],
        *[finding async for finding in examine_connections(settings)],
        *examine_door(settings),
        *examine_secret(settings),
    ]
