"""The API of Argo Rollouts' dashboard: an undo gives the old template a new revision, and the old one is gone."""

from dataclasses import dataclass, field

from tests.fakes.target import Call, FakeTarget, Said


@dataclass
class FakeArgo(FakeTarget):
    templates: dict[int, str] = field(default_factory=lambda: {4: "model-1", 5: "model-2"})

    @property
    def serves(self) -> str:
        return self.templates[max(self.templates)]

    def said(self, call: Call) -> Said:
        parts = call.parts
        if call.method != "PUT" or parts[:6] != ["api", "v1", "rollouts", "ml", "credit", "undo"] or len(parts) != 7:
            return 404, {"code": 5, "message": "not found"}
        if call.body != {}:
            return 400, {"code": 3, "message": "unexpected body"}
        if not parts[6].isdigit() or int(parts[6]) not in self.templates:
            return 404, {"code": 5, "message": "unable to find specified revision in history"}
        self.templates[max(self.templates) + 1] = self.templates.pop(int(parts[6]))
        return 200, {"metadata": {"name": "credit"}}
