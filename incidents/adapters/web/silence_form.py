"""The form that makes a silence: filled in beforehand by a link, read back into what the API takes as well."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from incidents.adapters.web.problem import bad_field
from incidents.adapters.web.silences import SilenceSaid
from incidents.core.alert import Alert
from incidents.core.estate import Estate
from incidents.core.events import Kind
from incidents.core.mute import is_harm
from incidents.core.severity import Severity
from incidents.core.silence import Trait

# Minutes and their words; the first is what a silence lasts unless told otherwise.
LENGTHS = ((120, "2 hours"), (30, "30 minutes"), (60, "1 hour"), (240, "4 hours"), (480, "8 hours"), (1440, "1 day"))
LONG = ((4320, "3 days"), (10080, "1 week"), (43200, "30 days"))
FIRST = ("system", "environment", "kind", "metric")  # asked for at once; the rest below
PREFILLED = frozenset({*Trait, "reason", "amount", "currency"})  # what a link may fill in


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One matcher of the form; `choices` are offered, and anything may be typed where it is open."""

    name: str
    value: str
    negated: bool
    choices: tuple[str, ...] = ()


def fields(typed: Mapping[str, str], estate: Estate) -> tuple[Field, ...]:
    """Every matcher of the form, with what was typed or filled in beforehand."""
    offered: dict[str, tuple[str, ...]] = {
        Trait.SYSTEM: tuple(sorted(estate.catalog.systems))[:200],
        Trait.KIND: tuple(kind.value for kind in Kind if kind is not Kind.REPORT),
        Trait.SEVERITY: tuple(level.value for level in Severity),
    }
    return tuple(
        Field(name=name, value=typed.get(name, ""), negated=f"not_{name}" in typed, choices=offered.get(name, ()))
        for name in Trait
    )


def said_by(form: Mapping[str, str]) -> SilenceSaid:
    """What the form asks for; raises RequestValidationError or Problem, which name the field."""
    said: dict[str, object] = {
        "matchers": [
            {"field": name, "value": form[name], "negated": f"not_{name}" in form} for name in Trait if name in form
        ],
        "reason": form.get("reason"),
    }
    if "starts_at" in form:
        said["starts_at"] = _utc(form["starts_at"], "starts_at")
    if "ends_at" in form:
        said["ends_at"] = _utc(form["ends_at"], "ends_at")
    else:
        said["minutes"] = _minutes(form.get("minutes", ""))
    if "amount" in form:
        said["planned"] = {"amount": form["amount"].strip(), "currency": form.get("currency", "").strip().upper()}
    if not said["matchers"]:
        raise bad_field("matchers", "say what to be quiet about: fill in at least one of them")
    if not said["reason"]:
        raise bad_field("reason", "say why: it stands on every alert that is muted")
    try:
        return SilenceSaid.model_validate(said)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _utc(text: str, field: str) -> datetime:
    """A moment as browsers send it, without a zone: the page says that it is UTC."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise bad_field(field, "is no moment as in 2026-12-24T03:00") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len("43200")):
        raise bad_field("minutes", "say how long, or until when")
    return int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quieten:
    """Where to ask for quiet about an alert, with the form filled in, and in which words."""

    address: str
    words: str


def quieten(alert: Alert) -> Quieten | None:
    """Of a cost: to say that it was planned. None where nobody is asked about it, or nothing may mute it."""
    if not alert.heard or is_harm(alert):
        return None
    filled = {"system": alert.system, "environment": alert.environment, "kind": alert.kind.value}
    if alert.metric:
        filled["metric"] = alert.metric
    if alert.spent is not None:
        filled |= {"amount": f"{alert.spent.amount:f}", "currency": alert.spent.currency}
    planned = alert.kind is Kind.COST_ANOMALY
    return Quieten(
        address=f"/silences?{urlencode(filled)}#new", words="This cost was planned" if planned else "Silence it"
    )
