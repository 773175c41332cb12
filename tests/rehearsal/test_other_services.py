"""Operations of other services: their errors are the model's, they are logged and survive."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.backend import OTHER_OPERATIONS
from org_constructs.rehearsal.backend.other_services import OTHER_SERVICES


@pytest.mark.parametrize("service", list(OTHER_SERVICES))
def test_errors_are_the_models(service: str) -> None:
    """Those of each operation, neither more nor fewer."""
    model = botocore.session.Session().get_service_model(service)
    for name, errors in OTHER_SERVICES[service].items():
        declared = {error.name for error in model.operation_model(name).error_shapes}
        assert declared == errors, name


def test_every_operation_has_its_errors() -> None:
    """What is answered is declared."""
    declared = [name for operations in OTHER_SERVICES.values() for name in operations]
    assert sorted(declared) == sorted(OTHER_OPERATIONS)


def test_root_access_is_logged_and_fails_as_told(aws: EmbeddedAws) -> None:
    """Like a call to Organizations, with what IAM's own protocol calls its errors."""
    aws.client("organizations").create_organization()
    iam = aws.client("iam")
    with pytest.raises(iam.exceptions.ServiceAccessNotEnabledException):
        iam.enable_organizations_root_sessions()
    aws.client("organizations").enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    aws.inject("EnableOrganizationsRootSessions:1:Throttling")
    with pytest.raises(ClientError, match="Rate exceeded") as throttled:
        iam.enable_organizations_root_sessions()
    assert throttled.value.response["Error"]["Code"] == "Throttling"
    assert iam.enable_organizations_root_sessions()["EnabledFeatures"] == ["RootSessions"]
    last = aws.calls()[-1]
    assert (last["operation"], last["error"], last["read"]) == (
        "EnableOrganizationsRootSessions",
        None,
        False,
    )
    # The rest of IAM is the emulator's.
    assert iam.list_roles()["Roles"] == []


def test_contacts_and_root_access_survive(backend: Any, make_backend: Any) -> None:
    """What is saved and loaded is the same."""
    backend.create_organization(policy_type=None)
    backend.call("EnableAWSServiceAccess", ServicePrincipal="iam.amazonaws.com")
    backend.call("EnableOrganizationsRootSessions")
    contact = {"AlternateContactType": "BILLING", "Name": "Billing", "Title": "Team"}
    contact |= {"EmailAddress": "billing@corp.com", "PhoneNumber": "0"}
    backend.call("PutAlternateContact", **contact)
    copy = make_backend()
    copy.service.load(backend.service.save())
    assert copy.call("ListOrganizationsFeatures")["EnabledFeatures"] == ["RootSessions"]
    got = copy.call("GetAlternateContact", AlternateContactType="BILLING")
    assert got == {"AlternateContact": contact}
