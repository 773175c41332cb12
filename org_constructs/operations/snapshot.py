"""A live organization as one JSON document: to be rehearsed on, and to be compared with code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

__all__ = ["SNAPSHOT_VERSION", "read_policies", "read_tree", "take_snapshot"]

SNAPSHOT_VERSION: Final = 1


def take_snapshot(
    client: Any,
    *,
    tags: bool = False,
    services: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Read what the organization consists of, in an order that does not change from run to run.

    Args:
        client: boto3 client of Organizations, of the management account or a delegated
            administrator.
        tags: read tags too, which takes a call for each OU, account and policy.
        services: read trusted access, delegated administrators and the resource policy too.
        report: takes a line on what is being read.

    Returns:
        `version`, `organization_id`, `root_id`, `management_account_id`, `feature_set`,
        `policy_types` (type to status), and the lists `organizational_units` (`id`, `name`,
        `parent_id`), `accounts` (`id`, `name`, `email`, `parent_id`, `state`, `joined_method`,
        `joined_at`) and `policies` (`id`, `name`, `type`, `description`, `content`, `aws_managed`,
        `targets`); with `tags` each of these has `tags`; with `services` there are
        `trusted_services`, `delegated_administrators` (accounts by service) and, where there is
        one, `resource_policy`.

    Raises:
        botocore.exceptions.ClientError: as AWS answers.
    """
    organization = client.describe_organization()["Organization"]
    root = client.list_roots()["Roots"][0]
    types = {entry["Type"]: entry["Status"] for entry in root["PolicyTypes"]}
    report("organizational units and accounts")
    units, accounts = read_tree(client, root["Id"])
    report("policies")
    policies = [
        policy
        for policy_type in sorted(types)
        if types[policy_type] == "ENABLED"
        for policy in read_policies(client, policy_type)
    ]
    if tags:
        report("tags")
        for entry in (*units, *accounts, *policies):
            # Documentation: what AWS manages has no tags.
            entry["tags"] = {} if entry.get("aws_managed") else _tags(client, entry["id"])
    found = {
        "version": SNAPSHOT_VERSION,
        "organization_id": organization["Id"],
        "root_id": root["Id"],
        "management_account_id": organization["MasterAccountId"],
        "feature_set": organization["FeatureSet"],
        "policy_types": types,
        "organizational_units": units,
        "accounts": accounts,
        "policies": policies,
    }
    if services:
        report("trusted access, delegated administrators and the resource policy")
        found |= _services(client)
    return found


def read_tree(client: Any, root_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the OUs and the accounts below a root, in the form of a snapshot."""
    units: list[dict[str, Any]] = []
    accounts: list[dict[str, Any]] = []
    _walk(client, root_id, units, accounts)
    return units, accounts


def _walk(
    client: Any, parent: str, units: list[dict[str, Any]], accounts: list[dict[str, Any]]
) -> None:
    found = _pages(client, "list_accounts_for_parent", "Accounts", ParentId=parent)
    accounts += [
        {
            "id": account["Id"],
            "name": account["Name"],
            "email": account["Email"],
            "parent_id": parent,
            # `Status` was retired in 2026; older endpoints have nothing else.
            "state": account.get("State") or account.get("Status", "?"),
            "joined_method": account["JoinedMethod"],
            "joined_at": account["JoinedTimestamp"].timestamp(),
        }
        for account in sorted(found, key=lambda account: str(account["Id"]))
    ]
    for unit in sorted(
        _pages(
            client,
            "list_organizational_units_for_parent",
            "OrganizationalUnits",
            ParentId=parent,
        ),
        key=lambda found: str(found["Id"]),
    ):
        units.append({"id": unit["Id"], "name": unit["Name"], "parent_id": parent})
        _walk(client, unit["Id"], units, accounts)


def read_policies(
    client: Any, policy_type: str, *, contents: bool = True
) -> Iterator[dict[str, Any]]:
    """Yield the policies of a type in the form of a snapshot.

    Args:
        client: boto3 client of Organizations.
        policy_type: the type; it is turned on.
        contents: read the documents too, which takes a call for each policy.
    """
    found = _pages(client, "list_policies", "Policies", Filter=policy_type)
    for policy in sorted(found, key=lambda policy: str(policy["Id"])):
        targets = _pages(client, "list_targets_for_policy", "Targets", PolicyId=policy["Id"])
        content = (
            {"content": client.describe_policy(PolicyId=policy["Id"])["Policy"]["Content"]}
            if contents
            else {}
        )
        yield {
            "id": policy["Id"],
            "name": policy["Name"],
            "type": policy["Type"],
            "description": policy["Description"],
            **content,
            "aws_managed": policy["AwsManaged"],
            "targets": sorted(target["TargetId"] for target in targets),
        }


def _services(client: Any) -> dict[str, Any]:
    principals = "EnabledServicePrincipals"
    enabled = _pages(client, "list_aws_service_access_for_organization", principals)
    delegated: dict[str, list[str]] = {}
    administrators = _pages(client, "list_delegated_administrators", "DelegatedAdministrators")
    for account in sorted(str(administrator["Id"]) for administrator in administrators):
        pages = _pages(
            client, "list_delegated_services_for_account", "DelegatedServices", AccountId=account
        )
        for service in pages:
            delegated.setdefault(service["ServicePrincipal"], []).append(account)
    found: dict[str, Any] = {
        "trusted_services": sorted(str(service["ServicePrincipal"]) for service in enabled),
        "delegated_administrators": delegated,
    }
    try:
        policy = client.describe_resource_policy()["ResourcePolicy"]
    except client.exceptions.ResourcePolicyNotFoundException:
        return found
    return {**found, "resource_policy": policy["Content"]}


def _tags(client: Any, id: str) -> dict[str, str]:
    found = _pages(client, "list_tags_for_resource", "Tags", ResourceId=id)
    return {tag["Key"]: tag["Value"] for tag in found}


def _pages(client: Any, operation: str, key: str, **params: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**params):
        yield from page[key]
