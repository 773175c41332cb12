"""boto3 clients that are answered by Organizations in memory, without a server."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.config import Config

from org_constructs.rehearsal.backend import ApiError, Organizations


def organizations_of(backend: Organizations, account_id: str) -> Any:
    """Return a client of an account; botocore checks its calls and raises what the backend answers."""
    client = boto3.client(
        "organizations",
        region_name="us-east-1",
        aws_access_key_id=account_id,
        aws_secret_access_key="test",  # noqa: S106 - no secret
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )

    def answer(model: Any, params: dict[str, Any], **_: object) -> tuple[Any, dict[str, Any]]:
        try:
            result = backend.call(model.name, json.loads(params["body"]), account_id)
        except ApiError as error:
            said = {"Code": error.code, "Message": error.message}
            fields = {} if error.reason is None else {"Reason": error.reason}
            return SimpleNamespace(status_code=400), {"Error": said, **fields}
        return SimpleNamespace(status_code=200), result

    client.meta.events.register("before-call.organizations", answer)
    return client
