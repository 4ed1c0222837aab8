"""Takes secrets and personal data out of text before it is stored.

It would rather mark a word too many than keep a secret. Every pattern runs in time linear in the text: repetitions are
bounded, possessive, or begin only where a word begins.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import islice

from pydantic_core import from_json

from incidents.core.event_data import SAMPLES, CommonData, CostDetails, HallucinationDetails, ReportData, Sample
from incidents.core.event_fields import is_time
from incidents.core.events import Event
from incidents.core.personal_numbers import without_personal_numbers
from incidents.core.strict_json import canonical

SECRET, EMAIL, ALL = "<SECRET>", "<EMAIL>", "<REDACTED>"

# One match can bring another to light; a text that still changes after so many rounds was made to do so.
_ROUNDS = 6
# These name what is being told about: without them an alert cannot be found again.
_IDENTITY = frozenset({"system", "environment", "metric", "feature", "segment", "dedup_key"})
_ATTRIBUTES = frozenset({"specversion", "id", "source", "type", "time", "subject"})

# A text without any of these, and without six digits close together, holds nothing that is looked for below.
_HINTS = (
    "@", "pass", "pwd", "secret", "cred", "sig", "auth", "key", "token", "bearer", "basic", "xox", "xapp-", "akia",
    "asia", "aroa", "aida", "agpa", "anpa", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk_",
    "rk_", "sk-", "hf_", "aiza", "npm_", "pypi-", "eyj", "-----begin", "hooks.slack",
)  # fmt: skip
_six_digits = re.compile(r"\d(?:\D{0,3}\d){5}").search

# What a secret is called, without the joints between the words; and what is only sometimes a secret.
_SECRET_NAMES = (
    "password", "passwords", "passwd", "pwd", "passphrase", "passcode", "secret", "secrets", "credential",
    "credentials", "signature", "authorization", "apikey", "apikeys", "accesskey", "privatekey", "secretkey",
    "signingkey", "accountkey", "authkey", "clientkey", "authtoken", "accesstoken", "refreshtoken", "sessiontoken",
    "bearertoken", "apitoken",
)  # fmt: skip
_TOKEN_NAMES = ("token", "sig", "auth")
_LONGEST_NAME = 40
_LEAST_RANDOM = 8
_joints = str.maketrans("", "", " _-.")
_tokens = re.compile(
    r"-----BEGIN [^\n-]{1,40}-----.*?(?:-----END [^\n-]{1,40}-----|\Z)"
    r"|(?<![A-Za-z0-9])(?:"
    r"xox[a-z](?:\.xox[a-z])?-[\w-]{4,}|xapp-[\w-]{4,}"  # Slack
    r"|(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z0-9]{12,}"  # AWS
    r"|gh[pousr]_\w{10,}|github_pat_\w{10,}|glpat-[\w-]{10,}"  # GitHub, GitLab
    r"|[sr]k_(?:live|test)_\w{8,}|hf_\w{16,}|AIza[\w-]{20,}|npm_\w{16,}|pypi-[\w-]{16,}"
    r"|sk-(?=[A-Za-z_-]{0,60}\d)[\w-]{12,}"  # OpenAI, and those who took its spelling
    r"|eyJ[\w-]{8,}+(?:\.[\w-]*+){0,4}"  # JSON web tokens, whole or broken
    r")"
    r"|hooks\.slack\.com/[\w/-]{8,}",
    re.DOTALL,
)
_url_users = re.compile(r"(?<=://)[^\s/?#<>]+@")
_given = re.compile(r"[:=]")
_given_secret = re.compile(r"\s{0,3}[\"'\\]{0,2}(?i:(?:bearer|basic|token)\s{1,3})?+(?P<secret>[^\s\"'\\,;&<>]{3,})")
_said = re.compile(
    r"([bB](?<![A-Za-z0-9].)(?i:earer|asic)\s{1,3})(?=[\w.~+/-]{0,100}[\d=])[\w.~+/=-]{8,}"
    r"|([pP](?i:assword|asswd|wd|assphrase|asscode)\s(?:is|was)\s[\"'\\]{0,2})[^\s\"'\\,;&<>]{3,}"
)
_emails = re.compile(r"(?<![\w.%+'-])[\w.%+'-]++@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One redacted sample; `hash` is the hex SHA-256 of the original, to recognise it by."""

    prompt: str | None
    answer: str | None
    claim: str | None
    score: float | None
    hash: str


def redact(text: str) -> str:
    """The text with a mark such as `<EMAIL>` for each secret and personal datum; doing it twice changes nothing."""
    if not _suspect(text):
        return text
    for _ in range(_ROUNDS):
        cleaner = _cleaned(text)
        if cleaner == text:
            return text
        text = cleaner
    return ALL


def redact_value(value: object) -> object:
    """A JSON value with every text in it redacted, names of fields too, and all that a secret's name stands for."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redact_value(item) for item in value]
    if isinstance(value, dict):
        return {redact(name): _redact_field(name, field) for name, field in value.items()}
    return value


def redact_samples(samples: Iterable[Sample]) -> tuple[Evidence, ...]:
    """At most five samples as they may be stored."""
    return tuple(_evidence(sample) for sample in islice(samples, SAMPLES))


def storable(event: Event) -> bytes:
    """The event's canonical JSON as it may be stored: redacted, but for what names the event and the alert."""
    texts = list(_texts(event.data))
    hinted = bool(texts) and _suspect("\n".join(texts))  # one look at all of them, since most need no second
    if not _is_suspect(event.extra) and not (hinted and any(map(_suspect, texts))):
        return event.body
    said: dict[str, object] = from_json(event.body)
    clean = {name: value if name in _ATTRIBUTES else _redact_field(name, value) for name, value in said.items()}
    data = said["data"]
    if isinstance(data, dict):
        clean["data"] = {
            redact(name): value if name in _IDENTITY else _redact_field(name, value) for name, value in data.items()
        }
    return canonical(clean)


def _suspect(text: str) -> bool:
    folded = text.casefold()
    if any(hint in folded for hint in _HINTS):
        return True
    return _six_digits(text) is not None and not is_time(text)


def _is_suspect(value: object) -> bool:
    """Whether redacting a JSON value could change it."""
    if isinstance(value, str):
        return _suspect(value)
    if isinstance(value, dict):
        return any(_is_secret_name(name) or _suspect(name) or _is_suspect(field) for name, field in value.items())
    return isinstance(value, list) and any(map(_is_suspect, value))


@lru_cache(maxsize=1024)
def _is_secret_name(name: str) -> bool:
    return name.lower().translate(_joints).endswith((*_SECRET_NAMES, "token"))


def _cleaned(text: str) -> str:
    text = _tokens.sub(SECRET, text)
    text = _url_users.sub(f"{SECRET}@", text)
    text = _said.sub(lambda found: f"{found[found.lastindex or 0]}{SECRET}", text)
    text = _emails.sub(EMAIL, _without_given(text))
    return without_personal_numbers(text) if _six_digits(text) else text


def _without_given(text: str) -> str:
    """The text without what stands behind the name of a secret and a colon or an equals sign."""
    pieces: list[str] = []
    done = 0
    for sign in _given.finditer(text):
        at = sign.start()
        if at < done:
            continue
        name = text[max(done, at - _LONGEST_NAME) : at].rstrip(" \t\"'\\").lower().translate(_joints)
        given = _given_secret.match(text, at + 1) if name.endswith((*_SECRET_NAMES, *_TOKEN_NAMES)) else None
        if given and (name.endswith(_SECRET_NAMES) or _looks_random(given["secret"])):
            pieces += (text[done : given.start("secret")], SECRET)
            done = given.end()
    return "".join((*pieces, text[done:])) if pieces else text


def _looks_random(word: str) -> bool:
    return len(word) >= _LEAST_RANDOM and not word.isalpha()


def _redact_field(name: str, value: object) -> object:
    secret = isinstance(value, str | int | float) and not isinstance(value, bool) and _is_secret_name(name)
    return SECRET if secret else redact_value(value)


def _texts(data: CommonData) -> Iterator[str]:
    """Every text in the data that a publisher words freely; identity is not among them."""
    if data.summary:
        yield data.summary
    for link in data.links:
        yield link.url
        yield link.title or ""
    for name, value in data.labels.items():
        yield f"{name}={value}"
    if data.harm is not None:
        yield f"{data.harm.kind} {data.harm.reported_by}"
    if data.release is not None:
        yield f"{data.release.by} {data.release.url}"
    if isinstance(data, ReportData):
        yield data.category
    if isinstance(data, CostDetails):
        yield from (item.name for item in data.top)
    if isinstance(data, HallucinationDetails):
        for sample in data.samples:
            yield from (text for text in (sample.prompt, sample.answer, sample.claim) if text)


def _evidence(sample: Sample) -> Evidence:
    original = {"answer": sample.answer, "claim": sample.claim, "prompt": sample.prompt, "score": sample.score}
    return Evidence(
        prompt=sample.prompt and redact(sample.prompt),
        answer=sample.answer and redact(sample.answer),
        claim=sample.claim and redact(sample.claim),
        score=sample.score,
        hash=sha256(canonical(original)).hexdigest(),
    )
