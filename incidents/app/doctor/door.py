"""Looks at who is let in: where the service listens, its token, and the secret that signs what it gives out."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from incidents.app.doctor.finding import Finding, ok, warn
from incidents.app.secret import key_file
from incidents.app.settings import LOOPBACK, Settings

_SHORT = 16
_OTHERS = 0o077  # permissions of anybody but the owner of a file


def examine_door(settings: Settings) -> Iterator[Finding]:
    """Where the service listens, and whether what lets in can be overheard."""
    if settings.api_token is not None:
        yield ok("door", f"listens on {settings.host}:{settings.port}; the token lets in")
        if settings.host not in LOOPBACK and not settings.url.startswith("https://"):
            advice = "put TLS in front, and set INCIDENTS_PUBLIC_URL to its https address"
            yield warn("door", f"{settings.url} sends the token in clear", advice)
        return
    words = f"listens on {settings.host}:{settings.port}; without a token this machine only is let in, as local admin"
    yield ok("door", words)
    if settings.public_url is not None and urlsplit(settings.public_url).hostname not in LOOPBACK:
        advice = "set INCIDENTS_API_TOKEN; requests through a proxy are refused without it"
        yield warn("door", f"{settings.public_url} will be refused", advice)


def examine_secret(settings: Settings) -> Iterator[Finding]:
    """Whether what is given out can be signed, and nobody else can sign it."""
    file = key_file(settings)
    if settings.secret_key is not None:
        if len(settings.secret_key.get_secret_value()) < _SHORT:
            advice = "set INCIDENTS_SECRET_KEY to a long random text; people then subscribe anew"
            yield warn("secret", f"is shorter than {_SHORT} letters: it can be guessed", advice)
            return
        yield ok("secret", "INCIDENTS_SECRET_KEY signs the calendars of people")
    elif file is None:
        advice = "set INCIDENTS_SECRET_KEY to a long random text, the same for every process"
        yield warn("secret", "none is set: people cannot subscribe to their own turns", advice)
    elif file.exists() and file.stat().st_mode & _OTHERS:
        yield warn("secret", f"{file} can be read by others", f"chmod 600 {file}, or remove it to have a new one made")
    else:
        yield ok("secret", f"is kept in {file}")
