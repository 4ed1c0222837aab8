"""The doctor looks at everything that the service leans on, and says what to do."""

import socket

import pytest
from pydantic import SecretStr

from incidents.app.doctor import Finding, Grade, examine
from incidents.app.settings import Settings
from tests.app.desk import Desk
from tests.fakes.slack import TOKEN, FakeSlack


def findings(desk: Desk, code: int, **settings: str) -> dict[tuple[str, str], str]:
    said = desk.type("doctor", "--json", **settings)
    assert said.code == code
    assert said.json["ok"] is (code == 0)
    return {(each["grade"], each["what"]): f"{each['text']} -> {each['do']}" for each in said.json["findings"]}


def test_an_empty_desk_is_well_enough(desk: Desk) -> None:
    found = findings(desk, 0)
    assert "does not exist yet" in found["warn", "database"]
    assert "there is no catalog" in found["warn", "files"]
    assert "pages go to the console" in found["warn", "slack"]
    assert not (desk.folder / "incidents.db").exists()


def test_a_database_and_its_service_are_seen(kept: Desk) -> None:
    found = findings(kept, 0)
    assert "no service runs" in found["warn", "service"]
    assert "the newest" in found["ok", "schema"]
    with kept.serving() as url:
        assert url in findings(kept, 0)["ok", "service"]


def test_each_finding_is_a_line_with_what_to_do(desk: Desk) -> None:
    lines = desk.type("doctor").out.splitlines()
    assert any(line.startswith("warn  database") for line in lines)
    assert any(line.strip().startswith("-> ") for line in lines)


def test_everything_that_is_away_fails_without_a_secret_shown(desk: Desk) -> None:
    nowhere = "127.0.0.1:1"
    said = desk.type(
        "doctor",
        DATABASE_URL=f"postgresql://me:secret-word@{nowhere}/x",
        BUS_URL=f"amqp://me:secret-word@{nowhere}",
        SLACK_BOT_TOKEN="xoxb-secret-word",
        SLACK_API_URL=f"http://{nowhere}/",
        FALLBACK_URL=f"http://{nowhere}/secret-word",
    )
    assert said.code == 1
    failed = {line.split()[1] for line in said.out.splitlines() if line.startswith("fail")}
    assert failed == {"database", "bus", "slack", "fallback"}
    assert "secret-word" not in said.out + said.err


@pytest.mark.parametrize("url", ["foo://x", "amqp://"])
def test_a_bus_url_that_makes_no_sense_fails(desk: Desk, url: str) -> None:
    assert "bus URL" in findings(desk, 1, BUS_URL=url)["fail", "bus"]


def test_a_fallback_that_listens_is_reached_and_sent_nothing(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "nothing was sent" in findings(desk, 0, FALLBACK_URL=f"http://127.0.0.1:{port}/hook")["ok", "fallback"]


def test_files_are_read_and_their_faults_named(desk: Desk) -> None:
    desk.write("catalog.yaml", "version: 1\npeople: {ada: {name: Ada}}\nsystems: {search: {}}\n")
    assert "nobody owns it" in findings(desk, 0, CATALOG="catalog.yaml")["warn", "files"]
    desk.write("broken.yaml", "version: 1\nsystms: {}\n")
    assert "broken.yaml:2" in findings(desk, 1, CATALOG="broken.yaml")["fail", "files"]


def test_a_public_address_without_a_token_is_warned_of(desk: Desk) -> None:
    found = findings(desk, 0, PUBLIC_URL="https://incidents.example.com")
    assert "set INCIDENTS_API_TOKEN" in found["warn", "door"]


def test_a_token_in_clear_is_warned_of(desk: Desk) -> None:
    found = findings(desk, 0, HOST="192.0.2.1", API_TOKEN="t", PUBLIC_URL="http://incidents.example.com")
    assert "sends the token in clear" in found["warn", "door"]


def test_postgresql_is_examined(desk: Desk, postgres_url: str) -> None:
    assert "run `incidents db upgrade`" in findings(desk, 0, DATABASE_URL=postgres_url)["warn", "schema"]
    assert desk.type("db", "upgrade", DATABASE_URL=postgres_url).code == 0
    found = findings(desk, 0, DATABASE_URL=postgres_url)
    assert found["ok", "database"].startswith("PostgreSQL")
    assert "ok" in {grade for grade, what in found if what == "clock"}
    assert desk.type("open", "--system", "search", "--title", "odd", DATABASE_URL=postgres_url).code == 0
    assert "INC-1" in desk.type("list", DATABASE_URL=postgres_url).out


async def test_slack_says_whose_the_token_is_and_where_the_bot_sits(desk: Desk) -> None:
    async with FakeSlack(desk.folder / "slack.jsonl").running() as slack:
        in_it = await slack_findings(slack, "#ai-incidents")
        assert in_it[-1].text == "the bot sees #ai-incidents"
        assert {finding.grade for finding in in_it} == {Grade.OK}
        assert (await slack_findings(slack, "#nowhere"))[-1].text == "the bot sees no channel #nowhere"
        slack.script("auth.test", "error:invalid_auth")
        (refused,) = await slack_findings(slack, "#ai-incidents")
        assert refused.grade is Grade.FAIL
        assert "(invalid_auth)" in refused.text


async def test_a_policy_that_is_refused_hides_nothing_of_the_channel_in_the_catalog(desk: Desk) -> None:
    desk.write("catalog.yaml", 'version: 1\ndefaults: {channel: "#nowhere"}\n')
    desk.write("policy.yaml", "version: 1\nquietness: much\n")
    async with FakeSlack(desk.folder / "slack.jsonl").running() as slack:
        files = {"catalog": desk.folder / "catalog.yaml", "policy": desk.folder / "policy.yaml"}
        found = await examine(slack_settings(slack, None).model_copy(update=files))
    assert [finding.text for finding in found if finding.what == "slack"][-1] == "the bot sees no channel #nowhere"
    (refused,) = [finding for finding in found if finding.what == "files"]
    assert refused.grade is Grade.FAIL
    assert "policy.yaml:2: quietness" in refused.text


def slack_settings(slack: FakeSlack, channel: str | None) -> Settings:
    return Settings(
        slack_bot_token=SecretStr(TOKEN),
        slack_signing_secret=SecretStr("s"),
        slack_api_url=slack.url,
        slack_channel=channel,
    )


async def slack_findings(slack: FakeSlack, channel: str) -> list[Finding]:
    settings = slack_settings(slack, channel)
    return [finding for finding in await examine(settings) if finding.what == "slack"]


def test_targets_are_asked_without_their_secrets(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        entry = f"{{url: '{url}', inside: true, timeout: 1s, auth: {{bearer: {{env: TARGET_TOKEN}}}}}}"
        desk.write("connections.yaml", f"version: 1\nconnections:\n  mlflow: {entry}\n")
        missing = findings(desk, 1, CONNECTIONS="connections.yaml")["fail", "target"]
        assert missing.startswith("mlflow: TARGET_TOKEN is not set -> ")
        (desk.folder / "token").write_text("secret-word", encoding="utf-8")
        desk.write(
            "connections.yaml",
            f"version: 1\nconnections:\n  mlflow: {entry.replace('env: TARGET_TOKEN', 'file: token')}\n",
        )
        silent = findings(desk, 0, CONNECTIONS="connections.yaml")["warn", "target"]
        assert silent.startswith("mlflow: it did not answer in time -> ")
        with server.accept()[0] as talk:
            heard = talk.recv(4096)
    assert heard.startswith(b"HEAD / HTTP/1.1")
    assert b"secret-word" not in heard
    desk.write("connections.yaml", "version: 1\nconnectons: {}\n")
    assert "connections.yaml:2" in findings(desk, 1, CONNECTIONS="connections.yaml")["fail", "target"]
