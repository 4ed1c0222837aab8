"""What the stations of the road need from the world, as protocols; adapters supply them."""

from incidents.flow.ports.board import BoardUnit, Place, QuietTelling, SceneRequest, Sighted
from incidents.flow.ports.carrier import (
    Carrier,
    Finding,
    Message,
    MessageRef,
    NotSent,
    NotThere,
    Outcome,
    Refused,
    Sent,
    Unknown,
)
from incidents.flow.ports.doors import DeadLetters, Explain, Opening, Respond, Taken
from incidents.flow.ports.inbox import Disposition, InboxRow, InboxUnit, Letter
from incidents.flow.ports.monitors import MonitorsUnit
from incidents.flow.ports.outbox import Claimed, OutboxUnit, Result
from incidents.flow.ports.reader import (
    AlertView,
    DeadLetter,
    EffectView,
    IncidentQuery,
    IncidentView,
    Numbers,
    Reader,
    SystemView,
)
from incidents.flow.ports.silences import SilenceDesk, SilencesUnit, SilenceView, Silencing
from incidents.flow.ports.store import LedgerUnit, Store, Turn, Unit

__all__ = [
    "AlertView",
    "BoardUnit",
    "Carrier",
    "Claimed",
    "DeadLetter",
    "DeadLetters",
    "Disposition",
    "EffectView",
    "Explain",
    "Finding",
    "InboxRow",
    "InboxUnit",
    "IncidentQuery",
    "IncidentView",
    "LedgerUnit",
    "Letter",
    "Message",
    "MessageRef",
    "MonitorsUnit",
    "NotSent",
    "NotThere",
    "Numbers",
    "Opening",
    "OutboxUnit",
    "Outcome",
    "Place",
    "QuietTelling",
    "Reader",
    "Refused",
    "Respond",
    "Result",
    "SceneRequest",
    "Sent",
    "Sighted",
    "SilenceDesk",
    "SilenceView",
    "SilencesUnit",
    "Silencing",
    "Store",
    "SystemView",
    "Taken",
    "Turn",
    "Unit",
    "Unknown",
]
