"""Two servers of feature flags: Unleash's admin API, and LaunchDarkly's with its semantic patches."""

from dataclasses import dataclass

from tests.fakes.target import Call, FakeTarget, Said, is_json

UNLEASH = "/api/admin/projects/default/features/new-model/environments/production"
LAUNCHDARKLY = "/api/v2/flags/default/new-model"


@dataclass
class FakeFlags(FakeTarget):
    on: bool = True

    def lets_in(self, call: Call) -> bool:
        return call.headers.get("authorization") == self.token


@dataclass
class FakeUnleash(FakeFlags):
    def said(self, call: Call) -> Said:
        if (call.method, call.path) == ("GET", UNLEASH):
            return 200, {"name": "production", "enabled": self.on}
        switch = {f"{UNLEASH}/on": True, f"{UNLEASH}/off": False}.get(call.path)
        if call.method != "POST" or switch is None or call.body is not None:
            return 404, {"name": "NotFoundError"}
        self.on = switch
        return 200, None


@dataclass
class FakeLaunchdarkly(FakeFlags):
    def said(self, call: Call) -> Said:
        if call.path != LAUNCHDARKLY:
            return 404, {"code": "not_found"}
        if call.method == "GET":
            return 200, {"key": "new-model", "environments": {"production": {"on": self.on}}}
        if call.method != "PATCH" or not is_json(call, "application/json; domain-model=launchdarkly.semanticpatch"):
            return 405, {"code": "method_not_allowed"}
        (instruction,) = call.body["instructions"]
        switch = {"turnFlagOn": True, "turnFlagOff": False}.get(instruction["kind"])
        if set(call.body) != {"environmentKey", "comment", "instructions"} or switch is None or len(instruction) != 1:
            return 400, {"code": "invalid_request"}
        if call.body["environmentKey"] != "production":
            return 404, {"code": "not_found"}
        self.on = switch
        return 200, {"key": "new-model"}
