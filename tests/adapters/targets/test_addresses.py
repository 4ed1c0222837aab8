"""A target is where its connection says: no spelling, name, redirect or proxy leads the service elsewhere in."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from incidents.adapters import network
from incidents.adapters.targets import HttpTargets
from incidents.core.answer import Answered, NotReached
from tests.adapters.targets.ground import SOON, Listener, Names, Sockets, a_connection, a_request, said, sent

INSIDE = "mlflow: it leads inside this network, and the connection does not say inside: true"
NOWHERE = "mlflow: it leads to an address that no target may have, such as one of a cloud's metadata"
PUBLIC = "93.184.216.34"


@pytest.fixture
async def canary() -> AsyncIterator[Listener]:
    """Listens inside, and must hear nobody."""
    listener = Listener(said(b'{"canary":true}'))
    async with listener.running():
        yield listener
    assert listener.accepted == 0


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1.", "localhost", "LOCALHOST."),
        *("0.0.0.0", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"),  # noqa: S104
        *(
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::7f00:1]",
            "[2002:7f00:1::]",
            "127\u30020\u30020\u30021",
            "\uff11\uff12\uff17.0.0.1",
            "\u2460\u2461\u2466.0.0.1",
        ),
    ],
)
async def test_no_spelling_of_this_machine_gets_past(canary: Listener, host: str) -> None:
    answer = await sent(a_connection(f"http://{host}:{canary.port}", inside=False))
    assert isinstance(answer, NotReached)


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("10.0.0.1", INSIDE),
        ("192.168.1.1", INSIDE),
        ("172.16.0.1", INSIDE),
        ("100.64.0.1", INSIDE),
        ("[fd00::1]", INSIDE),
        ("[fec0::1]", INSIDE),
        ("[::ffff:10.0.0.1]", INSIDE),
        ("[64:ff9b::a00:1]", INSIDE),
    ],
)
async def test_private_networks_are_inside(host: str, why: str) -> None:
    assert await sent(a_connection(f"http://{host}", inside=False)) == NotReached(why)


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[fe80::1]"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192", "[fd00:ec2::254]", "0.0.0.0", "[::]"),  # noqa: S104
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "[ff02::1]"),
    ],
)
async def test_metadata_and_link_local_are_never_reached_even_where_inside_is_meant(host: str) -> None:
    assert await sent(a_connection(f"http://{host}", inside=True)) == NotReached(NOWHERE)


@pytest.mark.parametrize("host", ["metadata.google.internal", "instance-data.ec2.internal"])
async def test_the_names_of_metadata_are_looked_through(host: str) -> None:
    names = Names(["169.254.169.254"])
    targets = HttpTargets([a_connection(f"http://{host}", inside=True)], names=names)
    assert await targets.send(a_request(), within=SOON) == NotReached(NOWHERE)
    assert names.asked == [host]


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], [PUBLIC, "::1"], [PUBLIC, "fd00::1"], ["::ffff:127.0.0.1"]]
)
async def test_a_name_of_which_any_address_is_inside_is_refused(canary: Listener, addresses: list[str]) -> None:
    names = Names(addresses)
    targets = HttpTargets([a_connection(f"http://target.example:{canary.port}", inside=False)], names=names)
    assert await targets.send(a_request(), within=SOON) == NotReached(INSIDE)
    assert names.asked == ["target.example"]


async def test_a_name_that_flips_is_looked_up_once_and_what_was_checked_is_connected_to(
    canary: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets, names = Sockets(), Names([PUBLIC], ["127.0.0.1"])
    monkeypatch.setattr(network, "new_socket", sockets)
    targets = HttpTargets([a_connection(f"http://target.example:{canary.port}", inside=False)], names=names)

    first = await targets.send(a_request(), within=SOON)
    assert first == NotReached("mlflow: it cannot be reached")
    assert (names.asked, sockets.wanted) == (["target.example"], [PUBLIC])

    assert await targets.send(a_request(), within=SOON) == NotReached(INSIDE)
    assert (len(names.asked), sockets.wanted) == (2, [PUBLIC])


async def test_a_redirect_leads_nowhere(canary: Listener) -> None:
    async with Listener(said(b"", "302 Found", f"Location: {canary.url}/\r\n")).running() as target:
        answer = await sent(a_connection(target.url))
    assert answer == Answered(status=302, body=None, text="")
    assert target.accepted == 1


async def test_a_proxy_of_the_environment_is_not_asked(
    canary: Listener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, canary.url)
        monkeypatch.setenv(name.lower(), canary.url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password canary\n", encoding="utf-8")
    async with Listener(said()).running() as target:
        answer = await sent(a_connection(target.url))
    assert isinstance(answer, Answered)
    assert b"authorization" not in target.heard[0].lower()


@pytest.mark.parametrize(
    "path",
    [
        *("@evil.example/", "//evil.example/../..", "/../admin", "/a/%2e%2e/b", "/a/..", "/.", "/a?b=c", "/a#b"),
        *("/a\r\nX-Evil: 1", "/a b", "/ü", "/a\\b", "/%", "/%zz", "", "a", "http://evil.example/"),
    ],
)
async def test_a_path_stays_below_the_address_of_its_connection(path: str) -> None:
    async with Listener(said()).running() as target:
        answer = await sent(a_connection(f"{target.url}/base"), a_request(path=path))
    assert isinstance(answer, NotReached)
    assert target.accepted == 0


async def test_a_path_that_looks_like_another_host_is_a_path() -> None:
    async with Listener(said()).running() as target:
        await sent(a_connection(f"{target.url}/base"), a_request(path="/@evil.example:80/x"))
    assert target.heard[0].startswith(b"POST /base/@evil.example:80/x HTTP/1.1\r\n")


async def test_only_the_hosts_that_are_listed_are_connected_to(canary: Listener) -> None:
    connection = a_connection(canary.url, hosts=("127.0.0.1:443",))
    answer = await sent(connection)
    assert answer == NotReached(f"mlflow: 127.0.0.1:{canary.port} is not among the hosts of the connection")


@pytest.mark.parametrize(
    "header",
    [
        *(("Authorization", "Basic x"), ("host", "evil.example"), ("Transfer-Encoding", "chunked"), ("Cookie", "a=b")),
        *(("Idempotency-Key", "1"), ("Upgrade", "websocket"), ("X-A", "1\r\nX-Evil: 1"), ("X A", "1"), ("X-A", "ü")),
    ],
)
async def test_a_step_sets_no_header_that_is_not_its_own(canary: Listener, header: tuple[str, str]) -> None:
    answer = await sent(a_connection(canary.url), a_request(headers=(header,)))
    assert isinstance(answer, NotReached)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate for target.example that signs itself, and its key, in one file."""
    file = tmp_path / "target.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "36500", "-subj", "/CN=target.example", "-addext", "subjectAltName=DNS:target.example"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    file.write_text("".join((tmp_path / name).read_text() for name in ("key.pem", "cert.pem")), encoding="utf-8")
    return file


async def test_the_name_of_the_certificate_is_still_checked_when_the_address_is_pinned(authority: Path) -> None:
    spoken = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    spoken.load_cert_chain(authority)
    names, ca = Names(["127.0.0.1"]), str(authority.with_name("cert.pem"))

    async def asked(url: str, **said: object) -> object:
        return await HttpTargets([a_connection(url, **said)], names=names).send(a_request(), within=SOON)  # type: ignore[arg-type]

    async with Listener(said()).running(ssl=spoken) as target:
        good = await asked(f"https://target.example:{target.port}", ca=ca)
        other = await asked(f"https://other.example:{target.port}", ca=ca)
        unknown = await asked(f"https://target.example:{target.port}")
        lost = await asked(f"https://target.example:{target.port}", ca=f"{ca}.gone")
    assert good == Answered(status=200, body={}, text="{}")
    assert other == unknown == NotReached("mlflow: its certificate is not good for its name")
    assert lost == NotReached("mlflow: the file of its certificate authorities is not there")
    assert len(target.heard) == 1


async def test_tls_with_who_speaks_none_fails_before_anything_is_sent() -> None:
    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(nonsense, "127.0.0.1", 0) as server:
        answer = await sent(a_connection(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    assert answer == NotReached("mlflow: no TLS connection can be made")
