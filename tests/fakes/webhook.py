"""A pipeline behind a webhook: it does and undoes by its Idempotency-Key, each key once."""

from dataclasses import dataclass, field

from tests.fakes.target import Call, FakeTarget, Said, is_json


@dataclass
class FakeWebhook(FakeTarget):
    did: dict[str, str] = field(default_factory=dict)  # by Idempotency-Key

    def lets_in(self, call: Call) -> bool:
        return call.headers.get("x-token") == self.token

    def said(self, call: Call) -> Said:
        key = call.headers.get("idempotency-key")
        if (call.method, call.path) != ("POST", "/warm-standby") or not is_json(call) or not key:
            return 404, {"error": "no such hook"}
        if not {"action", "incident", "system", "environment"} <= set(call.body) or call.body["action"] not in (
            "do",
            "undo",
        ):
            return 422, {"error": "action"}
        self.did.setdefault(key, call.body["action"])
        return 202, {"taken": True}
