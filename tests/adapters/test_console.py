"""A terminal shows the page and obeys nothing in it."""

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.adapters.console import ConsoleCarrier, to_stdout
from incidents.core.briefing import Line
from incidents.core.effect import EffectKind
from incidents.flow.ports import NotSent, Sent, Unknown
from tests.adapters.slack.parts import a_briefing, a_message, a_runbook


async def shown(kind: EffectKind, **said: object) -> str:
    lines: list[str] = []
    assert await ConsoleCarrier(lines.append).carry(a_message(kind, **said)) == Sent()
    return "".join(lines)


async def test_a_page_names_the_person_the_trouble_and_what_to_do() -> None:
    said = await shown(EffectKind.PAGE)

    assert "PAGE Ada Okoye" in said
    assert a_briefing().headline in said
    assert "Why: you own the data of Credit scoring" in said
    assert "Next: Lee Park at 12:30" in said
    assert "Runbook: Data drift http://127.0.0.1:8080/runbooks/data-drift" in said
    assert "INC-7 triggered http://127.0.0.1:8080/incidents/INC-7" in said


async def test_a_post_is_one_line_and_a_refresh_is_none() -> None:
    assert (await shown(EffectKind.POST)).strip() == "INC-7: Severity raised to SEV2: performance is degraded"
    assert await shown(EffectKind.REFRESH) == ""


async def test_a_notice_has_a_title_a_line_for_each_thing_and_where_to_read_more() -> None:
    said = await shown(EffectKind.NOTICE)

    assert said.strip().splitlines() == [
        "NOTICE Ada Okoye: Handover of an AI system",
        "  To you. Bot: model.",
        "  From you. Bot: data.",
        "  http://127.0.0.1:8080/catalog?revision=7",
    ]


async def test_what_is_to_be_approved_says_why_and_until_when() -> None:
    said = await shown(EffectKind.APPROVAL)

    assert said.strip().splitlines() == [
        "APPROVAL Ada Okoye: Lee Park asks you to approve RUN-1: Move the serving alias back",
        "  1. Point champion to version 1 (POST mlflow; now version 2; can be taken back)",
        "  2. Look whether it helps",
        "  Why: It began with version 2",
        "  Until: 12:30",
        "  http://127.0.0.1:8080/runs/RUN-1",
    ]


async def test_a_possible_repeat_says_so() -> None:
    for kind in (EffectKind.PAGE, EffectKind.CARD, EffectKind.POST, EffectKind.NOTICE):
        assert "(may be a repeat)" in await shown(kind, possible_repeat=True)


@given(st.text(st.characters(codec=None)) | st.just("\x1b[2J\x1b]0;owned\x07\u202e\r\nINC-1: all is well\x9b31m"))
async def test_nothing_in_an_event_moves_the_cursor_or_adds_a_line(said: str) -> None:
    briefing = a_briefing(
        headline=said, lines=(Line(label=said, text=said),), runbooks=(a_runbook(title=said, url=said),), url=said
    )
    lines: list[str] = []
    for kind in (EffectKind.PAGE, EffectKind.CARD, EffectKind.POST):
        await ConsoleCarrier(lines.append).carry(a_message(kind, briefing=briefing, text=said))

    whole = "".join(lines)
    assert all(letter.isprintable() for letter in whole if letter != "\n")
    assert whole.count("\n") <= 7 + 7 + 1


async def test_a_console_remembers_nothing() -> None:
    assert isinstance(await ConsoleCarrier().find(a_message()), Unknown)


async def test_a_console_that_is_closed_is_told_later() -> None:
    closed = io.StringIO()
    closed.close()

    assert await ConsoleCarrier(closed.write).carry(a_message()) == NotSent("the console is closed")


async def test_a_terminal_of_few_letters_shows_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)

    to_stdout("rate 5 \u2026 12 %\n")

    assert terminal.buffer.getvalue() == b"rate 5 ? 12 %\n"
