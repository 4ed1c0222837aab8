"""Signs a request as AWS wants it, Signature Version 4: what is signed cannot be changed on its way."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from pydantic import SecretStr
from yarl import URL

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


def signed(  # noqa: PLR0913 - everything that a signature is made of
    *,
    method: str,
    url: URL,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes,
    scope: tuple[str, str],
    keys: tuple[SecretStr, SecretStr],
    now: datetime,
) -> dict[str, str]:
    """The headers that the signature adds; all of `headers` and the host are signed.

    `scope` is region and service, `keys` are the access key and the secret one.
    """
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    within, (access, secret) = "/".join([stamp[:8], *scope, "aws4_request"]), keys
    every = {**headers, "Host": url.host_port_subcomponent or "", "X-Amz-Date": stamp}
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in every.items())
    names = ";".join(name for name, _ in lines)
    canonical = "\n".join(
        [
            method,
            quote(url.raw_path, safe=f"/{_UNRESERVED}"),
            "&".join(sorted(f"{_encoded(name)}={_encoded(value)}" for name, value in query)),
            *(f"{name}:{value}" for name, value in lines),
            "",
            names,
            sha256(body).hexdigest(),
        ]
    )
    to_sign = "\n".join([_ALGORITHM, stamp, within, sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret.get_secret_value()}".encode()
    for part in within.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    given = f"Credential={access.get_secret_value()}/{within}, SignedHeaders={names}, Signature={signature}"
    return {"X-Amz-Date": stamp, "Authorization": f"{_ALGORITHM} {given}"}


def _encoded(text: str) -> str:
    return quote(text, safe=_UNRESERVED)
