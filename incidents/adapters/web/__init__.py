"""The HTTP side: events in, the JSON API, and the pages that people read and act on."""

from incidents.adapters.web.application import build
from incidents.adapters.web.doors import WebDoors
from incidents.adapters.web.ports import (
    Answer,
    Answers,
    Begun,
    Claim,
    Conflict,
    Go,
    Health,
    InFlight,
    Intake,
    OpenIncident,
    Replay,
)

__all__ = [
    "Answer",
    "Answers",
    "Begun",
    "Claim",
    "Conflict",
    "Go",
    "Health",
    "InFlight",
    "Intake",
    "OpenIncident",
    "Replay",
    "WebDoors",
    "build",
]
