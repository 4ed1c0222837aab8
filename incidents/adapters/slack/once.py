"""What makes a click one of its kind, and how long there is to act on it."""

import json
from hashlib import sha256
from urllib.parse import quote

from incidents.adapters.slack.payloads import BlockActions

LIMIT = 2.4  # seconds to act in: Slack shows a failure after three

Errors = dict[str, str]  # by the field of the form that they stand under


def once(*parts: str) -> str:
    """A key with which the same click does nothing twice."""
    return f"slack:{sha256(json.dumps(parts).encode()).hexdigest()}"


def once_of_click(said: BlockActions) -> str:
    """The key of a pressed button: who pressed which, on what, where and when."""
    button = said.actions[0]
    at = (said.container.message_ts, button.action_ts, said.trigger_id)
    return once(said.user.id, button.action_id, button.value or "", *at)


def page_of(public_url: str, incident: str) -> str:
    """Where an incident is in the browser."""
    return f"{public_url.rstrip('/')}/incidents/{quote(incident, safe='')}"
