"""The two forms that a button opens: what was done, and why it is over."""

from incidents.adapters.slack.escape import plain
from incidents.adapters.slack.limits import TITLE, Block
from incidents.core.incident import Action, Resolution

REASON = "reason"
NOTE = "note"
OF = "of"
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
            action, "Resolve", incident, [_reason(), _note("What was the cause, what was done"), _duplicate()]
        )
    return _modal(action, "Mitigate", incident, [_note("What was done so that users are no longer hurt")])


def _modal(action: Action, title: str, incident: str, blocks: list[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": action.value,
        "private_metadata": incident,
        "title": _text(plain(f"{title} {incident}", TITLE)),
        "submit": _text(title),
        "close": _text("Cancel"),
        "blocks": blocks,
    }


def _reason() -> Block:
    options = [{"text": _text(said), "value": reason.value} for reason, said in REASONS.items()]
    element: Block = {"type": "static_select", "action_id": REASON, "options": options}
    return _input(REASON, "Why it is over", element, optional=False)


def _note(label: str) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": NOTE, "multiline": True, "max_length": _NOTE_LENGTH}
    return _input(NOTE, label, element, optional=True)


def _duplicate() -> Block:
    element: Block = {"type": "plain_text_input", "action_id": OF, "max_length": 40}
    return _input(OF, "The other incident, if it is a duplicate (for example INC-1)", element, optional=True)


def _input(block_id: str, label: str, element: Block, *, optional: bool) -> Block:
    return {"type": "input", "block_id": block_id, "label": _text(label), "element": element, "optional": optional}


def _text(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
