"""Calendars as other programs write them."""

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\n"
TAIL = "END:VCALENDAR\r\n"


def a_calendar(*events: str, head: str = "") -> bytes:
    """A calendar of these events; each line of an event is a property, or several with a blank between."""
    told = "".join(f"BEGIN:VEVENT\r\n{_lines(event)}END:VEVENT\r\n" for event in events)
    return f"{HEAD}{_lines(head)}{told}{TAIL}".encode()


def an_event(start: str, end: str | None = None, *more: str, title: str = "Ada", uid: str = "1") -> str:
    """An event; its times are as calendars write them, with `;TZID=Europe/London:` before them where need be."""
    ends = [] if end is None else [f"DTEND{end if end[0] == ';' else ':' + end}"]
    begins = f"DTSTART{start if start[0] == ';' else ':' + start}"
    return "\n".join([f"UID:{uid}", f"SUMMARY:{title}", begins, *ends, *more])


def _lines(text: str) -> str:
    return "".join(f"{line.strip()}\r\n" for line in text.splitlines() if line.strip())
