"""Kubernetes' API with one KServe InferenceService: read it, and patch it by a JSON merge patch."""

from dataclasses import dataclass
from typing import Any

from tests.fakes.target import Call, FakeTarget, Said, is_json

PATH = "/apis/serving.kserve.io/v1beta1/namespaces/ml/inferenceservices/credit"


@dataclass
class FakeKserve(FakeTarget):
    percent: int | None = 20

    def said(self, call: Call) -> Said:
        if call.path != PATH:
            return 404, {"kind": "Status", "reason": "NotFound"}
        if call.method == "GET":
            return 200, self._whole()
        if call.method != "PATCH" or not is_json(call, "application/merge-patch+json"):
            return 415, {"kind": "Status", "reason": "UnsupportedMediaType"}
        wanted = call.body.get("spec", {}).get("predictor", {})
        percent = wanted.get("canaryTrafficPercent")
        if set(wanted) != {"canaryTrafficPercent"} or not isinstance(percent, int) or not 0 <= percent <= 100:
            return 422, {"kind": "Status", "reason": "Invalid"}
        self.percent = percent
        return 200, self._whole()

    def _whole(self) -> dict[str, Any]:
        predictor = {} if self.percent is None else {"canaryTrafficPercent": self.percent}
        return {"kind": "InferenceService", "metadata": {"name": "credit"}, "spec": {"predictor": predictor}}
