"""How numbers, money, spans and moments read to people: a unit on each, no more digits than they can use."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
_WEEK = 7  # days from which on the name of a weekday means another one
_GROUPED, _TINY, _SMALL, _WHOLE = 1000, 0.001, 10, 100  # from where on a number reads otherwise


def number(value: float | Decimal) -> str:
    """At most three decimals, no trailing zeros: 0.31, 1.2e-05, 12,400."""
    size = abs(float(value))
    if size >= _GROUPED:
        return f"{value:,.0f}"
    if size and size < _TINY:
        return f"{value:.2g}"
    return f"{value:.3f}".rstrip("0").rstrip(".") if size < _SMALL else f"{value:.4g}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """So many of something: 1 alert, 2 alerts, 1,204 alerts."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """Names in one sentence: Ada, Lee and Kim."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def share(value: float) -> str:
    """A proportion as a percentage with one decimal: 12.4 %."""
    return f"{100 * value:.1f}".rstrip("0").rstrip(".") + " %"


def money(amount: Decimal | float, currency: str) -> str:
    """Whole units from 100 on, else two decimals: $679, $4.20, -$12, 12,000 SEK."""
    size = abs(float(amount))
    text = f"{size:,.0f}" if size >= _WHOLE else f"{size:,.2f}".removesuffix(".00")
    minus, sign = "-" if amount < 0 else "", _SIGNS.get(currency)
    return f"{minus}{sign}{text}" if sign else f"{minus}{text} {currency}"


def span(length: timedelta) -> str:
    """The largest unit that fits, and the next where it matters: 45 s, 12 min, 3 h 20 min, 2 d 4 h."""
    minutes, seconds = divmod(max(0, round(length.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def moment(at: datetime) -> str:
    """A UTC moment to the minute: 2026-11-21 03:10 UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def local(at: datetime, zone: str, now: datetime) -> str:
    """A moment by the clocks of `zone`: 09:00 of the same day, Mon 09:00, Mon 7 Dec 09:00 a week or more of days on."""
    there = at.astimezone(ZoneInfo(zone))
    days = abs(there.date() - now.astimezone(ZoneInfo(zone)).date()).days
    if days == 0:
        return f"{there:%H:%M}"
    return f"{there:%a %H:%M}" if days < _WEEK else dated(at, zone)


def dated(at: datetime, zone: str) -> str:
    """A moment by the clocks of `zone`, read the same on whatever day: Mon 7 Dec 09:00."""
    there = at.astimezone(ZoneInfo(zone))
    return f"{there:%a} {there.day} {there:%b %H:%M}"
