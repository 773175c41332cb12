"""The policy types of AWS Organizations, and what is known of each that this library supports."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from org_constructs.model.errors import OrgError


class PolicyType(StrEnum):
    """Type of a policy, by the name that the API and CloudFormation give it.

    All names that AWS has are here, whether or not this library knows the grammar of their
    documents. `SECURITYHUB_CSPM_POLICY` is younger than the SDK that the tests use, and
    CloudFormation does not take it.

    Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreatePolicy.html
    """

    AISERVICES_OPT_OUT_POLICY = "AISERVICES_OPT_OUT_POLICY"
    BACKUP_POLICY = "BACKUP_POLICY"
    BEDROCK_POLICY = "BEDROCK_POLICY"
    CHATBOT_POLICY = "CHATBOT_POLICY"
    DECLARATIVE_POLICY_EC2 = "DECLARATIVE_POLICY_EC2"
    GUARDDUTY_POLICY = "GUARDDUTY_POLICY"
    INSPECTOR_POLICY = "INSPECTOR_POLICY"
    NETWORK_SECURITY_DIRECTOR_POLICY = "NETWORK_SECURITY_DIRECTOR_POLICY"
    RESOURCE_CONTROL_POLICY = "RESOURCE_CONTROL_POLICY"
    S3_POLICY = "S3_POLICY"
    SECURITYHUB_CSPM_POLICY = "SECURITYHUB_CSPM_POLICY"
    SECURITYHUB_POLICY = "SECURITYHUB_POLICY"
    SERVICE_CONTROL_POLICY = "SERVICE_CONTROL_POLICY"
    TAG_POLICY = "TAG_POLICY"
    UPGRADE_ROLLOUT_POLICY = "UPGRADE_ROLLOUT_POLICY"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTypeSpec:
    """What is known of one policy type.

    Attributes:
        policy_type: the type.
        title: its name in prose, such as `service control policy`.
        characters: quota for the characters of one document, by its name in the quotas.
        per_target: quota for the policies of this type on one root, OU or account.
        per_target_minimum: quota for the policies that have to stay attached, if any have to.
        per_organization: quota for the policies of this type in the organization.
        aws_managed: the policy that AWS attaches by itself and that counts against `per_target`;
            empty when there is none.
        missing_in: partitions in which AWS does not offer the type.
        grammar: returns what is wrong with a document, nothing if all is well.
        documented_at: where AWS documents the grammar.
    """

    policy_type: PolicyType
    title: str
    characters: str
    per_target: str
    per_target_minimum: str | None = None
    per_organization: str
    aws_managed: str = ""
    missing_in: tuple[str, ...] = ()
    grammar: Callable[[Mapping[str, Any]], Iterable[str]]
    documented_at: str

    def findings(self, content: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with the grammar of a document, in the order of the document.

        CDK tokens and CloudFormation functions are never a finding: what they become is only
        known at deployment.
        """
        return list(self.grammar(content))


def check_policy_type(value: str) -> str:
    """Return `value` if it is a policy type that AWS has.

    Raises:
        OrgError: `ORG015`.
    """
    known = [str(member) for member in PolicyType]
    if str(value) not in known:
        near = difflib.get_close_matches(str(value), known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
        raise OrgError("ORG015", f"policy type {str(value)!r} is unknown; {hint}")
    return str(value)


@cache
def policy_type_specs() -> tuple[PolicyTypeSpec, ...]:
    """Return what is known of every supported policy type, by name.

    Each module of the folder `types` describes one type by its value `POLICY_TYPE`.
    """
    from . import types

    modules = sorted(
        module.name for module in pkgutil.iter_modules(types.__path__) if module.name[0] != "_"
    )
    return tuple(
        importlib.import_module(f"{types.__name__}.{name}").POLICY_TYPE for name in modules
    )


def policy_type_spec(policy_type: PolicyType) -> PolicyTypeSpec | None:
    """Return what is known of a policy type, or None when this library does not support it yet."""
    for spec in policy_type_specs():
        if spec.policy_type == policy_type:
            return spec
    return None
