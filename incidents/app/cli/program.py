"""The program `incidents`: its commands by group, and how an error of ours ends it."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from incidents.app import terminal
from incidents.app.cli import (
    acting,
    auditing,
    catalog,
    checking,
    explaining,
    letters,
    on_call,
    publishing,
    reading,
    runbooks,
    runs,
    serving,
    session,
    silences,
    tasks,
)
from incidents.core.errors import IncidentsError, StoreAway

_ABOUT = (
    "Incident responder for AI systems: from drift, hallucination and cost events to a page, an answer, a closure."
    "\n\nCommands about incidents ask the running service: the one at --url, else the one on the same SQLite file, "
    "else the one at INCIDENTS_PUBLIC_URL; where none runs they work on the database themselves. Settings are "
    "INCIDENTS_* variables; with none set, `incidents serve` keeps an SQLite file and pages on the terminal and the "
    "web page."
    "\n\nExit codes: 0 done, 1 refused or found wanting, 2 wrong usage."
)


class Program(TyperGroup):
    """Tells our own errors in a line each; anything else is a bug and keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer gives its context no public name
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read the output has enough; the library ends quietly
        except StoreAway as error:
            terminal.complain(f"the database cannot be reached: {error}")
        except IncidentsError as error:
            terminal.complain(*str(error).splitlines())
        except Exception as error:  # told apart below, and raised again where it was not foreseen
            lines = _lines(error)
            if lines is None:
                raise
            terminal.complain(*lines)
        raise typer.Exit(session.REFUSED)


def _lines(error: Exception) -> list[str] | None:
    """What is no error of ours and yet foreseen: files that cannot be used, and a database that is not there."""
    from sqlalchemy.exc import SQLAlchemyError

    from incidents.adapters.files import FilesRefused

    if isinstance(error, FilesRefused):
        return [str(problem) for problem in error.problems]
    if isinstance(error, SQLAlchemyError | OSError):
        words = str(error).splitlines()
        return [f"the database cannot be used: {words[0] if words else type(error).__name__}"]
    return None


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        terminal.write(f"incidents {version('incidents')}")
        raise typer.Exit


app = typer.Typer(
    cls=Program,
    help=_ABOUT,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


_RUN, _LOOK, _ACT, _KEEP = "Run it", "Look", "Act on an incident", "Keep it sound"
_catalog = typer.Typer(
    no_args_is_help=True,
    help="Plan, apply and look back at the inventory: AI systems, who owns them and who is on call.",
)
_letters = typer.Typer(no_args_is_help=True, help="List, show, replay or discard messages that could not be read.")
_silences = typer.Typer(
    no_args_is_help=True, help="Be quiet about something on purpose, for a while; see it, and end it."
)
_runbooks = typer.Typer(
    no_args_is_help=True, help="Written remedies: see them, check them, plan one for an incident, ask for its run."
)
_runs = typer.Typer(
    no_args_is_help=True, help="Runs of runbooks: see them, approve, reject or cancel them, answer what they ask."
)
_tasks = typer.Typer(no_args_is_help=True, help="Give people tasks about an incident; see, end and change them.")
_database = typer.Typer(no_args_is_help=True, help="Bring the database's schema up to date.")

for _name, _command, _panel in (
    ("demo", serving.demo, _RUN),
    ("serve", serving.serve, _RUN),
    ("publish", publishing.publish, _RUN),
    ("list", reading.list_, _LOOK),
    ("show", reading.show, _LOOK),
    ("timeline", reading.timeline, _LOOK),
    ("explain", explaining.explain, _LOOK),
    ("on-call", on_call.on_call, _LOOK),
    ("open", acting.open_, _ACT),
    ("ack", acting.ack, _ACT),
    ("escalate", acting.escalate, _ACT),
    ("snooze", acting.snooze, _ACT),
    ("hand-over", acting.hand_over, _ACT),
    ("mitigate", acting.mitigate, _ACT),
    ("resolve", acting.resolve, _ACT),
    ("reopen", acting.reopen, _ACT),
    ("close", acting.close, _ACT),
    ("note", acting.note, _ACT),
    ("assign", acting.assign, _ACT),
    ("severity", acting.severity, _ACT),
    ("waive", acting.waive, _ACT),
    ("merge", acting.merge, _ACT),
    ("validate", checking.validate, _KEEP),
    ("schema", checking.schema, _KEEP),
    ("audit", auditing.audit, _KEEP),
    ("doctor", checking.doctor, _KEEP),
    ("check-invariants", checking.check_invariants, _KEEP),
):
    app.command(_name, rich_help_panel=_panel)(_command)
_catalog.command("plan")(catalog.plan)
_catalog.command("apply")(catalog.apply)
_catalog.command("history")(catalog.history)
_catalog.command("import")(catalog.import_)
_letters.command("list")(letters.list_)
_letters.command("show")(letters.show)
_letters.command("replay")(letters.replay)
_letters.command("discard")(letters.discard)
_silences.command("add")(silences.add)
_silences.command("list")(silences.list_)
_silences.command("end")(silences.end)
_runbooks.command("list")(runbooks.list_)
_runbooks.command("show")(runbooks.show)
_runbooks.command("validate")(runbooks.validate)
_runbooks.command("plan")(runbooks.plan)
_runbooks.command("run")(runbooks.run)
_runs.command("list")(runs.list_)
_runs.command("show")(runs.show)
_runs.command("approve")(runs.approve)
_runs.command("reject")(runs.reject)
_runs.command("cancel")(runs.cancel)
_runs.command("answer")(runs.answer)
_tasks.command("list")(tasks.list_)
_tasks.command("add")(tasks.add)
_tasks.command("done")(tasks.done)
_tasks.command("drop")(tasks.drop)
_tasks.command("change")(tasks.change)
_database.command("upgrade")(checking.db_upgrade)
app.add_typer(_catalog, name="catalog", rich_help_panel=_KEEP)
app.add_typer(_runbooks, name="runbook", rich_help_panel=_ACT)
app.add_typer(_runs, name="run", rich_help_panel=_ACT)
app.add_typer(_silences, name="silence", rich_help_panel=_ACT)
app.add_typer(_tasks, name="task", rich_help_panel=_ACT)
app.add_typer(_letters, name="dead-letters", rich_help_panel=_KEEP)
app.add_typer(_database, name="db", rich_help_panel=_KEEP)


@_database.callback()
def _group() -> None:
    """Typer would make a group of one command that command itself."""


def main() -> None:
    """Run the command that is given."""
    app(prog_name="incidents")
