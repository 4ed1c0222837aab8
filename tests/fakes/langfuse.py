"""Langfuse's prompts: a label belongs to one version, and a call adds labels and never removes them."""

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.fakes.target import Call, FakeTarget, Said, is_json

USER = "pk-lf-canary"


@dataclass
class FakeLangfuse(FakeTarget):
    labels: dict[tuple[str, str], int] = field(default_factory=lambda: {("support/answer", "production"): 7})
    versions: tuple[int, ...] = (6, 7)

    def lets_in(self, call: Call) -> bool:
        pair = base64.b64encode(f"{USER}:{self.token}".encode()).decode()
        return call.headers.get("authorization") == f"Basic {pair}"

    def said(self, call: Call) -> Said:
        parts = call.parts
        if parts[:4] != ["api", "public", "v2", "prompts"] or len(parts) not in (5, 7):
            return 404, {"error": "LangfuseNotFoundError"}
        name = unquote(parts[4])
        if call.method == "GET" and len(parts) == 5:
            version = self.labels.get((name, call.query.get("label", "production")))
            return (
                (404, {"error": "LangfuseNotFoundError"})
                if version is None
                else (200, {"name": name, "version": version})
            )
        if call.method != "PATCH" or parts[5:6] != ["versions"] or not is_json(call) or set(call.body) != {"newLabels"}:
            return 400, {"error": "InvalidRequestError"}
        if not parts[6].isdigit() or int(parts[6]) not in self.versions or "latest" in call.body["newLabels"]:
            return 404, {"error": "LangfuseNotFoundError"}
        self.labels |= {(name, label): int(parts[6]) for label in call.body["newLabels"]}
        return 200, {"name": name, "version": int(parts[6]), "labels": call.body["newLabels"]}
