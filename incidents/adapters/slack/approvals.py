"""What a person sees who may approve a run: what would change, who asked and why, and after it how it went."""

from collections.abc import Mapping

from incidents.adapters.slack import blocks as b
from incidents.adapters.slack.blocks import Rendered
from incidents.adapters.slack.escape import escape, plain, width
from incidents.adapters.slack.limits import BUTTON, HEADER, TEXT, Block, excess
from incidents.core.briefing import Briefing

APPROVE = "approve"
APPROVE_WARNED = "approve_warned"  # opens a form: the plan's warning is answered before
REJECT = "reject"
_ROOMS = (1_500, 600, 150)  # how long one text may be; the next is tried when the message does not fit
_LINES = 15


def approval(
    about: Briefing, said: Mapping[str, object], url: str, *, ended: str = "", possible_repeat: bool = False
) -> Rendered:
    """The message that asks for approval; with `ended` it asks no more and says how the run stands."""
    title = _of(said, "title")
    shown = f"{title} (may be a repeat)" if possible_repeat else title
    for room in _ROOMS:
        made = (*_plan(about, said, shown, room), *_buttons(said, url, ended), b.context(b.mrkdwn(_foot(about))))
        if not excess(made):
            return Rendered(text=escape(shown, TEXT), blocks=made)
    return Rendered(text=escape(f"{shown}: {url}", TEXT), blocks=())


def _plan(about: Briefing, said: Mapping[str, object], title: str, room: int) -> tuple[Block, ...]:
    made: list[Block] = [{"type": "header", "text": b.plain_text(plain(title, HEADER))}]
    if width(title) > HEADER:
        made.append(b.section(b.plain_text(plain(title, room))))
    lines = [b.section(b.plain_text(plain(line, room))) for line in _of(said, "text").splitlines()[:_LINES]]
    told = [
        ("Where", f"{about.system}, {about.environment}"),
        ("Until", _of(said, "until")),
        ("Why", _of(said, "note")),
    ]
    fields = [b.mrkdwn(f"*{label}*\n{escape(text, min(room, 1_900))}") for label, text in told if text]
    made += [*lines, {"type": "section", "fields": fields}]
    if _of(said, "warning"):
        made.append(b.section(b.mrkdwn(f":warning: *To be answered first*\n{escape(_of(said, 'warning'), room)}")))
    return tuple(made)


def _buttons(said: Mapping[str, object], url: str, ended: str) -> tuple[Block, ...]:
    run, value = _of(said, "run"), f"{_of(said, 'run')} {_of(said, 'plan')}"
    more: list[Block] = []
    if b.address(url):
        more.append(b.button("open", plain(f"Open {run}", BUTTON)) | {"url": b.address(url)})
    if ended:
        stands = b.section(b.plain_text(plain(f"{run} is {ended.replace('_', ' ')}.", HEADER)))
        return (stands, {"type": "actions", "elements": more}) if more else (stands,)
    name = APPROVE_WARNED if _of(said, "warning") else APPROVE
    yes = b.button(name, "Approve") | {"value": value, "style": "primary"}
    no = b.button(REJECT, "Reject") | {"value": value, "style": "danger"}
    return ({"type": "actions", "elements": [yes, no, *more]},)


def _foot(about: Briefing) -> str:
    return f"{b.link(about.url, about.incident, 40)}: {escape(about.headline, 300)}"


def _of(said: Mapping[str, object], name: str) -> str:
    return str(said.get(name) or "")
