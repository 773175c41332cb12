"""Trusted access: which AWS services may act in the organization."""

from __future__ import annotations

from .errors import ApiError, constraint_violation, invalid_input
from .operation import Call, Operation
from .paging import page
from .state import Json, Organization
from .trusted_services import TrustedService, services_of_policy_types, trusted_services


def is_trusted(organization: Organization, service_principal: str) -> bool:
    """Tell whether a service has trusted access."""
    return service_principal in organization.trusted_services


def known_service(principal: str) -> TrustedService:
    """Return the service of a principal.

    Raises:
        ApiError: `InvalidInputException` for a principal that AWS does not know.
    """
    service = trusted_services().get(principal)
    if service is None:
        raise invalid_input(
            "You specified an unrecognized service principal: "
            f"{principal!r} does not integrate with Organizations.",
            "UNRECOGNIZED_SERVICE_PRINCIPAL",
        )
    return service


def need_all_features(organization: Organization) -> None:
    """Refuse what consolidated billing does not include.

    Raises:
        ApiError: `ConstraintViolationException`.
    """
    if organization.feature_set != "ALL":
        raise constraint_violation(
            "This operation requires an organization with all features enabled.",
            "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
        )


def service_access_not_enabled(principal: str) -> ApiError:
    """Return the refusal of what needs trusted access first."""
    return constraint_violation(
        f"Service access is not enabled for {principal}. Call EnableAWSServiceAccess first.",
        "SERVICE_ACCESS_NOT_ENABLED",
    )


def _enable(call: Call) -> Json:
    organization, principal = call.organization, call.params["ServicePrincipal"]
    need_all_features(organization)
    known_service(principal)
    # Enabling again is no error and keeps the date (inference).
    organization.trusted_services.setdefault(principal, call.clock.now())
    return {}


def _disable(call: Call) -> Json:
    organization, principal = call.organization, call.params["ServicePrincipal"]
    need_all_features(organization)
    known_service(principal)
    for policy_type, service in services_of_policy_types().items():
        if service == principal and policy_type in organization.policy_types:
            raise constraint_violation(
                f"You must disable the policy type {policy_type} first.",
                "POLICY_TYPE_ENABLED_FOR_THIS_SERVICE",
            )
    if organization.delegated_administrators.get(principal):
        # StackSets and the agent registry document that they must go first; the reason that AWS
        # gives is not documented (guess).
        raise constraint_violation(
            f"You must deregister the delegated administrators of {principal} first.",
            "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE",
        )
    organization.trusted_services.pop(principal, None)
    return {}


def _list(call: Call) -> Json:
    need_all_features(call.organization)
    items: list[Json] = [
        {"ServicePrincipal": principal, "DateEnabled": enabled_at}
        for principal, enabled_at in sorted(call.organization.trusted_services.items())
    ]
    return page(call.params, "EnabledServicePrincipals", items)


OPERATIONS = {
    "EnableAWSServiceAccess": Operation(run=_enable),
    "DisableAWSServiceAccess": Operation(run=_disable),
    "ListAWSServiceAccessForOrganization": Operation(run=_list, read=True),
}
