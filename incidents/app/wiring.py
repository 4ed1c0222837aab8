"""The one place that builds adapters from the settings and hands them to the flow."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from secrets import token_hex

import structlog

from incidents.adapters.bus import BusCarrier, bus_address, open_outlet
from incidents.adapters.calendar.feeds import WebFeeds
from incidents.adapters.calendar.personal import PersonalCalendars
from incidents.adapters.console import ConsoleCarrier
from incidents.adapters.fallback import FallbackCarrier
from incidents.adapters.files import RunbookShelf, read_connections, read_policy, read_runbooks
from incidents.adapters.slack.api import SlackApi
from incidents.adapters.slack.carrier import SlackCarrier
from incidents.adapters.store.answers import KeptAnswers
from incidents.adapters.store.archive import Archive
from incidents.adapters.store.calendars import KeptCalendars
from incidents.adapters.store.database import Database
from incidents.adapters.store.lock import FileLock
from incidents.adapters.store.shelf import Shelf
from incidents.adapters.store.silence_shelf import SilenceShelf
from incidents.adapters.store.store import Store
from incidents.adapters.store.task_shelf import TaskShelf
from incidents.adapters.targets import HttpTargets
from incidents.adapters.templates import RunbookTemplates
from incidents.app.database import OpenDatabase, open_database
from incidents.app.drafts import Drafts
from incidents.app.opening import begin, read
from incidents.app.secret import secret_of
from incidents.app.settings import Settings
from incidents.core.catalog import Catalog
from incidents.core.errors import CatalogRefused
from incidents.core.estate import Estate
from incidents.core.feed import calendars_of, with_copies
from incidents.core.proving import Proving
from incidents.flow.calendars import Follower, Refresher
from incidents.flow.deliver import Courier
from incidents.flow.engine import Engine
from incidents.flow.explain import Explainer
from incidents.flow.faults import Faults
from incidents.flow.intake import Intake
from incidents.flow.keeper import Keeper
from incidents.flow.letters import Letters
from incidents.flow.on_call import RosterDesk
from incidents.flow.planner import Planner
from incidents.flow.ports import Carrier
from incidents.flow.registrar import Registrar
from incidents.flow.respond import Responder
from incidents.flow.runs import Runs
from incidents.flow.silences import Silences
from incidents.flow.tasks import Tasks
from incidents.flow.tick import Clock

log = structlog.get_logger(__name__)


def read_base(settings: Settings) -> tuple[Estate, RunbookShelf]:
    """What an estate holds beside its catalog: policy and runbooks from their files, and the channels that are set up.

    FilesRefused where the policy cannot be used.
    """
    policy, shelf = read_policy(settings.policy), read_runbooks(settings.runbooks)
    estate = Estate(
        policy=policy,
        runbooks=shelf.runbooks,
        slack=settings.slack_bot_token is not None,
        webhook=settings.fallback_url is not None,
        bus=settings.bus_url is not None,
        channel=settings.slack_channel,
        public_url=settings.url,
    )
    return estate, shelf


def assembled(base: Estate, catalog: Catalog, now: datetime, trouble: str = "") -> Estate:
    """The whole estate with this catalog as it is at `now`: the one place where one is put together."""
    return replace(base, catalog=catalog.as_of(now), trouble=trouble)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarParts:
    """What knows of calendars: those kept elsewhere, who is on call by them, and people's own."""

    follower: Follower
    refresher: Refresher
    rosters: RosterDesk
    personal: PersonalCalendars


@dataclass(kw_only=True)
class Parts:
    """Everything that one process works with; `estate` is replaced as a whole when the catalog changes."""

    settings: Settings
    estate: Estate
    database: Database
    store: Store
    archive: Archive
    shelf: Shelf
    intake: Intake
    responder: Responder
    explainer: Explainer
    clock: Clock
    couriers: tuple[Courier, ...]
    letters: Letters
    silences: Silences
    tasks: Tasks
    runs: Runs
    engine: Engine
    answers: KeptAnswers
    keeper: Keeper
    registrar: Registrar
    calendars: CalendarParts
    targets: HttpTargets
    slack: SlackApi | None
    worker: str
    lock: FileLock | None = None
    carriers: tuple[Carrier, ...] = field(default=())

    def wake(self, channels: Iterable[str]) -> None:
        """Effects were made: let their couriers look at once."""
        wanted = set(channels)
        for courier in self.couriers:
            if courier.channel in wanted:
                courier.wake()

    async def close(self) -> None:
        """Give back what was opened."""
        for carrier in self.carriers:
            close = getattr(carrier, "close", None)
            if close is not None:
                await close()
        if self.slack is not None:
            await self.slack.close()
        await self.database.close()
        if self.lock is not None:
            self.lock.free()


def carriers_of(settings: Settings, slack: SlackApi | None) -> tuple[Carrier, ...]:
    """A carrier for each channel that is set up; the console always is."""
    carriers: list[Carrier] = [ConsoleCarrier()]
    if slack is not None:
        carriers.append(SlackCarrier(slack))
    if settings.fallback_url is not None:
        carriers.append(FallbackCarrier(settings.fallback_url.get_secret_value()))
    if settings.bus_url is not None:
        bus = settings.bus_url.get_secret_value()
        carriers.append(BusCarrier(lambda: open_outlet(bus_address(bus))))
    return tuple(carriers)


async def build(
    settings: Settings, *, carriers: tuple[Carrier, ...] | None = None, every: float = 1.0, applies: bool = True
) -> Parts:
    """Open the database, bring its schema up to date, and build the stations of the road; nothing runs yet.

    A catalog file that is new to the database is applied, unless this is a command beside the service.
    """
    base, shelf = read_base(settings)
    for problem in shelf.problems:
        log.warning("a file needs a look", problem=str(problem))
    if settings.slack_app_token is not None:
        log.warning("SLACK_APP_TOKEN is not used: without Socket Mode, buttons need PUBLIC_URL and the signing secret")
    drafts = Drafts(base.policy, base.runbooks)
    found = await asyncio.to_thread(read, settings.catalog, drafts) if applies else None
    file = settings.database_file
    if isinstance(found, CatalogRefused) and file is not None and not file.exists():
        raise found  # before a database is made that nobody will use
    opened = await open_database(settings)
    if opened.before != opened.after:
        log.info("the schema was brought up to date", before=opened.before, after=opened.after)
    try:
        parts = _built(settings, base, drafts, opened, carriers=carriers, every=every)
    except BaseException:  # whatever it is, nothing stays open or locked
        await opened.close()
        raise
    try:
        if not applies and not (await parts.archive.standing()).number:
            found = await asyncio.to_thread(read, settings.catalog, drafts)  # nothing else is there to go by
        await begin(found, parts.archive, parts.keeper, parts.registrar if applies else None)
    except BaseException:  # whatever it is, nothing stays open or locked
        await parts.close()
        raise
    return parts


def _built(
    settings: Settings,
    base: Estate,
    drafts: Drafts,
    opened: OpenDatabase,
    *,
    carriers: tuple[Carrier, ...] | None,
    every: float,
) -> Parts:
    # Before anything else is opened, since they may be refused.
    secret, targets = secret_of(settings), HttpTargets(read_connections(settings.connections))
    database, lock = opened.database, opened.lock
    store, archive, faults = Store(database), Archive(database), Faults(settings.fault_point)
    token = settings.slack_bot_token
    slack = SlackApi(token.get_secret_value(), settings.slack_api_url) if token is not None else None
    worker = f"{socket.gethostname()}:{os.getpid()}:{token_hex(4)}"
    parts: Parts

    def now_estate() -> Estate:
        return parts.estate

    def made(channels: Iterable[str]) -> None:
        parts.wake(channels)

    async def adopt(catalog: Catalog, now: datetime, trouble: str) -> None:
        known = await asyncio.to_thread(with_copies, catalog, await kept.copies())
        parts.estate = assembled(base, known, now, trouble)
        parts.intake.forget_places()

    def begun(channels: Iterable[str]) -> None:
        """Somebody has said something about a run: it may be ready."""
        parts.wake(channels)
        parts.engine.wake()

    shelf, answers, kept = Shelf(database, now_estate), KeptAnswers(database), KeptCalendars(database)
    intake = Intake(store, now_estate, worker=worker, made=made, faults=faults)
    carrying = carriers if carriers is not None else carriers_of(settings, slack)
    keeper = Keeper(archive, drafts, adopt, every=every)
    parts = Parts(
        settings=settings,
        estate=base,
        database=database,
        store=store,
        archive=archive,
        shelf=shelf,
        intake=intake,
        responder=Responder(store, now_estate, made),
        explainer=Explainer(store, now_estate),
        clock=Clock(store, now_estate, made, every=every),
        couriers=tuple(Courier(store, now_estate, c, shelf, made=made, faults=faults) for c in carrying),
        letters=Letters(shelf, answers, intake),
        silences=Silences(store, SilenceShelf(database), now_estate, made),
        runs=Runs(store, Planner(store, now_estate, targets, RunbookTemplates()), now_estate, begun),
        engine=Engine(store, now_estate, targets, Proving(), made=made, faults=faults, every=every),
        tasks=Tasks(store, TaskShelf(database), now_estate, made),
        answers=answers,
        keeper=keeper,
        registrar=Registrar(store, archive, drafts, keeper, now_estate, made=made, faults=faults),
        calendars=_calendars(kept, now_estate, store, keeper, secret),
        targets=targets,
        slack=slack,
        worker=worker,
        lock=lock,
        carriers=carrying,
    )
    return parts


def _calendars(
    kept: KeptCalendars, estate: Callable[[], Estate], store: Store, keeper: Keeper, secret: bytes | None
) -> CalendarParts:
    return CalendarParts(
        follower=Follower(kept, keeper.renew),
        refresher=Refresher(kept, WebFeeds(), lambda: calendars_of(estate().catalog)),
        rosters=RosterDesk(kept, estate, store.now),
        personal=PersonalCalendars(secret, estate, store.now),
    )
