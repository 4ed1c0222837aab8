"""LiteLLM's proxy: keys and teams that are blocked, and the budgets of keys. A key is known by its hash."""

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.target import Call, FakeTarget, Said, is_json

KEY, TEAM = "a1" * 32, "team-credit"


@dataclass
class FakeLitellm(FakeTarget):
    keys: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {KEY: {"blocked": None, "max_budget": 100.0, "budget_duration": "30d"}}
    )
    teams: dict[str, dict[str, Any]] = field(default_factory=lambda: {TEAM: {"blocked": False}})

    def said(self, call: Call) -> Said:
        what, _, action = call.path.strip("/").partition("/")
        known, id_ = {"key": (self.keys, "key"), "team": (self.teams, "team_id")}.get(what, ({}, ""))
        if call.method == "GET" and action == "info" and set(call.query) == {id_}:
            found = known.get(call.query[id_])
            name = "info" if what == "key" else "team_info"
            return (404, {"error": "not found"}) if found is None else (200, {id_: call.query[id_], name: found})
        if call.method != "POST" or not is_json(call) or (call.body or {}).get(id_) not in known:
            return 404, {"error": "not found"}
        entry = known[call.body[id_]]
        if action in ("block", "unblock") and set(call.body) == {id_}:
            entry["blocked"] = action == "block"
            return 200, {id_: call.body[id_], **entry}
        if (what, action) == ("key", "update") and set(call.body) == {"key", "max_budget", "budget_duration"}:
            if not isinstance(call.body["max_budget"], int | float) or not isinstance(
                call.body["budget_duration"], str
            ):
                return 422, {"detail": "max_budget"}
            entry |= {name: call.body[name] for name in ("max_budget", "budget_duration")}
            return 200, {**call.body}
        return 400, {"error": "bad request"}
