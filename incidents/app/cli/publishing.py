"""`publish`: CloudEvents from a file to the service or the bus, each refusal with its line."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from incidents.app import terminal
from incidents.app.cli import session
from incidents.app.cli.options import AsJson
from incidents.core.errors import IncidentsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from incidents.adapters.bus import BusAddress
    from incidents.app.cli.api import Api
    from incidents.app.settings import Settings

_EVENTS, _BYTES = 500, 900_000  # in one request, both well under what is taken
_BATCH, _SINGLE = "application/cloudevents-batch+json", "application/cloudevents+json"
_TOO_LARGE, _BAD = 413, 400


@dataclass(frozen=True, slots=True)
class Said:
    """One event as it was written, and the line on which it begins."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Flaw:
    line: int
    field: str
    detail: str


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
    from incidents.app import logs

    logs.configure("error")
    settings = session.settings()
    events, broken = _events(_text(file))
    if url is None and settings.bus_url is not None:
        report = _to_bus(settings, events)
    else:
        report = _to_service(settings, url, events)
    report.refused = sorted([*broken, *report.refused], key=lambda flaw: flaw.line)
    _tell(report, file, as_json=as_json)
    if report.refused or not events:
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


def _text(file: str) -> str:
    import sys

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        raise IncidentsError(f"{file} is not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None


# --- events in a text ----------------------------------------------------------------------------------------------


def _events(text: str) -> tuple[list[Said], list[Flaw]]:
    """Every event as it is written, whichever way they are put together, and the lines that are no JSON."""
    from json import JSONDecodeError, JSONDecoder

    decoder, lines = JSONDecoder(), _Lines(text)
    events: list[Said] = []
    broken: list[Flaw] = []
    at = _next(text, 0)
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (JSONDecodeError, RecursionError) as error:
            where = error.pos if isinstance(error, JSONDecodeError) else at
            what = error.msg if isinstance(error, JSONDecodeError) else "too deep"
            broken.append(Flaw(lines.of(where), "body", f"is not JSON ({what})"))
            sound = -1 if text[at] == "[" else text.find("\n{", at)  # of JSON lines the others may be sound
            at = len(text) if sound < 0 else sound + 1
            continue
        inside = _members(text, at, decoder) if isinstance(value, list) else [(at, end)]
        events += [Said(text[start:stop], lines.of(start)) for start, stop in inside]
        at = _next(text, end)
    return events, broken


def _next(text: str, at: int) -> int:
    """The next position that holds something."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _members(text: str, at: int, decoder: Any) -> "Iterator[tuple[int, int]]":
    """Where each member of the array at `at` begins and ends."""
    at = _next(text, at + 1)
    while text[at] != "]":
        _, end = decoder.raw_decode(text, at)
        yield at, end
        at = _next(text, end)
        at = _next(text, at + 1) if text[at] == "," else at


class _Lines:
    """Line numbers of positions that are asked for in rising order."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._line = text, 0, 1

    def of(self, at: int) -> int:
        if at >= self._at:
            self._line += self._text.count("\n", self._at, at)
            self._at = at
        return self._line


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
    from incidents.adapters.store.lock import Held
    from incidents.app.wiring import lock_of

    lock = lock_of(settings)
    try:
        if lock is not None:
            lock.take()
            lock.free()
    except Held as held:
        return held.url or settings.url
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
    headers = {"Content-Type": _SINGLE if single else _BATCH}
    try:
        taken = calls.call("POST", "/events", content=body.encode(errors="surrogatepass"), headers=headers)
    except Refused as refused:
        if refused.status not in {_BAD, _TOO_LARGE}:
            raise
        if single:
            flaws = refused.problem.get("errors") or [{"field": "body", "detail": str(refused)}]
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


def _to_bus(settings: "Settings", events: list[Said]) -> Report:
    """Publish what can be read; a bus cannot refuse, so that is done here."""
    from incidents.adapters.bus import bus_address
    from incidents.core.cloudevents import decode
    from incidents.core.delivery import Delivery, Origin

    assert settings.bus_url is not None
    address = bus_address(settings.bus_url.get_secret_value())
    report, messages = Report(address.shown), []
    for event in events:
        body = event.text.encode(errors="surrogatepass")
        told = Delivery(body=body, content_type=_SINGLE, headers=(), origin=Origin.HTTP, position=str(event.line))
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
            [Message(body=body, content_type=_SINGLE, type=kind, key=system) for body, kind, system in messages]
        )
    finally:
        await publisher.stop()
