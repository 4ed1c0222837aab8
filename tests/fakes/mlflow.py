"""MLflow's registry as far as aliases go: REST API 2.0, `registered-models/alias`."""

from dataclasses import dataclass, field

from tests.fakes.target import Call, FakeTarget, Said, is_json

PATH = "/api/2.0/mlflow/registered-models/alias"


@dataclass
class FakeMlflow(FakeTarget):
    versions: dict[str, set[str]] = field(default_factory=lambda: {"credit": {"1", "2"}})
    aliases: dict[tuple[str, str], str] = field(default_factory=lambda: {("credit", "champion"): "2"})

    def said(self, call: Call) -> Said:
        if call.path != PATH:
            return 404, {"error_code": "ENDPOINT_NOT_FOUND"}
        if call.method == "GET" and set(call.query) == {"name", "alias"}:
            version = self.aliases.get((call.query["name"], call.query["alias"]))
            if version is None:
                return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
            return 200, {"model_version": {"name": call.query["name"], "version": version}}
        if call.method == "POST" and is_json(call) and set(call.body or {}) == {"name", "alias", "version"}:
            if call.body["version"] not in self.versions.get(call.body["name"], set()):
                return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
            self.aliases[call.body["name"], call.body["alias"]] = call.body["version"]
            return 200, {}
        return 400, {"error_code": "INVALID_PARAMETER_VALUE"}
