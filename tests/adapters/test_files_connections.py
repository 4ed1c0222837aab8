"""The file of connections: what it is read to, and what is refused with file, line and advice, no secret shown."""

from datetime import timedelta
from pathlib import Path

import pytest

from incidents.adapters.files import FilesRefused, read_connections
from incidents.core.connection import AwsAuth, Basic, Bearer, Connection, HeaderAuth, SecretRef

GOOD = """\
version: 1
connections:
  mlflow:
    {url: "https://mlflow.internal:5000/", auth: {bearer: {env: MLFLOW_TOKEN}}, inside: true, rate: 60/m, timeout: 10s}
  langfuse:
    {url: "https://cloud.langfuse.com", auth: {basic: {user: {env: LF_PUBLIC}, password: {file: /run/secrets/lf}}}}
  webhook:
    url: https://hooks.example.com
    auth: {header: {name: X-Token, value: {env: HOOK}}}
    hosts: ["hooks.example.com:443"]
  sagemaker:
    url: https://api.sagemaker.eu-west-1.amazonaws.com
    auth: {aws: {region: eu-west-1, service: sagemaker, access_key: {env: AK}, secret_key: {env: SK}}}
  open: {url: "http://[::1]:8080/base", ca: /etc/ssl/ours.pem, hosts: ["[::1]:8080"]}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "connections.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> list[str]:
    with pytest.raises(FilesRefused) as refused:
        read_connections(path)
    return [str(problem).replace(f"{path.parent}/", "") for problem in refused.value.problems]


def test_connections_are_read_with_the_places_of_their_secrets(tmp_path: Path) -> None:
    assert read_connections(written(tmp_path, GOOD)) == (
        Connection(
            name="mlflow",
            url="https://mlflow.internal:5000",
            auth=Bearer(token=SecretRef(env="MLFLOW_TOKEN")),
            inside=True,
            rate=(60, timedelta(minutes=1)),
            timeout=timedelta(seconds=10),
        ),
        Connection(
            name="langfuse",
            url="https://cloud.langfuse.com",
            auth=Basic(user=SecretRef(env="LF_PUBLIC"), password=SecretRef(file="/run/secrets/lf")),
        ),
        Connection(
            name="webhook",
            url="https://hooks.example.com",
            auth=HeaderAuth(name="X-Token", value=SecretRef(env="HOOK")),
            hosts=("hooks.example.com:443",),
        ),
        Connection(
            name="sagemaker",
            url="https://api.sagemaker.eu-west-1.amazonaws.com",
            auth=AwsAuth(
                region="eu-west-1", service="sagemaker", access_key=SecretRef(env="AK"), secret_key=SecretRef(env="SK")
            ),
        ),
        Connection(name="open", url="http://[::1]:8080/base", hosts=("[::1]:8080",), ca="/etc/ssl/ours.pem"),
    )


def test_without_a_file_there_are_none() -> None:
    assert read_connections(None) == ()


def test_a_folder_is_read_as_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nconnections: {a: {url: 'https://a.example'}}\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("version: 1\nconnections: {b: {url: 'https://b.example'}}\n", encoding="utf-8")
    assert [connection.name for connection in read_connections(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{}", "connections.c.url: is missing"),
        ("{url: mlflow:5000}", "connections.c.url: is no web address; begin it with https:// or http://"),
        ("{url: 'ftp://h'}", "connections.c.url: is no web address; begin it with https:// or http://"),
        ("{url: 'http://h:99999'}", "connections.c.url: is no web address; write it like https://"),
        ("{url: 'https://me:canary@h'}", "connections.c.url: holds credentials; name where they are kept"),
        ("{url: 'https://canary@h'}", "connections.c.url: holds credentials; name where they are kept"),
        ("{url: 'https://h/?a=canary'}", "connections.c.url: holds a query or a fragment; leave it out"),
        ("{url: 'https://h', urll: x}", 'connections.c.urll: no such key; did you mean "url"?'),
        ("{url: 'https://h', inside: yes}", "connections.c.inside: must be true or false"),
        ("{url: 'https://h', rate: 60}", 'connections.c.rate: "60" is not a rate; write it like 60/m'),
        ("{url: 'https://h', rate: 0/m}", 'connections.c.rate: "0/m" is not a rate; write it like 60/m'),
        ("{url: 'https://h', timeout: 30}", "connections.c.timeout: the duration 30 has no unit; write 30s, 30m"),
        ("{url: 'https://h', hosts: [h]}", 'connections.c.hosts[0]: "h" is no host and port; write it like'),
        ("{url: 'https://h', hosts: ['h:80']}", "connections.c.hosts: does not hold the host of url, h:443; add it"),
        ("{url: 'https://h', auth: canary}", "connections.c.auth: must say where the secret is kept"),
        ("{url: 'https://h', auth: {}}", "connections.c.auth: says nothing; write one of bearer, basic, header, aws"),
        (
            "{url: 'https://h', auth: {bearer: canary-token}}",
            "connections.c.auth.bearer: must say where the secret is kept; write {env: NAME} or {file: ",
        ),
        ("{url: 'https://h', auth: {basic: canary}}", "connections.c.auth.basic: must say where the secret is kept"),
        ("{url: 'https://h', auth: {bearer: {env: canary-x}}}", "connections.c.auth.bearer.env: is no name"),
        ("{url: 'https://h', auth: {bearer: {}}}", "connections.c.auth.bearer: says nothing; write one of env, file"),
        (
            "{url: 'https://h', auth: {bearer: {env: A, file: b}}}",
            "connections.c.auth.bearer.file: stands beside env; keep one of the two",
        ),
        (
            "{url: 'https://h', auth: {bearer: {env: A}, header: {name: X, value: {env: B}}}}",
            "connections.c.auth.header: stands beside bearer; keep one of the two",
        ),
        ("{url: 'https://h', auth: {basic: {user: {env: A}}}}", "connections.c.auth.basic.password: is missing"),
        (
            "{url: 'https://h', auth: {header: {name: 'X Y', value: {env: A}}}}",
            "connections.c.auth.header.name: is no name of a header",
        ),
        (
            "{url: 'https://h', auth: {header: {name: Host, value: {env: A}}}}",
            "connections.c.auth.header.name: is not a header for a secret; ",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_without_a_secret(tmp_path: Path, entry: str, told: str) -> None:
    (problem,) = refusal(written(tmp_path, f"version: 1\nconnections:\n  c: {entry}\n"))
    assert problem.startswith(f"connections.yaml:3: {told}")
    assert "canary" not in problem


def test_a_file_names_its_version(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, "connections: {}\n")) == [
        "connections.yaml: version: is missing; write version: 1"
    ]
    assert refusal(written(tmp_path, "version: 2\n")) == [
        'connections.yaml:1: version: this release reads version 1, not "2"; write version: 1'
    ]
