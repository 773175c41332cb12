"""Puts central root access into the emulator's IAM; the rest of it stays."""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from .backend import ApiError, Organizations
from .backend.other_services import IAM
from .emulator import module


def install_iam_api(organizations: Organizations) -> None:
    """Answer what is rehearsed of the API from the embedded organizations."""
    iam = module("ministack.services.iam")
    for operation in IAM:
        iam._IAM_HANDLERS[operation] = _handler(organizations, operation)


def _handler(organizations: Organizations, operation: str) -> Any:
    iam, responses = module("ministack.services.iam"), module("ministack.core.responses")

    def handle(_params: dict[str, Any]) -> Any:
        try:
            answer = organizations.call(operation, {}, responses.get_account_id())
        except ApiError as error:
            return iam._error(400, error.code, escape(error.message))
        features = "".join(f"<member>{name}</member>" for name in answer["EnabledFeatures"])
        result = (
            f"<OrganizationId>{answer['OrganizationId']}</OrganizationId>"
            f"<EnabledFeatures>{features}</EnabledFeatures>"
        )
        inner = f"<{operation}Result>{result}</{operation}Result>"
        return iam._xml(200, f"{operation}Response", inner)

    return handle
