"""A briefing as Slack shows it: a channel's card, a person's page, a line under the card; pure and never too long."""

from collections.abc import Iterator
from datetime import datetime

from incidents.adapters.slack.blocks import Rendered, address, link, mrkdwn, plain_text, section
from incidents.adapters.slack.escape import escape, plain, width
from incidents.adapters.slack.limits import BUTTON, FIELDS, HEADER, TEXT, Block, excess
from incidents.core.briefing import Briefing, Line, RunbookLink
from incidents.core.incident import Action

BUTTONS = {
    Action.ACKNOWLEDGE: "Acknowledge",
    Action.ESCALATE: "Escalate",
    Action.SNOOZE: "Snooze 1 h",
    Action.MITIGATE: "Mitigate",
    Action.RESOLVE: "Resolve",
}
PROPOSE = "propose"  # ask for a run of the runbook that rolls back
REPEAT = "This message may be a repeat: Slack did not say whether it took the first one."
_ROOMS = (2_900, 900, 300, 100)  # how long one text may be; the next is tried when a card does not fit
_SHORT = 80  # a line up to this length shares its row with another
_LINES = 24
_RUNBOOKS = 3
_STEPS = 5


def card(briefing: Briefing, *, possible_repeat: bool = False) -> Rendered:
    """The incident as its channel sees it."""
    return _rendered(briefing, why="", steps=False, possible_repeat=possible_repeat)


def page(briefing: Briefing, *, why: str = "", possible_repeat: bool = False) -> Rendered:
    """The incident as the person sees it who is asked to look: also why they are, and the first steps to take."""
    return _rendered(briefing, why=why, steps=True, possible_repeat=possible_repeat)


def post(text: str, *, possible_repeat: bool = False) -> Rendered:
    """One line under the card."""
    said = f"{text} (may be a repeat)" if possible_repeat else text
    return Rendered(text=escape(said, TEXT), blocks=(section(plain_text(plain(said, _ROOMS[0]))),))


def notice(title: str, text: str, url: str, *, possible_repeat: bool = False) -> Rendered:
    """What one person is told that is about no incident: a title, a line for each thing, and where to read more."""
    said = f"{title} (may be a repeat)" if possible_repeat else title
    lines = text.splitlines()[:_LINES]
    blocks: list[Block] = [{"type": "header", "text": plain_text(plain(said, HEADER))}]
    blocks += [section(plain_text(plain(line, _ROOMS[1]))) for line in lines]
    if address(url):
        blocks.append({"type": "context", "elements": [mrkdwn(link(url, _more(url), 100))]})
    return Rendered(text=escape(f"{said}: {text}", TEXT), blocks=tuple(blocks))


def _more(url: str) -> str:
    return "More in the catalog's history" if "/catalog?" in url else "Open it in the browser"


def reply(text: str) -> Rendered:
    """A line for one person's eyes."""
    return Rendered(text=escape(text, TEXT), blocks=())


def _rendered(briefing: Briefing, *, why: str, steps: bool, possible_repeat: bool) -> Rendered:
    headline = f"{briefing.headline} (may be a repeat)" if possible_repeat else briefing.headline
    text = escape(headline, TEXT)
    for room in _ROOMS:
        blocks = tuple(_blocks(briefing, why=why, steps=steps, possible_repeat=possible_repeat, room=room))
        if not excess(blocks):
            return Rendered(text=text, blocks=blocks)
    return Rendered(text=text, blocks=())


def _blocks(briefing: Briefing, *, why: str, steps: bool, possible_repeat: bool, room: int) -> Iterator[Block]:
    yield {"type": "header", "text": plain_text(plain(briefing.headline, HEADER))}
    if width(briefing.headline) > HEADER:
        yield section(plain_text(plain(briefing.headline, room)))
    if possible_repeat:
        yield {"type": "context", "elements": [plain_text(REPEAT)]}
    if why:
        yield section(_labelled(Line(label="Why you", text=why), room))
    yield from _lines((Line(label="Status", text=briefing.status), *briefing.lines), room)
    for runbook in briefing.runbooks[:_RUNBOOKS]:
        yield section(mrkdwn(_runbook(runbook, room, steps=steps)))
    buttons = list(_buttons(briefing))
    if buttons:
        yield {"type": "actions", "elements": buttons}
    yield {"type": "context", "elements": [mrkdwn(_foot(briefing))]}


def _lines(lines: tuple[Line, ...], room: int) -> Iterator[Block]:
    """Short lines side by side, long ones on their own, in their order."""
    row: list[Block] = []
    for line in lines[:_LINES]:
        short = len(line.text) <= _SHORT
        if row and (not short or len(row) == FIELDS):
            yield {"type": "section", "fields": row}
            row = []
        if short:
            row.append(_labelled(line, room))
        else:
            yield section(_labelled(line, room))
    if row:
        yield {"type": "section", "fields": row}
    if len(lines) > _LINES:
        yield section(plain_text(f"{len(lines) - _LINES} more lines on the incident's page."))


def _runbook(runbook: RunbookLink, room: int, *, steps: bool) -> str:
    share = room // (_STEPS + 1) if steps else room // 2
    lines = [f"*Runbook* {link(runbook.url, runbook.title, 150)}: {escape(runbook.why, share)}"]
    if steps:
        lines += [f"{number}. {escape(step, share)}" for number, step in enumerate(runbook.steps[:_STEPS], 1)]
    return "\n".join(lines)


def _buttons(briefing: Briefing) -> Iterator[Block]:
    if briefing.remedy is not None:
        yield {
            "type": "button",
            "action_id": PROPOSE,
            "text": plain_text(plain(briefing.remedy.title, BUTTON)),
            "value": f"{briefing.incident} {briefing.remedy.runbook}",
        }
    for action in briefing.actions:
        if action in BUTTONS:
            button: Block = {
                "type": "button",
                "action_id": action.value,
                "text": plain_text(BUTTONS[action]),
                "value": briefing.incident,
            }
            yield button | ({"style": "primary"} if action is Action.ACKNOWLEDGE else {})
    if address(briefing.url):
        yield {
            "type": "button",
            "action_id": "open",
            "text": plain_text(plain(f"Open {briefing.incident}", BUTTON)),
            "url": address(briefing.url),
        }


def _foot(briefing: Briefing) -> str:
    # Slack shows this time in the reader's own zone.
    opened = f"<!date^{int(briefing.opened_at.timestamp())}^{{date_short_pretty}} {{time}}|{_utc(briefing.opened_at)}>"
    where = escape(f"{briefing.incident}, {briefing.system}, {briefing.environment}", 500)
    return f"{where}, opened {opened}"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _labelled(line: Line, room: int) -> Block:
    limit = min(room, 1_900) if len(line.text) <= _SHORT else room
    return mrkdwn(f"*{escape(line.label, 60)}*\n{escape(line.text, limit)}")
