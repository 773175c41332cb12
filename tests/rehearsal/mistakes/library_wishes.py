"""The wishes behind the mistakes, written with this library: before and after, by the refusal's code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk

from org_constructs import Organization, OrganizationalUnit, PolicyType, Root, ServiceControlPolicy
from org_constructs.guardrails import DenyLeaveOrganization, ProtectCloudTrail

Declare = Callable[[cdk.Stack], object]


def organization(stack: cdk.Stack, **ids: str) -> Any:
    """Refer to an organization that exists."""
    known = {
        "organization_id": "o-a1b2c3d4e5",
        "root_id": "r-ab12",
        "management_account_id": str(stack.account),
        **ids,
    }
    return Organization.from_organization_attributes(stack, "Organization", **known)


def _root(stack: cdk.Stack) -> Root:
    root: Root = organization(stack).root
    return root


def _too_long(stack: cdk.Stack) -> None:
    content = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Deny", "Action": [f"s3:{'x' * 90}{n}" for n in range(120)], "Resource": "*"}
        ],
    }
    ServiceControlPolicy(stack, "Long", content=content, targets=[_root(stack)])


def _same_names(stack: cdk.Stack) -> None:
    root = _root(stack)
    for id in ("A", "B"):
        root.add_organizational_unit(id, name="same")


def _same_addresses(stack: cdk.Stack) -> None:
    root = _root(stack)
    root.add_account("One", email="one@corp.com")
    root.add_account("Two", email="ONE@corp.com")


def _account(email: str) -> Declare:
    return lambda stack: _root(stack).add_account("Audit", email=email)


def _full(stack: cdk.Stack) -> None:
    root = _root(stack)
    root.add_organizational_unit("Other")
    root.add_organizational_unit("Full").add_account("Inside", email="inside@corp.com")


def _empty(stack: cdk.Stack) -> None:
    _root(stack).add_organizational_unit("Other")


def _moved(parent: str) -> Declare:
    def declare(stack: cdk.Stack) -> None:
        root = _root(stack)
        units = {id: root.add_organizational_unit(id) for id in ("A", "B")}
        moved = OrganizationalUnit(stack, "Moved", parent=units[parent])
        moved.attach(DenyLeaveOrganization())

    return declare


# The declaration that is deployed before, if any, and the one that is refused.
REFUSED: dict[str, tuple[Declare | None, Declare]] = {
    "ORG102": (None, _same_names),
    "ORG103": (None, _same_addresses),
    "ORG104": (None, _too_long),
    "ORG122": (_full, _empty),
    "ORG123": (_account("old@corp.com"), _account("new@corp.com")),
    "ORG126": (_moved("A"), _moved("B")),
}


def clean(stack: cdk.Stack, *, guarded: bool, **ids: str) -> None:
    """Declare everything that is no mistake here: a type, two accounts, twenty policies, a guardrail.

    Args:
        stack: where.
        guarded: whether the OU that loses its guardrail in the second deployment still has it.
        ids: those of the organization.
    """
    known = organization(stack, **ids)
    known.enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
    for n in range(20):
        unit = known.root.add_organizational_unit(f"Unit{n}")
        if guarded or n:
            unit.attach(DenyLeaveOrganization())
    home = known.root.add_organizational_unit("Home")
    home.add_account("One", email="one@corp.com")
    home.add_account("Two", email="two@corp.com").attach(ProtectCloudTrail())
