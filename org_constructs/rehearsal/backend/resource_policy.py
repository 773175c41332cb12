"""The resource-based delegation policy: at most one in an organization."""

from __future__ import annotations

from .delegation_documents import check_delegation
from .errors import ApiError, invalid_input
from .operation import Call, Operation
from .state import Json, Organization, Policy
from .tags import tags_of
from .trusted_access import need_all_features


def _describe(organization: Organization, policy: Policy) -> Json:
    arn = organization.arn("resourcepolicy", policy.id)
    return {
        "ResourcePolicy": {
            "ResourcePolicySummary": {"Id": policy.id, "Arn": arn},
            "Content": policy.content,
        }
    }


def _current(call: Call) -> Policy:
    # Delegation is a feature of "all features" (documentation: orgs_delegate_policies).
    need_all_features(call.organization)
    policy = call.organization.resource_policy
    if policy is None:
        raise ApiError(
            "ResourcePolicyNotFoundException",
            "We can't find a resource policy request with the parameter that you specified.",
        )
    return policy


def _put(call: Call) -> Json:
    organization, content = call.organization, call.params["Content"]
    need_all_features(organization)
    check_delegation(content)
    tags = tags_of(call.params, call.settings)
    policy = organization.resource_policy
    if policy is None:
        policy = Policy(
            id=call.ids.resource_policy(),
            name="",
            description="",
            type="RESOURCE_POLICY",
            content=content,
        )
        organization.resource_policy = policy
        organization.tags[policy.id] = tags
    elif tags:
        # AWS takes tags only when the policy is created and says so in this way.
        raise invalid_input(
            "You can only add tags to a resource policy when you create it.",
            "INVALID_SYSTEM_TAGS_PARAMETER",
        )
    policy.content = content
    return _describe(organization, policy)


def _delete(call: Call) -> Json:
    policy = _current(call)
    call.organization.resource_policy = None
    call.organization.tags.pop(policy.id, None)
    return {}


OPERATIONS = {
    "PutResourcePolicy": Operation(run=_put),
    "DeleteResourcePolicy": Operation(run=_delete),
    "DescribeResourcePolicy": Operation(
        run=lambda call: _describe(call.organization, _current(call)), read=True
    ),
}
