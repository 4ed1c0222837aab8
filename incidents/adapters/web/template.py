"""Renders pages: what is filled in is escaped, links lead only to http and https, a missing name is an error."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from incidents.core.figures import counted, money, span

_HIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\\]")

_FENCED = re.compile(r"^```[^\n`]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def safe_url(address: str | None) -> str:
    """The address if a browser may follow it; else nothing, and the text is shown without a link."""
    if not address or _HIDDEN.search(address):
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in {"http", "https"} and parts.hostname else ""


def utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def ago(at: datetime, now: datetime) -> str:
    """How far a moment is from now: 12 min ago, in 3 h."""
    if at > now:
        return f"in {span(at - now)}"
    return f"{span(now - at)} ago"


def system_page(name: str) -> str:
    """Where the page of a system is; a name may hold any characters."""
    return f"/systems/{quote(name, safe='')}"


def words(name: str) -> str:
    return str(name).replace("_", " ")


def pretty(value: object) -> str:
    """A JSON value as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def fenced(markdown: str) -> list[tuple[bool, str]]:
    """Markdown in its pieces: prose, and what stands between fences, which is told by True."""
    pieces = _FENCED.split(markdown)
    return [(bool(number % 2), text.strip("\n")) for number, text in enumerate(pieces) if text.strip()]


@cache
def asset(name: str) -> tuple[bytes, str]:
    """A file of `static/` and a mark that changes with it."""
    raw = files("incidents.adapters.web").joinpath("static", name).read_bytes()
    return raw, sha256(raw).hexdigest()[:12]


@cache
def _pages() -> Environment:
    made = Environment(
        loader=PackageLoader("incidents.adapters.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"url": safe_url, "utc": utc, "ago": ago, "words": words, "counted": counted, "span": span}
    made.filters |= {"money": money, "system_page": system_page, "pretty": pretty, "fenced": fenced}
    made.globals["style"] = f"/static/style.css?v={asset('style.css')[1]}"
    made.globals["icon"] = f"/static/icon.svg?v={asset('icon.svg')[1]}"
    return made


def page(name: str, told: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    return HTMLResponse(_pages().get_template(name).render(told), status)
