"""The lifecycle is a table: every pair of status and action is either in it or refused."""

from itertools import product

import pytest

from incidents.core.errors import NotAllowed
from incidents.core.incident import NEXT, Action, Status, after, allowed, draw

T, A, M, R, C = Status.TRIGGERED, Status.ACKNOWLEDGED, Status.MITIGATED, Status.RESOLVED, Status.CLOSED
DRAWN = {Action.ESCALATE, Action.SNOOZE, Action.HAND_OVER}  # also where the status stays
LEADS_TO = {
    (T, Action.ACKNOWLEDGE): A,
    (T, Action.ESCALATE): T,
    (T, Action.SNOOZE): A,
    (T, Action.HAND_OVER): T,
    (T, Action.MITIGATE): M,
    (T, Action.RESOLVE): R,
    (A, Action.ESCALATE): T,
    (A, Action.SNOOZE): A,
    (A, Action.HAND_OVER): T,
    (A, Action.MITIGATE): M,
    (A, Action.RESOLVE): R,
    (M, Action.REOPEN): T,
    (M, Action.RESOLVE): R,
    (R, Action.REOPEN): T,
    (R, Action.CLOSE): C,
    **{(s, a): s for s in (T, A, M, R) for a in (Action.NOTE, Action.ASSIGN, Action.SEVERITY, Action.WAIVE)},
    **{(s, Action.MERGE): R for s in (T, A, M, R)},
}


@pytest.mark.parametrize(("status", "action"), list(product(Status, Action)))
def test_every_action_on_every_status_leads_on_or_is_refused(status: Status, action: Action) -> None:
    if (status, action) in LEADS_TO:
        assert after(status, action) is LEADS_TO[status, action]
        assert action in allowed(status)
    else:
        with pytest.raises(NotAllowed):
            after(status, action)
        assert action not in allowed(status)


@pytest.mark.parametrize(
    ("status", "action", "code"),
    [
        (A, Action.ACKNOWLEDGE, "already_done"),
        (M, Action.MITIGATE, "already_done"),
        (R, Action.RESOLVE, "already_done"),
        (C, Action.CLOSE, "already_done"),
        (C, Action.NOTE, "closed"),
        (C, Action.REOPEN, "closed"),
        (M, Action.ACKNOWLEDGE, "not_allowed"),
        (T, Action.CLOSE, "not_allowed"),
    ],
)
def test_a_refusal_says_whether_it_was_done_already(status: Status, action: Action, code: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        after(status, action)

    assert refused.value.code == code
    assert status in refused.value.why


@pytest.mark.parametrize("status", Status)
def test_every_status_can_reach_closed(status: Status) -> None:
    reached, before = {status}, set[Status]()
    while reached != before:
        before = set(reached)
        reached |= {target for known in before for target in NEXT[known].values()}

    assert Status.CLOSED in reached


def test_closed_is_final() -> None:
    assert allowed(Status.CLOSED) == ()


def test_the_diagram_draws_every_move_of_the_table_and_nothing_else() -> None:
    first, *lines = [line.strip() for line in draw().splitlines()]
    drawn = {}
    for line in lines[1:-1]:
        move, actions = line.split(": ")
        drawn[tuple(move.split(" --> "))] = set(actions.split(", "))

    assert first == "stateDiagram-v2"
    assert (lines[0], lines[-1]) == ("[*] --> triggered", "closed --> [*]")
    for (status, action), target in LEADS_TO.items():
        moves = status is not target or action in DRAWN
        assert (action.value in drawn.get((status.value, target.value), set())) is moves
    assert sum(map(len, drawn.values())) == sum(s is not t or a in DRAWN for (s, a), t in LEADS_TO.items())
