"""What the tests of constructs share: an existing organization's root, and templates as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template

from org_constructs import IOrganization, Organization, Root

MANAGEMENT_ACCOUNT = "246813579024"
ORGANIZATION_ID = "o-a1b2c3d4e5"
ROOT_ID = "r-ab12"
ENVIRONMENT = cdk.Environment(account=MANAGEMENT_ACCOUNT, region="us-east-1")


def organization_of(stack: cdk.Stack, **properties: Any) -> IOrganization:
    """Return an existing organization, referred to in `stack`."""
    return Organization.from_organization_attributes(
        stack,
        "Organization",
        organization_id=ORGANIZATION_ID,
        root_id=ROOT_ID,
        management_account_id=MANAGEMENT_ACCOUNT,
        **properties,
    )


def root_of(stack: cdk.Stack, **properties: Any) -> Root:
    """Return the root of an existing organization, referred to in `stack`."""
    return organization_of(stack, **properties).root


def resources_of(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    """Synthesize the app and return the resources of one stack."""
    resources: dict[str, dict[str, Any]] = Template.from_stack(stack).to_json().get("Resources", {})
    return resources


def of_type(resources: Mapping[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of one type, named as in `AWS::Organizations::{kind}`."""
    return {
        logical_id: resource
        for logical_id, resource in resources.items()
        if resource["Type"] == f"AWS::Organizations::{kind}"
    }


def only(resources: Mapping[str, dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return the one resource of a type."""
    found = list(of_type(resources, kind).values())
    assert len(found) == 1, f"{len(found)} resources of type {kind}"
    return found[0]


def chain_of(resources: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return the organization's resources in the order that DependsOn makes, asserting one chain."""
    chained = {
        logical_id: resource
        for logical_id, resource in resources.items()
        if resource["Type"].startswith(("AWS::Organizations::", "Custom::"))
    }
    followers: dict[str | None, str] = {}
    for logical_id, resource in chained.items():
        depends = resource.get("DependsOn", [])
        assert len(depends) <= 1, f"{logical_id} waits for {depends}"
        before = depends[0] if depends else None
        assert before not in followers, f"{logical_id} and {followers[before]} both follow {before}"
        followers[before] = logical_id
    order: list[str] = []
    current = followers.get(None)
    while current is not None:
        order.append(current)
        current = followers.get(current)
    assert sorted(order) == sorted(chained)
    return order
