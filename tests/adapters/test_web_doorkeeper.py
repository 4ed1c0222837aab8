"""Who is let in: nobody, unless they are this machine itself or know the token."""

import base64

import pytest

from tests.fakes.front import Front
from tests.fakes.told import an_incident

TOKEN = "a-long-and-secret-token"
PATHS = ["/", "/alerts", "/systems", "/dead-letters", "/incidents/INC-1", "/api/incidents", "/api/systems", "/metrics"]
PATHS += ["/runs", "/runs/RUN-1", "/runbooks", "/runbooks/x", "/api/runs", "/api/runs/RUN-1", "/api/runbooks"]
PATHS += ["/readyz", "/openapi.json", "/static/style.css", "/nowhere", "/slack"]
WRITES = ["/incidents/INC-1/acknowledge", "/api/incidents/INC-1/acknowledge", "/events", "/as"]
WRITES += [f"/incidents/INC-1/{form}" for form in ("plan", "runs")]
WRITES += [f"/api/incidents/INC-1/{deed}" for deed in ("plan", "runs")]
WRITES += [f"{at}/RUN-1/{deed}" for at in ("/runs", "/api/runs") for deed in ("approve", "reject", "cancel", "answer")]


def a_front() -> Front:
    front = Front()
    front.world.hold(an_incident())
    return front


def basic(user: str, password: str = TOKEN) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def status(path: str, *, method: str = "GET", headers: dict[str, str] | None = None, **more: object) -> int:
    async with a_front().browser(**more) as browser:  # type: ignore[arg-type]
        return (await browser.request(method, path, headers=headers)).status_code


@pytest.mark.parametrize("path", PATHS)
async def test_another_machine_is_let_in_nowhere_without_a_token(path: str) -> None:
    assert await status(path, client="192.0.2.7") == 403


@pytest.mark.parametrize("path", PATHS)
async def test_with_a_token_set_nobody_enters_without_it(path: str) -> None:
    assert await status(path, token=TOKEN) == 401


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:9", "http://LOCALHOST:1"])
async def test_this_machine_itself_is_let_in(client: str, base: str) -> None:
    assert await status("/", client=client, base=base) == 200


@pytest.mark.parametrize("base", ["http://evil.example", "http://127.0.0.1.evil.example", "http://localhost.:8080"])
async def test_a_name_that_only_points_here_is_not_let_in(base: str) -> None:
    assert await status("/", base=base) == 403


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "X-Forwarded-Host", "x-forwarded-anything", "Forwarded", "X-Real-IP", "Via"]
)
async def test_what_a_proxy_forwards_is_not_this_machine(name: str) -> None:
    assert await status("/", headers={name: "127.0.0.1"}) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "https://127.0.0.1:8080.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", WRITES)
async def test_another_sites_page_cannot_write(path: str, headers: dict[str, str]) -> None:
    assert await status(path, method="POST", headers=headers) == 403
    assert await status(path, method="POST", headers=headers | basic("admin"), token=TOKEN) == 403


async def test_our_own_page_can_write() -> None:
    own = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}
    assert await status("/api/incidents/INC-1/acknowledge", method="POST", headers=own) == 200


async def test_behind_a_proxy_our_public_address_is_our_own_page() -> None:
    own = {"Origin": "https://incidents.example.com"} | basic("admin")
    path, more = "/api/incidents/INC-1/acknowledge", {"token": TOKEN, "client": "10.0.0.2"}
    assert await status(path, method="POST", headers=own, public_url="https://incidents.example.com", **more) == 200
    assert await status(path, method="POST", headers=own, public_url="https://other.example.com", **more) == 403


async def test_a_bearer_of_the_token_is_let_in_from_anywhere() -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert (
        await status("/api/incidents", headers=bearer, token=TOKEN, client="192.0.2.7", base="https://x.example") == 200
    )
    assert await status("/metrics", headers=bearer, token=TOKEN, client="192.0.2.7") == 200


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Token {TOKEN}",
        TOKEN,
        "Basic !!",
        "Basic ",
    ],
)
async def test_a_wrong_token_is_no_token(given: str) -> None:
    assert await status("/api/incidents", headers={"authorization": given}, token=TOKEN) == 401


@pytest.mark.parametrize(("user", "wanted"), [("admin", 200), ("ada", 200), ("mallory", 401), ("", 401)])
async def test_a_browser_signs_in_as_a_person_of_the_catalog(user: str, wanted: int) -> None:
    assert await status("/", headers=basic(user), token=TOKEN) == wanted


async def test_only_browsers_are_asked_for_a_password() -> None:
    async with a_front().browser(token=TOKEN) as browser:
        page = await browser.get("/", headers={"accept": "text/html"})
        program = await browser.get("/api/incidents")
    assert page.headers["www-authenticate"].startswith("Basic")
    assert program.headers["www-authenticate"].startswith("Bearer")
    for answer in (page, program):
        assert answer.headers["content-type"] == "application/problem+json"
        assert "INCIDENTS_API_TOKEN" in answer.json()["detail"]
        assert TOKEN not in answer.text


async def test_anyone_may_ask_whether_the_process_lives() -> None:
    assert await status("/healthz", client="192.0.2.7", token=TOKEN) == 200


async def test_slack_is_let_through_to_its_own_check() -> None:
    assert await status("/slack/interactions", method="POST", client="192.0.2.7", token=TOKEN) == 404
    assert await status("/slack/%2e%2e/api/incidents", client="192.0.2.7", token=TOKEN) == 404


async def test_who_is_signed_in_acts_under_their_own_name_only() -> None:
    front = a_front()
    async with front.browser(token=TOKEN, headers=basic("ada")) as browser:
        borrowed = await browser.post("/api/incidents/INC-1/mitigate", headers={"X-Incidents-As": "lee"})
        assert borrowed.status_code == 403
        await browser.post("/api/incidents/INC-1/mitigate")
    assert [ask.by.id for ask in front.world.asked] == ["ada"]


async def test_the_admin_acts_for_people_of_the_catalog_and_for_nobody_else() -> None:
    front = a_front()
    async with front.browser() as browser:
        unknown = await browser.post("/api/incidents/INC-1/mitigate", headers={"X-Incidents-As": "mallory"})
        assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown_person")
        await browser.post("/api/incidents/INC-1/mitigate", headers={"X-Incidents-As": "lee"})
    assert [ask.by.id for ask in front.world.asked] == ["lee"]


async def test_an_empty_token_is_none() -> None:
    assert await status("/", token="", client="192.0.2.7") == 403
    assert await status("/", token="", client="192.0.2.7", headers={"authorization": "Bearer "}) == 403


async def test_the_token_does_not_show_where_doors_are_printed() -> None:
    assert TOKEN not in repr(Front().doors(token=TOKEN))


async def test_every_answer_carries_the_headers_that_keep_browsers_safe() -> None:
    async with a_front().browser() as browser:
        for path in ("/", "/incidents/INC-1", "/api/incidents", "/nowhere", "/healthz"):
            headers = (await browser.get(path)).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
