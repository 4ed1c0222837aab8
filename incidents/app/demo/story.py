"""The story: one prompt release, three kinds of trouble, one incident, followed to its closure."""

from datetime import timedelta
from typing import Any

from incidents.adapters.store.invariants import check
from incidents.app.demo.monitors import Monitors, monitors
from incidents.app.demo.stage import BEGINS_AGO, Stage, WentWrong

MAIN = "INC-1"
RUNBOOK = "rollback-mlflow-alias"
STEPS = (
    "opened",
    "paged",
    "acknowledged",
    "run_approved",
    "mitigated",
    "verified",
    "run_succeeded",
    "resolved",
    "closed",
)
_KINDS = {"hallucination", "drift", "cost_anomaly"}
Facts = list[dict[str, Any]]


async def tell(stage: Stage) -> Facts:
    """Play it to the end; the main incident's timeline, or WentWrong."""
    told = monitors()
    began = await stage.parts.store.now()
    await _calm(stage, told)
    await _trouble(stage, told)
    await _answer(stage)
    await _rollback(stage, told)
    await _proof(stage, told)
    await _paperwork(stage)
    await _smaller(stage, told)
    rest = BEGINS_AGO - (await stage.parts.store.now() - began)
    await stage.wait(seconds=max(0.0, rest / timedelta(seconds=1)))
    return await _came_out(stage)


async def _calm(stage: Stage, told: Monitors) -> None:
    await stage.say("reading", "Five AI systems report for an hour: everything within limit.")
    for _ in range(2):
        at = await stage.parts.store.now()
        await stage.publish(
            told.answers(at, 3, 120),
            told.queries(at, 0.04),
            told.spend(at, 31, 30, hours=1, tokens=2_130, cached=0.61),
            told.drift(at, "credit-scoring", 0.05),
            told.drift(at, "fraud-detection", 0.03),
            told.drift(at, "document-search", 0.02),
            told.drift(at, "meeting-notes", 0.04),
        )
        await stage.wait(hours=1)
    at = await stage.parts.store.now()
    await stage.publish(told.prompt(at, "42", "41", "maya"))
    await stage.say("release", "Support assistant: prompt support-answers 42 replaces 41, released by Maya.")


async def _trouble(stage: Stage, told: Monitors) -> None:
    """Two kinds of trouble in one delivery, the third five minutes later."""
    await stage.wait(hours=2)
    at = await stage.parts.store.now()
    await stage.say("reading", "22 of 120 answers say what no source says (limit 5 %, usual 2.5 %).")
    await stage.say("reading", "The questions sent to the search have moved: PSI 0.31, limit 0.10.")
    await stage.publish(told.answers(at, 22, 120), told.queries(at, 0.31))
    await stage.until("paged", MAIN, lambda facts: _has(facts, "paged"))
    found = await stage.incident(MAIN)
    await stage.say("incident", f"{MAIN} {found['severity'].upper()}: {found['severity_why']}")
    await stage.wait(minutes=5)
    at = await stage.parts.store.now()
    await stage.say("reading", "The gateway charged $273 in two hours; $62 is usual.")
    await stage.publish(told.spend(at, 273, 62, hours=2, tokens=4_700, cached=0.18))
    await stage.until("joined by the cost", MAIN, lambda facts: _count(facts, "paged") == len(_KINDS))
    await stage.say("incident", f"{MAIN} again: three kinds of trouble, one incident, and an owner for each kind.")


async def _answer(stage: Stage) -> None:
    await stage.wait(minutes=4)
    await stage.act("jonas", MAIN, "acknowledge", note="on it, looking at prompt 42")
    await stage.say("Jonas", "acknowledges: he is on call, and nobody else is asked now.")


async def _rollback(stage: Stage, told: Monitors) -> None:
    """One person asks for it, another approves, and the machine does it."""
    await stage.wait(minutes=9)
    run = await stage.act("jonas", MAIN, "runs", runbook=RUNBOOK, note="prompt 42 is twice as long, and it shows")
    await stage.say("Jonas", f"asks for {run['id']}: {run['title']}. He may not approve it himself.")
    await stage.wait(minutes=3)
    await stage.ask("maya", f"/api/runs/{run['id']}/approve", plan=run["plan"])
    await stage.say("Maya", "has read the plan and approves it: from now on the machine does it.")
    facts = await stage.until("rolled back", MAIN, lambda facts: _has(facts, "verification"))
    moved = next(fact["text"] for fact in facts if fact["kind"] == "step_done")
    await stage.say("run", f"{moved}.")
    await stage.wait(minutes=3)
    at = await stage.parts.store.now()
    await stage.publish(told.prompt(at, "41", "42", run["id"]))
    await stage.say("release", "Support assistant: prompt support-answers 41 is back.")
    await stage.wait(minutes=5)
    await stage.act("jonas", MAIN, "mitigate", note="prompt 41 serves all traffic again")
    await stage.say("Jonas", "mitigates: users are no longer hurt. Resolved is another thing: the numbers must say so.")


async def _proof(stage: Stage, told: Monitors) -> None:
    """Four windows that began after the change, as the run asks for."""
    for number, (flagged, psi, cost) in enumerate(
        ((4, 0.06, 33), (2, 0.04, 30), (3, 0.05, 31), (2, 0.04, 30)), start=1
    ):
        await stage.wait(hours=1)
        at = await stage.parts.store.now()
        await stage.publish(
            told.answers(at, flagged, 120),
            told.queries(at, psi),
            told.spend(at, cost, 31, hours=1, tokens=2_150, cached=0.6),
        )
        await stage.say("reading", f"Window {number} of 4 within limit: {flagged} of 120 answers, PSI {psi}, ${cost}.")
        await stage.wait(minutes=1)  # within which the run looks at its metric
    await stage.until("verified and resolved", MAIN, lambda facts: _has(facts, "verified") and _has(facts, "resolved"))
    await stage.say("incident", f"{MAIN} is verified by the metrics that fired, and resolved with their evidence.")


async def _paperwork(stage: Stage) -> None:
    await stage.wait(minutes=30)
    await stage.act("ingrid", MAIN, "close", note="reviewed with Maya and Jonas")
    await stage.say("Ingrid", "closes it. It is read-only from here.")


async def _smaller(stage: Stage, told: Monitors) -> None:
    """What makes no noise: a drift that hurts nobody yet, too small a sample, a name that nobody registered."""
    await stage.wait(minutes=40)
    await stage.say("reading", "Three small things elsewhere: they are posted or watched, and page nobody.")
    at = await stage.parts.store.now()
    await stage.publish(
        told.drift(at, "credit-scoring", 0.14, feature="income"),
        told.drift(at, "fraud-detection", 0.21, feature="merchant", sample_size=40, performance="unknown"),
        told.answers(at, 12, 120, system="suport-assistant"),
    )
    for number in (2, 3):
        await stage.until("opened", f"INC-{number}", lambda facts: _has(facts, "opened"))


def _has(facts: Facts, kind: str) -> bool:
    return any(fact["kind"] == kind for fact in facts)


def _count(facts: Facts, kind: str) -> int:
    return sum(fact["kind"] == kind for fact in facts)


async def _came_out(stage: Stage) -> Facts:
    """The timeline, where every step is on it, in order, and every invariant holds."""
    found, facts = await stage.incident(MAIN), await stage.facts(MAIN)
    first = [next((at for at, fact in enumerate(facts) if fact["kind"] == step), None) for step in STEPS]
    places = [at for at in first if at is not None]
    if len(places) != len(STEPS) or places != sorted(places):
        missing = [step for step, at in zip(STEPS, first, strict=True) if at is None]
        raise WentWrong(f"{MAIN} did not take every step in order; missing: {', '.join(missing) or 'none'}")
    if found["status"] != "closed" or set(found["kinds"]) != _KINDS:
        raise WentWrong(f"{MAIN} is {found['status']} with {', '.join(found['kinds'])}")
    if broken := await check(stage.parts.database):
        raise WentWrong("; ".join(f"{each.code}: {each.where}: {each.text}" for each in broken))
    return facts
