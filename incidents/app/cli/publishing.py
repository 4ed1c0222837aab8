"""`publish`: CloudEvents from a file to the service or the bus, each refusal with its line."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson
from incidents.app.cli.written import Flaw, Said, events_in
from incidents.core.errors import IncidentsError
from incidents.core.transport import BATCH, STRUCTURED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from incidents.adapters.bus import BusAddress
    from incidents.app.cli.api import Api
    from incidents.app.settings import Settings

_EVENTS, _BYTES = 500, 900_000  # in one request, both well under what is taken
_TOO_LARGE, _BAD = 413, 400


@dataclass(slots=True)
class Report:
    """What became of the events."""

    to: str
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    refused: list[Flaw] = field(default_factory=list)

    def said(self) -> dict[str, Any]:
        counts = {"accepted": self.accepted, "duplicates": self.duplicates, "conflicts": self.conflicts}
        errors = [{"line": flaw.line, "field": flaw.field, "detail": flaw.detail} for flaw in self.refused]
        return {"to": self.to, **counts, "errors": errors}


def publish(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file, or - for standard input.")],
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="The service to publish to.")] = None,
    as_json: AsJson = False,
) -> None:
    """Publish CloudEvents: a JSON object, an array, or JSON lines.

    They go to --url, else to the bus of INCIDENTS_BUS_URL, else to INCIDENTS_PUBLIC_URL. Events that are refused do not
    keep the others back.
    """
    session.quiet()
    settings = session.settings()
    events, broken = events_in(text_of(file))
    if not events and not broken:
        raise IncidentsError(f"there are no events in {'standard input' if file == '-' else file}")
    if url is None and settings.bus_url is not None:
        report = _to_bus(settings.bus_url.get_secret_value(), events)
    else:
        report = _to_service(settings, url, events)
    report.refused = sorted([*broken, *report.refused], key=lambda flaw: flaw.line)
    _tell(report, file, as_json=as_json)
    if report.refused:
        raise typer.Exit(session.REFUSED)


def _tell(report: Report, file: str, *, as_json: bool) -> None:
    if as_json:
        terminal.write_json(report.said())
        return
    name = "standard input" if file == "-" else file
    terminal.complain(*(f"{name}:{flaw.line}: {flaw.field}: {flaw.detail}" for flaw in report.refused))
    counts = [f"{report.accepted} accepted", f"{report.duplicates} duplicates", f"{report.conflicts} conflicts"]
    told = counts if report.duplicates or report.conflicts else counts[:1]
    terminal.write(f"{', '.join(told)}, {len(report.refused)} refused by {report.to}")


def text_of(file: str) -> str:
    """What a file holds, or standard input for a dash."""
    import sys

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        raise IncidentsError(f"{file} is not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None


# --- to a service ---------------------------------------------------------------------------------------------------


def _to_service(settings: "Settings", url: str | None, events: list[Said]) -> Report:
    from incidents.app.cli.api import opened

    with opened(settings, url=url or _address(settings)) as calls:
        report = Report(calls.where)
        for batch in _batches(events):
            _send(calls, batch, report)
    return report


def _address(settings: "Settings") -> str:
    """PUBLIC_URL where it is set, else wherever the service on the same file says that it is, else the default."""
    if settings.public_url is not None:
        return settings.url
    from incidents.adapters.store.lock import FileLock, Held

    if settings.database_file is None or not settings.database_file.exists():
        return settings.url
    lock = FileLock(settings.database_file)
    try:
        lock.take()
    except Held as held:
        return held.url or settings.url
    lock.free()
    return settings.url


def _batches(events: "Iterable[Said]") -> "Iterator[list[Said]]":
    batch: list[Said] = []
    size = 0
    for event in events:
        length = len(event.text.encode(errors="surrogatepass")) + 1
        if batch and (len(batch) == _EVENTS or size + length > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch


def _send(calls: "Api", batch: list[Said], report: Report) -> None:
    """Send some events; where they are refused as a whole, send halves, so that the guilty one is found."""
    from incidents.app.cli.api import Refused

    single = len(batch) == 1
    body = batch[0].text if single else f"[{','.join(event.text for event in batch)}]"
    try:
        taken = calls.send("/events", body.encode(errors="surrogatepass"), STRUCTURED if single else BATCH)
    except Refused as refused:
        if refused.status not in {_BAD, _TOO_LARGE}:
            raise
        if single:
            flaws = refused.problem.get("errors") or [{"field": "body", "detail": str(refused).removeprefix("body: ")}]
            report.refused += [Flaw(batch[0].line, flaw["field"], flaw["detail"]) for flaw in flaws]
            return
        half = len(batch) // 2
        _send(calls, batch[:half], report)
        _send(calls, batch[half:], report)
        return
    report.accepted += taken["accepted"]
    report.duplicates += taken["duplicates"]
    report.conflicts += taken["conflicts"]
    report.refused += [Flaw(batch[flaw["index"]].line, flaw["field"], flaw["detail"]) for flaw in taken["errors"]]


# --- to the bus -----------------------------------------------------------------------------------------------------


def _to_bus(bus_url: str, events: list[Said]) -> Report:
    """Publish what can be read; a bus cannot refuse, so that is done here."""
    from incidents.adapters.bus import bus_address
    from incidents.core.cloudevents import decode
    from incidents.core.delivery import Delivery, Origin

    address = bus_address(bus_url)
    report, messages = Report(address.shown), []
    for event in events:
        body = event.text.encode(errors="surrogatepass")
        told = Delivery(body=body, content_type=STRUCTURED, headers=(), origin=Origin.HTTP, position=str(event.line))
        found = decode(told)
        report.refused += [Flaw(event.line, flaw.field, flaw.detail) for flaw in found.refusals]
        messages += [(body, read.type.value, read.system or None) for read in found.events]
    if messages:
        asyncio.run(_published(address, messages))
    report.accepted = len(messages)
    return report


async def _published(address: "BusAddress", messages: list[tuple[bytes, str, str | None]]) -> None:
    from incidents.adapters.bus import Message, open_publisher

    publisher = open_publisher(address)
    await publisher.start()
    try:
        await publisher.publish(
            [Message(body=body, content_type=STRUCTURED, type=kind, key=system) for body, kind, system in messages]
        )
    finally:
        await publisher.stop()
