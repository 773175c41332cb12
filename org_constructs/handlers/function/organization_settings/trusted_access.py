"""Trusted access of services, which some settings need before they can be applied."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from .errors import SettingError, error_code, explain

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient

    from .settings import Run

_LOGGER = logging.getLogger(__name__)

# What says that trusted access may not be enabled, rather than not now (model).
_REFUSED: Final = frozenset(
    {
        "AccessDeniedException",
        "ConstraintViolationException",
        "InvalidInputException",
        "UnsupportedAPIEndpointException",
    }
)


def is_trusted(principal: str, run: Run) -> bool:
    """Tell whether the organization trusts a service."""
    client: OrganizationsClient = run.client("organizations")
    trusted = run.patience.call(
        lambda: {
            entry.get("ServicePrincipal")
            for page in client.get_paginator("list_aws_service_access_for_organization").paginate()
            for entry in page["EnabledServicePrincipals"]
        },
        awaited="the list of services that the organization trusts",
    )
    return principal in trusted


def trust(principal: str, run: Run, *, needed_for: str = "") -> None:
    """Enable trusted access for a service; enabled already is success.

    Args:
        principal: the service.
        run: the deadline and the clients.
        needed_for: what needs it, for the message.

    Raises:
        SettingError: it may not be enabled; the text names the remedy.
    """
    if is_trusted(principal, run):
        _LOGGER.info("the organization trusts %s already", principal)
        return
    client: Any = run.client("organizations")
    try:
        run.patience.call(
            lambda: client.enable_aws_service_access(ServicePrincipal=principal),
            awaited=f"trusted access for '{principal}'",
        )
    except Exception as error:
        if error_code(error) not in _REFUSED:
            raise
        why = f", which {needed_for} needs," if needed_for else ""
        raise SettingError(
            f"trusted access for '{principal}'{why} cannot be enabled ({explain(error)}); check "
            "the name, or enable it as an administrator of the management account, in the console of AWS "
            "Organizations or of the service, and deploy again"
        ) from error
    _LOGGER.info("the organization trusts %s", principal)
