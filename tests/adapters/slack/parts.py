"""Briefings and messages for the tests of what carries them, every field defaulted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from incidents.adapters.slack import SlackApi, SlackCarrier
from incidents.core.briefing import Briefing, Line, RunbookLink
from incidents.core.effect import EffectKind
from incidents.core.incident import Action, Status
from incidents.core.people import Person
from incidents.core.severity import Severity
from incidents.flow.ports import Message, MessageRef, Sent
from tests.fakes.slack import ADA, CHANNEL, TOKEN, FakeSlack

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOON = datetime(2025, 11, 21, 12, tzinfo=UTC)
ADA_OKOYE = Person(id="ada", name="Ada Okoye", email="ada@example.com", slack=ADA)
BUTTONS = (Action.ACKNOWLEDGE, Action.ESCALATE, Action.SNOOZE, Action.MITIGATE, Action.RESOLVE)

LEE_PARK = Person(id="lee", name="Lee Park", email="lee@example.com")
# How a call may end without saying what became of it.
LOST = (
    "hang",
    "reset",
    "cut",
    "truncate",
    "html",
    "list",
    "500",
    "503",
    "500:channel_not_found",
    "error:internal_error",
)
HOSTILE = (
    "<!channel>",
    "<!here> look",
    "<!everyone|all>",
    "<!subteam^S123|team>",
    "<@U01ADA00000>",
    "<#C0INCIDENTS>",
    "<https://evil.example|https://good.example>",
    "<mailto:a@evil.example|write>",
    "&lt;!channel&gt;",
    "&amp;lt;!channel&amp;gt;",
    "https://evil.example/x",
    "@channel @here #general",
    "<!date^1392734382^{date}^https://evil.example|now>",
    "\u202egnp.exe <@U1>",
    "`<!channel>` ```<!here>```",
    "<" * 40 + "!channel" + ">" * 40,
    "<\n!channel>",
    "<\x00!channel>",
    "\ud800<!channel>\udfff",
)


def a_briefing(**said: Any) -> Briefing:  # noqa: ANN401 - any field of a briefing
    usual = Briefing(
        incident="INC-7",
        url="http://127.0.0.1:8080/incidents/INC-7",
        headline="SEV3 Credit scoring: data drift, PSI 0.31 of limit 0.10 on age",
        title="Credit scoring: data drift on age",
        status=Status.TRIGGERED,
        severity=Severity.SEV3,
        system="Credit scoring",
        environment="production",
        opened_at=NOON,
        lines=(
            Line(label="Since", text="2025-11-21 11:00 UTC"),
            Line(label="Changed before", text="release 17 of model credit, an hour before the window"),
            Line(label="Next", text="Lee Park at 12:30"),
        ),
        runbooks=(a_runbook(),),
        actions=BUTTONS,
    )
    return replace(usual, **said)


def a_runbook(**said: Any) -> RunbookLink:  # noqa: ANN401 - any field of a runbook
    usual = RunbookLink(
        id="data-drift",
        title="Data drift",
        url="http://127.0.0.1:8080/runbooks/data-drift",
        why="it is written for data drift",
        steps=("Compare the feature with last week.", "Ask the data owner what changed."),
    )
    return replace(usual, **said)


def a_message(kind: EffectKind = EffectKind.PAGE, **said: Any) -> Message:  # noqa: ANN401 - any field of a message
    usual: dict[str, Any] = {"key": f"{kind}:INC-7:1", "kind": kind, "incident": "INC-7", "briefing": a_briefing()}
    match kind:
        case EffectKind.PAGE:
            usual |= {"person": ADA_OKOYE, "text": "you own the data of Credit scoring"}
        case EffectKind.POST:
            usual |= {"place": "#ai-incidents", "text": "Severity raised to SEV2: performance is degraded"}
        case EffectKind.CARD:
            usual |= {"place": "#ai-incidents"}
        case EffectKind.NOTICE:
            usual |= {"incident": None, "briefing": None, "person": ADA_OKOYE, "title": "Handover of an AI system"}
            usual |= {"key": "notice:7:ada", "text": "To you. Bot: model.\nFrom you. Bot: data."}
            usual |= {"url": "http://127.0.0.1:8080/catalog?revision=7"}
        case EffectKind.APPROVAL:
            usual |= {"key": "approval:RUN-1:ada", "person": ADA_OKOYE, "data": an_approval()}
            usual |= {"title": usual["data"]["title"], "text": usual["data"]["text"]}
            usual |= {"url": "http://127.0.0.1:8080/runs/RUN-1"}
        case _:
            pass
    return Message(**usual | said)


def an_approval(**said: str) -> dict[str, str]:
    """What the effect says that asks a person to approve a run."""
    usual = {
        "run": "RUN-1",
        "plan": "a" * 64,
        "title": "Lee Park asks you to approve RUN-1: Move the serving alias back",
        "text": "1. Point champion to version 1 (POST mlflow; now version 2; can be taken back)\n"
        "2. Look whether it helps",
        "note": "It began with version 2",
        "until": "12:30",
        "warning": "",
        "path": "/runs/RUN-1",
    }
    return {**usual, **said}


def asked_about(message: Message) -> Message:
    """The message as it is looked for after an attempt that began a moment ago."""
    return replace(message, attempted_at=datetime.now(UTC) - timedelta(seconds=1))


def a_carrier(fake: FakeSlack, *, token: str = TOKEN, timeout: float = 0.6) -> SlackCarrier:
    return SlackCarrier(SlackApi(token, fake.url, timeout=timeout), timeout=timeout)


def one(answer: object) -> MessageRef:
    assert isinstance(answer, Sent), answer
    assert answer.ref is not None
    return answer.ref


def chatter(fake: FakeSlack, count: int) -> None:
    for number in range(count):
        said: dict[str, Any] = {"channel": CHANNEL, "text": f"line {number}"}
        fake.workspace.call("chat.postMessage", said)
