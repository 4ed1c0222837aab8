"""The forms that a button opens: what was done, why it is over, and whether a warning was read."""

from incidents.adapters.slack.blocks import plain_text, section
from incidents.adapters.slack.escape import plain
from incidents.adapters.slack.limits import TITLE, Block
from incidents.core.incident import Action, Resolution

REASON = "reason"
NOTE = "note"
OF = "of"
WARNED = "warned"
REASONS = {
    Resolution.FIXED: "Fixed",
    Resolution.FALSE_POSITIVE: "False positive: nothing was wrong",
    Resolution.MONITOR_FAULT: "Monitor fault: it measured wrongly",
    Resolution.DUPLICATE: "Duplicate of another incident",
    Resolution.PLANNED: "Planned: expected and announced",
    Resolution.ACCEPTED: "Accepted: we live with it",
}
_NOTE_LENGTH = 3_000


def form(action: Action, incident: str) -> Block:
    """The form of `action`, which is mitigate or resolve."""
    if action is Action.RESOLVE:
        return _modal(
            action.value, "Resolve", incident, [_reason(), _note("What was the cause, what was done"), _duplicate()]
        )
    return _modal(action.value, "Mitigate", incident, [_note("What was done so that users are no longer hurt")])


def answered(run: str, value: str, warning: str) -> Block:
    """The form that approves a run whose plan has a warning; nothing is approved before its box is ticked."""
    options = [{"text": plain_text("I have read the warning and approve all the same"), "value": WARNED}]
    element: Block = {"type": "checkboxes", "action_id": WARNED, "options": options}
    blocks = [
        section(plain_text(plain(warning, _NOTE_LENGTH))),
        _input(WARNED, "Your answer is kept under your name", element, optional=False),
    ]
    return _modal("approve_warned", "Approve", run, blocks) | {"private_metadata": value}


def _modal(name: str, title: str, incident: str, blocks: list[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": name,
        "private_metadata": incident,
        "title": plain_text(plain(f"{title} {incident}", TITLE)),
        "submit": plain_text(title),
        "close": plain_text("Cancel"),
        "blocks": blocks,
    }


def _reason() -> Block:
    options = [{"text": plain_text(said), "value": reason.value} for reason, said in REASONS.items()]
    element: Block = {"type": "static_select", "action_id": REASON, "options": options}
    return _input(REASON, "Why it is over", element, optional=False)


def _note(label: str) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": NOTE, "multiline": True, "max_length": _NOTE_LENGTH}
    return _input(NOTE, label, element, optional=True)


def _duplicate() -> Block:
    element: Block = {"type": "plain_text_input", "action_id": OF, "max_length": 40}
    return _input(OF, "The other incident, if it is a duplicate (for example INC-1)", element, optional=True)


def _input(block_id: str, label: str, element: Block, *, optional: bool) -> Block:
    return {"type": "input", "block_id": block_id, "label": plain_text(label), "element": element, "optional": optional}
