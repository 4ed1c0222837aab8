"""The fallback notifier standing in for a page that its channel did not take."""

from datetime import datetime

from incidents.core.effect import Channel, Effect, EffectKind
from incidents.flow.ports import Claimed


def stand_in(page: Claimed, channel: Channel, because: str, *, now: datetime) -> Effect:
    """The effect that stands in for a page; its key lets each page have one."""
    return Effect(
        key=f"fallback:{page.key}",
        kind=EffectKind.FALLBACK,
        channel=channel,
        incident=page.incident,
        due_at=now,
        target=page.target,
        data={**page.data, "because": because},
    )
