"""Policies and their attachment to roots, OUs and accounts."""

from __future__ import annotations

from . import effective_policies
from .errors import ApiError, constraint_violation, invalid_input
from .operation import Call, Operation
from .paging import page
from .policy_documents import check_document
from .policy_types import changes_in_progress, limits
from .state import PENDING_DISABLE, Json, Organization, Policy
from .tags import tags_of


def _summary(organization: Organization, policy: Policy) -> Json:
    kind = policy.type.lower()
    arn = (
        f"arn:{organization.partition}:organizations::aws:policy/{kind}/{policy.id}"
        if policy.aws_managed
        else organization.arn("policy", f"{kind}/{policy.id}")
    )
    return {
        "Id": policy.id,
        "Arn": arn,
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.type,
        "AwsManaged": policy.aws_managed,
    }


def _describe(organization: Organization, policy: Policy) -> Json:
    return {"Policy": {"PolicySummary": _summary(organization, policy), "Content": policy.content}}


def _policy(call: Call) -> Policy:
    policy = call.organization.policies.get(call.params["PolicyId"])
    if policy is None:
        raise ApiError(
            "PolicyNotFoundException",
            "We can't find a policy with the PolicyId that you specified.",
        )
    return policy


def _own_policy(call: Call) -> Policy:
    policy = _policy(call)
    if policy.aws_managed:
        raise invalid_input(
            "You cannot modify or delete an AWS managed policy.", "IMMUTABLE_POLICY"
        )
    return policy


def _check_content(call: Call, policy_type: str, content: str) -> None:
    most = limits(policy_type, call.settings).characters
    if len(content) > most:
        raise constraint_violation(
            f"You have exceeded the maximum size of a policy of this type: {len(content)} "
            f"characters, {most} are allowed.",
            "POLICY_CONTENT_LIMIT_EXCEEDED",
        )
    check_document(policy_type, content)


def _refuse_taken_name(organization: Organization, policy_type: str, name: str) -> None:
    if any(p.name == name and p.type == policy_type for p in organization.policies.values()):
        raise ApiError(
            "DuplicatePolicyException",
            "A policy with the specified name and type already exists.",
        )


def _create(call: Call) -> Json:
    organization, policy_type = call.organization, call.params["Type"]
    if organization.feature_set != "ALL":
        raise ApiError(
            "PolicyTypeNotAvailableForOrganizationException",
            "This policy type is not available: the organization does not have all features.",
        )
    tags = tags_of(call.params, call.settings)
    _check_content(call, policy_type, call.params["Content"])
    most = limits(policy_type, call.settings).per_organization
    if sum(p.type == policy_type and not p.aws_managed for p in _all(organization)) >= most:
        raise constraint_violation(
            f"You have exceeded the number of policies of this type: {most}.",
            "POLICY_NUMBER_LIMIT_EXCEEDED",
        )
    _refuse_taken_name(organization, policy_type, call.params["Name"])
    policy = Policy(
        id=call.ids.policy(),
        name=call.params["Name"],
        description=call.params["Description"],
        type=policy_type,
        content=call.params["Content"],
    )
    organization.policies[policy.id] = policy
    organization.tags[policy.id] = tags
    return _describe(organization, policy)


def _all(organization: Organization) -> list[Policy]:
    return list(organization.policies.values())


def _update(call: Call) -> Json:
    policy = _own_policy(call)
    _refuse_while_disabling(call.organization, policy.type)
    name = call.params.get("Name", policy.name)
    content = call.params.get("Content", policy.content)
    _check_content(call, policy.type, content)
    if name != policy.name:
        _refuse_taken_name(call.organization, policy.type, name)
    policy.name, policy.content = name, content
    policy.description = call.params.get("Description", policy.description)
    _refresh(call, policy.type, _targets_of(call.organization, policy))
    return _describe(call.organization, policy)


def _delete(call: Call) -> Json:
    organization, policy = call.organization, _own_policy(call)
    if any(policy.id in attached for attached in organization.attachments.values()):
        raise ApiError(
            "PolicyInUseException",
            "The policy is attached to one or more entities. You must detach it from all roots, "
            "OUs, and accounts before performing this operation.",
        )
    del organization.policies[policy.id]
    organization.tags.pop(policy.id, None)
    return {}


def _target(call: Call) -> str:
    target: str = call.params["TargetId"]
    if not call.organization.is_target(target):
        raise ApiError(
            "TargetNotFoundException",
            "We can't find a root, OU, account, or policy with the TargetId that you specified.",
        )
    return target


def _refuse_while_disabling(organization: Organization, policy_type: str) -> None:
    state = organization.policy_types.get(policy_type)
    if state is not None and state.status == PENDING_DISABLE:
        # The model declares the error for these operations and not when it comes (inference).
        raise changes_in_progress()


def _attach(call: Call) -> Json:
    organization, policy, target = call.organization, _policy(call), _target(call)
    _refuse_while_disabling(organization, policy.type)
    if not organization.is_enabled(policy.type):
        raise ApiError(
            "PolicyTypeNotEnabledException",
            "The specified policy type isn't currently enabled in this root.",
        )
    attached = organization.attachments.setdefault(target, [])
    if policy.id in attached:
        raise ApiError(
            "DuplicatePolicyAttachmentException",
            "The selected policy is already attached to the specified target.",
        )
    most = limits(policy.type, call.settings).per_target
    if len(organization.attached(target, policy.type)) >= most:
        raise constraint_violation(
            f"You have exceeded the number of policies of this type that can be attached to one "
            f"target: {most}.",
            "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        )
    attached.append(policy.id)
    _refresh(call, policy.type, [target])
    return {}


def _detach(call: Call) -> Json:
    organization, policy, target = call.organization, _policy(call), _target(call)
    _refuse_while_disabling(organization, policy.type)
    attached = organization.attachments.get(target, [])
    if policy.id not in attached:
        raise ApiError(
            "PolicyNotAttachedException",
            "The policy isn't attached to the specified target in the specified root.",
        )
    if policy.aws_managed and policy.type == "RESOURCE_CONTROL_POLICY":
        raise invalid_input("You cannot detach RCPFullAWSAccess.", "NON_DETACHABLE_POLICY")
    fewest = limits(policy.type, call.settings).minimum
    if len(organization.attached(target, policy.type)) <= fewest:
        raise constraint_violation(
            f"At least {fewest} policy of this type must stay attached to the target.",
            "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        )
    attached.remove(policy.id)
    _refresh(call, policy.type, [target])
    return {}


def _targets_of(organization: Organization, policy: Policy) -> list[str]:
    attachments = organization.attachments.items()
    return [target for target, attached in attachments if policy.id in attached]


def _refresh(call: Call, policy_type: str, targets: list[str]) -> None:
    """Let the accounts under some targets have what a change means for them."""
    organization = call.organization
    if policy_type in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
        return
    for target in targets:
        accounts = effective_policies.accounts_below(organization, target)
        effective_policies.refresh(organization, accounts, call.clock.now(), policy_type)


def _list(call: Call) -> Json:
    organization = call.organization
    wanted = call.params["Filter"]
    items = [_summary(organization, p) for p in _all(organization) if p.type == wanted]
    return page(call.params, "Policies", items)


def _list_for_target(call: Call) -> Json:
    organization = call.organization
    attached = organization.attached(_target(call), call.params["Filter"])
    return page(call.params, "Policies", [_summary(organization, p) for p in attached])


def _targets(call: Call) -> Json:
    organization, policy = call.organization, _policy(call)
    items = [
        _target_summary(organization, target)
        for target, attached in organization.attachments.items()
        if policy.id in attached
    ]
    return page(call.params, "Targets", items)


def _target_summary(organization: Organization, id: str) -> Json:
    if id == organization.root_id:
        kind, name, arn = "ROOT", "Root", "root"
    elif id in organization.units:
        kind, name, arn = "ORGANIZATIONAL_UNIT", organization.units[id].name, "ou"
    else:
        kind, name, arn = "ACCOUNT", organization.accounts[id].name, "account"
    return {"TargetId": id, "Arn": organization.arn(arn, id), "Name": name, "Type": kind}


OPERATIONS = {
    "CreatePolicy": Operation(run=_create),
    "UpdatePolicy": Operation(run=_update),
    "DeletePolicy": Operation(run=_delete),
    "AttachPolicy": Operation(run=_attach),
    "DetachPolicy": Operation(run=_detach),
    "DescribePolicy": Operation(
        run=lambda call: _describe(call.organization, _policy(call)),
        read=True,
    ),
    "ListPolicies": Operation(run=_list, read=True),
    "ListPoliciesForTarget": Operation(run=_list_for_target, read=True),
    "ListTargetsForPolicy": Operation(run=_targets, read=True),
}
