"""SageMaker's endpoints, AWS JSON 1.1: every call is signed, and the signature is worked out again from the wire."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr
from yarl import URL

from incidents.adapters.targets.aws import signed
from tests.fakes.target import Call, FakeTarget, Said, is_json

ACCESS = "AKIDEXAMPLE"


@dataclass
class FakeSagemaker(FakeTarget):
    config: str = "credit-2"
    configs: tuple[str, ...] = ("credit-1", "credit-2")

    def lets_in(self, call: Call) -> bool:
        """The same signature over what came: path, headers and the hash of the body that the client says it sent."""
        given = call.headers.get("authorization", "")
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        then = datetime.strptime(call.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        headers = {name: call.headers[name] for name in names if name not in ("host", "x-amz-date")}
        again = signed(
            method=call.method,
            url=URL(f"{self.url}{call.path}", encoded=True),
            query=tuple(call.query.items()),
            headers=headers,
            body=_compact(call.body),
            scope=("eu-west-1", "sagemaker"),
            keys=(SecretStr(ACCESS), SecretStr(self.token)),
            now=then,
        )
        return given == again["Authorization"] and {"host", "x-amz-date", "x-amz-target"} <= set(names)

    def said(self, call: Call) -> Said:
        if (call.method, call.path) != ("POST", "/") or not is_json(call, "application/x-amz-json-1.1"):
            return 400, {"__type": "UnknownOperationException"}
        if call.body.get("EndpointName") != "credit":
            return 400, {"__type": "ValidationException"}
        match call.headers.get("x-amz-target"):
            case "SageMaker.DescribeEndpoint" if set(call.body) == {"EndpointName"}:
                status = {"EndpointStatus": "InService", "EndpointConfigName": self.config}
                return 200, {"EndpointName": "credit", **status}
            case "SageMaker.UpdateEndpoint" if call.body.get("EndpointConfigName") in self.configs:
                if not set(call.body) <= {"EndpointName", "EndpointConfigName", "DeploymentConfig"}:
                    return 400, {"__type": "ValidationException"}
                self.config = call.body["EndpointConfigName"]
                return 200, {"EndpointArn": "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/credit"}
        return 400, {"__type": "ValidationException"}


def _compact(body: Any) -> bytes:  # noqa: ANN401 - a JSON value
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
