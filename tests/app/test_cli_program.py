"""The program itself: help, version, settings, and the lock between processes."""

import asyncio
import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from incidents.adapters.store.lock import FileLock
from incidents.app.cli.serving import patiently
from incidents.app.settings import Settings
from tests.app.desk import Desk

COMMANDS = (
    *("demo", "serve", "publish", "validate", "list", "show", "timeline", "open", "ack", "escalate", "mitigate"),
    *("resolve", "reopen", "close", "note", "assign", "severity", "waive", "merge"),
    *("catalog", "dead-letters", "check-invariants", "doctor", "db"),
)


def test_help_names_every_command(desk: Desk) -> None:
    said = desk.type("--help")
    assert said.code == 0
    words = {line.strip("│ ").split(" ")[0] for line in said.out.splitlines()}
    assert set(COMMANDS) <= words


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(desk: Desk, command: str) -> None:
    said = desk.type(command, "--help")
    assert said.code == 0
    assert f"Usage: incidents {command}" in said.out


def test_the_version_is_told(desk: Desk) -> None:
    assert desk.type("--version").out.startswith("incidents 0.")


def test_help_imports_nothing_large(desk: Desk) -> None:
    program = (
        "import sys, incidents.app.cli; "
        "print([name for name in ('sqlalchemy', 'fastapi', 'httpx', 'faststream', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=desk.folder, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"PORT": "99999"}, "INCIDENTS_PORT"),
        ({"DATABASE_URL": "mysql://me:secret-word@host/x"}, "INCIDENTS_DATABASE_URL"),
        ({"PUBLIC_URL": "ftp://secret-word"}, "INCIDENTS_PUBLIC_URL"),
        ({"HOST": "192.0.2.1"}, "INCIDENTS_API_TOKEN"),
        ({"BUS_URL": "foo://me:secret-word@host"}, "INCIDENTS_BUS_URL"),
    ],
)
def test_a_wrong_setting_is_named_on_one_line_without_its_value(
    desk: Desk, settings: dict[str, str], named: str
) -> None:
    said = desk.type("serve", **settings)
    assert said.code == 2
    assert named in said.err
    assert len(said.err.splitlines()) == 1
    assert "secret-word" not in said.err


def test_roles_need_postgresql(desk: Desk) -> None:
    said = desk.type("serve", "--role", "web")
    assert said.code == 2
    assert "On SQLite one process does everything" in said.err


def test_a_catalog_that_cannot_be_used_is_told_by_its_lines(desk: Desk) -> None:
    desk.settings["CATALOG"] = desk.write("catalog.yaml", "version: 1\nsystms: {}\n")
    said = desk.type("serve")
    assert said.code == 1
    assert said.err == 'catalog.yaml:2: systms: no such key; did you mean "systems"?\n'


def test_an_address_in_use_is_told(desk: Desk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = desk.type("serve", PORT=str(taken.getsockname()[1]))
    assert said.code == 1
    assert "set INCIDENTS_PORT" in said.err


def test_a_database_that_is_away_is_told_without_its_password(desk: Desk) -> None:
    said = desk.type("list", DATABASE_URL="postgresql://me:secret-word@127.0.0.1:1/x")
    assert said.code == 1
    assert said.err.startswith("the database cannot be ")
    assert "secret-word" not in said.err
    assert len(said.err.splitlines()) == 1


def test_while_a_service_runs_on_the_file_commands_go_through_it(desk: Desk) -> None:
    with desk.serving() as url:
        told = json.loads((desk.folder / "incidents.db.service").read_text())
        assert told["url"] == url
        opened = desk.type("open", "--system", "search", "--title", "odd")
        assert opened.code == 0
        assert "No service is running" not in opened.err
        assert "INC-1" in desk.type("list").out
        second = desk.type("serve")
        assert second.code == 1
        assert f"serves this database, at {url}" in second.err
        assert desk.type("db", "upgrade").code == 1
        assert desk.type("check-invariants").code == 0
        assert "INC-1" in desk.type("list", "--url", url, DATABASE_URL="sqlite:///elsewhere.db").out
        assert "INC-1" in desk.type("list", PUBLIC_URL=url).out
    assert "INC-1" in desk.type("list").out


def test_a_service_with_a_token_lets_in_who_has_it(desk: Desk) -> None:
    with desk.serving(API_TOKEN="right") as url:
        without = desk.type("list")
        assert without.code == 1
        assert "token is missing or wrong" in without.err
        assert desk.type("list", API_TOKEN="right").code == 0
        assert desk.type("list", "--url", url, API_TOKEN="wrong").code == 1


def test_a_service_that_does_not_answer_is_an_error_and_not_worked_around(kept: Desk) -> None:
    lock = FileLock(kept.folder / "incidents.db")
    lock.take("http://127.0.0.1:1")
    try:
        said = kept.type("list")
    finally:
        lock.free()
    assert said.code == 1
    assert "nothing answers at http://127.0.0.1:1" in said.err


def test_what_answers_and_is_no_service_is_told_apart(kept: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(_answer_once, server)
        said = kept.type("list", "--url", f"http://127.0.0.1:{server.getsockname()[1]}")
    assert said.code == 1
    assert "no incidents service" in said.err


def _answer_once(server: socket.socket) -> None:
    line, _ = server.accept()
    with line:
        line.recv(10_000)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")


def test_two_commands_at_once_take_their_turns(kept: Desk) -> None:
    with ThreadPoolExecutor(2) as pool:
        titles = [("a", "one"), ("b", "two")]
        both = [pool.submit(kept.run, "open", "--system", system, "--title", title) for system, title in titles]
        assert [each.result().code for each in both] == [0, 0]
    assert len(kept.type("list", "--json").json["items"]) == 2


async def test_a_service_waits_for_a_command_that_has_the_file(kept: Desk) -> None:
    lock = FileLock(kept.folder / "incidents.db")
    lock.take()
    asyncio.get_running_loop().call_later(0.3, lock.free)
    parts = await patiently(Settings())
    await parts.close()
