"""What people see in Slack, as data: held against the published rules by a check that is not the product's own."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.adapters.slack import cards, modals
from incidents.adapters.slack.approvals import approval
from incidents.adapters.slack.blocks import Rendered
from incidents.core.briefing import Briefing, Line, Remedy
from incidents.core.incident import Action, Resolution
from tests.adapters.slack.parts import HOSTILE, a_briefing, a_runbook, an_approval
from tests.fakes import block_kit
from tests.fakes.mrkdwn import reach_of_message

HOME = {"127.0.0.1"}


def elements(rendered: Rendered) -> list[dict[str, Any]]:
    return [button for block in rendered.blocks if block["type"] == "actions" for button in block["elements"]]


def words(rendered: Rendered) -> str:
    return "\n".join(texts(list(rendered.blocks)))


def texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for part in value.values():
            yield from texts(part)
    if isinstance(value, list):
        for part in value:
            yield from texts(part)


def hostile(said: str) -> Briefing:
    return a_briefing(
        headline=said,
        title=said,
        system=said,
        environment=said,
        lines=(Line(label="What", text=said), Line(label=said, text=said * 9)),
        runbooks=(a_runbook(title=said, why=said, steps=(said, said)),),
        remedy=Remedy(runbook="rollback", title=f"Roll back to {said}"),
    )


def is_taken(rendered: Rendered) -> bool:
    assert rendered.text
    return not block_kit.flaws(list(rendered.blocks)) and not block_kit.too_long(rendered.blocks)


def test_a_page_says_why_you_who_is_next_and_what_to_do_first() -> None:
    page = cards.page(a_briefing(), why="you own the data of Credit scoring")

    said = words(page)
    assert page.text == a_briefing().headline
    assert "*Why you*\nyou own the data of Credit scoring" in said
    assert "*Next*\nLee Park at 12:30" in said
    assert "<http://127.0.0.1:8080/runbooks/data-drift|Data drift>" in said
    assert "1. Compare the feature with last week." in said
    assert is_taken(page)


def test_a_card_names_the_runbook_and_leaves_its_steps_to_the_page() -> None:
    said = words(cards.card(a_briefing()))

    assert "|Data drift>" in said
    assert "Compare the feature" not in said
    assert "Why you" not in said


@pytest.mark.parametrize("allowed", [(), (Action.ACKNOWLEDGE, Action.RESOLVE), tuple(Action)])
def test_buttons_are_those_that_are_allowed_now(allowed: tuple[Action, ...]) -> None:
    shown = elements(cards.card(a_briefing(actions=allowed)))

    assert [one["action_id"] for one in shown] == [*(one for one in allowed if one in cards.BUTTONS), "open"]
    assert all(one["value"] == "INC-7" for one in shown[:-1])
    assert shown[-1]["url"] == a_briefing().url


def test_a_possible_repeat_says_so_in_the_message_and_in_the_notification() -> None:
    for rendered in (
        cards.page(a_briefing(), possible_repeat=True),
        cards.card(a_briefing(), possible_repeat=True),
        cards.post("Raised to SEV2", possible_repeat=True),
    ):
        assert "may be a repeat" in rendered.text
        assert "may be a repeat" in words(rendered)
        assert is_taken(rendered)


def test_an_address_that_is_no_web_address_becomes_no_link() -> None:
    for address in ("javascript:alert(1)", "", "http://[", "ftp://x/y"):
        page = cards.page(a_briefing(url=address, runbooks=(a_runbook(url=address),)))
        assert "open" not in [one["action_id"] for one in elements(page)]
        assert reach_of_message({"text": "", "blocks": list(page.blocks), "parse": "none"}).links == ()
        assert is_taken(page)


def test_an_address_cannot_break_out_of_its_link() -> None:
    page = cards.page(a_briefing(runbooks=(a_runbook(url="http://127.0.0.1/a|<!channel>\ud800 b"),)))

    found = reach_of_message({"text": page.text, "blocks": list(page.blocks), "parse": "none"})
    assert found.mentions == ()
    assert "http://127.0.0.1/a%7C%3C!channel%3E" in " ".join(found.links)


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_words_in_every_field_call_nobody_and_link_nowhere(said: str) -> None:
    briefing = hostile(said)
    asked = dict.fromkeys(an_approval(), said)
    for rendered in (
        cards.card(briefing),
        cards.page(briefing, why=said),
        cards.post(said),
        approval(briefing, asked, "http://127.0.0.1:8080/runs/RUN-1"),
        approval(briefing, asked, "http://127.0.0.1:8080/runs/RUN-1", ended=said, possible_repeat=True),
    ):
        found = reach_of_message({"text": rendered.text, "blocks": list(rendered.blocks), "parse": "none"})
        assert found.mentions == ()
        assert found.foreign(HOME) == ()
        assert rendered.blocks
        assert is_taken(rendered)


@pytest.mark.parametrize(
    "said", ["x" * 50_000, "\U0001f9e8" * 50_000, "\u05e9\u05dc\u05d5\u05dd " * 10_000, "&<>" * 20_000]
)
def test_fifty_thousand_characters_are_shortened_and_the_page_goes_out(said: str) -> None:
    page = cards.page(hostile(said), why=said)

    assert is_taken(page)
    assert page.blocks
    assert [one["action_id"] for one in elements(page)] == ["propose", *cards.BUTTONS, "open"]
    assert is_taken(cards.post(said))
    asks = approval(hostile(said), dict.fromkeys(an_approval(), said), "http://127.0.0.1/runs/RUN-1")
    assert is_taken(asks)
    assert is_taken(approval(hostile(said), an_approval(warning=said), "http://127.0.0.1/runs/RUN-1"))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.text(max_size=80), st.text(max_size=6_000)), max_size=70),
    st.lists(st.lists(st.text(max_size=900), max_size=12), max_size=6),
    st.text(max_size=400),
)
def test_whatever_there_is_to_say_slack_takes_it(
    lines: list[tuple[str, str]], runbooks: list[list[str]], headline: str
) -> None:
    briefing = a_briefing(
        headline=headline,
        lines=tuple(Line(label=label, text=text) for label, text in lines),
        runbooks=tuple(a_runbook(steps=tuple(steps)) for steps in runbooks),
    )

    for rendered in (cards.card(briefing), cards.page(briefing, why=headline)):
        assert rendered.blocks
        assert is_taken(rendered)


def test_lines_that_do_not_fit_are_counted() -> None:
    many = tuple(Line(label=f"Line {number}", text="short") for number in range(40))

    assert "17 more lines" in words(cards.card(a_briefing(lines=many)))


def test_the_resolve_form_offers_every_reason_and_the_other_incident() -> None:
    form = modals.form(Action.RESOLVE, "INC-7")

    reason = next(block["element"] for block in form["blocks"] if block["block_id"] == modals.REASON)
    assert [option["value"] for option in reason["options"]] == list(Resolution)
    assert {block["block_id"] for block in form["blocks"]} == {modals.REASON, modals.NOTE, modals.OF}
    assert block_kit.view_flaws(form) == []


@pytest.mark.parametrize("action", [Action.RESOLVE, Action.MITIGATE])
def test_a_form_names_its_incident(action: Action) -> None:
    form = modals.form(action, "INC-123456789012")

    assert form["private_metadata"] == "INC-123456789012"
    assert form["callback_id"] == action
    assert block_kit.view_flaws(form) == []


def test_what_is_to_be_approved_says_what_changes_where_who_asks_why_and_until_when() -> None:
    asked = approval(a_briefing(), an_approval(), "http://127.0.0.1:8080/runs/RUN-1")

    said = words(asked)
    assert asked.text == "Lee Park asks you to approve RUN-1: Move the serving alias back"
    assert "1. Point champion to version 1 (POST mlflow; now version 2; can be taken back)" in said
    assert "*Where*\nCredit scoring, production" in said
    assert "*Until*\n12:30" in said
    assert "*Why*\nIt began with version 2" in said
    assert "|INC-7>" in said
    assert [(one["action_id"], one.get("value")) for one in elements(asked)] == [
        ("approve", f"RUN-1 {'a' * 64}"),
        ("reject", f"RUN-1 {'a' * 64}"),
        ("open", None),
    ]
    assert is_taken(asked)


def test_what_was_decided_has_no_button_that_could_still_decide() -> None:
    over = approval(a_briefing(), an_approval(), "http://127.0.0.1:8080/runs/RUN-1", ended="undo_failed")

    assert "RUN-1 is undo failed." in words(over)
    assert [one["action_id"] for one in elements(over)] == ["open"]
    assert is_taken(over)


def test_a_warning_is_shown_and_answered_in_a_form() -> None:
    asked = approval(a_briefing(), an_approval(warning="Was the authority informed?"), "http://127.0.0.1/runs/RUN-1")

    assert "Was the authority informed?" in words(asked)
    assert [one["action_id"] for one in elements(asked)] == ["approve_warned", "reject", "open"]
    form = modals.answered("RUN-1", f"RUN-1 {'a' * 64}", "Was the authority informed?" * 500)
    assert block_kit.view_flaws(form) == []
    assert form["callback_id"] == "approve_warned"


def test_a_rollback_can_be_asked_for_by_one_button() -> None:
    remedy = Remedy(runbook="rollback-mlflow-alias", title="Roll back to 1")
    for rendered in (cards.card(a_briefing(remedy=remedy)), cards.page(a_briefing(remedy=remedy))):
        button = elements(rendered)[0]
        assert (button["action_id"], button["value"]) == ("propose", "INC-7 rollback-mlflow-alias")
        assert button["text"]["text"] == "Roll back to 1"
        assert is_taken(rendered)


def test_the_check_used_here_does_find_flaws() -> None:
    button = elements(cards.card(a_briefing()))[0]
    twice = {"type": "actions", "elements": [button, button]}
    blank = {"type": "header", "text": {"type": "plain_text", "text": ""}}
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}

    assert [len(block_kit.flaws([bad])) for bad in (twice, blank, long)] == [1, 1, 1]
    assert block_kit.flaws([long | {"text": {"type": "mrkdwn", "text": "x"}}] * 51) == ["51 blocks"]
    assert block_kit.too_long([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_900}}] * 5)
