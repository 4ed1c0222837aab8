"""Whether a request was signed by Slack: HMAC-SHA256 over the raw bytes, within five minutes of now."""

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256

AGE = 300  # seconds; Slack's own rule
_SECONDS = re.compile("[0-9]{1,12}")


def flaw(secret: str, timestamps: Sequence[str], signatures: Sequence[str], body: bytes, *, now: float) -> str | None:
    """What is wrong with the signature, or None where it is good; never raises, whatever is sent.

    The headers come as all their values: one that is sent twice is a trick.
    """
    if len(timestamps) != 1 or len(signatures) != 1 or not _SECONDS.fullmatch(timestamps[0]):
        return "not signed as Slack signs"
    said = b"v0:" + timestamps[0].encode() + b":" + body
    wanted = b"v0=" + hmac.new(secret.encode(), said, sha256).hexdigest().encode()
    if not hmac.compare_digest(wanted, signatures[0].encode(errors="replace")):
        return "signed with another secret"
    if abs(now - int(timestamps[0])) > AGE:
        return "signed more than five minutes from now: an old request, or the clock of this machine is wrong"
    return None
