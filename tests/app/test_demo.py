"""The demo plays a whole incident by itself, and ends well."""

import socket

import httpx

from incidents.app.demo.registry import ALIAS, PROMPT, Registry
from incidents.app.demo.story import STEPS
from tests.app.desk import Desk


def test_the_whole_story_is_told_on_the_timeline_in_a_few_seconds(desk: Desk) -> None:
    said = desk.run("demo", "--once", PORT="0")
    assert (said.code, said.err) == (0, "")
    timeline = said.out[said.out.index("INC-1, from its opening") :].splitlines()[1:]
    kinds = [line.split()[2] for line in timeline]
    assert [kind for kind in dict.fromkeys(kinds) if kind in STEPS] == list(STEPS)
    for kind in ("hallucination:", "drift:", "cost anomaly:"):
        assert any(f"alert_joined        {kind}" in line for line in timeline)
    assert "to Maya Lindqvist: SEV2 Support assistant" in said.out
    assert "you are the model owner of Support assistant" in said.out
    assert kinds.count("owner_added") == 2
    assert "SEV3 -> SEV2: drift and hallucination began" in said.out
    assert "Alias production of support-answers: back to version 41: answered 200" in said.out
    assert "Resolved by rule: RUN-1" in said.out


def test_nobody_real_is_asked_whatever_is_set(desk: Desk) -> None:
    said = desk.run(
        "demo",
        "--once",
        PORT="0",
        DATABASE_URL="postgresql://me@127.0.0.1:1/x",
        BUS_URL="amqp://127.0.0.1:1",
        SLACK_BOT_TOKEN="xoxb-1",
        SLACK_API_URL="http://127.0.0.1:1/",
        FALLBACK_URL="http://127.0.0.1:1/",
        API_TOKEN="right",
        CATALOG="nothing.yaml",
        CONNECTIONS="nothing.yaml",
    )
    assert said.code == 0
    assert list(desk.folder.iterdir()) == []


def test_a_taken_port_is_said_and_another_one_used(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = desk.run("demo", "--once", PORT=str(taken.getsockname()[1]))
    assert said.code == 0
    assert "another one is used" in said.out


async def test_the_registry_of_the_demo_refuses_what_mlflow_refuses() -> None:
    path = "/api/2.0/mlflow/registered-models/alias"
    async with Registry().serving() as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        served = {"name": PROMPT, "alias": ALIAS}
        assert (await client.get(path, params=served)).json()["model_version"]["version"] == "42"
        assert (await client.get(path, params={"name": PROMPT, "alias": "no"})).status_code == 400
        assert (await client.post(path, json=served | {"version": "7"})).status_code == 404
        assert (await client.post(path, json=served)).status_code == 400
        assert (await client.post(path, json=served | {"version": "41"})).json() == {}
        assert (await client.get(path, params=served)).json()["model_version"]["version"] == "41"
