"""Failures that a person reads in the stack's events: what is wrong, and the remedy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_IN_MANAGEMENT_ACCOUNT = (
    "deploy this stack with credentials of the organization's management account"
)

# By the error's Reason or code, the Reason first as it says more.
_REMEDIES: Mapping[str, str] = {
    "AccessDeniedException": (
        f"{_IN_MANAGEMENT_ACCOUNT}; there, the function's role must allow this action, and so must "
        "its permissions boundary, which the bootstrap brings up to date when it runs again"
    ),
    "AWSOrganizationsNotInUseException": (
        f"the account is in no organization; {_IN_MANAGEMENT_ACCOUNT}, or create the organization "
        "first"
    ),
    "FinalizingOrganizationException": (
        "AWS is still setting the organization up, which takes up to an hour; wait and deploy again"
    ),
    "RootNotFoundException": (
        "use the id of this organization's root, which 'aws organizations list-roots' shows"
    ),
    "UnsupportedAPIEndpointException": (
        "this partition or Region does not offer the operation; remove the setting for it"
    ),
}


class SettingError(Exception):
    """A setting that cannot be applied; the text names the value and the remedy."""


def error_code(error: BaseException) -> str:
    """Return the code of an error of AWS, or an empty string for any other error."""
    return str(_details(error).get("Code", ""))


def error_reason(error: BaseException) -> str:
    """Return the reason within an error such as `ConstraintViolationException`, or an empty string.

    It is a field of its own, but some endpoints put it only at the head of the message.
    """
    response = getattr(error, "response", None)
    reason = response.get("Reason") if isinstance(response, dict) else None
    if reason:
        return str(reason)
    head = str(_details(error).get("Message", "")).partition(":")[0].strip()
    return head if head.isupper() and "_" in head and " " not in head else ""


def explain(error: Exception) -> str:
    """Return what a person should read about an error, without a final full stop."""
    if isinstance(error, SettingError):
        return str(error)
    code = error_code(error)
    if not code:
        return f"{type(error).__name__}: {error}".rstrip(". :")
    operation = getattr(error, "operation_name", "the call")
    message = str(_details(error).get("Message", "")).strip().rstrip(".")
    text = f"{operation} failed with {code}" + (f": {message}" if message else "")
    remedy = _REMEDIES.get(error_reason(error)) or _REMEDIES.get(code)
    return f"{text}; {remedy}" if remedy else text


@contextmanager
def explained(failure: str, remedies: Mapping[str, str]) -> Iterator[None]:
    """Let an error of AWS tell what could not be done, and what to do, where that is known.

    Args:
        failure: what could not be done.
        remedies: what to do, by the error's Reason or code; the Reason says more.

    Raises:
        SettingError: in place of an error with a remedy; any other one stays what it is.
    """
    try:
        yield
    except Exception as error:
        remedy = remedies.get(error_reason(error)) or remedies.get(error_code(error))
        if remedy is None:
            raise
        raise SettingError(f"{failure} ({explain(error)}); {remedy}") from error


def _details(error: BaseException) -> Mapping[str, object]:
    # By shape, not by class: botocore is not imported where only the actions are read.
    response = getattr(error, "response", None)
    details = response.get("Error") if isinstance(response, dict) else None
    return details if isinstance(details, dict) else {}
