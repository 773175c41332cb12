"""Puts names and contacts of accounts into the emulator's Account Management; the rest stays."""

from __future__ import annotations

import json
from typing import Any

from .backend import ApiError, Organizations
from .backend.other_services import ACCOUNT_MANAGEMENT
from .emulator import module

# Model: REST-JSON, one path an operation.
_PATHS = {f"/{name[0].lower()}{name[1:]}": name for name in ACCOUNT_MANAGEMENT}
_STATUSES = {
    "AccessDeniedException": 403,
    "InternalServerException": 500,
    "ResourceNotFoundException": 404,
    "TooManyRequestsException": 429,
}


def install_account_api(organizations: Organizations) -> None:
    """Answer what is rehearsed of the API from the embedded organizations."""
    service = module("ministack.services.account")
    responses = module("ministack.core.responses")
    answer_otherwise = service.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        operation = _PATHS.get(path.rstrip("/"))
        if operation is None or method != "POST":
            return await answer_otherwise(method, path, headers, body, query)
        content = {"Content-Type": "application/json"}
        try:
            answer = organizations.call(
                operation, json.loads(body or b"{}"), responses.get_account_id()
            )
        except ApiError as error:
            content["x-amzn-ErrorType"] = error.code
            status = _STATUSES.get(error.code, 400)
            return status, content, json.dumps({"message": error.message}).encode()
        return 200, content, json.dumps(answer).encode()

    service.handle_request = handle_request
