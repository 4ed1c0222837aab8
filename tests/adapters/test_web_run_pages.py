"""The pages of runs and runbooks: what can be done, the plan word for word, progress, and the buttons of people."""

import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from incidents.core.briefing import RunbookLink
from incidents.core.errors import NotAllowed
from incidents.core.incident import Change, Status
from incidents.core.run import Approved, RunStatus, StepRun, StepState
from incidents.core.runbook import Runbook
from incidents.core.step import Approval, Step, StepType
from incidents.flow.ports import Outcomes
from tests.adapters.web_calls import a_front
from tests.fakes.front import Front
from tests.fakes.runs import BY_HAND, CHOOSE, MOVE, VERIFY, a_plan, a_run, a_step, running
from tests.fakes.told import NOW, an_incident, minutes

OWN = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin", "accept": "text/html"}
RISK = "Art. 73(6): tell the authority before you change what it must look at."
ASKED = {"runbook": MOVE.id, "p.model": "credit", "p.percent": "5", "p.dry": "true", "as": "ada"}
DONE = StepRun(
    id="move",
    state=StepState.DONE,
    touched=True,
    attempts=2,
    began_at=NOW - minutes(3),
    ended_at=NOW - minutes(2),
    said="answered 200",
)


def a_shelf(*runs: object) -> Front:
    """A front whose incident has a runbook that can be run."""
    front = a_front()
    front.world.estate = replace(front.world.estate, runbooks=(MOVE, Runbook(id="read-me", title="Only read")))
    front.world.suited = (
        RunbookLink(id=MOVE.id, title=MOVE.title, url="", why="kind drift", steps=MOVE.steps),
        RunbookLink(id="read-me", title="Only read", url="", why="fits any incident"),
    )
    front.runs.past = {MOVE.id: Outcomes(runs=8, succeeded=6, median=timedelta(minutes=21))}
    front.runs.hold(*runs)  # type: ignore[arg-type]
    return front


async def read(front: Front, path: str) -> str:
    async with front.browser(headers={"accept": "text/html"}) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def send(front: Front, path: str, **form: str) -> httpx.Response:
    async with front.browser(headers=OWN) as browser:
        return await browser.post(path, data=form)


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# --- the incident -----------------------------------------------------------------------------------------------------


async def test_the_incident_says_which_rollback_is_offered_and_why() -> None:
    front = a_shelf()
    change = Change(
        kind="model", name="credit", version="2", previous="1", deployed_at=NOW - minutes(60), by=None, url=None
    )
    front.world.hold(an_incident(1, last_change=change))
    page = words(await read(front, "/incidents/INC-1"))
    assert "Roll back model credit from 2 to 1." in page
    assert "model credit 2 preceded the trouble; 1 ran before it." in page


async def test_the_incident_says_why_no_rollback_is_offered_and_what_to_try_instead() -> None:
    page = words(await read(a_shelf(), "/incidents/INC-1"))
    assert "No rollback is offered. No release came before the trouble: pin the vendor" in page


async def test_a_runbook_that_fits_says_why_how_fresh_it_is_and_how_its_runs_went() -> None:
    page = await read(a_shelf(), "/incidents/INC-1")
    told = words(page)
    assert "kind drift can be run" in told
    assert "Reviewed 12 days ago; 8 runs, 75 % helped, 21 min in the median." in told
    assert "Never reviewed." in told
    assert page.count('action="/incidents/INC-1/plan"') == 1, "what is only read cannot be planned"
    assert 'name="p.model" value="" maxlength="2000" placeholder="from the incident"' in page
    assert "{{" not in page


async def test_its_runs_stand_on_the_incident_and_a_resolved_one_plans_nothing() -> None:
    front = a_shelf(a_run(), running(DONE, id="RUN-2"))
    page = await read(front, "/incidents/INC-1")
    assert 'href="/runs/RUN-2"' in page
    assert "waits for the approval of one owner of the system" in words(page)
    front.world.hold(an_incident(1, status=Status.RESOLVED))
    assert "/plan" not in await read(front, "/incidents/INC-1")


# --- the plan ---------------------------------------------------------------------------------------------------------


async def test_a_plan_shows_every_request_before_anything_is_asked_for() -> None:
    front = a_shelf()
    answer = await send(front, "/incidents/INC-1/plan", **ASKED)
    assert answer.status_code == 200
    assert dict(front.runs.wanted[0].parameters) == {"model": "credit", "percent": 5, "dry": True}
    told = words(answer.text)
    assert "Rolls back model credit from 2 to 1" in told
    assert "Sent to mlflow POST /api/2.0/mlflow/registered-models/alias" in told
    assert "The target said: version 2" in told
    assert "Taken back by POST" in told
    assert front.runs.planned.hash in told
    assert "Ask for approval as Ada Okoye" in told
    assert '<input type="hidden" name="p.percent" value="5">' in answer.text
    assert front.runs.held == {}


@pytest.mark.parametrize(("field", "value"), [("p.percent", "many"), ("p.dry", "perhaps"), ("note", "a\x00")])
async def test_a_value_that_cannot_be_meant_is_told_beside_its_form(field: str, value: str) -> None:
    answer = await send(a_shelf(), "/incidents/INC-1/plan", **{**ASKED, field: value})
    assert answer.status_code == 400
    assert field.removeprefix("p.") in words(answer.text)
    assert 'name="p.model" value="credit"' in answer.text, "what was typed stays"


async def test_what_the_target_refuses_is_told_on_the_incident() -> None:
    front = a_shelf()
    front.runs.refusal = NotAllowed("target", "mlflow answered 404 to the question what is there")
    for path in ("plan", "runs"):
        answer = await send(front, f"/incidents/INC-1/{path}", **ASKED)
        assert answer.status_code == 409
        assert "mlflow answered 404 to the question what is there" in words(answer.text)
    assert front.runs.held == {}


async def test_a_run_is_asked_for_from_its_plan_once() -> None:
    front = a_shelf()
    form = ASKED | {"plan": front.runs.planned.hash, "note": "It drifts.", "once": "1"}
    for _ in range(2):
        answer = await send(front, "/incidents/INC-1/runs", **form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/runs/RUN-1?done=request")
    assert [run.note for run in front.runs.held.values()] == ["It drifts."]
    page = words(await read(front, "/runs/RUN-1?done=request"))
    assert "Nothing is done before somebody else has approved this very plan." in page


async def test_a_plan_that_changed_meanwhile_is_shown_anew_and_not_asked_for() -> None:
    front = a_shelf()
    answer = await send(front, "/incidents/INC-1/runs", **ASKED, plan="b" * 64)
    assert answer.status_code == 409
    assert "the plan is another by now" in words(answer.text)
    assert f'name="plan" value="{front.runs.planned.hash}"' in answer.text
    assert front.runs.held == {}


async def test_the_warning_is_a_box_that_must_be_ticked() -> None:
    front = a_shelf()
    front.runs.planned = a_plan(warning=RISK)
    page = (await send(front, "/incidents/INC-1/plan", **ASKED)).text
    assert '<input type="checkbox" name="warned" value="1" required>' in page
    assert RISK in words(page)
    form = ASKED | {"plan": front.runs.planned.hash}
    assert (await send(front, "/incidents/INC-1/runs", **form)).status_code == 409
    assert (await send(front, "/incidents/INC-1/runs", **form, warned="1")).status_code == 303
    assert 'name="warned" value="1" required' in await read(front, "/runs/RUN-1")
    approval = {"plan": front.runs.planned.hash, "as": "lee"}
    assert (await send(front, "/runs/RUN-1/approve", **approval)).status_code == 409
    assert (await send(front, "/runs/RUN-1/approve", **approval, warned="1")).status_code == 303


async def test_a_plan_that_changes_nothing_needs_nobody_else() -> None:
    front = a_shelf()
    front.runs.planned = a_plan(BY_HAND, approval=None, rollback=None)
    page = words((await send(front, "/incidents/INC-1/plan", **ASKED)).text)
    assert "It changes nothing, so nobody else has to approve it." in page
    answer = await send(front, "/incidents/INC-1/runs", **ASKED)
    assert "It runs." in words(await read(front, answer.headers["location"]))


# --- the run ----------------------------------------------------------------------------------------------------------


async def test_a_proposal_shows_what_is_approved_and_the_buttons() -> None:
    page = await read(a_shelf(a_run()), "/runs/RUN-1")
    told = words(page)
    for deed in ("approve", "reject", "cancel"):
        assert f'action="/runs/RUN-1/{deed}"' in page
    assert "Asked for by Ada Okoye" in told
    assert "“Version 2 drifts.”" in told
    assert "Approved by nobody yet" in told
    assert "until 2026-11-20 09:55 UTC" in told
    assert "refresh" not in page, "nothing moves before somebody says so"


async def test_a_second_person_approves_and_the_requester_cannot() -> None:
    front = a_shelf(a_run())
    form = {"plan": front.runs.held["RUN-1"].hash}
    own = await send(front, "/runs/RUN-1/approve", **form, **{"as": "ada"})
    assert own.status_code == 409
    assert "whoever asked for it cannot approve it" in words(own.text)
    answer = await send(front, "/runs/RUN-1/approve", **form, **{"as": "lee"})
    assert answer.headers["location"] == "/runs/RUN-1?done=approve"
    assert "Approved by Lee Park" in words(await read(front, "/runs/RUN-1"))


async def test_a_running_run_shows_progress_and_renews_itself() -> None:
    seen = StepRun(
        id="verify", state=StepState.WAITING, said="verification 2 of 4, next window 06:00", began_at=NOW - minutes(2)
    )
    front = a_shelf(running(DONE, seen))
    page = await read(front, "/runs/RUN-1")
    told = words(page)
    assert '<meta http-equiv="refresh" content="5; url=/runs/RUN-1">' in page
    assert "Waits for verification 2 of 4, next window 06:00" in told
    began, ended = (f"{NOW - minutes(count):%Y-%m-%d %H:%M:%S}" for count in (3, 2))
    assert f"began {began}, 3 min ago ; ended {ended} after 1 min, 2 attempts answered 200" in told
    assert "Approve" not in re.sub(r"Approved", "", told)
    assert "refresh" not in (await read(front, "/runs/RUN-1?refresh=off")).partition("<body>")[0]


async def test_a_run_that_waits_for_a_person_stands_still_and_offers_the_answers() -> None:
    plan = a_plan(a_step(), BY_HAND, CHOOSE, VERIFY)
    states = (StepRun(id="move", state=StepState.UNKNOWN, touched=True, began_at=NOW - minutes(3)),)
    front = a_shelf(running(*states, StepRun(id="choose", state=StepState.WAITING), plan=plan))
    page = await read(front, "/runs/RUN-1")
    assert "http-equiv" not in page
    for answer, label in (("done", "It was done"), ("retry", "Send it again"), ("retrain", "Retrain now")):
        assert f'<button name="answer" value="{answer}">{label}</button>' in page
    sent = await send(front, "/runs/RUN-1/answer", step="move", answer="done", note="I looked.", **{"as": "lee"})
    assert sent.headers["location"] == "/runs/RUN-1?done=answer"
    assert "answered by Lee Park" in words(await read(front, "/runs/RUN-1"))
    wrong = await send(front, "/runs/RUN-1/answer", step="choose", answer="sing", note="why not", **{"as": "lee"})
    assert wrong.status_code == 409
    assert "why not" in wrong.text


async def test_an_approval_in_the_middle_of_a_run_is_given_for_its_step() -> None:
    front = a_shelf()
    step = Step(id="go-on", title="Go on?", type=StepType.APPROVE, approval=Approval())
    plan = a_plan(a_step(), step, VERIFY)
    front.runs.hold(running(DONE, StepRun(id="go-on", state=StepState.WAITING), plan=plan))
    page = await read(front, "/runs/RUN-1")
    assert '<input type="hidden" name="step" value="go-on">' in page
    assert "one owner of the system, other than who asked, to agree" in words(page)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"status": RunStatus.SUCCEEDED, "ended_at": NOW, "why": "4 of 4 windows within limit"}, "took 3 min"),
        ({"status": RunStatus.UNDO_FAILED, "ended_at": NOW, "why": "mlflow answered 500"}, "could not be taken back"),
        ({"status": RunStatus.UNDOING, "why": "the metric did not recover"}, "nothing can stop that"),
        ({"status": RunStatus.EXPIRED, "started_at": None, "approvals": ()}, "Approved by nobody"),
        ({"evidence": "e" * 64}, "Evidence was kept before anything was changed: " + "e" * 64),
        ({"warned": "ada"}, "Warning answered by Ada Okoye"),
        ({"approvals": (Approved(by="lee", at=NOW, plan="a" * 64, step="move", note="Go."),)}, "step move Go."),
    ],
)
async def test_each_state_of_a_run_is_told_in_words(more: dict[str, object], said: str) -> None:
    page = await read(a_shelf(running(DONE, **more)), "/runs/RUN-1")
    assert said in words(page)


async def test_a_run_says_to_the_second_when_it_was_and_leads_to_its_proof() -> None:
    shown = running(DONE, StepRun(id="verify", state=StepState.WAITING, began_at=NOW), evidence="e" * 64)
    page = await read(a_shelf(shown), "/runs/RUN-1")
    assert f"Began {NOW - minutes(3):%Y-%m-%d %H:%M:%S} 3 min ago" in words(page)
    assert 'href="/incidents/INC-1#timeline"' in page
    assert 'href="/api/runs/RUN-1/evidence"' in page
    assert "/evidence" not in await read(a_shelf(a_run()), "/runs/RUN-1"), "nothing is kept yet"


async def test_what_a_run_asks_of_people_stands_at_the_top_of_its_incident() -> None:
    unknown = StepRun(id="move", state=StepState.UNKNOWN, touched=True, began_at=NOW - minutes(3))
    stuck = running(DONE, id="RUN-2", status=RunStatus.UNDO_FAILED, ended_at=NOW, why="Point champion could not be.")
    front = a_shelf(running(unknown), stuck)
    top = words((await read(front, "/incidents/INC-1")).partition("<aside>")[0])
    assert "RUN-1 waits for somebody to look whether “Point champion of credit to version 1” was done" in top
    assert "RUN-2 could not be taken back. Point champion could not be." in top
    front.world.hold(an_incident(1, status=Status.RESOLVED))
    assert "could not be taken back" not in (await read(front, "/incidents/INC-1")).partition("<aside>")[0]


async def test_an_undo_that_failed_shows_the_request_that_a_person_may_have_to_send() -> None:
    failed = replace(DONE, state=StepState.UNDO_FAILED, said="answered 404")
    page = await read(a_shelf(running(failed, status=RunStatus.UNDO_FAILED, ended_at=NOW)), "/runs/RUN-1")
    assert '<p class="outcome">Taking it back: answered 404</p>' in page
    assert '<details class="exactly" open>' in page


async def test_reject_and_cancel_take_a_word_and_say_what_they_did() -> None:
    front = a_shelf(a_run(), running(DONE, id="RUN-2"))
    for run, deed, said in (("RUN-1", "reject", "Rejected"), ("RUN-2", "cancel", "no further step is done")):
        answer = await send(front, f"/runs/{run}/{deed}", note="Not now.", **{"as": "lee"})
        page = words(await read(front, answer.headers["location"]))
        assert said in page
        assert "Not now." in page


@pytest.mark.parametrize("path", ["/runs/RUN-1/approve", "/incidents/INC-1/plan", "/incidents/INC-1/runs"])
async def test_a_refused_form_loaded_again_goes_to_its_page(path: str) -> None:
    async with a_shelf(a_run()).browser(headers={"accept": "text/html"}) as browser:
        answer = await browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, path.rpartition("/")[0])


@pytest.mark.parametrize("path", ["/runs/RUN-9", "/runs/x", "/runs/RUN-1/dance", "/runbooks/none"])
async def test_what_is_not_there_is_not_found(path: str) -> None:
    async with a_shelf(a_run()).browser(headers={"accept": "text/html"}) as browser:
        assert (await browser.get(path)).status_code == 404


# --- the lists --------------------------------------------------------------------------------------------------------


async def test_the_list_of_runs_is_filtered_and_goes_on() -> None:
    front = a_shelf(running(DONE), *(a_run(n, status=RunStatus.REJECTED) for n in range(2, 5)))
    page = await read(front, "/runs?status=rejected&limit=2")
    assert [n for n in range(1, 5) if f'href="/runs/RUN-{n}"' in page] == [3, 4]
    following = re.search(r'href="(/runs\?[^"]*cursor=[^"]*)" rel="next"', page)
    assert following
    rest = await read(front, following[1].replace("&amp;", "&"))
    assert 'href="/runs/RUN-2"' in rest
    assert "No run is like that." in words(await read(front, "/runs?status=undone"))
    assert "Nothing was run yet." in words(await read(a_shelf(), "/runs"))


async def test_runbooks_are_listed_with_freshness_and_past_outcomes() -> None:
    told = words(await read(a_shelf(), "/runbooks"))
    assert "reviewed 12 days ago 8 runs, 75 % helped, 21 min in the median" in told
    assert "Only read read-me nobody never reviewed read by people" in told


async def test_a_runbook_shows_its_parameters_its_steps_and_its_latest_runs() -> None:
    page = await read(a_shelf(running(DONE)), f"/runbooks/{MOVE.id}")
    told = words(page)
    assert "model string {{ rollback.name }} Registered model" in told
    assert "Point {{ parameters.alias }} back http" in told
    assert "RUN-1" in told
    assert "Why and when." in told


async def test_what_stands_between_fences_is_shown_as_it_was_written() -> None:
    front = a_shelf()
    body = "Why.\n\n```yaml step\nlook:\n  keep: {a: <b>}\n```\nThen ```this``` and\n```\nno end"
    front.world.estate = replace(front.world.estate, runbooks=(replace(MOVE, body=body),))
    page = await read(front, f"/runbooks/{MOVE.id}")
    assert '<section class="prose">Why.</section>' in page
    assert '<pre class="raw">look:\n  keep: {a: &lt;b&gt;}</pre>' in page
    assert '<section class="prose">Then ```this``` and\n```\nno end</section>' in page
